/**
 * Frees participants' slots in the store, and goes on trying while the store fails (a disk that is full): until then nobody
 * could connect as those participants. What is still taken when the process ends, the next start frees.
 */
import type { Clock, Timer } from '../clock.js';
import type { Logger } from '../logger.js';
import type { ParticipantStore } from '../participants/participant-store.js';

export interface SlotReleaseOptions {
  readonly store: Pick<ParticipantStore, 'releaseSlot'>;
  readonly clock: Clock;
  readonly logger: Logger;
}

const retryMs = 5000;

export class SlotRelease {
  readonly #options: SlotReleaseOptions;
  /** Slots that could not be freed yet, by leg. At most one for each participant, since nobody takes a slot that is not free. */
  readonly #due = new Map<string, { readonly participantId: string; readonly wasAnswered: boolean }>();
  #retry: Timer | null = null;

  constructor(options: SlotReleaseOptions) {
    this.#options = options;
  }

  /** Frees the slot of a leg that has ended. Resolves after the first attempt, also where that failed and others follow; never rejects. */
  async release(participantId: string, legId: string, wasAnswered: boolean): Promise<void> {
    const { store, logger } = this.#options;
    try {
      await store.releaseSlot(participantId, legId, wasAnswered);
      this.#due.delete(legId);
    } catch (error) {
      // Once until the store is back: there may be hundreds, and what is wrong with the store is said elsewhere.
      if (this.#due.size === 0)
        logger.error({ err: error, legId }, 'could not free a participant’s slot yet');
      this.#due.set(legId, { participantId, wasAnswered });
      this.#retry ??= this.#options.clock.after(retryMs, () => void this.#releaseDue());
    }
  }

  /** One after another, until one fails: the store is then no better than before. */
  async #releaseDue(): Promise<void> {
    this.#retry = null;
    for (const [legId, { participantId, wasAnswered }] of [...this.#due]) {
      await this.release(participantId, legId, wasAnswered);
      if (this.#due.has(legId)) return;
    }
  }
}
