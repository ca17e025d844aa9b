/** Tells of every connected leg, in its own time, how good its audio is. */
import type { Clock, Timer } from '../clock.js';
import type { EventRecorder } from '../facts/event-recorder.js';
import { participantSubject } from '../facts/event-subjects.js';
import type { LiveLeg } from './live-leg.js';

export interface LegQualityFactsOptions {
  /** All that live. */
  readonly legs: () => Iterable<LiveLeg>;
  readonly events: EventRecorder;
  readonly clock: Clock;
  /** From the answer on, and between two facts of a leg; 0: none are told. */
  readonly intervalMs: number;
}

/** How often it is looked which legs are due: they are as far apart as their answers were. */
const lookMs = 1000;

export class LegQualityFacts {
  readonly #options: LegQualityFactsOptions;
  /** How many intervals of the leg have been told. */
  readonly #told = new WeakMap<LiveLeg, number>();
  #timer: Timer | null = null;
  #isClosed = false;

  constructor(options: LegQualityFactsOptions) {
    this.#options = options;
  }

  start(): void {
    if (this.#isClosed || this.#options.intervalMs === 0) return;
    this.#timer = this.#options.clock.after(lookMs, () => {
      this.#look();
      this.start();
    });
  }

  /** Idempotent. */
  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
  }

  #look(): void {
    const { legs, clock, intervalMs } = this.#options;
    const nowMs = clock.now();
    for (const leg of legs()) {
      if (leg.state !== 'established' || leg.answeredAt === null) continue;
      const intervals = Math.floor((nowMs - leg.answeredAt) / intervalMs);
      if (intervals <= (this.#told.get(leg) ?? 0)) continue;
      this.#told.set(leg, intervals);
      void this.#tell(leg);
    }
  }

  async #tell(leg: LiveLeg): Promise<void> {
    const statistics = await leg.statistics();
    const audio = statistics?.audio ?? null;
    const { legId, kind, participant } = leg;
    // It may have ended meanwhile: its end is told already, and nothing of it may follow.
    if (this.#isClosed || leg.hasEnded || audio === null || kind === null) return;
    if (audio.received === null && audio.sent === null) return;
    this.#options.events.record('leg.quality', participantSubject(participant), {
      legId,
      legKind: kind,
      ...audio,
    });
  }
}
