/** Keeps a record of each leg, from the facts about it, and of refused calls; removes those that are old. */
import type { CallRecordChange, CallRecordStore } from '../domain/facts/call-record.js';
import type { Clock, Timer } from '../domain/clock.js';
import type { DomainEvent, EventSink } from '../domain/facts/event.js';
import type { LimitedLines } from '../domain/limited-lines.js';
import type { Logger } from '../domain/logger.js';
import type { MediaLegStatistics } from '../domain/media-plane.js';
import { linesOfLosses, WriteBehind } from './write-behind.js';

export interface CallRecorderOptions {
  readonly store: CallRecordStore;
  readonly clock: Clock;
  readonly logger: Logger;
  /** How long a record is kept after the call's end. */
  readonly keepMs: number;
  /** How many records one step removes: few, so that nobody waits for it. Default 500. */
  readonly pruneStep?: number;
  /** The pause between two writes, unless they are hurried. Default 0. */
  readonly pauseMs?: number;
}

/** How often old records are looked for, when there are none. */
const pruneIntervalMs = 3_600_000;
/** The pause between steps while there are more. */
const prunePauseMs = 100;

export class CallRecorder implements EventSink {
  readonly #options: CallRecorderOptions;
  readonly #writes: WriteBehind<CallRecordChange>;
  readonly #lossLines: LimitedLines;
  #timer: Timer | null = null;
  #pruning: Promise<void> = Promise.resolve();
  #isClosed = false;

  constructor(options: CallRecorderOptions) {
    const { store, clock, logger } = options;
    this.#options = options;
    const lossLines = linesOfLosses(options, 'more call records were lost');
    this.#lossLines = lossLines;
    this.#writes = new WriteBehind<CallRecordChange>({
      write: (changes) => store.applyRecordChanges(changes),
      onLost: ({ length: changes }) =>
        lossLines.write(() => logger.error({ changes }, 'call records were lost'), { changes }),
      clock,
      ...(options.pauseMs !== undefined && { pauseMs: options.pauseMs }),
    });
  }

  publish(event: DomainEvent): void {
    const change = recordChange(event);
    if (change !== null) this.#writes.add(change);
  }

  /** Takes what is to be kept of a refused call, which is no fact. */
  record(change: CallRecordChange): void {
    this.#writes.add(change);
  }

  measured(legId: string, statistics: MediaLegStatistics): void {
    this.#writes.add({ change: 'measured', legId, statistics });
  }

  /** Begins to remove old records, in steps. */
  start(): void {
    this.#schedule(0);
  }

  /** Writes what waits without a pause. */
  hurry(): void {
    this.#writes.hurry();
  }

  /** Resolves when all facts so far are in their records. */
  settled(): Promise<void> {
    return this.#writes.settled();
  }

  /** Writes what waits; idempotent. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#timer?.cancel();
    await this.#pruning;
    await this.#writes.close();
    this.#lossLines.close();
  }

  #schedule(delayMs: number): void {
    if (this.#isClosed) return;
    this.#timer = this.#options.clock.after(delayMs, () => {
      this.#pruning = this.#prune();
    });
  }

  async #prune(): Promise<void> {
    const { store, clock, logger, keepMs } = this.#options;
    const { pruneStep = 500 } = this.#options;
    try {
      const removed = await store.pruneRecords(clock.now() - keepMs, pruneStep);
      this.#schedule(removed >= pruneStep ? prunePauseMs : pruneIntervalMs);
    } catch (error) {
      logger.warn({ err: error }, 'could not remove old call records');
      this.#schedule(pruneIntervalMs);
    }
  }
}

/** What a fact adds to the record of its leg, or null. */
function recordChange(event: DomainEvent): CallRecordChange | null {
  const { sessionId, participantId, accountId, time: at } = event;
  switch (event.type) {
    case 'call.arrived': {
      if (participantId === null) return null;
      const { legId, door, callId, clientId, voiceCallId, trunkId, caller, stir, headers } = event.data;
      const participantTag = event.tag;
      return {
        change: 'started',
        legId,
        accountId,
        sessionId,
        participantId,
        participantTag,
        door,
        callId,
        clientId,
        voiceCallId,
        trunkId,
        caller,
        stir,
        headers,
        at,
      };
    }
    case 'call.answered':
      return { change: 'answered', legId: event.data.legId, kind: event.data.legKind, at };
    case 'call.established':
      return { change: 'established', legId: event.data.legId, at };
    case 'participant.joined':
      return { change: 'joined', legId: event.data.legId, sessionId, at };
    case 'call.ended': {
      const { legId, durationMs, outcome } = event.data;
      return { change: 'ended', legId, at, durationMs, outcome };
    }
    default:
      return null;
  }
}
