/** What a contract of the stores is run on, and how each of them opens it. */
import { afterEach, beforeEach } from 'vitest';
import type { Stores } from '../../src/store/stores.js';

/** An empty database. */
export interface OpenedPlace {
  /** So many entries an outbox takes that `open` opens. */
  readonly maxOutboxEntries: number;
  /** So many refused calls it keeps for each account. */
  readonly maxRefusedCalls: number;
  /** Opens the same data with each call, as another process or a later life of one does. */
  open(): Promise<Stores>;
  /** Removes the data; everything that was opened is closed. */
  dispose(): Promise<void>;
}

export interface UsedStores {
  readonly place: () => OpenedPlace;
  readonly stores: () => Stores;
  /** Closes all that is open and opens the same data: another life of the process. */
  readonly reopen: () => Promise<void>;
  /** The same data over another connection, as another process has it. */
  readonly openAnother: () => Promise<Stores>;
}

/** An empty place for each test of the suite, and its stores, which are closed after it. */
export function useStores(prepare: () => Promise<OpenedPlace>): UsedStores {
  let place: OpenedPlace;
  const opened: Stores[] = [];
  const open = async (): Promise<Stores> => {
    const stores = await place.open();
    opened.push(stores);
    return stores;
  };
  const closeAll = async (): Promise<void> => {
    for (const stores of opened.splice(0)) await stores.close();
  };
  beforeEach(async () => {
    place = await prepare();
    await open();
  });
  afterEach(async () => {
    await closeAll();
    await place.dispose();
  });
  return {
    place: () => place,
    stores: () => opened[0]!,
    reopen: async () => {
      await closeAll();
      await open();
    },
    openAnother: open,
  };
}
