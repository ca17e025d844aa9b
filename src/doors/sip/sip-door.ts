/**
 * The SIP door: connects drachtio-srf to our own SIP server and to any number of drachtio-servers, and turns every new
 * INVITE into a call.
 */
import type { Clock } from '../../domain/clock.js';
import type { RefusedCall } from '../../domain/facts/refused-call.js';
import type { LegAdmission } from '../../domain/legs/leg-admission.js';
import { LimitedLines, strangersLines } from '../../domain/limited-lines.js';
import type { Logger } from '../../domain/logger.js';
import type { SipAddress } from './host-ports.js';
import { refusalResponse } from './refusal-response.js';
import { guardRequire, tagOf } from './request-guard.js';
import { IncomingCall, type IncomingCallSettings } from './incoming-call.js';
import type { QuickAck } from './quick-ack.js';
import { acceptedBodies } from './session-body.js';
import { drachtioServer, ownServer, supportedOptions, type ServerTraits } from './server-traits.js';
import {
  SipServerLink,
  within,
  type LinkSettings,
  type SipServerAddress,
  type SipServerLinkOptions,
  type SipServerStatistics,
} from './sip-server-link.js';
import type { SrfRequest, SrfResponse } from './srf.js';
import { StandingDialogs } from './standing-dialogs.js';
import type { TrunkReply, TrunkRequest } from './trunk-requests.js';

export interface SipDoorOptions {
  /** The admin port of our own SIP server, which must accept us at once. */
  readonly server: SipServerAddress;
  /** drachtio-servers, which may come and go; phones then come through them. */
  readonly external?: {
    readonly servers: readonly SipServerAddress[];
    readonly settings: LinkSettings;
    readonly quickAck: QuickAck;
  };
  readonly legs: LegAdmission;
  /** No new calls are taken: OPTIONS says so. */
  readonly isDraining: () => boolean;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly settings: IncomingCallSettings;
  readonly onRefused: (call: RefusedCall) => void;
}

/** Start waits so long for drachtio-servers, so that the addresses they have for phones are known then. */
const firstAttemptTimeoutMs = 3000;
/** It goes with us: no call outlives it, and nobody need ask whether it hears. */
const ownServerLink: LinkSettings = { longestRetryMs: 10_000, graceMs: 0, probeMs: 0, probeFailures: 0 };

export class SipDoor {
  readonly #options: SipDoorOptions;
  readonly #own: SipServerLink;
  readonly #external: readonly SipServerLink[];
  readonly #refusalLines: LimitedLines;
  readonly #dialogs = new StandingDialogs();
  #closing: Promise<void> | undefined;

  private constructor(options: SipDoorOptions) {
    this.#options = options;
    const { server, external, clock, logger } = options;
    this.#refusalLines = new LimitedLines({
      ...{ clock, ...strangersLines },
      tellMore: (counts) => logger.warn(counts, 'more calls were refused'),
    });
    this.#own = this.#link({ server, traits: ownServer, settings: ownServerLink, quickAck: null });
    this.#external =
      external?.servers.map((server) => {
        const { settings, quickAck } = external;
        return this.#link({ server, traits: drachtioServer, settings, quickAck });
      }) ?? [];
  }

  /** Resolves when our own SIP server has accepted us; rejects where it refuses. Others may come later. */
  static async open(options: SipDoorOptions): Promise<SipDoor> {
    const door = new SipDoor(options);
    const attempts = door.#external.map((link) => link.start().catch(() => undefined));
    try {
      await door.#own.start();
    } catch (error) {
      await door.close();
      throw error;
    }
    await within(options.clock, firstAttemptTimeoutMs, Promise.all(attempts));
    return door;
  }

  /** Whether phones can call. */
  get isConnected(): boolean {
    return this.troubles.length === 0;
  }

  /** Why phones cannot call; empty where at least one of the servers they come through is connected and hears. */
  get troubles(): readonly string[] {
    const own = this.#own.trouble;
    const troubles = this.#external.flatMap(({ trouble }) => trouble ?? []);
    const isNoneLeft = this.#external.length > 0 && troubles.length === this.#external.length;
    return [...(own === null ? [] : [own]), ...(isNoneLeft ? troubles : [])];
  }

  /** Where phones reach the first drachtio-server that takes calls, by its own word; empty without any. */
  get addresses(): readonly SipAddress[] {
    const known = this.#external.filter(({ addresses }) => addresses.length > 0);
    return (known.find(({ trouble }) => trouble === null) ?? known[0])?.addresses ?? [];
  }

  get callCount(): number {
    return [this.#own, ...this.#external].reduce((sum, { callCount }) => sum + callCount, 0);
  }

  /** What is counted of each drachtio-server. */
  statistics(): readonly SipServerStatistics[] {
    return this.#external.map((link) => link.statistics());
  }

  /** Sends a request outside of calls by our own SIP server; settles with its final response. Rejects where it could not be sent. */
  request(request: TrunkRequest): Promise<TrunkReply> {
    return this.#own.request(request);
  }

  /** Hangs up what is left, waits a little for the far ends’ responses, and disconnects; idempotent. */
  close(): Promise<void> {
    const links = [this.#own, ...this.#external];
    return (this.#closing ??= Promise.all(links.map((link) => link.close())).then(() =>
      this.#refusalLines.close(),
    ));
  }

  #link(peer: Pick<SipServerLinkOptions, 'server' | 'traits' | 'settings' | 'quickAck'>): SipServerLink {
    const { traits } = peer;
    const { legs, clock, logger, settings, onRefused } = this.#options;
    return new SipServerLink({
      ...peer,
      clock,
      logger,
      onOther: (request, response) => this.#answerOther(traits, request, response),
      newCall: (link, srf, request, response) =>
        new IncomingCall({
          srf,
          request,
          response,
          legs,
          dialogs: this.#dialogs,
          clock,
          logger,
          refusalLines: this.#refusalLines,
          settings,
          traits,
          onRefused,
          onFarewell: (done) => link.farewell(done),
          onClosed: (closed) => link.callClosed(closed),
        }),
    });
  }

  /** What belongs to no call. Our own SIP server answers it by itself. */
  #answerOther({ allow }: ServerTraits, request: SrfRequest, response: SrfResponse): void {
    const { method } = request;
    if (method === 'ACK') return;
    const fault = guardRequire(request);
    if (fault !== null) response.send(fault.status, { headers: { ...fault.headers } });
    else if (method === 'OPTIONS' && this.#options.isDraining()) {
      const { status, headers } = refusalResponse('draining', this.#options.settings.retryAfterSeconds);
      response.send(status, { headers });
    } else if (method === 'OPTIONS')
      response.send(200, {
        headers: { Allow: allow, Accept: acceptedBodies, Supported: supportedOptions },
      });
    else if (tagOf(request.get('To')) === null && !ownServer.allow.split(', ').includes(method))
      response.send(405, { headers: { Allow: allow } });
    else response.send(481);
  }
}
