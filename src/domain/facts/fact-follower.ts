/** The port through which parts of the product learn of facts. */
import type { DomainEvent } from './event.js';

/** Is told of every fact once it is kept, in the order of their happening. */
export interface FactFollower {
  /** Must not throw, and must not wait: what takes long is done afterwards. */
  factKept(event: DomainEvent): void;
}
