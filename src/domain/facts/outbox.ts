/**
 * Facts that somebody is still to be told of. An entry is one fact for one receiver; entries of one lane (a session, for
 * that receiver) are told one after the other, in the order they were appended.
 */
export interface OutboxEntry {
  /** The fact's id: the same on every try. */
  readonly eventId: string;
  readonly accountId: string;
  /** Who is told: a webhook, or a callback URL. */
  readonly receiver: string;
  readonly lane: string;
  /** What is sent, to the byte. */
  readonly body: string;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
}

export interface WaitingEntry extends OutboxEntry {
  /** Rises from entry to entry. */
  readonly position: number;
  /** Tries so far, all failed. */
  readonly attempts: number;
}

export interface OutboxLane {
  readonly receiver: string;
  readonly lane: string;
}

/** What facts say of a session, a participant or an account: that it changed, and how far its facts are numbered. */
export interface Activity {
  readonly id: string;
  readonly of: 'session' | 'participant' | 'account';
  /** Number of its last fact; 0 where it numbers none. */
  readonly sequence: number;
  readonly changedAt: number;
  /** It is deleted: nothing needs to be known of it any more. */
  readonly isGone: boolean;
}

/** Every method rejects with DomainError('store-unavailable') when the store cannot be reached. */
export interface Outbox {
  /** Entries waiting. */
  readonly size: number;
  /**
   * Takes the entries and the activity, all or nothing. Above its bound the oldest entries of the receiver that has failed
   * for longest go; resolves with how many went.
   */
  append(entries: readonly OutboxEntry[], activity: readonly Activity[]): Promise<number>;
  /** Where anything waits. */
  lanes(): Promise<readonly OutboxLane[]>;
  /** The oldest entry of the lane, or null. */
  next(lane: OutboxLane): Promise<WaitingEntry | null>;
  /** The entry has been told, or is given up. */
  remove(position: number): Promise<void>;
  /** The entry was tried once more, in vain. */
  failed(position: number): Promise<void>;
  /** Gives up all that waits for a receiver; resolves with how much it was. */
  removeReceiver(receiver: string): Promise<number>;
  /** How far the facts of each session and account are numbered. */
  sequences(): Promise<ReadonlyMap<string, number>>;
}
