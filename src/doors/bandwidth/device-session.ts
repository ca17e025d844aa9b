/**
 * One device: a leg, and the socket that it is signalled over, which may be lost and replaced within the leg's life.
 *
 *   begin ──attach──► attached ──socket lost──► detached ──reconnect time over──► ended
 *                        ▲   │                      │
 *                        │   └── leave, close 1000 ─┼──► ended
 *                        └───────── attach ─────────┘
 */
import type { Clock, Timer } from '../../domain/clock.js';
import type { DoorLeg, LegSignalling } from '../../domain/legs/door-leg.js';
import type { Logger } from '../../domain/logger.js';
import type { Outcome } from '../../domain/outcome.js';
import { deviceOpening } from './device-opening.js';
import { DeviceRequests } from './device-requests.js';
import { closeCode, type DeviceSocket } from './device-socket.js';
import { formatRpcNotification, formatRpcResult, type RpcMessage } from './json-rpc.js';
import { SubscribeNegotiation } from './subscribe-negotiation.js';

export interface DeviceSessionOptions {
  /** The client's own id, which it keeps over reconnections. */
  readonly deviceId: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** How long a device whose socket was lost may take to come back. */
  readonly reconnectTimeoutMs: number;
  /** Requests of one device that wait for those before them. */
  readonly maxPending: number;
  readonly onEnded: (session: DeviceSession) => void;
}

/** Its client comes back by itself after this; a normal closure it takes as final. */
const serviceRestart = 1012;

export class DeviceSession implements LegSignalling {
  readonly deviceId: string;
  readonly #options: DeviceSessionOptions;
  #logger: Logger;
  #leg: DoorLeg | null = null;
  #socket: DeviceSocket | null = null;
  #negotiation: SubscribeNegotiation | null = null;
  #requests: DeviceRequests | null = null;
  #reconnectTimer: Timer | null = null;
  #begun: Promise<void> = Promise.resolve();
  #connections = 0;
  #ended = false;

  constructor(options: DeviceSessionOptions) {
    this.deviceId = options.deviceId;
    this.#options = options;
    this.#logger = options.logger.child({ deviceId: options.deviceId });
  }

  /** Its socket was lost, and it may still come back. */
  get isDetached(): boolean {
    return this.#reconnectTimer !== null;
  }

  get hasEnded(): boolean {
    return this.#ended;
  }

  /** Resolves when the session has begun or has failed to. */
  get begun(): Promise<void> {
    return this.#begun;
  }

  /**
   * Waits for the leg that is being admitted for this session, and opens its media for a device at that address. Rejects with
   * Refusal; the session has ended then. Call it in the turn in which the session is made.
   */
  begin(admission: Promise<DoorLeg>, source: string): Promise<void> {
    const beginning = this.#begin(admission, source).catch((error: unknown) => {
      this.#end(closeCode.normal, { endedBy: 'gateway', reason: 'refused' });
      throw error;
    });
    this.#begun = beginning.catch(() => undefined);
    return beginning;
  }

  async #begin(admission: Promise<DoorLeg>, source: string): Promise<void> {
    const leg = await admission;
    this.#leg = leg;
    this.#logger = this.#logger.child({ legId: leg.legId, participantId: leg.participant.id });
    await leg.open({ ...deviceOpening, signallingAddress: source });
    const negotiation = new SubscribeNegotiation({
      connection: leg.connection('subscribe'),
      endpointId: `${leg.legId}.subscribe`,
      clock: this.#options.clock,
      logger: this.#logger,
      send: (offer) => this.#socket?.send(formatRpcNotification('sdpOffer', offer)),
    });
    this.#negotiation = negotiation;
    this.#requests = new DeviceRequests({
      ...{ leg, negotiation, logger: this.#logger },
      ...{ clock: this.#options.clock, maxPending: this.#options.maxPending },
      send: (text) => this.#socket?.send(text),
    });
    leg.answered();
    leg.established();
  }

  /** The device's signalling goes over this socket from now on; one before it is closed. */
  attach(socket: DeviceSocket): void {
    if (this.#ended) {
      socket.close(closeCode.normal, 'left');
      return;
    }
    const before = this.#socket;
    if (before !== null) {
      before.close(serviceRestart, 'replaced');
      this.#detached(before);
    }
    this.#reconnectTimer?.cancel();
    this.#reconnectTimer = null;
    this.#socket = socket;
    this.#connections += 1;
    if (this.#connections > 1) this.#leg?.signallingBack();
    this.#logger.info({ connections: this.#connections }, 'device connected');
    socket.read({
      onMessage: (message) => {
        if (this.#socket === socket) this.#take(message);
      },
      onClosed: (code) => this.#lost(socket, code),
    });
    if (this.#socket === socket) this.#negotiation?.attach();
  }

  /** LegSignalling: the leg receives other streams now. */
  renegotiate(): void {
    this.#negotiation?.request();
  }

  /** LegSignalling: the gateway ends the leg. */
  terminate(outcome: Outcome): void {
    const isFinal = outcome.endedBy === 'application';
    this.#end(isFinal ? closeCode.normal : serviceRestart, outcome);
  }

  /** Ends the leg from the device's side. Resolves when its slot is free. */
  async leave(outcome: Outcome): Promise<void> {
    const leg = this.#leg;
    this.#end(closeCode.normal, outcome);
    await leg?.end(outcome);
  }

  #end(code: number, outcome: Outcome): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#negotiation?.close();
    this.#requests?.close();
    this.#reconnectTimer?.cancel();
    const socket = this.#socket;
    if (socket !== null) {
      socket.close(code, outcome.reason);
      this.#detached(socket);
    }
    // One that was not let in has had its line.
    if (this.#leg !== null) this.#logger.info({ outcome }, 'device ended');
    this.#options.onEnded(this);
  }

  #lost(socket: DeviceSocket, code: number): void {
    if (this.#socket !== socket) return;
    if (code === closeCode.normal) {
      void this.leave({ endedBy: 'participant', reason: 'hangup' });
      return;
    }
    this.#detached(socket);
    this.#logger.info({ code }, 'device lost');
    this.#negotiation?.detach();
    this.#reconnectTimer = this.#options.clock.after(this.#options.reconnectTimeoutMs, () => {
      void this.leave({ endedBy: 'participant', reason: 'connection-lost' });
    });
  }

  #detached(socket: DeviceSocket): void {
    if (this.#socket !== socket) return;
    this.#socket = null;
    if (socket.messagesDropped > 0)
      this.#logger.info({ messages: socket.messagesDropped }, 'messages too long to be read');
    this.#leg?.signallingLost();
  }

  #take(message: RpcMessage): void {
    if (message.kind === 'response' || message.kind === 'invalid') return;
    // Not behind what is being negotiated: who leaves is gone at once.
    if (message.method === 'leave') {
      if (message.kind === 'request') this.#socket?.send(formatRpcResult(message.id, {}));
      void this.leave({ endedBy: 'participant', reason: 'hangup' });
      return;
    }
    this.#requests?.serve(message);
  }
}
