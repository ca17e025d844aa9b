/** Certificates of those who sign calls. */
import type { Figures } from './figures.js';

export interface StirFigures {
  /** URLs whose answers are kept, those of failures among them. */
  readonly certificates: number;
  /** Since the start. */
  readonly fetches: number;
  /** Lists of revoked certificates kept, with what could not be had. */
  readonly revocationLists: number;
  /** Since the start. */
  readonly revocationFetches: number;
}

export function exposeStir(figures: Figures, read: () => StirFigures): void {
  figures.gauge(
    'stir_certificates',
    'Signers’ certificates kept, with what could not be had.',
    () => read().certificates,
  );
  figures.counter(
    'stir_fetches_total',
    'Signers’ certificates asked for of their servers.',
    () => read().fetches,
  );
  figures.gauge(
    'stir_revocation_lists',
    'Lists of revoked certificates kept, with what could not be had.',
    () => read().revocationLists,
  );
  figures.counter(
    'stir_revocation_fetches_total',
    'Lists of revoked certificates asked for of their servers.',
    () => read().revocationFetches,
  );
}
