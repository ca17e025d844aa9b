/**
 * One live connection of a participant, from admission to its end.
 *
 *   admitted ──open──► opened ──answered──► answered ──established──► established
 *      │                  │                     │                          │
 *      └──────────────────┴─────────end─────────┴──────────────────────────┴──► ended
 *
 * `answered` is the 200 OK, `established` the ACK (or its like at another door): only then is the participant joined.
 */
import type { CallerVerification } from '../participants/caller-verification.js';
import type { Caller } from '../participants/caller.js';
import type { Clock } from '../clock.js';
import type { ClaimedSlot } from './admission.js';
import type { DoorLeg, LegSignalling, LegState } from './door-leg.js';
import type { AdmitRequest } from './leg-admission.js';
import { KeyPresses, type KeySource } from './key-presses.js';
import type { AttendedLeg, LegAttendant } from './leg-attendant.js';
import type { LegNotice, LegNoticeType } from './leg-notice.js';
import {
  MediaRefusal,
  type LegKind,
  type LegOpening,
  type MediaConnection,
  type MediaEndReason,
  type MediaLeg,
  type MediaLegListener,
  type MediaLegStatistics,
  type MediaPlane,
  type MediaStreamInfo,
  type MediaType,
  type PlaybackEnd,
  type PromptName,
  type ToneSound,
} from '../media-plane.js';
import type { Outcome } from '../outcome.js';
import type { Participant } from '../participants/participant.js';
import { Refusal, type RefusedParty } from '../refusal.js';

/**
 * Follows live legs from their admission to their end. What is told is done already; a method that is left out is not told.
 * No method throws or rejects.
 */
export interface LegObserver {
  legAnswered?(leg: LiveLeg): void;
  /** The far end has confirmed the answer. */
  legEstablished?(leg: LiveLeg): void;
  /** The leg is in its participant's session. */
  legEntered?(leg: LiveLeg): void;
  /** What the leg publishes is not what it was. */
  legStreamsChanged?(leg: LiveLeg, before: readonly MediaStreamInfo[]): void;
  /** The door accepts other streams for the leg than before. */
  legAcceptsChanged?(leg: LiveLeg): void;
  /** The far end holds or resumes the call. */
  legHeld?(leg: LiveLeg): void;
  /** The connection that the leg is signalled over is gone; once for each connection. */
  legSignallingLost?(leg: LiveLeg): void;
  /** The leg is signalled again after its signalling was lost. */
  legSignallingBack?(leg: LiveLeg): void;
  legDtmf?(leg: LiveLeg, digit: string, durationMs: number): void;
  legPlayed?(leg: LiveLeg, playbackId: string, how: PlaybackEnd): void;
  /** The leg is in its session no longer; its participant still names it. */
  legLeft?(leg: LiveLeg, outcome: Outcome): void;
  /** After `legLeft`, where it was in a session. `before`: how far it had come. */
  legEnded?(leg: LiveLeg, outcome: Outcome, before: LegState): void;
  /** What the media of an ended leg counted; not told where its media worker is gone. */
  legMeasured?(leg: LiveLeg, statistics: MediaLegStatistics): void;
  /** What somebody in the session publishes or receives may have changed. */
  sessionRouted?(sessionId: string): void;
  /** The session is about to be deleted, or just was: told before and after. Resolves when what belongs to it has ended. */
  sessionEnding?(sessionId: string): Promise<void>;
}

/** What a door asked for, and what it was given. */
export interface LiveLegOptions extends Omit<AdmitRequest, 'credential' | 'source'>, ClaimedSlot {
  /** As far as it may be shown. */
  readonly caller?: Caller | null;
  readonly media: MediaPlane;
  readonly clock: Clock;
  /** Who looks after the leg, and tells others. */
  readonly observer: LegObserver;
  /** Key presses beyond are left out. Default 20. */
  readonly maxKeysPerSecond?: number | undefined;
}

/** What is not said here of a method is said in DoorLeg, or in AttendedLeg. What is told to a leg that has ended has no effect. */
export class LiveLeg implements DoorLeg, AttendedLeg {
  readonly legId: string;
  readonly door: string;
  readonly callId: string;
  /** The client's own id, by which its signalling may come back; null where the leg ends with its signalling. */
  readonly clientId: string | null;
  readonly voiceCallId: string | null;
  readonly trunkId: string | null;
  readonly caller: Caller | null;
  readonly stir: CallerVerification | null;
  readonly #signalling: LegSignalling;
  readonly #attendant: LegAttendant | null;
  #isAttended: boolean;
  readonly #mediaPlane: MediaPlane;
  readonly #clock: Clock;
  readonly #keys: KeyPresses;
  /** By which way the far end has told that it holds a key: phones set to "both" do by two. */
  readonly #keysHeld = new Set<KeySource>();
  readonly #observer: LegObserver;
  #participant: Participant;
  #state: LegState = 'admitted';
  #media: MediaLeg | null = null;
  /** The connection over which the leg receives; null where it has none. */
  #receiving: string | null = null;
  #streams: readonly MediaStreamInfo[] = [];
  /** What the media was last told that the leg may publish. */
  #mayPublish: readonly MediaType[];
  #accepts: ReadonlySet<string> | null = null;
  #answeredAt: number | null = null;
  #held = false;
  /** Nothing is sent before the leg is established. */
  #sendsOnceConfirmed = false;
  /** A client that can lose its connection has not: from `established` on. */
  #isConnected = false;
  #ended: Promise<void> = Promise.resolve();

  constructor(options: LiveLegOptions) {
    this.legId = options.legId;
    this.door = options.door;
    this.callId = options.callId;
    this.clientId = options.clientId ?? null;
    this.voiceCallId = options.voiceCallId;
    this.trunkId = options.trunkId ?? null;
    this.caller = options.caller ?? null;
    this.stir = options.stir ?? null;
    this.#participant = options.participant;
    this.#mayPublish = options.participant.publishPermissions;
    this.#signalling = options.signalling;
    this.#attendant = options.attendant ?? null;
    this.#isAttended = this.#attendant !== null;
    this.#mediaPlane = options.media;
    this.#clock = options.clock;
    this.#keys = new KeyPresses(options.clock, options.maxKeysPerSecond);
    this.#observer = options.observer;
  }

  get state(): LegState {
    return this.#state;
  }

  get participant(): Participant {
    return this.#participant;
  }

  get kind(): LegKind | null {
    return this.#media?.kind ?? null;
  }

  /** What others may receive of the leg: nothing before it is established, nothing after its end. */
  get streams(): readonly MediaStreamInfo[] {
    return this.#state === 'established' ? this.#streams : [];
  }

  /** What the leg's media publishes or last published, whatever the leg's state. */
  get published(): readonly MediaStreamInfo[] {
    return this.#streams;
  }

  /**
   * Ids of the streams that the door takes for the leg; null: all. The leg receives what its participant is subscribed to
   * *and* its door accepts.
   */
  get accepts(): ReadonlySet<string> | null {
    return this.#accepts;
  }

  acceptStreams(streamIds: Iterable<string> | null): void {
    if (this.hasEnded) return;
    this.#accepts = streamIds === null ? null : new Set(streamIds);
    if (this.#state === 'established') this.#observer.legAcceptsChanged?.(this);
  }

  get isHeld(): boolean {
    return this.#held;
  }

  get answeredAt(): number | null {
    return this.#answeredAt;
  }

  /** What the media counted so far; null before it is open and after its end. */
  async statistics(): Promise<MediaLegStatistics | null> {
    return this.#media === null || this.hasEnded ? null : this.#media.statistics();
  }

  connection(name: string): MediaConnection {
    return this.media.connection(name);
  }

  /** Throws where no media is open. */
  get media(): MediaLeg {
    if (this.#media === null) throw new Error('the leg has no media');
    return this.#media;
  }

  async open(opening: LegOpening): Promise<MediaLeg> {
    // It may have been ended, say with its participant, before the door that had it admitted went on.
    if (this.hasEnded) throw this.#gone('the leg ended before its media was opened');
    if (this.#state !== 'admitted') throw new Error(`cannot open a leg that is ${this.#state}`);
    let media: MediaLeg;
    this.#mayPublish = this.#participant.publishPermissions;
    try {
      media = await this.#mediaPlane.openLeg({
        legId: this.legId,
        participantId: this.#participant.id,
        sessionId: this.#participant.sessionId,
        ...opening,
        mayPublish: this.#mayPublish,
        listener: this.#listener,
      });
    } catch (error) {
      const refusal =
        error instanceof MediaRefusal ? new Refusal(error.legCode, error.message, this.#party) : error;
      await this.end({ endedBy: 'gateway', reason: 'refused' });
      throw refusal;
    }
    // The far end may have cancelled, or the application deleted the participant, while the worker was busy.
    if (this.hasEnded) {
      await media.close();
      throw this.#gone('the leg ended while its media was opened');
    }
    this.#media = media;
    this.#sendsOnceConfirmed = opening.sendsOnceConfirmed === true;
    this.#receiving = opening.connections.find(({ flow }) => flow !== 'publish')?.name ?? null;
    this.#state = 'opened';
    // It may have been changed while the worker was busy.
    this.#tellMayPublish();
    return media;
  }

  get #party(): RefusedParty {
    return { participantId: this.#participant.id, legId: this.legId };
  }

  #gone(detail: string): Refusal {
    return new Refusal('participant-gone', detail, this.#party);
  }

  /** Whether the leg has ended. A getter of its own, so that the compiler does not take what it was before an await for what it is after. */
  get hasEnded(): boolean {
    return this.#state === 'ended';
  }

  answered(): void {
    if (this.#state !== 'opened') return;
    this.#state = 'answered';
    this.#answeredAt = this.#clock.now();
    this.#observer.legAnswered?.(this);
  }

  established(): void {
    if (this.#state !== 'answered') return;
    this.#state = 'established';
    this.#isConnected = this.clientId !== null;
    if (this.#sendsOnceConfirmed) void this.#askMedia((media) => media.confirm());
    this.#observer.legEstablished?.(this);
    if (this.#held && !this.hasEnded) this.#observer.legHeld?.(this);
    if (this.#isAttended && !this.hasEnded) this.#attendant?.legEstablished(this);
  }

  signallingLost(): void {
    if (this.hasEnded) return;
    this.#isConnected = false;
    this.#observer.legSignallingLost?.(this);
  }

  signallingBack(): void {
    if (this.hasEnded) return;
    this.#isConnected = true;
    this.#observer.legSignallingBack?.(this);
  }

  /** A press that the media tells too counts once. An attendant's are nobody else's. */
  dtmf(digit: string, durationMs: number): void {
    this.#keyPressed('signalling', digit, durationMs);
  }

  /** The far end signals that it holds a key: `dtmf` follows when it lets go. */
  keyDown(): void {
    this.#keyDown('signalling');
  }

  /** Nobody but an attendant, who waits for keys, wants to know before a key is let go. */
  #keyDown(source: KeySource): void {
    if (this.#state !== 'established' || !this.#isAttended) return;
    this.#keysHeld.add(source);
    this.#attendant?.keyDown();
  }

  #keyPressed(source: KeySource, digit: string, durationMs: number): void {
    if (this.#state !== 'established') return;
    if (this.#keys.isNew(source, digit, durationMs)) {
      if (this.#isAttended) this.#attendant?.keyPressed(digit);
      else this.#observer.legDtmf?.(this, digit, durationMs);
    }
    const isUp = this.#keysHeld.delete(source) && this.#keysHeld.size === 0;
    if (isUp && this.#isAttended) this.#attendant?.keyUp();
  }

  /** An attendant looks after it: how long it may be without a session is that one's business. */
  get isAttended(): boolean {
    return this.#isAttended;
  }

  /** Called by the registry: the leg is in a session. */
  entered(): void {
    if (!this.#isAttended) return;
    this.#isAttended = false;
    this.#attendant?.legEntered();
    // Where callers hear the hold sound while they are alone, it is theirs to hear now.
    this.prompt(null, null);
  }

  /** Replaces what the leg receives; see MediaLeg. Throws where no media is open. */
  receive(streamIds: readonly string[], holdSound: boolean): Promise<void> {
    return this.media.receive(this.#receiving === null ? {} : { [this.#receiving]: streamIds }, holdSound);
  }

  prompt(sound: PromptName | null, repeatAfterMs: number | null, next?: PromptName): void {
    void this.#askMedia((media) => media.prompt(sound, repeatAfterMs, next));
  }

  tone(sound: ToneSound): void {
    void this.#askMedia((media) => media.tone(sound));
  }

  /** No effect where another playback or none goes on, or the leg has ended. */
  stopPlaying(playbackId: string): Promise<void> {
    return this.#askMedia((media) => media.stopPlaying(playbackId));
  }

  /** No effect without media or on a leg that has ended. Never rejects: a worker that does not answer is gone, and ends the leg. */
  async #askMedia(work: (media: MediaLeg) => Promise<unknown>): Promise<void> {
    if (this.#media === null || this.hasEnded) return;
    await work(this.#media).catch(() => undefined);
  }

  /** The far end wants to hear of others, of whatever kind of notice. */
  get takesNotices(): boolean {
    return this.#state === 'established' && this.#signalling.notices !== undefined;
  }

  /** The far end wants to hear of this. */
  takesNotice(type: LegNoticeType): boolean {
    return this.#state === 'established' && this.#signalling.notices?.takes.has(type) === true;
  }

  /** No effect where the far end does not take the notice. */
  notify(notice: LegNotice): void {
    if (this.takesNotice(notice.type)) this.#signalling.notices?.tell(notice);
  }

  /** The far end takes key presses beside the media. */
  get takesSignalledKeys(): boolean {
    return this.#signalling.sendDtmf !== undefined && this.#state === 'established';
  }

  /** False where the far end did not take it. */
  async signalKey(digit: string, durationMs: number): Promise<boolean> {
    return this.takesSignalledKeys && (await this.#signalling.sendDtmf?.(digit, durationMs)) === true;
  }

  /** The participant's stored state changed. Routing is the registry's business; what it may publish holds at once. */
  update(participant: Participant): void {
    this.#participant = participant;
    this.#tellMayPublish();
  }

  #tellMayPublish(): void {
    const { publishPermissions } = this.#participant;
    const isSame =
      publishPermissions.length === this.#mayPublish.length &&
      publishPermissions.every((type) => this.#mayPublish.includes(type));
    if (isSame || this.#media === null || this.hasEnded) return;
    this.#mayPublish = publishPermissions;
    void this.#askMedia((media) => media.setMayPublish(publishPermissions));
  }

  end(outcome: Outcome): Promise<void> {
    return this.#finish(outcome, false);
  }

  terminate(outcome: Outcome): Promise<void> {
    return this.#finish(outcome, true);
  }

  /** Called by the registry, whose release of the slot belongs to the end. */
  waitFor(work: Promise<unknown>): void {
    this.#ended = Promise.all([this.#ended, work]).then(() => undefined);
  }

  #finish(outcome: Outcome, tellFarEnd: boolean): Promise<void> {
    if (this.hasEnded) return this.#ended;
    // The connection does not outlive the leg, and its loss is told before the end.
    if (this.#isConnected) this.signallingLost();
    const before = this.#state;
    this.#state = 'ended';
    if (this.#media !== null) this.waitFor(this.#closeMedia(this.#media));
    this.#observer.legEnded?.(this, outcome, before);
    if (this.#attendant !== null) this.waitFor(this.#attendant.legEnded());
    if (tellFarEnd) this.#signalling.terminate(outcome);
    return this.#ended;
  }

  async #closeMedia(media: MediaLeg): Promise<void> {
    const statistics = await media.close();
    if (statistics !== null) this.#observer.legMeasured?.(this, statistics);
  }

  readonly #listener: MediaLegListener = {
    onConnected: () => undefined,
    onStreams: (streams) => {
      const before = this.streams;
      this.#streams = streams;
      if (this.#state === 'established') this.#observer.legStreamsChanged?.(this, before);
    },
    onKeyDown: () => this.#keyDown('media'),
    onDtmf: (digit, durationMs) => this.#keyPressed('media', digit, durationMs),
    onPlayed: (playbackId, how) => {
      if (!this.hasEnded) this.#observer.legPlayed?.(this, playbackId, how);
    },
    onHeld: (held) => {
      if (this.#held === held || this.hasEnded) return;
      this.#held = held;
      if (this.#state === 'established') this.#observer.legHeld?.(this);
    },
    onNegotiationNeeded: (connection) => {
      if (!this.hasEnded) this.#signalling.renegotiate(connection);
    },
    onEnded: (reason: MediaEndReason) => {
      void this.terminate({ endedBy: 'gateway', reason });
    },
  };
}
