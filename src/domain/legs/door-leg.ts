/**
 * Between a leg and the door that it came in by: what the door asks of the leg and tells it (`DoorLeg`), and what the leg asks
 * of the door (`LegSignalling`). Requests are asynchronous and say where nobody is there any more; what is told goes one way,
 * in order, and has no effect on a leg that has ended. So the two may live on different nodes.
 */
import type { LegKind, LegOpening, MediaConnection } from '../media-plane.js';
import type { Outcome } from '../outcome.js';
import type { Participant } from '../participants/participant.js';
import type { NoticeReceiver } from './leg-notice.js';

export type LegState = 'admitted' | 'opened' | 'answered' | 'established' | 'ended';

/** A leg as its door holds it. What can be read of it is as the leg was when the door last heard of it. */
export interface DoorLeg {
  readonly legId: string;
  readonly voiceCallId: string | null;
  readonly participant: Participant;
  readonly state: LegState;
  /** True once the leg has ended, by whomever. */
  readonly hasEnded: boolean;
  /** Null before its media is open. */
  readonly kind: LegKind | null;
  /** Milliseconds since the epoch; null until answered. */
  readonly answeredAt: number | null;

  /**
   * Allocates media: connections are there from now on. Throws Refusal; the leg has ended then, and where it ended while the
   * media was being made the refusal is the caller's to ignore.
   */
  open(opening: LegOpening): Promise<unknown>;
  /** One negotiation of the leg. Throws RangeError where the leg was opened without it, Error where it is not open. */
  connection(name: string): MediaConnection;

  /** The call is answered (200 OK sent). */
  answered(): void;
  /** The far end has confirmed (ACK): the participant joins. */
  established(): void;
  /** The far end signals, outside the media, that it holds a key: `dtmf` follows when it lets go. */
  keyDown(): void;
  /** The far end signalled a key press outside the media (SIP INFO). */
  dtmf(digit: string, durationMs: number): void;
  /**
   * The connection that the leg is signalled over is gone, and may come back. Told once for each connection; of one that the
   * leg's end closes the leg knows by itself.
   */
  signallingLost(): void;
  /** The leg is signalled again, after `signallingLost`. */
  signallingBack(): void;
  /** The streams that the door takes for the leg, published or not yet; null: all that its participant is subscribed to. */
  acceptStreams(streamIds: Iterable<string> | null): void;

  /** Ends the leg from the far end's side: the door knows already. Idempotent. Resolves when the slot is free and the media closed. */
  end(outcome: Outcome): Promise<void>;
  /** Ends the leg from our side: the door is told with `LegSignalling.terminate`. Idempotent. */
  terminate(outcome: Outcome): Promise<void>;
}

/** What the door does for the leg on the wire. No method throws. */
export interface LegSignalling {
  /** Absent where the far end takes no notices. */
  readonly notices?: NoticeReceiver | undefined;
  /**
   * Tells the far end of a key press beside the media; false where it did not take it. Absent where it takes none so. Called
   * only while the leg is established. Never rejects.
   */
  readonly sendDtmf?: ((digit: string, durationMs: number) => Promise<boolean>) | undefined;
  /** What the leg receives over this connection has changed: offer it anew as soon as signalling allows. */
  renegotiate(connection: string): void;
  /** Ends the dialog with the far end, or refuses it if it was not answered. Called at most once, never after the door itself ended the leg. */
  terminate(outcome: Outcome): void;
  /**
   * Another call has the leg now: ends the dialog with the far end, without a word to the leg. Absent where the door's calls are
   * never replaced.
   */
  replaced?(): void;
}
