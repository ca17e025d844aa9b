/**
 * The phone edge on FreeSWITCH: a media plane around that of the media workers. Browsers' legs are the workers' alone. A phone's
 * audio goes carrier — FreeSWITCH — worker: FreeSWITCH does codecs, SRTP and the carrier's oddities, the worker all else.
 */
import { createHash, randomInt } from 'node:crypto';
import type { Clock } from '../../domain/clock.js';
import {
  type MediaLeg,
  type MediaPlane,
  type MediaRecording,
  MediaRefusal,
  type OpenLegRequest,
  type OpenRecordingRequest,
  type SrtpPolicy,
} from '../../domain/media-plane.js';
import type { MediaAddress } from '../../sdp/media-address.js';
import type { MediaLogger } from '../media-logger.js';
import { readCarrierOffer, type CarrierPreferences } from './carrier-sdp.js';
import { isG711, type EdgeCodecName } from './edge-codecs.js';
import { FreeSwitchLeg, type ExpectReachable } from './freeswitch-leg.js';
import { FreeSwitchServer, type FreeSwitchServerStatistics } from './freeswitch-server.js';
import type { EdgeSrf } from './inviter.js';
import { LegEvents } from './leg-events.js';
import { openChannels } from './open-channels.js';

export interface FreeSwitchPlaneOptions {
  readonly clock: Clock;
  /** The media workers' plane; closed with this one. */
  readonly native: MediaPlane;
  /** Throws MediaRefusal `bad-sdp` where this is the gateway's own address and port. */
  readonly refuseOwn: (destination: MediaAddress) => Promise<void>;
  /** Where FreeSWITCH reaches the media workers, where that is not what they tell others. */
  readonly workerAddress?: string;
  /** A connected drachtio-srf, over which SIP goes to FreeSWITCH. */
  readonly srf: object;
  readonly servers: readonly { readonly host: string; readonly port: number; readonly secret: string }[];
  /** Our address towards FreeSWITCH, which connects its event sockets to it. */
  readonly listenAddress: string;
  /** The first FreeSWITCH's TCP port there, the next one's is one higher, and so on; 0: any. */
  readonly listenPort: number;
  /** Phones while no FreeSWITCH is alive or has room: to the workers, or refused as `overloaded`. */
  readonly fallback: 'native' | 'refuse';
  /** What FreeSWITCH has not done by then has failed. */
  readonly requestTimeoutMs: number;
  /** Whether the audio of phones of which nothing else is asked is encrypted. Default `allow`. */
  readonly phoneSrtp?: SrtpPolicy;
  /** Longest pause between attempts to connect. */
  readonly longestRetryMs: number;
  /** Between two health checks of one FreeSWITCH. */
  readonly healthMs: number;
  readonly maxLegsPerServer: number;
  /** This gateway's, which no other that uses the same FreeSWITCH has: its channels are told by it. */
  readonly nodeName: string;
  readonly logger: MediaLogger;
}

export interface FreeSwitchPlane extends MediaPlane {
  statistics(): readonly FreeSwitchServerStatistics[];
}

/** How many FreeSWITCHes a call is tried on. */
const maxAttempts = 2;

/**
 * Resolves when each FreeSWITCH was tried once. Those that are away are tried again, for ever: it never rejects for them.
 * Throws RangeError for an address that nobody could connect to.
 */
export async function createFreeSwitchPlane(options: FreeSwitchPlaneOptions): Promise<FreeSwitchPlane> {
  if (/^(?:0\.0\.0\.0|::|)$/.test(options.listenAddress))
    throw new RangeError('FreeSWITCH must be told an address of ours, not one that stands for all');
  const plane = new EdgePlane(options);
  await plane.start();
  return plane;
}

class EdgePlane implements FreeSwitchPlane {
  readonly #options: FreeSwitchPlaneOptions;
  readonly #native: MediaPlane;
  readonly #servers: readonly FreeSwitchServer[];
  /** Until their channels are gone. */
  readonly #legs = new Set<FreeSwitchLeg>();
  readonly #opening = new Set<Promise<unknown>>();
  #isClosed = false;

  constructor(options: FreeSwitchPlaneOptions) {
    this.#options = options;
    this.#native = options.native;
    const owner = createHash('sha256').update(options.nodeName).digest('hex').slice(0, 24);
    this.#servers = options.servers.map(
      (server, index) =>
        new FreeSwitchServer({
          ...options,
          ...server,
          srf: options.srf as EdgeSrf,
          listenPort: options.listenPort === 0 ? 0 : options.listenPort + index,
          owner,
        }),
    );
  }

  async start(): Promise<void> {
    await Promise.all(this.#servers.map((server) => server.start()));
  }

  get isReady(): boolean {
    if (this.#isClosed || !this.#native.isReady) return false;
    return this.#options.fallback === 'native' || this.#servers.some(({ isAlive }) => isAlive);
  }

  async openLeg(request: OpenLegRequest): Promise<MediaLeg> {
    if (this.#isClosed) throw new MediaRefusal('overloaded', 'the media plane is closed');
    // A leg that goes on where its media was lost was with a worker before.
    const goesOn = request.connections.some(({ resumes }) => resumes !== undefined);
    if (request.kind !== 'phone' || goesOn) return this.#native.openLeg(request);
    const opening = this.#openPhone(request);
    this.#opening.add(opening);
    try {
      return await opening;
    } finally {
      this.#opening.delete(opening);
    }
  }

  openRecording(request: OpenRecordingRequest): Promise<MediaRecording> {
    return this.#native.openRecording(request);
  }

  statistics(): readonly FreeSwitchServerStatistics[] {
    return this.#servers.map(({ statistics }) => statistics);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.allSettled(this.#opening);
    await Promise.all([...this.#legs].map((leg) => leg.close().then(() => leg.gone)));
    await Promise.all(this.#servers.map((server) => server.close()));
    await this.#native.close();
  }

  async #openPhone(request: OpenLegRequest): Promise<MediaLeg> {
    const { logger, fallback } = this.#options;
    const tried = new Set<FreeSwitchServer>();
    while (tried.size < maxAttempts && !this.#isClosed) {
      const server = this.#choose(tried);
      if (server === null) break;
      tried.add(server);
      try {
        return await this.#openOn(server, request);
      } catch (error) {
        if (error instanceof MediaRefusal) throw error;
        const { host, port } = server.statistics;
        logger.warn({ host, port, legId: request.legId, error: String(error) }, 'FreeSWITCH took no call');
      }
    }
    if (fallback === 'refuse' || this.#isClosed)
      throw new MediaRefusal('overloaded', 'no FreeSWITCH takes calls');
    return this.#native.openLeg(request);
  }

  /** The one with the fewest legs of those that are alive and have room. */
  #choose(tried: ReadonlySet<FreeSwitchServer>): FreeSwitchServer | null {
    const candidates = this.#servers.filter(
      (server) => server.isAlive && server.legs < this.#options.maxLegsPerServer && !tried.has(server),
    );
    return candidates.reduce<FreeSwitchServer | null>(
      (best, server) => (best === null || server.legs < best.legs ? server : best),
      null,
    );
  }

  async #openOn(server: FreeSwitchServer, request: OpenLegRequest): Promise<MediaLeg> {
    const { legId, connections, listener, phoneTerms } = request;
    const wanted = phoneTerms?.codecs ?? null;
    const codecs =
      wanted === null
        ? server.codecs
        : new Set<EdgeCodecName>(wanted.filter((codec) => server.codecs.has(codec)));
    const preferences: CarrierPreferences = {
      order: wanted === null ? 'offerer' : 'own',
      telephoneEvents: phoneTerms?.telephoneEvents ?? true,
      srtp: phoneTerms?.srtp ?? this.#options.phoneSrtp ?? 'allow',
    };
    const offer = connections[0]?.offer ?? null;
    if (offer === null && preferences.srtp === 'require')
      throw new MediaRefusal(
        'no-common-codec',
        'the call must be encrypted (SRTP), which FreeSWITCH does not offer by itself',
      );
    const terms = offer === null ? null : readCarrierOffer(offer, codecs, null, preferences);
    const expectReachable: ExpectReachable = async (far) => {
      server.expectReachable(far);
      if (far.peer !== null) await this.#options.refuseOwn(far.peer);
    };
    if (terms !== null) await expectReachable(terms);
    const isUntouched = terms !== null && isG711(terms.codec.name);
    const sessionId = String(randomInt(1, 2 ** 47));
    const events = new LegEvents(legId, listener, this.#options.logger);
    const lost = new AbortController();
    // The server counts the leg, and tells of a loss, from here on.
    const opening = { serverLost: () => lost.abort() };
    server.serve(opening);
    try {
      const channels = await openChannels({
        ...{ request, terms, isUntouched, server, events, native: this.#native },
        workerAddress: this.#options.workerAddress ?? null,
        identity: { sessionId, version: 1 },
        signal: lost.signal,
      });
      const leg = await FreeSwitchLeg.begin({
        ...{ clock: this.#options.clock, legId, sessionId, server, events, channels, terms, expectReachable },
        // What FreeSWITCH leaves untouched it cannot turn into something else later.
        preferences,
        codecs: isUntouched ? new Set([...codecs].filter(isG711)) : codecs,
        onGone: (gone) => {
          server.release(gone);
          this.#legs.delete(gone);
        },
      });
      if (this.#isClosed || lost.signal.aborted || leg.isClosed) {
        await leg.close();
        throw new Error('it was lost while the leg was opened');
      }
      server.serve(leg);
      this.#legs.add(leg);
      events.begin();
      return leg;
    } finally {
      server.release(opening);
    }
  }
}
