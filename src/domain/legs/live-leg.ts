/**
 * One live connection of a participant, from admission to its end.
 *
 *   admitted ──open──► opened ──answered──► answered ──established──► established
 *      │                  │                     │                          │
 *      └──────────────────┴─────────end─────────┴──────────────────────────┴──► ended
 *
 * `answered` is the 200 OK, `established` the ACK (or its like at another door): only then is the participant joined.
 */
import type { CallHeaders } from '../participants/call-headers.js';
import type { Caller } from '../participants/caller.js';
import type { Clock } from '../clock.js';
import type { ClaimedSlot } from './admission.js';
import type { LegSignalling, LegState } from './door-leg.js';
import type { AdmitRequest, SuccessionRequest } from './leg-admission.js';
import type { AttendedLeg, LegAttendant } from './leg-attendant.js';
import { LegCounts } from './leg-counts.js';
import { LegKeys } from './leg-keys.js';
import { LegMedia, type LegMediaUser } from './leg-media.js';
import { LegMove, type MoveLimits } from './leg-move.js';
import type { LegNotice, LegNoticeType } from './leg-notice.js';
import { LegOfCall } from './leg-of-call.js';
import { LegSuccession, type SucceededLeg } from './leg-succession.js';
import {
  MediaRefusal,
  type LegKind,
  type LegOpening,
  type MediaConnection,
  type MediaLeg,
  type MediaLegStatistics,
  type MediaPlane,
  type MediaStreamInfo,
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
  /** Another call has the leg now, with media of its own; `before`: the Call-ID and streams of the one that had it. */
  legTakenOver?(leg: LiveLeg, before: FormerCall): void;
  /** The leg's media was lost, and it has other media now, which was told nothing yet; `before`: the streams that went with it. */
  legReopened?(leg: LiveLeg, before: readonly MediaStreamInfo[]): void;
  /** The far end of a leg that was reopened has agreed: it is heard again. */
  legMoved?(leg: LiveLeg): void;
  legPlayed?(leg: LiveLeg, playbackId: string, how: PlaybackEnd): void;
  /** The leg is in its session no longer; its participant still names it. */
  legLeft?(leg: LiveLeg, outcome: Outcome): void;
  /** After `legLeft`, where it was in a session. `before`: how far it had come. */
  legEnded?(leg: LiveLeg, outcome: Outcome, before: LegState): void;
  /** What the media of all calls of an ended leg counted; not told where the media worker of each is gone. */
  legMeasured?(leg: LiveLeg, statistics: MediaLegStatistics): void;
  /** What somebody in the session publishes or receives may have changed. */
  sessionRouted?(sessionId: string): void;
  /** The session is about to be deleted, or just was: told before and after. Resolves when what belongs to it has ended. */
  sessionEnding?(sessionId: string): Promise<void>;
}

/** What a leg was before another call took it over. */
export interface FormerCall {
  readonly callId: string;
  readonly streams: readonly MediaStreamInfo[];
}

/** What a door asked for, and what it was given. */
export interface LiveLegOptions extends Omit<AdmitRequest, 'credential' | 'source'>, ClaimedSlot {
  /** As far as it may be shown. */
  readonly caller?: Caller | null;
  /** The same. */
  readonly headers?: CallHeaders | null;
  readonly media: MediaPlane;
  readonly clock: Clock;
  /** Who looks after the leg, and tells others. */
  readonly observer: LegObserver;
  /** Key presses beyond are left out. Default 20. */
  readonly maxKeysPerSecond?: number | undefined;
  readonly moves?: MoveLimits;
}

/** What is not said here of a method is said in DoorLeg, or in AttendedLeg. What is told to a leg that has ended has no effect. */
export class LiveLeg extends LegOfCall implements SucceededLeg, AttendedLeg {
  readonly legId: string;
  readonly door: string;
  /** The client's own id, by which its signalling may come back; null where the leg ends with its signalling. */
  readonly clientId: string | null;
  #signalling: LegSignalling;
  /** Another call, which is about to take the leg over. */
  #successor: LegSuccession | null = null;
  /** The call that has the leg, where it is not the one that was admitted. */
  #holder: LegSuccession | null = null;
  /** Media that was opened beside, or after, the first. */
  #reopenings = 0;
  readonly #counts = new LegCounts();
  readonly #attendant: LegAttendant | null;
  #isAttended: boolean;
  readonly #mediaPlane: MediaPlane;
  readonly #clock: Clock;
  readonly #keys: LegKeys;
  readonly #move: LegMove;
  readonly #observer: LegObserver;
  #participant: Participant;
  #state: LegState = 'admitted';
  #media: LegMedia | null = null;
  #accepts: ReadonlySet<string> | null = null;
  #answeredAt: number | null = null;
  /** A client that can lose its connection has not: from `established` on. */
  #isConnected = false;
  #ended: Promise<void> = Promise.resolve();

  constructor(options: LiveLegOptions) {
    super(options);
    this.legId = options.legId;
    this.door = options.door;
    this.clientId = options.clientId ?? null;
    this.#participant = options.participant;
    this.#signalling = options.signalling;
    this.#attendant = options.attendant ?? null;
    this.#isAttended = this.#attendant !== null;
    this.#mediaPlane = options.media;
    this.#clock = options.clock;
    this.#keys = new LegKeys({
      clock: options.clock,
      maxPerSecond: options.maxKeysPerSecond,
      attendant: () => (this.#isAttended ? this.#attendant : null),
      onPressed: (digit, durationMs) => options.observer.legDtmf?.(this, digit, durationMs),
    });
    this.#move = new LegMove({
      ...options.moves,
      clock: options.clock,
      open: (opening) => this.openMedia(this.#nextName(), opening, this.#mediaUser),
      onOpened: (media) => this.#reopened(media),
      onMoved: () => options.observer.legMoved?.(this),
      onFailed: () => void this.terminate({ endedBy: 'gateway', reason: 'media-lost' }),
    });
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
    return this.#state === 'established' ? this.published : [];
  }

  /** What the leg's media publishes or last published, whatever the leg's state. */
  get published(): readonly MediaStreamInfo[] {
    return this.#media?.streams ?? [];
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
    return this.#media?.isHeld ?? false;
  }

  get answeredAt(): number | null {
    return this.#answeredAt;
  }

  /** What the media of all its calls counted so far; null before it is open and after its end. */
  async statistics(): Promise<MediaLegStatistics | null> {
    return this.#media === null || this.hasEnded ? null : this.#counts.with(this.#media.leg.statistics());
  }

  connection(name: string): MediaConnection {
    if (this.#media === null) throw new Error('the leg has no media');
    return this.#media.connection(name);
  }

  /** Throws where no media is open. */
  get media(): MediaLeg {
    if (this.#media === null) throw new Error('the leg has no media');
    return this.#media.leg;
  }

  async open(opening: LegOpening): Promise<MediaLeg> {
    // It may have been ended, say with its participant, before the door that had it admitted went on.
    if (this.hasEnded) throw this.#gone('the leg ended before its media was opened');
    if (this.#state !== 'admitted') throw new Error(`cannot open a leg that is ${this.#state}`);
    let media: LegMedia;
    try {
      media = await this.openMedia(this.legId, opening, this.#mediaUser);
    } catch (error) {
      await this.end({ endedBy: 'gateway', reason: 'refused' });
      throw error;
    }
    // The far end may have cancelled, or the application deleted the participant, while the worker was busy.
    if (this.hasEnded) {
      await media.close();
      throw this.#gone('the leg ended while its media was opened');
    }
    this.#media = media;
    this.#state = 'opened';
    // It may have been changed while the worker was busy.
    media.setMayPublish(this.#participant.publishPermissions);
    return media.leg;
  }

  async openMedia(name: string, opening: LegOpening, user: Partial<LegMediaUser>): Promise<LegMedia> {
    const { id: participantId, sessionId, publishPermissions: mayPublish } = this.#participant;
    const request = { legId: name, participantId, sessionId, ...opening, mayPublish };
    try {
      return await LegMedia.open(this.#mediaPlane, request, user);
    } catch (error) {
      throw error instanceof MediaRefusal ? new Refusal(error.legCode, error.message, this.#party) : error;
    }
  }

  /**
   * The leg as a call has it that will take it over. One at a time, and not before the far end was answered, nor while an attendant
   * speaks with it. Throws Refusal.
   */
  succeed(request: SuccessionRequest): LegSuccession {
    if (this.hasEnded) throw this.#gone('the leg has ended');
    const canBe = this.#state === 'answered' || this.#state === 'established';
    if (!canBe || this.#isAttended || this.#successor !== null)
      throw new Refusal('participant-occupied', 'the call cannot be taken over now', this.#party);
    this.#successor = new LegSuccession(this, this.#nextName(), request, this.#clock);
    return this.#successor;
  }

  /** Unique among the media of all legs. */
  #nextName(): string {
    this.#reopenings += 1;
    return `${this.legId}/${String(this.#reopenings)}`;
  }

  giveTo(call: LegSuccession): void {
    if (this.hasEnded) return;
    const before = { callId: this.callId, streams: this.streams };
    const former = this.#signalling;
    this.#successor = null;
    this.#holder?.succeeded();
    this.#holder = call;
    this.call = call.call;
    this.#signalling = call.signalling;
    // The media of the call before may be lost, and on its way elsewhere.
    this.#move.overtaken();
    this.#goOnWith(call.media, () => {
      former.replaced?.();
      this.#observer.legTakenOver?.(this, before);
    });
  }

  /** Other media takes the place of that in use, of which `tell` tells. */
  #goOnWith(media: LegMedia, tell: () => void): void {
    const former = this.#media;
    const wasHeld = this.isHeld;
    this.#media = media;
    media.passTo(this.#mediaUser);
    this.#keys.forget();
    if (former !== null) this.waitFor(this.#counts.add(former.close()));
    tell();
    if (this.#state === 'established' && this.isHeld !== wasHeld) this.#observer.legHeld?.(this);
    // It may have been changed since the media was made.
    media.setMayPublish(this.#participant.publishPermissions);
  }

  /** Other media takes the place of that which was lost. */
  #reopened(media: LegMedia): void {
    const before = this.streams;
    this.#goOnWith(media, () => this.#observer.legReopened?.(this, before));
    this.#signalling.renegotiate('main');
  }

  succeededByNobody(call: LegSuccession): void {
    if (this.#successor === call) this.#successor = null;
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
    if (this.#media?.sendsOnceConfirmed === true) void this.#media.ask((media) => media.confirm());
    this.#observer.legEstablished?.(this);
    if (this.isHeld && !this.hasEnded) this.#observer.legHeld?.(this);
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
    if (this.#state === 'established') this.#keys.pressed('signalling', digit, durationMs);
  }

  /** The far end signals that it holds a key: `dtmf` follows when it lets go. */
  keyDown(): void {
    if (this.#state === 'established') this.#keys.down('signalling');
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

  /** Replaces what the leg receives; see MediaLeg. */
  async receive(streamIds: readonly string[], holdSound: boolean): Promise<void> {
    await this.#media?.receive(streamIds, holdSound);
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

  /** No effect without media or on a leg that has ended. Never rejects. */
  async #askMedia(work: (media: MediaLeg) => Promise<unknown>): Promise<void> {
    if (!this.hasEnded) await this.#media?.ask(work);
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
    if (!this.hasEnded) this.#media?.setMayPublish(participant.publishPermissions);
  }

  end(outcome: Outcome): Promise<void> {
    if (!this.hasEnded && this.#successor?.takeNow() === true) return Promise.resolve();
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
    this.#move.close();
    this.#observer.legEnded?.(this, outcome, before);
    if (this.#attendant !== null) this.waitFor(this.#attendant.legEnded());
    if (tellFarEnd) this.#signalling.terminate(outcome);
    this.#successor?.legEnded(outcome);
    this.#successor = null;
    return this.#ended;
  }

  async #closeMedia(media: LegMedia): Promise<void> {
    const statistics = await this.#counts.with(media.close());
    if (statistics !== null) this.#observer.legMeasured?.(this, statistics);
  }

  readonly #mediaUser: LegMediaUser = {
    streamsChanged: (before) => {
      if (this.#state === 'established') this.#observer.legStreamsChanged?.(this, before);
    },
    heldChanged: () => {
      if (this.#state === 'established') this.#observer.legHeld?.(this);
    },
    keyDown: () => {
      if (this.#state === 'established') this.#keys.down('media');
    },
    keyPressed: (digit, durationMs) => {
      if (this.#state === 'established') this.#keys.pressed('media', digit, durationMs);
    },
    played: (playbackId, how) => this.#observer.legPlayed?.(this, playbackId, how),
    negotiationNeeded: (connection) => this.#signalling.renegotiate(connection),
    agreed: () => this.#move.agreed(),
    ended: (reason) => {
      const opening =
        reason === 'media-lost' && this.#state === 'established' ? this.#media?.reopening : null;
      if (this.#move.begin(opening ?? null)) return;
      void this.terminate({ endedBy: 'gateway', reason });
    },
  };
}
