/** Follows the live legs of this node. */
import type { LiveLeg } from './live-leg.js';
import type { PlaybackEnd } from '../media-plane.js';
import type { Outcome } from '../outcome.js';

/** What is told is done already. No method throws. */
export interface LegObserver {
  /** The leg is in its participant's session. */
  legEntered?(leg: LiveLeg): void;
  /** The leg is in its session no longer; its participant still names it. */
  legLeft?(leg: LiveLeg, outcome: Outcome): void;
  /** After `legLeft`, where it was in a session. */
  legEnded?(leg: LiveLeg): void;
  /** What somebody in the session publishes or receives may have changed. */
  sessionRouted?(sessionId: string): void;
  legPlayed?(leg: LiveLeg, playbackId: string, how: PlaybackEnd): void;
}
