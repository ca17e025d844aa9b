/** A group of participants who may hear and see one another. */
export interface Session {
  readonly id: string;
  readonly accountId: string;
  readonly tag: string | null;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
}
