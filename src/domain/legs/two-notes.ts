/** The tones that conference callers hear when somebody joins or leaves: two short notes, rising or falling. */
import type { Clock, Timer } from '../clock.js';
import type { ToneSound } from '../media-plane.js';

/** Whoever can be played a tone. */
interface Listener {
  tone(sound: ToneSound): void;
}

const noteMs = 120;
const lowHz = 440;
const highHz = 660;

/** Plays the first note now and the second when it is over, over all that the listeners hear. Cancelling leaves the second out. */
export function playTwoNotes(
  listeners: readonly Listener[],
  direction: 'rising' | 'falling',
  clock: Clock,
): Timer {
  const [first, second] = direction === 'rising' ? [lowHz, highHz] : [highHz, lowHz];
  for (const listener of listeners) listener.tone(note(first));
  return clock.after(noteMs, () => {
    for (const listener of listeners) listener.tone(note(second));
  });
}

function note(frequencyHz: number): ToneSound {
  return { kind: 'tone', frequenciesHz: [frequencyHz], durationMs: noteMs, levelDb: -20 };
}
