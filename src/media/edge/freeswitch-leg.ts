/** A phone’s leg through FreeSWITCH, as the media plane’s users see it. */
import type { Clock } from '../../domain/clock.js';
import {
  type MediaConnection,
  type MediaEndReason,
  type MediaLeg,
  type MediaLegStatistics,
  MediaRefusal,
  type MediaType,
  type Playback,
  type PromptName,
  type ReceivedStreams,
  type ToneSound,
} from '../../domain/media-plane.js';
import { reversed } from '../../sdp/attributes.js';
import type { Identity } from '../../sdp/audio-section.js';
import type { MediaAddress } from '../../sdp/media-address.js';
import {
  formatForFreeSwitch,
  formatOwnAnswer,
  formatOwnOffer,
  makeOffer,
  placeholderTerms,
  readCarrierAnswer,
  readCarrierOffer,
  type CarrierPreferences,
  readFreeSwitchEnd,
  type CarrierTerms,
  type FreeSwitchEnd,
  type OwnOffer,
} from './carrier-sdp.js';
import { ChannelRefusal } from './channel.js';
import type { EdgeCodecName } from './edge-codecs.js';
import type { FreeSwitchServer, ServedLeg } from './freeswitch-server.js';
import type { LegEvents } from './leg-events.js';
import { hangUpAll, type OpenedChannels } from './open-channels.js';
import { pause } from './with-timer.js';
import { formatInnerEnd, lawBeside, type InnerTerms } from './worker-sdp.js';

/** FreeSWITCH's own pauses between keys are a little longer than ours: how far it falls behind with some dozens. */
const behindMs = 100;

/**
 * Rejects with MediaRefusal `bad-sdp` where media shall go to the gateway itself, or to FreeSWITCH, and `no-common-codec` where it
 * is in a family of addresses that FreeSWITCH has none of.
 */
export type ExpectReachable = (far: Pick<CarrierTerms, 'peer' | 'addressType'>) => Promise<void>;

export interface FreeSwitchLegOptions {
  readonly clock: Clock;
  readonly legId: string;
  readonly sessionId: string;
  readonly server: FreeSwitchServer;
  readonly codecs: ReadonlySet<EdgeCodecName>;
  readonly preferences: CarrierPreferences;
  readonly events: LegEvents;
  readonly channels: OpenedChannels;
  /** What the carrier's offer says; null where the first offer is ours. */
  readonly terms: CarrierTerms | null;
  readonly expectReachable: ExpectReachable;
  /** Both channels are gone; not before the leg is closed. */
  readonly onGone: (leg: FreeSwitchLeg) => void;
}

/** A phone whose audio goes through FreeSWITCH. What is heard and told is the media worker's leg's, as without FreeSWITCH. */
export class FreeSwitchLeg implements MediaLeg, MediaConnection, ServedLeg {
  readonly kind = 'phone';
  readonly legId: string;
  readonly localDescription: string;
  readonly #options: FreeSwitchLegOptions;
  readonly #worker: MediaLeg;
  #terms: CarrierTerms | null;
  #outerEnd: FreeSwitchEnd;
  /** What FreeSWITCH was last told of the carrier, under version 0; null where that is not certain. */
  #told: string | null;
  #toldVersion = 1;
  #innerVersion = 1;
  /** As the inner channel and the worker were last told. */
  #inner: InnerTerms;
  #offer: OwnOffer | null = null;
  #description = '';
  #version = 0;
  readonly #ended = new AbortController();
  #closing: Promise<MediaLegStatistics | null> | null = null;
  #hangingUp: Promise<void> = Promise.resolve();

  private constructor(options: FreeSwitchLegOptions) {
    const { channels, terms, events, legId } = options;
    this.legId = legId;
    this.#options = options;
    this.#worker = channels.worker;
    this.#outerEnd = channels.outerEnd;
    this.#terms = terms;
    this.#inner = channels.innerTerms;
    this.#told = formatForFreeSwitch(terms ?? placeholderTerms(), this.#identity(0));
    events.onWorkerEnded((reason) => this.#lose(reason));
    for (const channel of [channels.outer, channels.inner]) channel.onEnded(() => this.#lose('media-lost'));
    this.localDescription = terms === null ? this.#ownOffer() : this.#ownAnswer(terms);
  }

  /** The leg over these channels, as the carrier's offer wants it. Rejects where the worker does not follow. */
  static async begin(options: FreeSwitchLegOptions): Promise<FreeSwitchLeg> {
    const leg = new FreeSwitchLeg(options);
    try {
      if (options.terms !== null) await leg.#turn(options.terms);
      return leg;
    } catch (error) {
      await leg.close();
      throw error;
    }
  }

  get isClosed(): boolean {
    return this.#closing !== null;
  }

  /** Resolves when both channels are gone. */
  get gone(): Promise<void> {
    return this.#hangingUp;
  }

  /** A phone has one description: the leg is its own connection. */
  connection(name: string): MediaConnection {
    if (name !== 'main') throw new RangeError(`the leg has no connection ${name}`);
    return this;
  }

  async answer(offer: string): Promise<string> {
    this.#expectOpen();
    if (this.#offer !== null) throw new Error('an offer of our own is outstanding');
    const terms = readCarrierOffer(offer, this.#options.codecs, this.#terms, this.#options.preferences);
    await this.#follow(terms);
    return this.#ownAnswer(terms);
  }

  async offer(): Promise<string> {
    this.#expectOpen();
    if (this.#offer !== null) throw new Error('an offer is outstanding');
    return Promise.resolve(this.#ownOffer());
  }

  async accept(answer: string): Promise<void> {
    this.#expectOpen();
    const offer = this.#offer;
    if (offer === null) throw new Error('no offer is outstanding');
    this.#offer = null;
    const { address, port, srtp } = this.#outerEnd;
    await this.#follow(readCarrierAnswer(answer, offer));
    const now = this.#outerEnd;
    // The carrier knows the end that we offered, and cannot be told of another.
    if (now.address !== address || now.port !== port || now.srtp?.key !== srtp?.key)
      throw new MediaRefusal('overloaded', 'FreeSWITCH went elsewhere');
  }

  rollback(): Promise<void> {
    this.#offer = null;
    return Promise.resolve();
  }

  receive(streams: ReceivedStreams, holdSound: boolean): Promise<void> {
    return this.#worker.receive(streams, holdSound);
  }

  /** FreeSWITCH sends from the answer on, whatever it is told. */
  confirm(): Promise<void> {
    return Promise.resolve();
  }

  setMayPublish(mayPublish: readonly MediaType[]): Promise<void> {
    return this.#worker.setMayPublish(mayPublish);
  }

  prompt(sound: PromptName | null, repeatAfterMs: number | null, next?: PromptName): Promise<void> {
    return this.#worker.prompt(sound, repeatAfterMs, next);
  }

  play(playback: Playback): Promise<void> {
    return this.#worker.play(playback);
  }

  stopPlaying(playbackId: string): Promise<void> {
    return this.#worker.stopPlaying(playbackId);
  }

  tone(sound: ToneSound): Promise<void> {
    return this.#worker.tone(sound);
  }

  /** FreeSWITCH passes them on under the carrier's payload type, each from when it was heard to its end. */
  async sendDtmf(digits: string, durationMs: number): Promise<void> {
    if (this.#terms?.takesEvents !== true || this.#outerEnd.events === null)
      throw new MediaRefusal('no-telephone-event', 'the carrier takes no telephone events');
    await this.#worker.sendDtmf(digits, durationMs);
    await pause({ clock: this.#options.clock, ms: durationMs + behindMs }, this.#ended.signal);
    this.#expectOpen();
  }

  statistics(): Promise<MediaLegStatistics | null> {
    return this.#closing ?? this.#outside(this.#worker.statistics());
  }

  /** Resolves when the media is gone; FreeSWITCH's channels end meanwhile (`gone`). */
  close(): Promise<MediaLegStatistics | null> {
    const { server, channels, events } = this.#options;
    if (this.#closing !== null) return this.#closing;
    events.mute();
    return this.#end(hangUpAll(server, [channels.outer, channels.inner]));
  }

  /** FreeSWITCH is gone. */
  serverLost(): void {
    const { outer, inner } = this.#options.channels;
    outer.abandon();
    inner.abandon();
    this.#lose('media-lost');
  }

  #lose(reason: MediaEndReason): void {
    if (this.#closing !== null) return;
    const { server, channels, events } = this.#options;
    void this.#end(hangUpAll(server, [channels.outer, channels.inner]));
    events.end(reason);
  }

  #end(hangingUp: Promise<void>): Promise<MediaLegStatistics | null> {
    const closing = this.#outside(this.#worker.close());
    this.#closing = closing;
    this.#ended.abort();
    this.#hangingUp = hangingUp.finally(() => this.#options.onGone(this));
    return closing;
  }

  /** What the worker counts, as the carrier is: it is FreeSWITCH that encrypts, and tells nobody what it drops. */
  async #outside(counting: Promise<MediaLegStatistics | null>): Promise<MediaLegStatistics | null> {
    const encryption = (this.#terms?.srtp ?? null) === null ? 'none' : 'sdes';
    const counted = await counting;
    if (counted === null) return null;
    const { packetsNotGenuine: _, ...others } = counted;
    return { ...others, encryption };
  }

  #expectOpen(): void {
    if (this.#closing !== null) throw new MediaRefusal('overloaded', 'the leg has ended');
  }

  /** Brings FreeSWITCH and the worker to what the carrier wants now. */
  async #follow(wanted: CarrierTerms): Promise<void> {
    await this.#options.expectReachable(wanted);
    // Who holds in the old way gives no address: the one known stays (RFC 3264 §8.4).
    const terms = { ...wanted, peer: wanted.peer ?? this.#terms?.peer ?? null };
    const described = formatForFreeSwitch(terms, this.#identity(0));
    if (described !== this.#told) await this.#tell(terms, described);
    await this.#turn(terms);
    this.#expectOpen();
    this.#terms = terms;
  }

  async #tell(terms: CarrierTerms, described: string): Promise<void> {
    const before = this.#told;
    this.#told = null;
    try {
      const offer = formatForFreeSwitch(terms, this.#identity(++this.#toldVersion));
      this.#outerEnd = readFreeSwitchEnd(await this.#options.channels.outer.offer(offer), terms);
      this.#told = described;
    } catch (error) {
      if (!(error instanceof ChannelRefusal)) throw new MediaRefusal('overloaded', String(error));
      // A refused offer leaves things as they were (RFC 3261 §14.2).
      this.#told = before;
      throw new MediaRefusal('no-common-codec', error.message);
    }
  }

  /** Tells the worker of a hold, of its end and of other packets, as the carrier would tell it. */
  async #turn({ codec, direction, maxPtimeMs }: CarrierTerms): Promise<void> {
    const { innerEnd, workerEnd, inner, worker } = this.#options.channels;
    const before = this.#inner;
    const now: InnerTerms = { law: lawBeside(codec.name), direction, maxPtimeMs };
    if (before.law === now.law && before.direction === direction && before.maxPtimeMs === maxPtimeMs) return;
    const identity = this.#identity(++this.#innerVersion);
    // Another law of the carrier's is the worker's too: then FreeSWITCH has nothing to turn into anything.
    if (before.law !== now.law)
      await inner.offer(formatInnerEnd(workerEnd, { ...now, direction: 'sendrecv' }, identity));
    await worker.connection('main').answer(formatInnerEnd(innerEnd, now, identity));
    this.#inner = now;
  }

  #ownAnswer(terms: CarrierTerms): string {
    const own = { end: this.#outerEnd, at: this.#address, direction: reversed(terms.direction) };
    return this.#describe((identity) => formatOwnAnswer(terms, own, identity));
  }

  #ownOffer(): string {
    const offer = makeOffer(this.#options.codecs, this.#terms, this.#outerEnd, this.#options.preferences);
    this.#offer = offer;
    return this.#describe((identity) => formatOwnOffer(offer, this.#address, identity));
  }

  /** A description that differs from the last has a version one higher (RFC 3264 §8); one that does not is the same. */
  #describe(format: (identity: Identity) => string): string {
    if (this.#version === 0 || format(this.#identity(this.#version)) !== this.#description)
      this.#description = format(this.#identity(++this.#version));
    return this.#description;
  }

  /** Where the carrier sends to. */
  get #address(): MediaAddress {
    const { address, port } = this.#outerEnd;
    return { address: this.#options.server.externalAddress ?? address, port };
  }

  #identity(version: number): Identity {
    return { sessionId: this.#options.sessionId, version };
  }
}
