/** How good the audio of legs is, as the facts about it tell. */
import { Counter, Histogram, type Registry } from 'prom-client';
import type { EventData } from '../domain/facts/event.js';

const directions = ['received', 'sent'] as const;

/** `direction`: `received` by us, or `sent` by us and received by the far end, as its reports say. */
export class QualityMetrics {
  readonly #mos: Histogram<'kind' | 'direction'>;
  readonly #loss: Histogram<'kind' | 'direction'>;
  readonly #oneWay: Counter<'kind' | 'how'>;

  constructor(registry: Registry) {
    const ofDirection = { labelNames: ['kind', 'direction'] as const, registers: [registry] };
    this.#mos = new Histogram({
      name: 'landbridge_leg_mos',
      help: 'Mean opinion score of a leg’s audio in the last ten seconds, each time that leg.quality is told.',
      // From where nearly all users complain to where none does (ITU-T G.107, table B.1).
      buckets: [1.5, 2, 2.58, 3.1, 3.6, 4.03, 4.34],
      ...ofDirection,
    });
    this.#loss = new Histogram({
      name: 'landbridge_leg_loss_ratio',
      help: 'Share of a leg’s packets lost in the last ten seconds, each time that leg.quality is told.',
      buckets: [0, 0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25],
      ...ofDirection,
    });
    this.#oneWay = new Counter({
      name: 'landbridge_leg_one_way_total',
      help: 'Times that leg.quality told of audio that goes one way only.',
      labelNames: ['kind', 'how'],
      registers: [registry],
    });
  }

  told(quality: EventData['leg.quality']): void {
    const { legKind: kind, oneWay } = quality;
    for (const direction of directions) {
      const measured = quality[direction];
      if (measured === null) continue;
      this.#mos.observe({ kind, direction }, measured.mos);
      this.#loss.observe({ kind, direction }, measured.lossPercent / 100);
    }
    if (oneWay !== null) this.#oneWay.inc({ kind, how: oneWay });
  }
}
