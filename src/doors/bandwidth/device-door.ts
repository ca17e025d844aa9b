/**
 * The door for Bandwidth's browser clients (device API v3): every WebSocket on its path is a device that comes, comes
 * back, or is refused. A refused one is accepted first and then closed with 1000: its client would try for ever where it
 * was answered 401.
 */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Clock } from '../../domain/clock.js';
import type { RefusedCall } from '../../domain/facts/refused-call.js';
import type { LegAdmission } from '../../domain/legs/leg-admission.js';
import { LimitedLines, strangersLines } from '../../domain/limited-lines.js';
import type { Logger } from '../../domain/logger.js';
import { refusalOf } from '../../domain/refusal-of.js';
import { Refusal } from '../../domain/refusal.js';
import type { Credential } from '../../domain/participants/token.js';
import { DeviceSession } from './device-session.js';
import { closeCode, DeviceSocket, type MessageSocket } from './device-socket.js';

export interface DeviceDoorOptions {
  readonly legs: LegAdmission;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly onRefused: (call: RefusedCall) => void;
  /** How long a device whose socket was lost may take to come back. Default 30 000 ms. */
  readonly reconnectTimeoutMs?: number;
  /** Requests of one device that wait for those before them. Default 16. */
  readonly maxPending?: number;
}

export class DeviceDoor {
  readonly #options: DeviceDoorOptions;
  readonly #sockets = new Set<DeviceSocket>();
  /** By participant id. */
  readonly #sessions = new Map<string, DeviceSession>();
  readonly #refusalLines: LimitedLines;
  #closed = false;

  constructor(options: DeviceDoorOptions) {
    this.#options = options;
    const { clock, logger } = options;
    this.#refusalLines = new LimitedLines({
      ...{ clock, ...strangersLines },
      tellMore: (counts) => logger.warn(counts, 'more devices were refused'),
    });
  }

  /** Devices that are about to be let in, connected, or may come back. */
  get deviceCount(): number {
    return this.#sessions.size;
  }

  /** Takes a WebSocket that was upgraded. `source` is where it came from, for the limit on guesses. */
  accept(webSocket: MessageSocket, request: Pick<IncomingMessage, 'url'>, source: string): void {
    const { clock, logger } = this.#options;
    const socket = new DeviceSocket(webSocket, clock);
    this.#sockets.add(socket);
    webSocket.on('close', () => this.#sockets.delete(socket));
    const query = readQuery(request.url ?? '');
    this.#welcome(socket, query, source).catch((error: unknown) => {
      const expected = refusalOf(error);
      const refusal = expected ?? new Refusal('overloaded', 'internal error');
      const { code, detail } = refusal;
      const line = () => logger.info({ code, detail, source }, 'device refused');
      if (expected !== null) this.#refusalLines.write(line, { devices: 1 });
      else logger.error({ err: error }, 'a device could not be admitted');
      this.#tellRefused(refusal, query, source);
      // After any other code than 1000 the client tries again by itself.
      const isTransient = code === 'overloaded' || code === 'draining';
      socket.close(isTransient ? closeCode.tryAgainLater : closeCode.normal, code);
    });
  }

  #tellRefused({ code, detail, party }: Refusal, { deviceId }: Query, source: string): void {
    const { participantId = null, legId = null } = party;
    this.#options.onRefused({
      ...{ door: 'bandwidth', code, source, participantId, accountId: null, legId },
      details: () => ({
        ...{ callId: deviceId, voiceCallId: null, caller: null, dialled: null, sipStatus: null, detail },
      }),
    });
  }

  /** Closes every socket; the legs that are left are ended elsewhere. Idempotent. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#refusalLines.close();
    for (const socket of this.#sockets) socket.close(closeCode.tryAgainLater, 'draining');
  }

  async #welcome(socket: DeviceSocket, { credential, deviceId }: Query, source: string): Promise<void> {
    const { legs } = this.#options;
    if (this.#closed) throw new Refusal('draining');
    const participantId = await legs.identify(credential, source);
    const current = () => this.#sessions.get(participantId);
    // Looked up anew after each wait: another socket may have come meanwhile.
    for (let session = current(); session !== undefined; session = current()) {
      await session.begun;
      if (session.hasEnded) continue;
      if (session.deviceId === deviceId) {
        session.attach(socket);
        return;
      }
      if (!session.isDetached) throw new Refusal('participant-occupied', null, { participantId });
      // The page was loaded anew: what it was before does not come back.
      await session.leave({ endedBy: 'participant', reason: 'connection-lost' });
    }
    await this.#admit(socket, { credential, deviceId, participantId, source });
  }

  async #admit(socket: DeviceSocket, arrival: Arrival): Promise<void> {
    const { credential, deviceId, participantId, source } = arrival;
    const { legs, clock, logger, reconnectTimeoutMs = 30_000, maxPending = 16 } = this.#options;
    const session = new DeviceSession({
      deviceId,
      clock,
      logger,
      reconnectTimeoutMs,
      maxPending,
      onEnded: (ended) => {
        if (this.#sessions.get(participantId) === ended) this.#sessions.delete(participantId);
      },
    });
    // Before it is admitted: a socket of the same device that comes meanwhile is to wait for it, not to be refused.
    this.#sessions.set(participantId, session);
    const admission = legs.admit({
      credential,
      door: 'bandwidth',
      callId: deviceId,
      clientId: deviceId,
      voiceCallId: null,
      source,
      signalling: session,
    });
    await session.begin(admission, source);
    session.attach(socket);
  }
}

interface Query {
  readonly credential: Credential | null;
  readonly deviceId: string;
}

/** A device that is to be a leg of this participant. */
interface Arrival extends Query {
  readonly participantId: string;
  readonly source: string;
}

function readQuery(url: string): Query {
  const query = new URLSearchParams(url.slice(url.indexOf('?') + 1));
  const token = query.get('token') ?? '';
  const uniqueId = query.get('uniqueId') ?? '';
  return {
    credential: token === '' ? null : { kind: 'jwt', value: token },
    // A client without an id of its own cannot come back, and is none the worse for it.
    deviceId: /^[\w-]{1,64}$/.test(uniqueId) ? uniqueId : randomUUID(),
  };
}
