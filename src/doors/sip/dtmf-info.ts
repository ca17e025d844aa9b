/** Key presses in SIP INFO: `application/dtmf-relay` (Signal=, Duration=) and `application/dtmf` (the digit alone). */
export interface DtmfInfo {
  readonly digit: string;
  readonly durationMs: number;
}

/** The content types that are understood, as in the Accept header field. */
export const dtmfInfoTypes = 'application/dtmf-relay, application/dtmf';

const defaultDurationMs = 160;
const digits = '0123456789*#ABCD';

/** Null where the body is no key press of that content type. */
export function parseDtmfInfo(contentType: string, body: string): DtmfInfo | null {
  const type = contentType.split(';', 1)[0]?.trim().toLowerCase();
  if (type === 'application/dtmf') return keyPress(body.trim(), undefined);
  if (type !== 'application/dtmf-relay') return null;
  // Blanks alone: `\s` would run over line ends, from each line to the end of a body of nothing else.
  const signal = /^[ \t]*Signal[ \t]*=[ \t]*(\S+)/im.exec(body)?.[1];
  const duration = /^[ \t]*Duration[ \t]*=[ \t]*(\d{1,5})/im.exec(body)?.[1];
  return signal === undefined ? null : keyPress(signal, duration);
}

/** The INFO that presses a key, which those of old understand: no package is named (RFC 6086 §1). */
export function formatDtmfInfo({ digit, durationMs }: DtmfInfo): {
  headers: Record<string, string>;
  body: string;
} {
  return {
    headers: { 'Content-Type': 'application/dtmf-relay' },
    body: `Signal=${digit.toUpperCase()}\r\nDuration=${durationMs}\r\n`,
  };
}

function keyPress(signal: string, duration: string | undefined): DtmfInfo | null {
  // RFC 4733's event numbers 10 and 11 are seen in place of the characters.
  const digit = signal === '10' ? '*' : signal === '11' ? '#' : signal.toUpperCase();
  if (digit.length !== 1 || !digits.includes(digit)) return null;
  return { digit, durationMs: duration === undefined ? defaultDurationMs : Number(duration) };
}
