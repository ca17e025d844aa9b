/** A person or program in a session; created over REST before it connects. */
import type { MediaType } from '../media-plane.js';
import type { Subscriptions } from './subscriptions.js';

/** `slot`: the token works again whenever the slot is free. `once`: it opens one leg in its life. */
export type TokenUse = 'slot' | 'once';

export interface Participant {
  readonly id: string;
  readonly accountId: string;
  readonly callbackUrl: string | null;
  readonly publishPermissions: readonly MediaType[];
  readonly tag: string | null;
  readonly displayName: string | null;
  /** The application's own, for others to see: at most `maxAttributes`. */
  readonly attributes: Readonly<Record<string, string>>;
  readonly tokenUse: TokenUse;
  /** When the token first opened a leg, milliseconds since the epoch. */
  readonly tokenUsedAt: number | null;
  /** At most one session at a time. */
  readonly sessionId: string | null;
  readonly subscriptions: Subscriptions;
  /** Aliases of its streams that nobody receives while it is a member, published or not. */
  readonly mutedAliases: readonly string[];
  /** The leg that holds the slot, or null while it is free. */
  readonly legId: string | null;
  readonly createdAt: number;
}
