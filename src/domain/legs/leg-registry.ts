/**
 * The live legs of this node: makes them of claimed slots, keeps the routes in force equal to the rules, and ends legs when
 * the rules change. It is told by the legs, and tells its observers; doors reach it as LegAdmission, REST and the session
 * rules as LegControl.
 */
import { presentHeaders, type CallHeaders } from '../participants/call-headers.js';
import { presentCaller, type Caller, type CallerPrivacy } from '../participants/caller.js';
import type { CallRecord } from '../facts/call-record.js';
import { sourceOf } from '../address-source.js';
import type { Clock } from '../clock.js';
import type { EventRecorder } from '../facts/event-recorder.js';
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
import type { ParticipantStore } from '../participants/participant-store.js';
import type { Credential, TokenCodec } from '../participants/token.js';
import { Refusal } from '../refusal.js';
import { isSameList } from '../same-list.js';
import { Admission, type ClaimedSlot } from './admission.js';
import type { DoorLeg, LegState } from './door-leg.js';
import { GuessLimiter, type GuessLimits } from './guess-limiter.js';
import type { AdmitRequest, LegAdmission, SuccessionRequest } from './leg-admission.js';
import type { LegControl, LegDescription, StreamDescription } from './leg-control.js';
import { LegFacts } from './leg-facts.js';
import { LiveLeg, type FormerCall, type LegObserver } from './live-leg.js';
import { NoSessionTimeout } from './no-session-timeout.js';
import { SessionRoutes, type SessionMessage, type SessionStream } from './session-routes.js';
import { SlotRelease } from './slot-release.js';

export interface LegLimits {
  readonly maxLegs: number;
  readonly maxParticipantsPerSession: number;
  /** A phone leg without a session is ended after this. */
  readonly noSessionTimeoutSeconds: number;
  /** Key presses of one leg; more are left out. Default 20. */
  readonly maxKeysPerSecond?: number;
  /** How long a leg whose media was lost may take to agree on other media, and how often that may be. Default 10 s, 3. */
  readonly moveTimeoutSeconds?: number;
  readonly maxMovesPerMinute?: number;
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
  /** A phone that hears nobody in its session hears the hold sound there too. Default false. */
  readonly holdSoundWhenAlone?: boolean;
}

export class LegRegistry implements LegAdmission, LegControl, LegObserver {
  readonly #options: LegRegistryOptions;
  readonly #admission: Admission;
  readonly #guesses: GuessLimiter;
  readonly #slots: SlotRelease;
  readonly #facts: LegFacts;
  readonly #routes: SessionRoutes;
  readonly #noSession: NoSessionTimeout;
  readonly #legs = new Map<string, LiveLeg>();
  readonly #byParticipant = new Map<string, LiveLeg>();
  readonly #observers: LegObserver[] = [];
  /** Told when no leg is left. */
  readonly #whenIdle = new Set<() => void>();
  #draining = false;

  constructor(options: LegRegistryOptions) {
    const { clock, events, limits, logger, media, holdSoundWhenAlone = false } = options;
    this.#options = options;
    this.#facts = new LegFacts(events, clock);
    this.#noSession = new NoSessionTimeout(clock, limits.noSessionTimeoutSeconds * 1000);
    this.#routes = new SessionRoutes({
      logger,
      holdSoundWhenAlone,
      onRouted: (sessionId) => {
        for (const observer of this.#observers) observer.sessionRouted?.(sessionId);
      },
    });
    this.#slots = new SlotRelease(options);
    this.#guesses = new GuessLimiter(limits.guesses, clock);
    this.#admission = new Admission({
      ...options,
      guesses: this.#guesses,
      slots: this.#slots,
      maxLegsInSession: limits.maxParticipantsPerSession,
      closedFor: () => {
        if (this.#draining) return 'draining';
        return this.#legs.size >= limits.maxLegs || !media.isReady ? 'overloaded' : null;
      },
    });
  }

  /** Is told of what happens from now on, for as long as the registry lives. */
  observe(observer: LegObserver): void {
    this.#observers.push(observer);
  }

  get size(): number {
    return this.#legs.size;
  }

  /** All that live, in the order of their admission. */
  get live(): Iterable<LiveLeg> {
    return this.#legs.values();
  }

  /** Join codes from there are not looked up at the moment, as far as this node knows. `source`: as for `admit`. */
  hasGuessedTooMuch(source: string): boolean {
    return this.#guesses.isBlocked(sourceOf(source));
  }

  get isDraining(): boolean {
    return this.#draining;
  }

  /** Until `resume` every new leg is refused with `draining`; those in progress go on. */
  drain(): void {
    this.#draining = true;
  }

  /** Takes new legs again. */
  resume(): void {
    this.#draining = false;
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

  /** The established legs of a session, in the order they joined. */
  inSession(sessionId: string): readonly LiveLeg[] {
    return this.#routes.legs(sessionId);
  }

  /** The leg that holds the participant's slot. */
  ofParticipant(participantId: string): LiveLeg | null {
    return this.#byParticipant.get(participantId) ?? null;
  }

  /** The live streams of a session with the legs that publish them, in the order these joined. */
  liveStreams(sessionId: string): SessionStream[] {
    return this.#routes.streams(sessionId);
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
    const { store, nodeId } = this.#options;
    this.#facts.endedWithNode(await store.releaseNode(nodeId), open);
  }

  identify(credential: Credential | null, source: string): Promise<string> {
    return this.#admission.identify(credential, source);
  }

  async admit(request: AdmitRequest): Promise<LiveLeg> {
    const { credential, source } = request;
    try {
      return await this.#admission.claim(credential, source, (slot) => this.#add(request, slot));
    } catch (error) {
      await request.attendant?.legEnded();
      throw error;
    }
  }

  /** Also while the node drains: the call that is taken over goes on. */
  // oxlint-disable-next-line require-await -- it throws as the port says
  async succeed(legId: string, request: SuccessionRequest): Promise<DoorLeg> {
    const leg = this.#legs.get(legId);
    if (leg === undefined) throw new Refusal('participant-gone', 'the leg has ended');
    return leg.succeed({ ...request, ...this.#presented(request, leg.participant) });
  }

  list(accountId: string): Promise<readonly LegDescription[]> {
    const legs = [...this.#legs.values()].filter((leg) => leg.participant.accountId === accountId);
    return Promise.all(legs.map(describe));
  }

  async terminate(accountId: string, legId: string, outcome: Outcome): Promise<'ended' | 'gone'> {
    const leg = this.#legs.get(legId);
    if (leg?.participant.accountId !== accountId) return 'gone';
    await leg.terminate(outcome);
    return 'ended';
  }

  streams(sessionId: string): Promise<readonly StreamDescription[]> {
    return Promise.resolve(
      this.#routes.streams(sessionId).map(({ publisher, ...live }) => ({
        ...live,
        legId: publisher.legId,
        legKind: publisher.kind,
        participantId: publisher.participant.id,
        displayName: publisher.participant.displayName,
      })),
    );
  }

  sendMessage(message: SessionMessage): Promise<'sent' | 'too-long' | 'gone'> {
    return Promise.resolve(this.#routes.message(message));
  }

  streamsOf(participantId: string): Promise<readonly MediaStreamInfo[]> {
    return Promise.resolve(this.#byParticipant.get(participantId)?.streams ?? []);
  }

  participantChanged(participant: Participant): Promise<void> {
    const leg = this.#byParticipant.get(participant.id);
    if (leg !== undefined) this.#update(leg, participant);
    return Promise.resolve();
  }

  participantDeleted(participant: Participant): Promise<void> {
    const leg = this.#byParticipant.get(participant.id);
    void leg?.terminate({ endedBy: 'application', reason: 'participant-deleted' });
    return Promise.resolve();
  }

  async sessionEnding(sessionId: string): Promise<void> {
    await Promise.all(this.#observers.map(async (observer) => observer.sessionEnding?.(sessionId)));
  }

  sessionDeleted(formerMembers: readonly Participant[]): Promise<void> {
    const outcome: Outcome = { endedBy: 'application', reason: 'session-deleted' };
    for (const participant of formerMembers) {
      const leg = this.#byParticipant.get(participant.id);
      if (leg === undefined) continue;
      if (leg.kind === 'phone') {
        void leg.terminate(outcome);
        continue;
      }
      // A browser, or a leg that may yet be one: as a phone it has its time without a session.
      this.#leave(leg, outcome);
      leg.update(participant);
      if (leg.state === 'established') this.#enter(leg);
    }
    return Promise.resolve();
  }

  legAnswered(leg: LiveLeg): void {
    this.#facts.answered(leg);
  }

  legEstablished(leg: LiveLeg): void {
    this.#facts.established(leg);
    this.#enter(leg);
  }

  legStreamsChanged(leg: LiveLeg, before: readonly MediaStreamInfo[]): void {
    // Outside of a session nobody can receive them; they are told when it enters one.
    if (leg.participant.sessionId === null) return;
    this.#facts.streamsChanged(leg, before, leg.streams);
    this.#routes.routeSession(leg.participant.sessionId);
  }

  legAcceptsChanged(leg: LiveLeg): void {
    this.#routes.route(leg);
  }

  legMeasured(leg: LiveLeg, statistics: MediaLegStatistics): void {
    for (const observer of this.#observers) observer.legMeasured?.(leg, statistics);
  }

  legHeld(leg: LiveLeg): void {
    this.#facts.held(leg);
    // Whoever heard nobody else hears the hold sound meanwhile.
    this.#routes.routeSession(leg.participant.sessionId);
  }

  legTakenOver(leg: LiveLeg, before: FormerCall): void {
    this.#facts.takenOver(leg, before.callId);
    if (leg.state === 'established') {
      const { sessionId } = leg.participant;
      this.#routes.takenOver(leg);
      if (sessionId === null) this.#routes.route(leg);
      else {
        this.#facts.streamsChanged(leg, before.streams, leg.streams);
        this.#routes.routeSession(sessionId);
      }
    }
    for (const observer of this.#observers) observer.legTakenOver?.(leg, before);
  }

  legReopened(leg: LiveLeg, before: readonly MediaStreamInfo[]): void {
    const { sessionId } = leg.participant;
    this.#routes.reopened(leg);
    if (sessionId === null) this.#routes.route(leg);
    else {
      this.#facts.streamsChanged(leg, before, leg.streams);
      this.#routes.routeSession(sessionId);
    }
    for (const observer of this.#observers) observer.legReopened?.(leg, before);
  }

  legMoved(leg: LiveLeg): void {
    this.#facts.moved(leg);
    for (const observer of this.#observers) observer.legMoved?.(leg);
  }

  legSignallingLost(leg: LiveLeg): void {
    this.#facts.signallingLost(leg);
  }

  legSignallingBack(leg: LiveLeg): void {
    this.#facts.signallingBack(leg);
  }

  legPlayed(leg: LiveLeg, playbackId: string, how: PlaybackEnd): void {
    for (const observer of this.#observers) observer.legPlayed?.(leg, playbackId, how);
  }

  legDtmf(leg: LiveLeg, digit: string, durationMs: number): void {
    this.#facts.keyPressed(leg, digit, durationMs);
    this.#routes.keyPressed(leg, digit, durationMs);
  }

  legEnded(leg: LiveLeg, outcome: Outcome, before: LegState): void {
    this.#legs.delete(leg.legId);
    this.#byParticipant.delete(leg.participant.id);
    this.#noSession.cancel(leg);
    if (before === 'established') this.#leave(leg, outcome);
    for (const observer of this.#observers) observer.legEnded?.(leg, outcome, before);
    this.#facts.ended(leg, outcome, before);
    leg.waitFor(this.#slots.release(leg.participant.id, leg.legId, leg.answeredAt !== null));
    if (this.#legs.size === 0) for (const tell of [...this.#whenIdle]) tell();
  }

  #add(request: AdmitRequest, slot: ClaimedSlot): LiveLeg {
    const { media, clock, limits } = this.#options;
    const { participant } = slot;
    const leg = new LiveLeg({
      ...request,
      ...slot,
      ...this.#presented(request, participant),
      media,
      clock,
      observer: this,
      maxKeysPerSecond: limits.maxKeysPerSecond,
      moves: {
        moveTimeoutMs: limits.moveTimeoutSeconds === undefined ? undefined : limits.moveTimeoutSeconds * 1000,
        maxMovesPerMinute: limits.maxMovesPerMinute,
      },
    });
    this.#legs.set(leg.legId, leg);
    this.#byParticipant.set(participant.id, leg);
    this.#facts.arrived(leg);
    return leg;
  }

  /** What of a call may be shown. */
  #presented(
    { caller = null, headers = null }: Pick<AdmitRequest, 'caller' | 'headers'>,
    { accountId }: Participant,
  ): { readonly caller: Caller | null; readonly headers: CallHeaders | null } {
    const privacy = this.#options.callerPrivacy?.(accountId) ?? 'masked';
    return { caller: presentCaller(caller, privacy), headers: presentHeaders(headers, privacy) };
  }

  #update(leg: LiveLeg, participant: Participant): void {
    const before = leg.participant;
    const { sessionId: from } = before;
    if (from !== null && from !== participant.sessionId) {
      this.#leave(leg, { endedBy: 'application', reason: 'removed-from-session' });
    }
    leg.update(participant);
    if (leg.state !== 'established') return;
    if (from !== participant.sessionId) this.#enter(leg);
    else if (isSeenAlike(before, participant)) this.#routes.route(leg);
    else this.#routes.routeSession(from);
  }

  /** The established leg is now in its participant's session, or waits without one. */
  #enter(leg: LiveLeg): void {
    const { sessionId } = leg.participant;
    if (sessionId === null) {
      this.#noSession.start(leg);
      this.#routes.route(leg);
      return;
    }
    this.#noSession.cancel(leg);
    this.#routes.add(leg);
    this.#facts.joined(leg);
    this.#routes.routeSession(sessionId);
    // After the routes: what the attendant's silence covered is not heard for a moment.
    leg.entered();
    for (const observer of this.#observers) observer.legEntered?.(leg);
  }

  /** The leg is no longer in its session. Its participant still names the session here. */
  #leave(leg: LiveLeg, outcome: Outcome): void {
    const { sessionId } = leg.participant;
    if (!this.#routes.remove(leg)) return;
    this.#facts.left(leg, outcome);
    this.#routes.routeSession(sessionId);
    for (const observer of this.#observers) observer.legLeft?.(leg, outcome);
  }
}

async function describe(leg: LiveLeg): Promise<LegDescription> {
  const statistics = await leg.statistics();
  const {
    legId,
    kind,
    door,
    callId,
    trunkId,
    caller,
    stir,
    headers,
    state,
    answeredAt,
    isHeld,
    streams,
    participant,
  } = leg;
  const { id: participantId, sessionId } = participant;
  return {
    ...{ legId, participantId, sessionId, kind, door, callId, trunkId, caller, stir, headers },
    ...{ state, answeredAt, isHeld, streams, statistics },
  };
}

/** Whether others are told the same of the participant before and after, and receive the same of it. */
function isSeenAlike(before: Participant, after: Participant): boolean {
  if (before.displayName !== after.displayName) return false;
  if (!isSameList(before.mutedAliases, after.mutedAliases)) return false;
  const { attributes } = after;
  const names = Object.keys(attributes);
  return (
    names.length === Object.keys(before.attributes).length &&
    names.every((name) => before.attributes[name] === attributes[name])
  );
}
