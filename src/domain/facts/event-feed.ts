/** The port by which somebody who is connected follows the facts of an account as they happen. */
import type { DomainEvent } from './event.js';

export interface EventFeed {
  /**
   * Null where there are too many readers, or too many of the account. From the return on the listener gets every fact that
   * fits the request, in order, and none of `missed` again; it must not throw.
   */
  subscribe(request: EventFeedRequest, listener: (event: DomainEvent) => void): EventSubscription | null;
}

export interface EventFeedRequest {
  readonly accountId: string;
  /** Only this session's facts. */
  readonly sessionId?: string;
  /** The id of the last fact that the reader has seen: what came after it is in `missed`. Without it nothing is. */
  readonly after?: string;
}

export interface EventSubscription {
  readonly missed: readonly DomainEvent[];
  /** True where the fact `after` is no longer remembered: the reader has missed more than `missed`, and should look anew. */
  readonly hasGap: boolean;
  /** Idempotent. */
  close(): void;
}
