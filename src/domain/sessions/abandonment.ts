/** Deletes what nobody uses any more: sessions and participants without a live leg and without a change for long. */
import type { Clock, Timer } from '../clock.js';
import { DomainError } from '../domain-error.js';
import type { Logger } from '../logger.js';
import type { SessionService } from './session-service.js';

export interface Abandoned {
  readonly accountId: string;
  readonly id: string;
}

/** Both list those longest abandoned first. */
export interface AbandonmentStore {
  /** Without a live leg of a member, and without a change since `before`. */
  abandonedSessions(before: number, limit: number): Promise<readonly Abandoned[]>;
  /** Without a live leg, in no session, and without a change since `before`. */
  abandonedParticipants(before: number, limit: number): Promise<readonly Abandoned[]>;
  /** Forgets the activity of what was deleted meanwhile: facts that came after the deletion. */
  forgetDeleted(before: number, limit: number): Promise<void>;
}

export interface AbandonmentCleanerOptions {
  readonly store: AbandonmentStore;
  readonly sessions: Pick<SessionService, 'deleteSession' | 'deleteParticipant'>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly abandonedAfterMs: number;
  /** Deleted in one step, so that nobody waits for it. Default 50. */
  readonly stepSize?: number;
}

/** Between looks when there is nothing to do. */
const intervalMs = 60_000;
/** Between steps when there is more to do. */
const pauseMs = 50;

export class AbandonmentCleaner {
  readonly #options: AbandonmentCleanerOptions;
  readonly #stepSize: number;
  #timer: Timer | null = null;
  #running: Promise<void> = Promise.resolve();
  #isClosed = false;

  constructor(options: AbandonmentCleanerOptions) {
    this.#options = options;
    this.#stepSize = options.stepSize ?? 50;
  }

  start(): void {
    this.#schedule(false);
  }

  /** Resolves when a step in progress is over; idempotent. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#timer?.cancel();
    await this.#running;
  }

  /** Resolves with true where there may be more to delete. */
  async step(): Promise<boolean> {
    const { store, sessions, clock, abandonedAfterMs, logger } = this.#options;
    const before = clock.now() - abandonedAfterMs;
    try {
      // Sessions first: their members are in no session then, and may be abandoned too.
      const abandonedSessions = await store.abandonedSessions(before, this.#stepSize);
      for (const { accountId, id } of abandonedSessions) {
        await unlessGone(sessions.deleteSession(accountId, id));
      }
      const participants = await store.abandonedParticipants(before, this.#stepSize);
      for (const { accountId, id } of participants) {
        await unlessGone(sessions.deleteParticipant(accountId, id));
      }
      await store.forgetDeleted(before, this.#stepSize);
      const counts = { sessions: abandonedSessions.length, participants: participants.length };
      if (counts.sessions + counts.participants > 0) logger.info(counts, 'deleted what was abandoned');
      return Math.max(counts.sessions, counts.participants) >= this.#stepSize;
    } catch (error) {
      logger.warn({ err: error }, 'could not delete what was abandoned');
      return false;
    }
  }

  #schedule(isMore: boolean): void {
    if (this.#isClosed) return;
    this.#timer = this.#options.clock.after(isMore ? pauseMs : intervalMs, () => {
      this.#running = this.step().then((more) => this.#schedule(more));
    });
  }
}

/** Somebody else may have deleted it a moment ago. */
async function unlessGone(deletion: Promise<void>): Promise<void> {
  try {
    await deletion;
  } catch (error) {
    if (!(error instanceof DomainError) || error.code === 'store-unavailable') throw error;
  }
}
