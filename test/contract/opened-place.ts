/** What a contract of the stores is run on. */
import type { Stores } from '../../src/store/stores.js';

/** An empty database. */
export interface OpenedPlace {
  /** So many entries an outbox takes that `open` opens. */
  readonly maxOutboxEntries: number;
  /** Opens the same data with each call, as another process or a later life of one does. */
  open(): Promise<Stores>;
  /** Removes the data; everything that was opened is closed. */
  dispose(): Promise<void>;
}
