/** Mutated SIP, the same for the same seed, through framing, parser and writer. */
import { formatMessage } from '../../src/sip-server/message/format-message.js';
import { parseMessage } from '../../src/sip-server/message/parse-message.js';
import { identify } from '../../src/sip-server/transaction/identity.js';
import { StreamFramer } from '../../src/sip-server/transport/stream-framer.js';

const maxMessageBytes = 65_536;

/** Well-formed messages to begin with; those of RFC 4475 may be added. */
const plain = [
  'INVITE sip:b@192.0.2.1;transport=tcp SIP/2.0',
  'Via: SIP/2.0/TCP [2001:db8::9]:5070;branch=z9hG4bK1;rport, SIP/2.0/UDP a.example;received=192.0.2.9',
  'Record-Route: <sip:p1.example;lr>,<sip:p2.example;lr>',
  'Max-Forwards: 70',
  'From: "A \\"B\\" C" <sip:a:pw@a.example;user=phone?Subject=x>;tag=1',
  'To: <tel:+1-201-555-0123;phone-context=+1>;tag=2',
  'Call-ID: call@192.0.2.1',
  'CSeq: 4711 INVITE',
  'm: <sip:a@192.0.2.1:5070>;expires=60;+sip.instance="<urn:uuid:0>"',
  'Session-Expires: 1800;refresher=uac',
  'User-to-User: 56a390f3d2b7310023a;encoding=hex',
  'Content-Type: application/sdp',
  'Content-Length: 5',
  '',
  'v=0\r\n',
].join('\r\n');

const pieces = [
  ...[
    '\0',
    '\r',
    '\n',
    '\r\n',
    '\r\n\r\n',
    ' ',
    '\t',
    '"',
    '\\',
    '<',
    '>',
    ';',
    ',',
    '%',
    '@',
    ':',
    '[',
    ']',
  ],
  ...[
    '\xff\xfe',
    '\xc3',
    '99999999999',
    '-1',
    'SIP/2.0',
    'Via: ',
    'l: 4\r\n',
    ' \r\n ',
    ';;',
    '<<',
    '""',
    'sip:',
  ],
];

/** mulberry32: small, and the same everywhere. */
export function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export interface FuzzOptions {
  readonly seed: number;
  /** So many mutated bytes, or a few more. */
  readonly bytes: number;
  /** Messages that are mutated beside a plain one. */
  readonly corpus?: readonly Buffer[];
  /** False: it is enough. Asked after each message. */
  readonly goesOn?: () => boolean;
  readonly nowMs?: () => number;
}

export interface FuzzReport {
  readonly messages: number;
  readonly bytes: number;
  /** How many of them the parser took. */
  readonly taken: number;
  /** The longest that any message took, by byte, in microseconds. Messages under 1 kB count as 1 kB. */
  readonly slowestMicrosecondsPerByte: number;
}

/**
 * Throws where the parser or the framing throws, where what was taken and written anew is not taken again, or where the framing
 * gives other messages for the same bytes in other pieces.
 */
export function fuzzSip({ seed, bytes, corpus = [], goesOn, nowMs = () => 0 }: FuzzOptions): FuzzReport {
  const random = randomFrom(seed);
  const originals = [Buffer.from(plain, 'latin1'), ...corpus];
  const report = { messages: 0, bytes: 0, taken: 0, slowestMicrosecondsPerByte: 0 };
  while (report.bytes < bytes && goesOn?.() !== false) {
    const original = originals[Math.floor(random() * originals.length)] ?? Buffer.alloc(0);
    const mutated = mutate(original, random);
    const startedMs = nowMs();
    try {
      if (check(mutated)) report.taken += 1;
      checkFraming(mutated, random);
    } catch (error) {
      throw new Error(
        `seed ${String(seed)}, message ${String(report.messages)}: ${JSON.stringify(mutated.toString('latin1'))}`,
        {
          cause: error,
        },
      );
    }
    const perByte = ((nowMs() - startedMs) * 1000) / Math.max(1024, mutated.length);
    report.slowestMicrosecondsPerByte = Math.max(report.slowestMicrosecondsPerByte, perByte);
    report.messages += 1;
    report.bytes += mutated.length;
  }
  return report;
}

function mutate(original: Buffer, random: () => number): Buffer {
  let bytes = original;
  for (let edits = Math.floor(random() * random() * 6); edits >= 0; edits -= 1) {
    const at = Math.floor(random() * bytes.length);
    const cut = Math.floor(random() * random() * 60);
    bytes = Buffer.concat([bytes.subarray(0, at), insertion(bytes, random), bytes.subarray(at + cut)]);
  }
  return bytes.subarray(0, maxMessageBytes + 100);
}

function insertion(bytes: Buffer, random: () => number): Buffer {
  const kind = random();
  const piece = pieces[Math.floor(random() * pieces.length)] ?? '';
  if (kind < 0.5) return Buffer.from(piece, 'latin1');
  // Long runs of one thing are what regular expressions stumble over.
  if (kind < 0.51)
    return Buffer.from(piece.repeat(Math.floor(random() * 4_000)), 'latin1').subarray(0, 30_000);
  if (kind < 0.7) return Buffer.from([Math.floor(random() * 256)]);
  if (kind < 0.8)
    return bytes.subarray(Math.floor(random() * bytes.length), Math.floor(random() * bytes.length));
  return Buffer.alloc(0);
}

function check(bytes: Buffer): boolean {
  const result = parseMessage(bytes, { maxMessageBytes });
  if (!result.ok) return false;
  if (identify(result.message) === null) throw new Error('taken, and says not where it belongs');
  const again = parseMessage(formatMessage(result.message), { maxMessageBytes: 4 * maxMessageBytes });
  if (!again.ok) throw new Error(`what was written anew is refused: ${again.reason}`);
  const [first, second] = [result.message, again.message];
  if (first.kind !== second.kind || !first.body.equals(second.body)) throw new Error('not the same message');
  return true;
}

/** The bytes whole, and cut somewhere, are the same events. */
function checkFraming(bytes: Buffer, random: () => number): void {
  const at = Math.floor(random() * bytes.length);
  const whole = describeAll(new StreamFramer(maxMessageBytes), [bytes]);
  const cut = describeAll(new StreamFramer(maxMessageBytes), [bytes.subarray(0, at), bytes.subarray(at)]);
  // So many line breaks at once are too many; in two pieces they may be few enough.
  if (`${whole}${cut}`.includes('flood of line breaks')) return;
  if (whole !== cut) throw new Error(`framed in another way when cut at ${String(at)}`);
}

function describeAll(framer: StreamFramer, chunks: readonly Buffer[]): string {
  const events = chunks.flatMap((chunk) => framer.push(chunk));
  return events
    .filter(({ kind }) => kind !== 'ping')
    .map((event) =>
      event.kind === 'message'
        ? `message ${String(event.bytes.length)}`
        : `${event.kind} ${'reason' in event ? event.reason : ''}`,
    )
    .join('\n');
}
