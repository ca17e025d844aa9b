/** Tells the facts of live legs: each method records what its name says, about the leg's participant as it is then. */
import type { Clock } from '../clock.js';
import type { CallRecord } from '../facts/call-record.js';
import type { EventRecorder } from '../facts/event-recorder.js';
import { participantSubject as subject } from '../facts/event-subjects.js';
import type { MediaStreamInfo } from '../media-plane.js';
import type { Outcome } from '../outcome.js';
import type { Participant } from '../participants/participant.js';
import type { LegState } from './door-leg.js';
import type { LiveLeg } from './live-leg.js';

export class LegFacts {
  readonly #events: EventRecorder;
  readonly #clock: Clock;

  constructor(events: EventRecorder, clock: Clock) {
    this.#events = events;
    this.#clock = clock;
  }

  arrived(leg: LiveLeg): void {
    const { legId, door, callId, clientId, voiceCallId, trunkId, caller, stir, headers } = leg;
    const data = { legId, door, callId, clientId, voiceCallId, trunkId, caller, stir, headers };
    this.#events.record('call.arrived', subject(leg.participant), data);
  }

  answered(leg: LiveLeg): void {
    const { legId, kind, door, callId } = leg;
    if (kind === null) return;
    this.#events.record('call.answered', subject(leg.participant), { legId, legKind: kind, door, callId });
  }

  established(leg: LiveLeg): void {
    const { legId, kind, door, callId, clientId } = leg;
    if (kind === null) return;
    const data = { legId, legKind: kind, door, callId, clientId };
    this.#events.record('call.established', subject(leg.participant), data);
  }

  /** The call that the leg has now took it over from that with the Call-ID. */
  takenOver(leg: LiveLeg, replacedCallId: string): void {
    const { legId, kind, door, callId, voiceCallId, trunkId, caller, stir } = leg;
    if (kind === null) return;
    const about = { voiceCallId, trunkId, caller, stir, headers: leg.headers };
    const data = { legId, legKind: kind, door, callId, replacedCallId, ...about };
    this.#events.record('call.replaced', subject(leg.participant), data);
  }

  /** The leg's media was lost, and is there again elsewhere. */
  moved({ legId, kind, participant }: LiveLeg): void {
    if (kind !== null) this.#events.record('leg.moved', subject(participant), { legId, legKind: kind });
  }

  /** The leg is in its participant's session, with what it publishes. */
  joined(leg: LiveLeg): void {
    const { legId, kind, participant, caller } = leg;
    if (kind !== null) {
      const { displayName, attributes } = participant;
      const data = { legId, legKind: kind, displayName, attributes, caller };
      this.#events.record('participant.joined', subject(participant), data);
    }
    this.streamsChanged(leg, [], leg.streams);
  }

  /** The leg is in the session no longer that its participant still names, and so is what it published there. */
  left(leg: LiveLeg, outcome: Outcome): void {
    const { legId, kind, participant } = leg;
    this.streamsChanged(leg, leg.published, []);
    this.#events.record('participant.left', subject(participant), { legId, legKind: kind, outcome });
  }

  streamsChanged(leg: LiveLeg, before: readonly MediaStreamInfo[], after: readonly MediaStreamInfo[]): void {
    const has = (streams: readonly MediaStreamInfo[], id: string) =>
      streams.some(({ streamId }) => streamId === id);
    for (const { streamId, alias } of before) {
      if (has(after, streamId)) continue;
      this.#events.record('stream.unpublished', subject(leg.participant), { streamId, alias });
    }
    for (const { streamId, alias, mediaTypes } of after) {
      if (has(before, streamId)) continue;
      this.#events.record('stream.published', subject(leg.participant), { streamId, alias, mediaTypes });
    }
  }

  held({ legId, participant, isHeld }: LiveLeg): void {
    this.#events.record(isHeld ? 'call.held' : 'call.resumed', subject(participant), { legId });
  }

  signallingLost({ legId, participant, clientId }: LiveLeg): void {
    if (clientId === null) return;
    this.#events.record('signalling.lost', subject(participant), { legId, clientId });
  }

  signallingBack({ legId, participant, clientId }: LiveLeg): void {
    if (clientId === null) return;
    this.#events.record('signalling.back', subject(participant), { legId, clientId });
  }

  keyPressed({ legId, participant }: LiveLeg, digit: string, durationMs: number): void {
    this.#events.record('dtmf.received', subject(participant), { legId, digit, durationMs });
  }

  /** `before`: how far the leg had come. */
  ended(leg: LiveLeg, outcome: Outcome, before: LegState): void {
    const { legId, kind, door, callId, clientId, voiceCallId, trunkId, caller, stir, headers } = leg;
    const { answeredAt } = leg;
    this.#events.record('call.ended', subject(leg.participant), {
      ...{ legId, legKind: kind, door, callId, clientId, voiceCallId, trunkId, caller, stir, headers },
      outcome,
      durationMs: answeredAt === null ? 0 : this.#clock.now() - answeredAt,
      wasEstablished: before === 'established',
    });
  }

  /**
   * The end of what an earlier life of this node left open: `participants` held slots then, `open` are the records of legs
   * whose end is not known.
   */
  endedWithNode(participants: readonly Participant[], open: readonly CallRecord[]): void {
    const outcome: Outcome = { endedBy: 'gateway', reason: 'gateway-restarted' };
    const records = new Map(open.map((record) => [record.legId, record]));
    for (const participant of participants) {
      const { legId, sessionId } = participant;
      if (legId === null || sessionId === null) continue;
      const record = records.get(legId);
      if (record !== undefined && record.joinedAt === null) continue;
      const data = { legId, legKind: record?.kind ?? null, outcome };
      this.#events.record('participant.left', subject(participant), data);
    }
    for (const record of open) {
      const participant = participants.find(({ legId }) => legId === record.legId);
      const { legId, kind, door, callId, clientId, voiceCallId, trunkId, caller, stir, headers } = record;
      const { accountId, participantId } = record;
      // Every leg has them.
      if (accountId === null || participantId === null) continue;
      const about =
        participant === undefined
          ? { accountId, sessionId: null, participantId, tag: record.participantTag }
          : subject(participant);
      this.#events.record('call.ended', about, {
        ...{ legId, legKind: kind, door, callId, clientId, voiceCallId, trunkId, caller, stir, headers },
        outcome,
        durationMs: record.answeredAt === null ? 0 : null,
        wasEstablished: record.establishedAt !== null,
      });
    }
  }
}
