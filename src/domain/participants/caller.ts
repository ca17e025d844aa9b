/** Who is calling, as the phone network says, and how much of it may be shown. */
import { ownTextOrNull } from '../own-text.js';

export interface Caller {
  /** As the network gave it, in E.164 (`+…`) or as dialled; null where it is unknown. */
  readonly number: string | null;
  readonly name: string | null;
}

/** `full`: all. `masked`: the last digits of the number, and no name. `none`: nothing. */
export type CallerPrivacy = 'full' | 'masked' | 'none';

/** What may be shown of a caller; null where that is nothing. What may not be shown is not kept either. */
export function presentCaller(caller: Caller | null, privacy: CallerPrivacy): Caller | null {
  if (caller === null || privacy === 'none') return null;
  const shown = privacy === 'full' ? caller : { number: maskNumber(caller.number), name: null };
  return shown.number === null && shown.name === null ? null : shown;
}

/** A copy to be kept, without the message that it was read from. */
export function ownCaller({ number, name }: Caller): Caller {
  return { number: ownTextOrNull(number), name: ownTextOrNull(name) };
}

/** At most four digits stay, and at most a third of them all: `+15551230142` becomes `+********142`. */
export function maskNumber(number: string): string;
export function maskNumber(number: string | null): string | null;
export function maskNumber(number: string | null): string | null {
  if (number === null) return null;
  const digits = number.replace(/^\+/, '');
  const shown = Math.min(4, Math.floor(digits.length / 3));
  return `${number.startsWith('+') ? '+' : ''}${'*'.repeat(digits.length - shown)}${digits.slice(digits.length - shown)}`;
}
