/**
 * One FreeSWITCH: connected to for as long as the edge stands, asked for its health, and cleared of what an earlier life left.
 *
 *     away ──connected──▶ alive ──lost, or no answer in time──▶ away …
 *
 * A bridged channel outlives the event socket that made it. So every channel of ours ends by itself where the gateway falls
 * silent: a task in FreeSWITCH that hangs them up is put off with each health check.
 */
import { randomUUID } from 'node:crypto';
import type { Clock, Timer } from '../../domain/clock.js';
import { MediaRefusal } from '../../domain/media-plane.js';
import { addressTypeOf } from '../../sdp/media-address.js';
import type { MediaLogger } from '../media-logger.js';
import type { CarrierTerms } from './carrier-sdp.js';
import type { Channel } from './channel.js';
import { codecsOfFreeSwitch, type EdgeCodecName } from './edge-codecs.js';
import { EventSocketRefusal, openEventSocket, type EventSocket } from './event-socket.js';
import {
  connectMediaServer,
  sipProfile,
  type MediaServerConnection,
  type OuterChannel,
} from './freeswitch.js';
import { isOneOf, readMediaPorts, type MediaPorts } from './media-ports.js';
import { ownerVariable, type EdgeSrf } from './inviter.js';

export interface FreeSwitchServerOptions {
  readonly clock: Clock;
  readonly host: string;
  readonly port: number;
  readonly secret: string;
  readonly srf: EdgeSrf;
  readonly listenAddress: string;
  readonly listenPort: number;
  readonly requestTimeoutMs: number;
  readonly longestRetryMs: number;
  readonly healthMs: number;
  /** Marks our channels; nobody else's bear it. */
  readonly owner: string;
  readonly logger: MediaLogger;
}

/** A leg with channels here. */
export interface ServedLeg {
  /** FreeSWITCH is gone, and the leg's channels with it. */
  serverLost(): void;
}

export interface FreeSwitchServerStatistics {
  readonly host: string;
  readonly port: number;
  readonly isAlive: boolean;
  readonly legs: number;
  /** Why it is away, or was last; null where it never was. */
  readonly lastError: string | null;
}

interface Connection {
  readonly events: EventSocket;
  readonly media: MediaServerConnection;
  readonly codecs: ReadonlySet<EdgeCodecName>;
  readonly externalAddress: string | null;
  /** Where its own media comes in; null where its configuration does not say. */
  readonly mediaPorts: MediaPorts | null;
}

const firstRetryMs = 500;
/** The share of the pause that is random, so that several gateways do not come together. */
const retryJitter = 0.2;
/** Health checks that may fail to come before our channels are hung up. */
const missedHealthChecks = 4;
const shortestReprieveS = 10;

export class FreeSwitchServer {
  readonly #options: FreeSwitchServerOptions;
  readonly #legs = new Set<ServedLeg>();
  readonly #reprieve: string;
  /**
   * FreeSWITCH's names for the task that hangs up, in turns: the next is there before the last is taken away. Of this life
   * only.
   */
  readonly #tasks: [next: string, last: string] = [
    `landbridge-${randomUUID()}`,
    `landbridge-${randomUUID()}`,
  ];
  #connection: Connection | null = null;
  #timer: Timer | null = null;
  #retryMs = firstRetryMs;
  #lastError: string | null = null;
  #isToldAway = false;
  #isStrangerTold = false;
  #isClosed = false;

  constructor(options: FreeSwitchServerOptions) {
    this.#options = options;
    const silenceMs = missedHealthChecks * options.healthMs + options.requestTimeoutMs;
    this.#reprieve = `+${Math.max(shortestReprieveS, Math.ceil(silenceMs / 1000))}`;
  }

  get isAlive(): boolean {
    return this.#connection !== null;
  }

  get legs(): number {
    return this.#legs.size;
  }

  /** What this FreeSWITCH can decode. */
  get codecs(): ReadonlySet<EdgeCodecName> {
    return this.#connected.codecs;
  }

  /** Behind NAT: the address that carriers send to. */
  get externalAddress(): string | null {
    return this.#connection?.externalAddress ?? null;
  }

  /**
   * Throws MediaRefusal `bad-sdp` where the far end is at one of its own ports for media, another call's or the next one's, and
   * `no-common-codec` where it is in a family of addresses that FreeSWITCH has none of.
   */
  expectReachable({ peer, addressType }: Pick<CarrierTerms, 'peer' | 'addressType'>): void {
    const { externalAddress, mediaPorts } = this.#connected;
    if (mediaPorts === null) return;
    if (addressType !== null && addressType !== addressTypeOf(mediaPorts.address))
      throw new MediaRefusal(
        'no-common-codec',
        `the media is in ${addressType}, where FreeSWITCH has no address`,
      );
    if (peer !== null && isOneOf(mediaPorts, externalAddress, peer))
      throw new MediaRefusal('bad-sdp', "an address is FreeSWITCH's own");
  }

  get statistics(): FreeSwitchServerStatistics {
    const { host, port } = this.#options;
    return { host, port, isAlive: this.isAlive, legs: this.legs, lastError: this.#lastError };
  }

  /** Connects, and again whenever the connection is lost. Resolves after the first attempt, however it went. */
  async start(): Promise<void> {
    await this.#attempt();
  }

  /** Counts a leg, and tells it of a loss, until `release`. */
  serve(leg: ServedLeg): void {
    this.#legs.add(leg);
  }

  release(leg: ServedLeg): void {
    this.#legs.delete(leg);
  }

  /** Makes a channel towards a carrier. Throws ChannelRefusal, or an error within the time. */
  openOuter(channel: OuterChannel, signal: AbortSignal): Promise<Channel> {
    return this.#connected.media.open(channel, signal);
  }

  /** Makes a channel towards a media worker. Throws like `openOuter`. */
  openInner(description: string, signal: AbortSignal): Promise<Channel> {
    return this.#connected.media.openPlain(description, signal);
  }

  /** Joins the audio of two channels. */
  async bridge(one: Channel, other: Channel): Promise<void> {
    const answer = await this.#connected.events.api(`uuid_bridge ${one.uuid} ${other.uuid}`);
    if (!answer.startsWith('+OK')) throw new Error(`FreeSWITCH does not bridge: ${answer.trim()}`);
  }

  /** Commands the end of channels; those that are gone already are none the worse. Never rejects. */
  async kill(channels: readonly Channel[]): Promise<void> {
    const events = this.#connection?.events;
    if (events === undefined) return;
    await Promise.allSettled(channels.map(({ uuid }) => events.api(`uuid_kill ${uuid}`)));
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#timer?.cancel();
    const connection = this.#connection;
    this.#connection = null;
    if (connection === null) return;
    // An INVITE that we gave up may still be answered, for it cannot be cancelled before FreeSWITCH says something.
    await connection.media.settled();
    // What is left of ours ends now, not when the task's time has come.
    await Promise.allSettled([
      connection.events.api(this.#hangUpAll),
      ...this.#tasks.map((task) => connection.events.api(`sched_del ${task}`)),
    ]);
    connection.media.close();
    connection.events.close();
  }

  get #connected(): Connection {
    if (this.#connection === null) throw new Error('FreeSWITCH is away');
    return this.#connection;
  }

  get #hangUpAll(): string {
    return `hupall MANAGER_REQUEST ${ownerVariable} ${this.#options.owner}`;
  }

  async #attempt(): Promise<void> {
    try {
      const connection = await this.#connect();
      if (this.#isClosed) {
        connection.media.close();
        connection.events.close();
        return;
      }
      this.#connection = connection;
      this.#retryMs = firstRetryMs;
      this.#isToldAway = false;
      this.#isStrangerTold = false;
      const { host, port, logger } = this.#options;
      logger.info({ host, port, codecs: [...connection.codecs] }, 'FreeSWITCH is connected');
      this.#checkLater();
    } catch (error) {
      this.#away(error);
    }
  }

  async #connect(): Promise<Connection> {
    const { clock, host, port, secret, requestTimeoutMs: timeoutMs } = this.#options;
    const onLost = (reason: string) => this.#lose(events, reason);
    const events = await openEventSocket({ clock, host, port, secret, timeoutMs, onLost });
    try {
      const variable = (name: string) => events.api(`global_getvar ${name}`);
      const [profiles, codecs, external, mediaPorts] = await Promise.all([
        events.api('sofia status'),
        events.api('show codec'),
        variable('rtp_external_address'),
        readMediaPorts(variable),
        // Orphans of an earlier life, and of a connection that was lost.
        events.api(this.#hangUpAll),
        this.#putOff(events),
      ]);
      // Without it fsmrf would throw where nobody catches.
      if (!new RegExp(`^\\s*${sipProfile}\\s.*sip:mod_sofia@\\d`, 'm').test(profiles))
        throw new Error(`FreeSWITCH has no SIP profile ${sipProfile}`);
      const media = await connectMediaServer({
        ...this.#options,
        onLost: () => onLost('connection lost'),
        onStranger: (from) => this.#tellStranger(from),
      });
      const address = /^(?:\d{1,3}\.){3}\d{1,3}$/.exec(external.trim())?.[0] ?? null;
      return { events, media, codecs: codecsOfFreeSwitch(codecs), externalAddress: address, mediaPorts };
    } catch (error) {
      events.close();
      throw error;
    }
  }

  /** Once a connection: anybody may knock, but it may as well be FreeSWITCH from an address that we do not know. */
  #tellStranger(from: string): void {
    if (this.#isStrangerTold) return;
    this.#isStrangerTold = true;
    const { host, port, logger } = this.#options;
    logger.warn({ host, port, from }, 'an event socket came from elsewhere than this FreeSWITCH');
  }

  /** The task hangs our channels up if nothing more is heard of us. */
  async #putOff(events: EventSocket): Promise<void> {
    const [next, last] = this.#tasks;
    this.#tasks.reverse();
    await Promise.all([
      events.api(`sched_api ${this.#reprieve} ${next} ${this.#hangUpAll}`),
      events.api(`sched_del ${last}`),
    ]);
  }

  #checkLater(): void {
    this.#timer = this.#options.clock.after(this.#options.healthMs, () => void this.#check());
  }

  async #check(): Promise<void> {
    const events = this.#connection?.events;
    if (events === undefined) return;
    try {
      await this.#putOff(events);
    } catch (error) {
      this.#lose(events, error instanceof Error ? error.message : String(error));
      return;
    }
    if (this.#connection?.events === events) this.#checkLater();
  }

  /** This connection is lost; another may be up by now. */
  #lose(events: EventSocket, reason: string): void {
    const connection = this.#connection;
    if (connection?.events !== events) {
      events.close();
      return;
    }
    this.#connection = null;
    this.#timer?.cancel();
    connection.events.close();
    connection.media.close();
    for (const leg of [...this.#legs]) leg.serverLost();
    if (!this.#isClosed) this.#away(new Error(reason));
  }

  #away(error: unknown): void {
    const { clock, host, port, logger, longestRetryMs } = this.#options;
    const message = error instanceof Error ? error.message : String(error);
    // Once for each reason: an outage may be long.
    if (!this.#isToldAway || message !== this.#lastError) {
      const isRefusal = error instanceof EventSocketRefusal;
      if (isRefusal) logger.error({ host, port, error: message }, 'FreeSWITCH refuses us');
      else logger.warn({ host, port, error: message }, 'FreeSWITCH is away');
    }
    this.#isToldAway = true;
    this.#lastError = message;
    if (this.#isClosed) return;
    const pauseMs = this.#retryMs * (1 + retryJitter * (Math.random() - 0.5));
    this.#retryMs = Math.min(this.#retryMs * 2, longestRetryMs);
    this.#timer = clock.after(Math.min(pauseMs, longestRetryMs), () => void this.#attempt());
  }
}
