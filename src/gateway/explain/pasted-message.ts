/**
 * Makes of a message that was pasted out of a log or a capture what was on the wire, and says what was mended. Text in, bytes out;
 * in time that grows with the text alone, for anybody may paste anything.
 */

export interface PastedMessage {
  readonly bytes: Buffer;
  /** For people; empty where the text is a message as it stands on the wire. */
  readonly mended: readonly string[];
}

const startLine = /(?:[A-Z]{3,16} (?:sips?|tel):[^\s]{1,2048} SIP\/2\.0|SIP\/2\.0 [1-6]\d\d )/;
const fieldLine = /^[A-Za-z0-9\-.!%*_+`'~]{1,64}[ \t]*:/;
/** A line of a dump: the offset, then bytes in pairs or fours of hexadecimal digits. */
const dumpLine = /^\s{0,16}(?:0x)?[0-9a-f]{4,8}:?\s{1,4}(?=[0-9a-f]{2}(?:[0-9a-f]{2})?(?:\s|$))/i;
const bytesInDumpLine = 16;

export function readPasted(text: string): PastedMessage {
  if (isAsOnTheWire(text)) return { bytes: Buffer.from(text, 'utf8'), mended: [] };
  const mended: string[] = [];
  let message = text.startsWith('\ufeff') ? text.slice(1) : text;
  const dumped = readDump(message);
  if (dumped !== null) {
    mended.push('a dump in hexadecimal digits was read');
    message = dumped.toString('latin1');
  } else message = withoutEscapes(message, mended);
  message = fromStartLine(message, mended);
  if (isAsOnTheWire(message))
    return { bytes: Buffer.from(message, dumped === null ? 'utf8' : 'latin1'), mended };
  return { bytes: Buffer.from(withLineEnds(message, mended), dumped === null ? 'utf8' : 'latin1'), mended };
}

/** It begins with its start line, its lines end with CRLF, and its header fields with an empty line. */
function isAsOnTheWire(text: string): boolean {
  const end = text.indexOf('\r\n\r\n');
  if (end === -1 || !/^\S/.test(text)) return false;
  const head = text.slice(0, end);
  return !/[^\r]\n/.test(head) && !head.includes('\\r\\n');
}

/** The bytes of the first packet of a dump, as tcpdump, Wireshark and xxd write it; null where the text is none. */
function readDump(text: string): Buffer | null {
  const lines = text.split('\n');
  const dumped = lines.filter((line) => dumpLine.test(line));
  if (dumped.length === 0 || dumped.length * 2 < lines.filter((line) => line.trim() !== '').length)
    return null;
  const bytes: Buffer[] = [];
  for (const line of dumped) {
    const [offset = ''] = dumpLine.exec(line) ?? [];
    // Another packet begins.
    if (bytes.length > 0 && /^\s*(?:0x)?0+:?\s+$/i.test(offset)) break;
    const digits = line.slice(offset.length);
    const isInFours = /^[0-9a-f]{4}/i.test(digits);
    // What stands behind a wider gap are the same bytes as text.
    const [column = ''] = digits.split(isInFours ? /\s{2,}/ : /\s{3,}/, 1);
    const [hex = ''] = /^(?:[0-9a-f]{2}\s{0,2})+/i.exec(column) ?? [];
    bytes.push(Buffer.from(hex.replaceAll(/\s/g, ''), 'hex').subarray(0, bytesInDumpLine));
  }
  return Buffer.concat(bytes);
}

/** Logs in JSON, and Wireshark, write line ends as `\r\n`. */
function withoutEscapes(text: string, mended: string[]): string {
  if (!text.includes('\\r\\n') && !(text.includes('\\n') && !text.trim().includes('\n'))) return text;
  mended.push('line ends that were written as \\r\\n were read as such');
  // Where each stands at the end of a line, that line's own end is nothing more.
  const isEach = /\\r\\n[ \t]*\r?\n/.test(text);
  const joined = isEach ? text.replaceAll(/\\r\\n[ \t]*\r?\n/g, '\n') : text;
  return joined
    .replaceAll(/\\r\\n|\\n/g, '\n')
    .replaceAll('\\t', '\t')
    .replaceAll('\\"', '"');
}

/** Cuts off what a log or the headers of a packet put before the start line. */
function fromStartLine(text: string, mended: string[]): string {
  const at = text.search(startLine);
  if (at <= 0) return text;
  if (text.slice(0, at).trim() !== '') mended.push('what stood before the start line was left out');
  return text.slice(at);
}

function withLineEnds(text: string, mended: string[]): string {
  let lines = text.split(/\r?\n/);
  if (/[^\r]\n/.test(text)) mended.push('line ends were made CRLF');
  lines = withoutMargin(lines, mended);
  let end = lines.findIndex((line, at) => at > 0 && line.trim() === '');
  if (end === -1) {
    end = lines.length;
    lines.push('');
    mended.push('the empty line behind the header fields was added');
  }
  const head = joinWrapped(lines.slice(0, end), mended);
  const bodyLines = lines.slice(end + 1);
  const { body, length } = bodyOf(bodyLines, statedLength(head), mended);
  const stated = head.map((line) => (lengthField.test(line) ? `Content-Length: ${String(length)}` : line));
  return [...stated, '', body].join('\r\n');
}

/** The same blanks, bars or angles before every line but the first, as logs and mails set them. */
function withoutMargin(lines: readonly string[], mended: string[]): string[] {
  const [first = '', ...rest] = lines;
  const written = rest.filter((line) => line.trim() !== '');
  const margin = written.reduce<string | null>((common, line) => {
    const [own = ''] = /^[ \t>|]{0,64}/.exec(line) ?? [];
    if (common === null) return own;
    let same = 0;
    while (same < common.length && common[same] === own[same]) same += 1;
    return common.slice(0, same);
  }, null);
  if (margin === null || margin === '') return [...lines];
  mended.push('what stood before every line was left out');
  return [first, ...rest.map((line) => (line.startsWith(margin) ? line.slice(margin.length) : line.trim()))];
}

/** A terminal breaks long lines where it likes; what follows is no header field and not marked as a continuation. */
function joinWrapped(lines: readonly string[], mended: string[]): string[] {
  const joined: string[] = [];
  for (const [at, line] of lines.entries()) {
    const isPart = at > 1 && !fieldLine.test(line) && !/^[ \t]/.test(line);
    if (!isPart) joined.push(line);
    else {
      joined.push(`${joined.pop() ?? ''}${line}`);
      mended.push(`line ${String(at + 1)} was read as the end of the one before it`);
    }
  }
  return joined;
}

const lengthField = /^(?:content-length|l)[ \t]*:/i;

function statedLength(head: readonly string[]): number | null {
  const field = head.find((line) => lengthField.test(line));
  const [, digits] = /:[ \t]*(\d{1,9})[ \t]*$/.exec(field ?? '') ?? [];
  return digits === undefined ? null : Number(digits);
}

/** A body whose lines end as its stated length says; where it fits neither way, the length is what is wrong. */
function bodyOf(
  lines: readonly string[],
  stated: number | null,
  mended: string[],
): { readonly body: string; readonly length: number } {
  let last = lines.length;
  while (last > 0 && (lines[last - 1] ?? '').trim() === '') last -= 1;
  const text = lines.slice(0, last);
  const body = text.length === 0 ? '' : `${text.join('\r\n')}\r\n`;
  const length = Buffer.byteLength(body);
  if (stated === null || stated === length) return { body, length };
  const withoutReturns = text.length === 0 ? '' : `${text.join('\n')}\n`;
  if (stated === Buffer.byteLength(withoutReturns)) return { body: withoutReturns, length: stated };
  const isLineEnd = stated < length && Buffer.from(body).subarray(0, stated).toString().endsWith('\n');
  if (isLineEnd) {
    mended.push('what stood behind the body was left out');
    return { body, length: stated };
  }
  mended.push(
    `Content-Length said ${String(stated)} where the body has ${String(length)} bytes: it was corrected`,
  );
  return { body, length };
}
