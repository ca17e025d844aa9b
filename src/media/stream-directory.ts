/** Which worker has each stream, and which workers want it. */

/** What a worker must import from now on, and what no longer. */
export interface ImportChange {
  readonly importer: number;
  readonly streamId: string;
  /** The worker that publishes the stream, or null to stop importing it. */
  readonly publisher: number | null;
}

interface Known {
  publisher: number | null;
  publishingLeg: string | null;
  /** Legs that want the stream, by worker. */
  readonly wanted: Map<number, Set<string>>;
}

interface LegEntry {
  readonly worker: number;
  published: readonly string[];
  wanted: readonly string[];
}

/**
 * Knows which worker publishes each stream and which workers want it, and says what has to be linked between them. Pure
 * bookkeeping: every change returns the imports that begin or end with it. Workers are numbers; a worker that was
 * replaced has a new one. Streams that nobody publishes and nobody wants are forgotten.
 */
export class StreamDirectory {
  readonly #streams = new Map<string, Known>();
  readonly #legs = new Map<string, LegEntry>();

  get size(): number {
    return this.#streams.size;
  }

  addLeg(legId: string, worker: number): void {
    this.#legs.set(legId, { worker, published: [], wanted: [] });
  }

  publish(legId: string, streamIds: readonly string[]): ImportChange[] {
    const leg = this.#legs.get(legId);
    if (leg === undefined) return [];
    const changes: ImportChange[] = [];
    const now = new Set(streamIds);
    for (const streamId of leg.published) {
      const known = this.#streams.get(streamId);
      if (now.has(streamId) || known?.publishingLeg !== legId) continue;
      for (const importer of importersOf(known)) changes.push({ importer, streamId, publisher: null });
      known.publisher = null;
      known.publishingLeg = null;
      this.#forget(streamId, known);
    }
    for (const streamId of now) {
      const known = this.#known(streamId);
      if (known.publishingLeg !== null) continue;
      known.publisher = leg.worker;
      known.publishingLeg = legId;
      for (const importer of importersOf(known)) changes.push({ importer, streamId, publisher: leg.worker });
    }
    leg.published = [...now];
    return changes;
  }

  want(legId: string, streamIds: readonly string[]): ImportChange[] {
    const leg = this.#legs.get(legId);
    if (leg === undefined) return [];
    const changes: ImportChange[] = [];
    const now = new Set(streamIds);
    for (const streamId of leg.wanted) {
      const known = this.#streams.get(streamId);
      if (now.has(streamId) || known === undefined) continue;
      const before = importersOf(known);
      const legs = known.wanted.get(leg.worker);
      legs?.delete(legId);
      if (legs?.size === 0) known.wanted.delete(leg.worker);
      if (before.includes(leg.worker) && !known.wanted.has(leg.worker)) {
        changes.push({ importer: leg.worker, streamId, publisher: null });
      }
      this.#forget(streamId, known);
    }
    for (const streamId of now) {
      const known = this.#known(streamId);
      const legs = known.wanted.get(leg.worker);
      if (legs !== undefined) {
        legs.add(legId);
        continue;
      }
      known.wanted.set(leg.worker, new Set([legId]));
      if (known.publisher !== null && known.publisher !== leg.worker) {
        changes.push({ importer: leg.worker, streamId, publisher: known.publisher });
      }
    }
    leg.wanted = [...now];
    return changes;
  }

  removeLeg(legId: string): ImportChange[] {
    const changes = [...this.publish(legId, []), ...this.want(legId, [])];
    this.#legs.delete(legId);
    return changes;
  }

  #known(streamId: string): Known {
    let known = this.#streams.get(streamId);
    if (known === undefined) {
      known = { publisher: null, publishingLeg: null, wanted: new Map() };
      this.#streams.set(streamId, known);
    }
    return known;
  }

  #forget(streamId: string, known: Known): void {
    if (known.publisher === null && known.wanted.size === 0) this.#streams.delete(streamId);
  }
}

const importersOf = ({ publisher, wanted }: Known): number[] =>
  publisher === null ? [] : [...wanted.keys()].filter((worker) => worker !== publisher);
