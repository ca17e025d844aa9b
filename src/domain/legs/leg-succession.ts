/**
 * A call that takes a leg over from the call that has it (SIP: RFC 3891). Its media is made beside the one in use and takes that
 * one's place when the far end has confirmed; until then nobody but its door knows of it, and the leg is as it was.
 *
 *   admitted ──open──► opened ──answered──► answered ──established, or the call before hangs up──► taken: the leg is its
 *      │                  │                     │                                                    │
 *      └──────────────────┴── end of either ────┴───────── the leg's end, or the next such call ─────┴──► ended
 *
 * The participant stays in its session all the while, and its slot taken.
 */
import type { Clock } from '../clock.js';
import type { LegKind, LegOpening, MediaConnection, MediaLeg } from '../media-plane.js';
import type { Outcome } from '../outcome.js';
import type { Participant } from '../participants/participant.js';
import { Refusal } from '../refusal.js';
import type { DoorLeg, LegSignalling, LegState } from './door-leg.js';
import type { SuccessionRequest } from './leg-admission.js';
import type { LegMedia, LegMediaUser } from './leg-media.js';
import type { LegCall } from './leg-of-call.js';

/** The leg, as who takes it over sees it. */
export interface SucceededLeg extends DoorLeg {
  /** Makes media for the leg's participant beside that in use. Throws Refusal. */
  openMedia(name: string, opening: LegOpening, user: Partial<LegMediaUser>): Promise<LegMedia>;
  /** Gives the leg to the call, in this turn. No effect where the leg has ended. */
  giveTo(call: LegSuccession): void;
  /** The call will not take it. */
  succeededByNobody(call: LegSuccession): void;
}

type Phase = 'admitted' | 'opened' | 'answered' | 'taken' | 'ended';

/** What is not said here of a method is said in DoorLeg. */
export class LegSuccession implements DoorLeg {
  readonly call: LegCall;
  readonly signalling: LegSignalling;
  readonly #leg: SucceededLeg;
  readonly #name: string;
  readonly #clock: Clock;
  #phase: Phase = 'admitted';
  #media: LegMedia | null = null;
  #answeredAt: number | null = null;
  #closed: Promise<unknown> = Promise.resolve();

  /** `name`: of its media, unique among all legs. */
  constructor(leg: SucceededLeg, name: string, request: SuccessionRequest, clock: Clock) {
    const { callId, trunkId, caller, stir, headers, signalling } = request;
    this.#leg = leg;
    this.#name = name;
    this.#clock = clock;
    // The platform's id is of the call that brought the participant; the one who takes it over need not know it.
    const voiceCallId = request.voiceCallId ?? leg.voiceCallId;
    this.call = { callId, voiceCallId, trunkId, caller, stir, headers };
    this.signalling = signalling;
  }

  get legId(): string {
    return this.#leg.legId;
  }

  get voiceCallId(): string | null {
    return this.call.voiceCallId;
  }

  get participant(): Participant {
    return this.#leg.participant;
  }

  get state(): LegState {
    return this.#phase === 'taken' ? this.#leg.state : this.#phase;
  }

  get hasEnded(): boolean {
    return this.#phase === 'ended' || this.#leg.hasEnded;
  }

  get kind(): LegKind | null {
    return this.#media?.kind ?? null;
  }

  get answeredAt(): number | null {
    return this.#answeredAt;
  }

  /** Throws where no media is open. */
  get media(): LegMedia {
    if (this.#media === null) throw new Error('the call has no media');
    return this.#media;
  }

  connection(name: string): MediaConnection {
    return this.media.connection(name);
  }

  async open(opening: LegOpening): Promise<MediaLeg> {
    if (this.hasEnded) throw this.#gone();
    if (this.#phase !== 'admitted') throw new Error(`cannot open the media of a call that is ${this.#phase}`);
    const ended: LegMediaUser['ended'] = (reason) => void this.terminate({ endedBy: 'gateway', reason });
    let media: LegMedia;
    try {
      media = await this.#leg.openMedia(this.#name, opening, { ended });
    } catch (error) {
      await this.end({ endedBy: 'gateway', reason: 'refused' });
      throw error;
    }
    if (this.hasEnded) {
      await media.close();
      throw this.#gone();
    }
    this.#media = media;
    this.#phase = 'opened';
    return media.leg;
  }

  answered(): void {
    if (this.#phase !== 'opened') return;
    this.#phase = 'answered';
    this.#answeredAt = this.#clock.now();
  }

  established(): void {
    if (this.#phase !== 'answered' && this.#phase !== 'taken') return;
    if (this.media.sendsOnceConfirmed) void this.media.ask((media) => media.confirm());
    this.takeNow();
    // Where the call before was not confirmed either.
    this.#leg.established();
  }

  /**
   * Takes the leg where its far end was answered: the one that it replaces has hung up, as it may once it hears of the answer, and
   * the ACK is still on its way. False where it was not answered yet.
   */
  takeNow(): boolean {
    if (this.#phase !== 'answered' || this.#leg.hasEnded) return false;
    this.#phase = 'taken';
    this.#leg.giveTo(this);
    return true;
  }

  /** Yet another call has taken the leg: nothing more of this one counts. */
  succeeded(): void {
    this.#phase = 'ended';
  }

  /** The leg has ended while this call was about to take it. */
  legEnded(outcome: Outcome): void {
    if (this.#giveUp()) this.signalling.terminate(outcome);
  }

  keyDown(): void {
    if (this.#phase === 'taken') this.#leg.keyDown();
  }

  dtmf(digit: string, durationMs: number): void {
    if (this.#phase === 'taken') this.#leg.dtmf(digit, durationMs);
  }

  signallingLost(): void {
    if (this.#phase === 'taken') this.#leg.signallingLost();
  }

  signallingBack(): void {
    if (this.#phase === 'taken') this.#leg.signallingBack();
  }

  acceptStreams(streamIds: Iterable<string> | null): void {
    if (this.#phase === 'taken') this.#leg.acceptStreams(streamIds);
  }

  async end(outcome: Outcome): Promise<void> {
    if (this.#phase === 'taken') return this.#leg.end(outcome);
    if (this.#giveUp()) this.#leg.succeededByNobody(this);
    await this.#closed;
  }

  async terminate(outcome: Outcome): Promise<void> {
    if (this.#phase === 'taken') return this.#leg.terminate(outcome);
    if (this.#giveUp()) {
      this.#leg.succeededByNobody(this);
      this.signalling.terminate(outcome);
    }
    await this.#closed;
  }

  #gone(): Refusal {
    const party = { participantId: this.participant.id, legId: this.legId };
    return new Refusal('participant-gone', 'the leg ended while another call was to take it over', party);
  }

  /** False where there is nothing to give up. */
  #giveUp(): boolean {
    if (this.#phase === 'ended' || this.#phase === 'taken') return false;
    this.#phase = 'ended';
    if (this.#media !== null) this.#closed = this.#media.close();
    return true;
  }
}
