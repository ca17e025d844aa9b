/** As much DER (X.690) as certificates' extensions need: values of one tag behind the other. */

export interface DerValue {
  /** The first octet: class, form and number. */
  readonly tag: number;
  readonly content: Buffer;
  /** The whole of it, with tag and length. */
  readonly raw: Buffer;
}

export class DerError extends Error {
  override readonly name = 'DerError';
}

export const tags = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  objectIdentifier: 0x06,
  utf8String: 0x0c,
  printableString: 0x13,
  teletexString: 0x14,
  ia5String: 0x16,
  utcTime: 0x17,
  generalizedTime: 0x18,
  bmpString: 0x1e,
  sequence: 0x30,
  set: 0x31,
  /** Explicit, by their number. */
  context: (number: number): number => 0xa0 + number,
  /** In the place of a plain value's own. */
  implicit: (number: number): number => 0x80 + number,
} as const;

/** The values that stand behind one another, and nothing else. Throws DerError. */
export function readValues(bytes: Buffer): readonly DerValue[] {
  const values: DerValue[] = [];
  let at = 0;
  while (at < bytes.length) {
    const tag = bytes[at] ?? 0;
    if ((tag & 0x1f) === 0x1f) throw new DerError('a tag of several octets');
    const { length, start } = lengthAt(bytes, at + 1);
    if (start + length > bytes.length) throw new DerError('a value that breaks off');
    values.push({
      tag,
      content: bytes.subarray(start, start + length),
      raw: bytes.subarray(at, start + length),
    });
    at = start + length;
  }
  return values;
}

/** The one value that there is. Throws DerError where its tag is another. */
export function readOne(bytes: Buffer, tag: number): Buffer {
  const [value, ...others] = readValues(bytes);
  if (value?.tag !== tag || others.length > 0) throw new DerError('another value than expected');
  return value.content;
}

/** Milliseconds since the epoch (RFC 5280 §4.1.2.5): in Greenwich, with seconds. Throws DerError. */
export function readTime({ tag, content }: DerValue): number {
  const text = content.toString('latin1');
  const [, century = '', year = '', month = '', day = '', hour = '', minute = '', second = ''] =
    /^(\d\d)?(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/.exec(text) ?? [];
  const isShort = tag === tags.utcTime;
  if ((!isShort && tag !== tags.generalizedTime) || year === '' || isShort !== (century === ''))
    throw new DerError('a bad time');
  // Two digits are of 1950 to 2049.
  const full = isShort ? Number(year) + (Number(year) < 50 ? 2000 : 1900) : Number(century + year);
  const ms = Date.parse(`${String(full).padStart(4, '0')}-${month}-${day}T${hour}:${minute}:${second}Z`);
  if (Number.isNaN(ms)) throw new DerError('a bad time');
  return ms;
}

/** `2.5.29.15`. */
export function formatOid(content: Buffer): string {
  const numbers: number[] = [];
  let number = 0;
  for (const octet of content) {
    number = number * 128 + (octet & 0x7f);
    if (number > Number.MAX_SAFE_INTEGER / 128) throw new DerError('a number that is too long');
    if ((octet & 0x80) !== 0) continue;
    numbers.push(number);
    number = 0;
  }
  const [first = 0, ...others] = numbers;
  const arc = Math.min(2, Math.floor(first / 40));
  return [arc, first - arc * 40, ...others].join('.');
}

function lengthAt(bytes: Buffer, at: number): { length: number; start: number } {
  const first = bytes[at];
  if (first === undefined) throw new DerError('a value that breaks off');
  if (first < 0x80) return { length: first, start: at + 1 };
  const octets = first & 0x7f;
  if (octets === 0 || octets > 4 || at + 1 + octets > bytes.length) throw new DerError('a bad length');
  return { length: bytes.readUIntBE(at + 1, octets), start: at + 1 + octets };
}
