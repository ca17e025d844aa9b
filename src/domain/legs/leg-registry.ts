/**
 * The live legs of this node: admits them, keeps the routes in force equal to the rules, and ends them when the rules
 * change. Doors call `admit`; the session service tells it what applications changed.
 */
import { randomUUID } from 'node:crypto';
import { presentCaller, type Caller, type CallerPrivacy } from '../participants/caller.js';
import type { CallRecord } from '../facts/call-record.js';
import type { Clock, Timer } from '../clock.js';
import { participantSubject as subject } from '../facts/event-subjects.js';
import type { EventRecorder } from '../facts/event-recorder.js';
import { GuessLimiter, type GuessLimits } from './guess-limiter.js';
import { hashJoinCode } from '../participants/join-code.js';
import type { LegAttendant } from './leg-attendant.js';
import { describeParticipant } from './leg-notice.js';
import type { LegObserver } from './leg-observer.js';
import { LiveLeg, type LegSignalling, type LegState, type LiveLegOwner } from './live-leg.js';
import type { Logger } from '../logger.js';
import type {
  LegKind,
  MediaLegStatistics,
  MediaPlane,
  MediaStreamInfo,
  PlaybackEnd,
} from '../media-plane.js';
import type { Outcome } from '../outcome.js';
import type { Participant } from '../participants/participant.js';
import { Refusal, type RefusalCode } from '../refusal.js';
import { SessionRoutes, type SessionStream } from './session-routes.js';
import { SlotRelease } from './slot-release.js';
import type { ParticipantStore } from '../participants/participant-store.js';
import type { Credential, TokenCodec } from '../participants/token.js';

export interface LegLimits {
  readonly maxLegs: number;
  readonly maxParticipantsPerSession: number;
  /** A phone leg without a session is ended after this. */
  readonly noSessionTimeoutSeconds: number;
  readonly guesses: GuessLimits;
}

export interface LegRegistryOptions {
  readonly nodeId: string;
  readonly store: ParticipantStore;
  readonly media: MediaPlane;
  readonly tokens: TokenCodec;
  readonly events: EventRecorder;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly limits: LegLimits;
  /** How much of its callers an account shows. Default `masked`. */
  readonly callerPrivacy?: (accountId: string) => CallerPrivacy;
  /** Learns what a leg's media counted, a moment after the leg's end. */
  readonly onMeasured?: (legId: string, statistics: MediaLegStatistics) => void;
  /** A phone that hears nobody in its session hears the hold sound there too. Default false. */
  readonly holdSoundWhenAlone?: boolean;
}

export interface AdmitRequest {
  readonly credential: Credential | null;
  readonly door: string;
  readonly callId: string;
  /** The client's own id, by which its signalling may come back to the leg. Default: the leg ends with its signalling. */
  readonly clientId?: string | null;
  readonly voiceCallId: string | null;
  /** Who calls, as the network says. */
  readonly caller?: Caller | null;
  /** Where the request came from, for the limit on guesses. */
  readonly source: string;
  readonly signalling: LegSignalling;
  /** Looks after the leg until it is in a session. Learns of the leg's end also where it is not admitted. */
  readonly attendant?: LegAttendant | null;
}

const claimRefusals = {
  gone: 'participant-gone',
  used: 'token-used',
  occupied: 'participant-occupied',
} as const;

export class LegRegistry implements LiveLegOwner {
  readonly #options: LegRegistryOptions;
  readonly #guesses: GuessLimiter;
  readonly #slots: SlotRelease;
  readonly #legs = new Map<string, LiveLeg>();
  readonly #byParticipant = new Map<string, LiveLeg>();
  readonly #routes: SessionRoutes;
  readonly #noSessionTimers = new Map<LiveLeg, Timer>();
  readonly #observers: LegObserver[] = [];
  /** Told when no leg is left. */
  readonly #whenIdle = new Set<() => void>();
  #draining = false;

  constructor(options: LegRegistryOptions) {
    this.#options = options;
    this.#routes = new SessionRoutes({
      logger: options.logger,
      holdSoundWhenAlone: options.holdSoundWhenAlone ?? false,
      onRouted: (sessionId) => {
        for (const observer of this.#observers) observer.sessionRouted?.(sessionId);
      },
    });
    this.#guesses = new GuessLimiter(options.limits.guesses, options.clock);
    this.#slots = new SlotRelease(options);
  }

  /** Is told of what happens from now on, for as long as the registry lives. */
  observe(observer: LegObserver): void {
    this.#observers.push(observer);
  }

  get size(): number {
    return this.#legs.size;
  }

  get isDraining(): boolean {
    return this.#draining;
  }

  /** From now on every new leg is refused with `draining`; those in progress go on. */
  drain(): void {
    this.#draining = true;
  }

  /** Resolves when no leg is left, at once where there is none, and when the signal is aborted. */
  async idle(signal: AbortSignal): Promise<void> {
    if (this.#legs.size === 0 || signal.aborted) return;
    await new Promise<void>((resolve) => {
      const done = () => {
        this.#whenIdle.delete(done);
        signal.removeEventListener('abort', done);
        resolve();
      };
      this.#whenIdle.add(done);
      signal.addEventListener('abort', done);
    });
  }

  /** Live legs by kind; `opening` are those whose media is not open yet. */
  countByKind(): Record<LegKind | 'opening', number> {
    const counts = { phone: 0, browser: 0, opening: 0 };
    for (const leg of this.#legs.values()) counts[leg.kind ?? 'opening'] += 1;
    return counts;
  }

  list(accountId: string): LiveLeg[] {
    return [...this.#legs.values()].filter((leg) => leg.participant.accountId === accountId);
  }

  find(accountId: string, legId: string): LiveLeg | undefined {
    const leg = this.#legs.get(legId);
    return leg?.participant.accountId === accountId ? leg : undefined;
  }

  /** The participant that a credential stands for, whether or not its slot is free. Throws Refusal. */
  identify(credential: Credential | null, source: string): Promise<string> {
    return this.#resolve(credential, source);
  }

  /** Turns a credential into a leg that holds the participant's slot. Allocates no media. Throws Refusal. */
  async admit(request: AdmitRequest): Promise<LiveLeg> {
    try {
      return await this.#admit(request);
    } catch (error) {
      await request.attendant?.legEnded();
      throw error;
    }
  }

  async #admit(request: AdmitRequest): Promise<LiveLeg> {
    const { store, clock, events, limits, media, nodeId } = this.#options;
    if (this.#draining) throw new Refusal('draining');
    const participantId = await this.#resolve(request.credential, request.source);
    if (this.#legs.size >= limits.maxLegs || !media.isReady) throw new Refusal('overloaded');

    const legId = randomUUID();
    const claim = await store.claimSlot(participantId, legId, nodeId, clock.now());
    if (claim.result !== 'claimed') throw new Refusal(claimRefusals[claim.result]);
    const { participant } = claim;
    const refusal = this.#refusalAfterClaim(participant);
    if (refusal !== null) {
      await this.#slots.release(participant.id, legId, false);
      throw new Refusal(refusal);
    }
    const leg = new LiveLeg({
      legId,
      door: request.door,
      callId: request.callId,
      clientId: request.clientId ?? null,
      voiceCallId: request.voiceCallId,
      caller: presentCaller(request.caller ?? null, this.#callerPrivacy(participant.accountId)),
      participant,
      signalling: request.signalling,
      attendant: request.attendant ?? null,
      media,
      clock,
      owner: this,
    });
    this.#legs.set(legId, leg);
    this.#byParticipant.set(participant.id, leg);
    events.record('call.arrived', subject(participant), {
      legId,
      door: leg.door,
      callId: leg.callId,
      clientId: leg.clientId,
      voiceCallId: leg.voiceCallId,
      caller: leg.caller,
    });
    return leg;
  }

  legSignallingLost({ legId, participant, clientId }: LiveLeg): void {
    if (clientId !== null)
      this.#options.events.record('signalling.lost', subject(participant), { legId, clientId });
  }

  legSignallingBack({ legId, participant, clientId }: LiveLeg): void {
    if (clientId !== null)
      this.#options.events.record('signalling.back', subject(participant), { legId, clientId });
  }

  /** The live streams of a session, in the order their publishers joined. */
  streams(sessionId: string): SessionStream[] {
    return this.#routes.streams(sessionId);
  }

  /** The established legs of a session, in the order they joined. */
  inSession(sessionId: string): readonly LiveLeg[] {
    return this.#routes.legs(sessionId);
  }

  /** The leg that holds the participant's slot. */
  ofParticipant(participantId: string): LiveLeg | undefined {
    return this.#byParticipant.get(participantId);
  }

  /** An application changed the participant: its session, subscriptions, mutes, permissions or name. */
  participantChanged(participant: Participant): void {
    const leg = this.#byParticipant.get(participant.id);
    if (leg === undefined) return;
    const { sessionId: from, mutedAliases } = leg.participant;
    const shownBefore = JSON.stringify(describeParticipant(leg));
    if (from !== null && from !== participant.sessionId) {
      this.#leave(leg, { endedBy: 'application', reason: 'removed-from-session' });
    }
    leg.update(participant);
    if (leg.state !== 'established') return;
    if (from !== participant.sessionId) this.#enter(leg);
    else if (
      isSameList(mutedAliases, participant.mutedAliases) &&
      shownBefore === JSON.stringify(describeParticipant(leg))
    )
      this.#routes.route(leg);
    else this.#routes.routeSession(from);
  }

  participantDeleted(participant: Participant): void {
    const leg = this.#byParticipant.get(participant.id);
    void leg?.terminate({ endedBy: 'application', reason: 'participant-deleted' });
  }

  /** `formerMembers` as they are now: without a session. Phones are ended, browsers stay connected. */
  sessionDeleted(formerMembers: readonly Participant[]): void {
    const outcome: Outcome = { endedBy: 'application', reason: 'session-deleted' };
    for (const participant of formerMembers) {
      const leg = this.#byParticipant.get(participant.id);
      if (leg === undefined) continue;
      if (leg.kind === 'browser') {
        this.#leave(leg, outcome);
        leg.update(participant);
        if (leg.state === 'established') this.#enter(leg);
      } else {
        void leg.terminate(outcome);
      }
    }
  }

  /** Ends every leg and resolves when their slots are free. */
  async endAll(outcome: Outcome): Promise<void> {
    await Promise.all([...this.#legs.values()].map((leg) => leg.terminate(outcome)));
  }

  /**
   * Closes what an earlier life of this node left open; `open` are the records of its legs. Call before the first leg is
   * admitted.
   */
  async recover(open: readonly CallRecord[] = []): Promise<void> {
    const { store, events, nodeId } = this.#options;
    const outcome: Outcome = { endedBy: 'gateway', reason: 'gateway-restarted' };
    const participants = await store.releaseNode(nodeId);
    const records = new Map(open.map((record) => [record.legId, record]));
    for (const participant of participants) {
      if (participant.legId === null || participant.sessionId === null) continue;
      const record = records.get(participant.legId);
      if (record !== undefined && record.joinedAt === null) continue;
      const legKind = record?.kind ?? null;
      events.record('participant.left', subject(participant), { legId: participant.legId, legKind, outcome });
    }
    for (const record of open) {
      const participant = participants.find(({ legId }) => legId === record.legId);
      const { legId, kind, door, callId, clientId, voiceCallId, caller, accountId, participantId } = record;
      const about =
        participant === undefined
          ? { accountId, sessionId: null, participantId, tag: record.participantTag }
          : subject(participant);
      const wasEstablished = record.establishedAt !== null;
      events.record('call.ended', about, {
        ...{ legId, legKind: kind, door, callId, clientId, voiceCallId, caller, wasEstablished, outcome },
        durationMs: record.answeredAt === null ? 0 : null,
      });
    }
  }

  legAnswered(leg: LiveLeg): void {
    if (leg.kind === null) return;
    this.#options.events.record('call.answered', subject(leg.participant), {
      legId: leg.legId,
      legKind: leg.kind,
      door: leg.door,
      callId: leg.callId,
    });
  }

  legEstablished(leg: LiveLeg): void {
    if (leg.kind !== null) {
      this.#options.events.record('call.established', subject(leg.participant), {
        legId: leg.legId,
        legKind: leg.kind,
        door: leg.door,
        callId: leg.callId,
        clientId: leg.clientId,
      });
    }
    this.#enter(leg);
  }

  legStreamsChanged(leg: LiveLeg, before: readonly MediaStreamInfo[]): void {
    // Outside of a session nobody can receive them; they are told when it enters one.
    if (leg.participant.sessionId === null) return;
    this.#recordStreams(leg, before, leg.streams);
    this.#routes.routeSession(leg.participant.sessionId);
  }

  legMeasured(leg: LiveLeg, statistics: MediaLegStatistics): void {
    this.#options.onMeasured?.(leg.legId, statistics);
  }

  legHeld(leg: LiveLeg): void {
    const type = leg.isHeld ? 'call.held' : 'call.resumed';
    this.#options.events.record(type, subject(leg.participant), { legId: leg.legId });
  }

  legPlayed(leg: LiveLeg, playbackId: string, how: PlaybackEnd): void {
    for (const observer of this.#observers) observer.legPlayed?.(leg, playbackId, how);
  }

  legDtmf(leg: LiveLeg, digit: string, durationMs: number): void {
    this.#options.events.record('dtmf.received', subject(leg.participant), {
      legId: leg.legId,
      digit,
      durationMs,
    });
    this.#routes.keyPressed(leg, digit, durationMs);
  }

  legEnded(leg: LiveLeg, outcome: Outcome, before: LegState): void {
    const { events, clock } = this.#options;
    this.#legs.delete(leg.legId);
    this.#byParticipant.delete(leg.participant.id);
    this.#cancelNoSessionTimer(leg);
    if (before === 'established') this.#leave(leg, outcome);
    for (const observer of this.#observers) observer.legEnded?.(leg);
    events.record('call.ended', subject(leg.participant), {
      legId: leg.legId,
      legKind: leg.kind,
      door: leg.door,
      callId: leg.callId,
      clientId: leg.clientId,
      voiceCallId: leg.voiceCallId,
      caller: leg.caller,
      durationMs: leg.answeredAt === null ? 0 : clock.now() - leg.answeredAt,
      wasEstablished: before === 'established',
      outcome,
    });
    leg.waitFor(this.#slots.release(leg.participant.id, leg.legId, leg.answeredAt !== null));
    if (this.#legs.size === 0) for (const tell of [...this.#whenIdle]) tell();
  }

  #callerPrivacy(accountId: string): CallerPrivacy {
    return this.#options.callerPrivacy?.(accountId) ?? 'masked';
  }

  async #resolve(credential: Credential | null, source: string): Promise<string> {
    const { store, tokens, clock } = this.#options;
    if (credential === null) throw new Refusal('token-missing');
    if (credential.kind === 'jwt') {
      const verification = tokens.verify(credential.value, clock.now());
      if (verification.result === 'valid') return verification.participantId;
      throw new Refusal(verification.result === 'expired' ? 'token-expired' : 'token-invalid');
    }
    if (this.#guesses.isBlocked(source))
      throw new Refusal('overloaded', 'too many unknown join codes from this source');
    const found = await store.findJoinCode(hashJoinCode(credential.value));
    if (found === null) {
      this.#guesses.failed(source);
      throw new Refusal('token-invalid', 'unknown join code');
    }
    if (found.expiresAt <= clock.now()) throw new Refusal('token-expired');
    return found.participantId;
  }

  /** Asked again when the slot is claimed: others may have been admitted, or the drain begun, in the meantime. */
  #refusalAfterClaim({ sessionId }: Participant): RefusalCode | null {
    if (this.#draining) return 'draining';
    if (this.#legs.size >= this.#options.limits.maxLegs) return 'overloaded';
    return sessionId !== null && this.#isFull(sessionId) ? 'session-full' : null;
  }

  #isFull(sessionId: string): boolean {
    let legs = 0;
    for (const leg of this.#legs.values()) if (leg.participant.sessionId === sessionId) legs += 1;
    return legs >= this.#options.limits.maxParticipantsPerSession;
  }

  /** The established leg is now in its participant's session, or waits without one. */
  #enter(leg: LiveLeg): void {
    const { participant } = leg;
    if (participant.sessionId === null) {
      this.#startNoSessionTimer(leg);
      this.#routes.route(leg);
      return;
    }
    this.#cancelNoSessionTimer(leg);
    this.#routes.add(leg);
    if (leg.kind !== null) {
      this.#options.events.record('participant.joined', subject(participant), {
        legId: leg.legId,
        legKind: leg.kind,
        displayName: participant.displayName,
        attributes: participant.attributes,
        caller: leg.caller,
      });
    }
    this.#recordStreams(leg, [], leg.streams);
    this.#routes.routeSession(participant.sessionId);
    // After the routes: what the attendant's silence covered is not heard for a moment.
    leg.entered();
    for (const observer of this.#observers) observer.legEntered?.(leg);
  }

  /** The leg is no longer in its session. Its participant still names the session here. */
  #leave(leg: LiveLeg, outcome: Outcome): void {
    const { sessionId } = leg.participant;
    if (!this.#routes.remove(leg)) return;
    this.#recordStreams(leg, leg.published, []);
    this.#options.events.record('participant.left', subject(leg.participant), {
      legId: leg.legId,
      legKind: leg.kind,
      outcome,
    });
    this.#routes.routeSession(sessionId);
    for (const observer of this.#observers) observer.legLeft?.(leg, outcome);
  }

  #recordStreams(leg: LiveLeg, before: readonly MediaStreamInfo[], after: readonly MediaStreamInfo[]): void {
    const { events } = this.#options;
    for (const { streamId, alias } of before) {
      if (after.some((stream) => stream.streamId === streamId)) continue;
      events.record('stream.unpublished', subject(leg.participant), { streamId, alias });
    }
    for (const { streamId, alias, mediaTypes } of after) {
      if (before.some((stream) => stream.streamId === streamId)) continue;
      events.record('stream.published', subject(leg.participant), { streamId, alias, mediaTypes });
    }
  }

  #startNoSessionTimer(leg: LiveLeg): void {
    if (leg.kind !== 'phone' || leg.isAttended) return;
    this.#cancelNoSessionTimer(leg);
    const delayMs = this.#options.limits.noSessionTimeoutSeconds * 1000;
    const timer = this.#options.clock.after(delayMs, () => {
      void leg.terminate({ endedBy: 'gateway', reason: 'no-session' });
    });
    this.#noSessionTimers.set(leg, timer);
  }

  #cancelNoSessionTimer(leg: LiveLeg): void {
    this.#noSessionTimers.get(leg)?.cancel();
    this.#noSessionTimers.delete(leg);
  }
}

function isSameList(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((item, index) => item === other[index]);
}
