/** Looks after a leg until it is in a session: speaks to its far end, and is told its key presses in place of everybody else. */
import type { PromptName, ToneSound } from '../media-plane.js';
import type { Outcome } from '../outcome.js';

/** What an attendant may do with its leg. No method throws, nor does any have an effect once the leg has ended. */
export interface AttendedLeg {
  /** When the call was answered, in milliseconds since the epoch. */
  readonly answeredAt: number | null;
  /** See MediaLeg. */
  prompt(sound: PromptName | null, repeatAfterMs: number | null, next?: PromptName): void;
  /** A short tone over all that the far end hears. */
  tone(sound: ToneSound): void;
  terminate(outcome: Outcome): Promise<void>;
}

/** No method throws. */
export interface LegAttendant {
  /** The far end is there, in no session yet. Not called where it is in one already. */
  legEstablished(leg: AttendedLeg): void;
  /** The far end holds a key: `keyUp` follows, and `keyPressed` before it where the press was not told already. */
  keyDown(): void;
  keyPressed(digit: string): void;
  keyUp(): void;
  /** The leg is in a session and needs nobody any more: key presses are everybody's from now on. */
  legEntered(): void;
  /** The last call, once for each attendant: the leg has ended, in a session or not, or was not admitted. Never rejects. */
  legEnded(): Promise<void>;
}
