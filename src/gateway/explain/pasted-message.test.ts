import { describe, expect, it } from 'vitest';
import { parseMessage } from '../../sip-server/index.js';
import { readPasted } from './pasted-message.js';

const body = [
  'v=0',
  'o=- 1 1 IN IP4 192.0.2.5',
  's=-',
  'c=IN IP4 192.0.2.5',
  't=0 0',
  'm=audio 4000 RTP/AVP 0',
  '',
];
const head = [
  'INVITE sip:join@gw.example SIP/2.0',
  'Via: SIP/2.0/UDP 192.0.2.5:5060;branch=z9hG4bKa',
  'From: <sip:a@b>;tag=1',
  'To: <sip:join@gw.example>',
  'Call-ID: c1',
  'CSeq: 1 INVITE',
  'Contact: <sip:a@192.0.2.5>',
  'Content-Type: application/sdp',
];
const bodyText = body.join('\r\n');
const wire = [...head, `Content-Length: ${String(bodyText.length)}`, '', bodyText].join('\r\n');

/** As the parser reads what was made of the text. */
function read(text: string) {
  const { bytes, mended } = readPasted(text);
  const parsed = parseMessage(bytes);
  if (!parsed.ok) throw new Error(`${parsed.reason}: ${bytes.toString()}`);
  return { message: parsed.message, mended, text: bytes.toString() };
}

function dump(bytes: Buffer, form: 'tcpdump' | 'wireshark' | 'xxd'): string {
  const lines: string[] = [];
  for (let at = 0; at < bytes.length; at += 16) {
    const row = bytes.subarray(at, at + 16);
    const offset = at.toString(16);
    const ascii = row.toString('latin1').replace(/[^ -~]/g, '.');
    const pairs = [...row].map((byte) => byte.toString(16).padStart(2, '0'));
    const fours = row.toString('hex').match(/.{1,4}/g) ?? [];
    if (form === 'tcpdump')
      lines.push(`\t0x${offset.padStart(4, '0')}:  ${fours.join(' ').padEnd(39)}  ${ascii}`);
    else if (form === 'xxd')
      lines.push(`${offset.padStart(8, '0')}: ${fours.join(' ').padEnd(39)}  ${ascii}`);
    else {
      const [left, right] = [pairs.slice(0, 8).join(' '), pairs.slice(8).join(' ')];
      lines.push(`${offset.padStart(4, '0')}  ${`${left}  ${right}`.padEnd(48)}   ${ascii}`);
    }
  }
  return lines.join('\n');
}

describe('A pasted message', () => {
  it('is left as it is where it is what was on the wire, faults and all', () => {
    expect(readPasted(wire)).toEqual({ bytes: Buffer.from(wire), mended: [] });
    const faulty = wire.replace('Content-Length: ', 'Content-Length: 9');
    expect(readPasted(faulty).bytes.toString()).toBe(faulty);
  });

  it('with LF for line ends gets CRLF, and its stated length is kept', () => {
    const { text, mended } = read(wire.replaceAll('\r\n', '\n'));
    expect(text).toBe(wire);
    expect(mended).toEqual(['line ends were made CRLF']);
  });

  it('keeps a body whose lines end with LF by its stated length', () => {
    const lf = bodyText.replaceAll('\r\n', '\n');
    const text = [...head, `Content-Length: ${String(lf.length)}`, '', lf].join('\n');
    expect(read(text).message.body.toString()).toBe(lf);
  });

  it.each<[what: string, paste: string, mended: string]>([
    [
      'a log line before it',
      `2026-01-31 08:00:00 recv 900 bytes: ${wire.replaceAll('\r\n', '\n')}`,
      'before the start line',
    ],
    ['a margin', wire.replaceAll('\r\n', '\n    '), 'before every line'],
    ['quotation marks of a mail', `> ${wire.replaceAll('\r\n', '\n> ')}`, 'before every line'],
    ['escaped line ends in one line', JSON.stringify(wire).slice(1, -1), 'written as \\r\\n'],
    ['escaped line ends at each line', wire.replaceAll('\r\n', '\\r\\n\n'), 'written as \\r\\n'],
    ['the end cut off', wire.replaceAll('\r\n', '\n').trimEnd(), 'CRLF'],
  ])('is found behind %s', (_, paste, what) => {
    const { message, mended } = read(paste);
    expect(message.body.toString()).toBe(bodyText);
    expect(mended.join('; ')).toContain(what);
  });

  it('whose lines a terminal broke is put together, and it is said which', () => {
    const broken = wire.replaceAll('\r\n', '\n').replace('branch=z9', 'bran\nch=z9');
    const { message, mended } = read(broken);
    expect(message.headers.get('Via')).toBe('SIP/2.0/UDP 192.0.2.5:5060;branch=z9hG4bKa');
    expect(mended).toContain('line 3 was read as the end of the one before it');
  });

  it('keeps header fields that are continued as the RFC has it', () => {
    const folded = wire.replaceAll('\r\n', '\n').replace(';branch', '\n ;branch');
    expect(read(folded).message.headers.get('Via')).toBe('SIP/2.0/UDP 192.0.2.5:5060 ;branch=z9hG4bKa');
  });

  it.each(['tcpdump', 'wireshark', 'xxd'] as const)('is read from a dump as %s writes it', (form) => {
    const packet = Buffer.concat([
      Buffer.from([0x45, 0, 0x12, 0x34, 0xc0, 0, 2, 5, 0xca, 0xfe]),
      Buffer.from(wire),
    ]);
    const { text, mended } = read(dump(packet, form));
    expect(text).toBe(wire);
    expect(mended.join('; ')).toContain('hexadecimal');
  });

  it('without an empty line gets one, and a wrong length is corrected', () => {
    const { message, mended } = read([...head, 'Content-Length: 12'].join('\n'));
    expect(message.body).toHaveLength(0);
    expect(mended.join('; ')).toContain('empty line');
    expect(mended.join('; ')).toContain('Content-Length said 12');
  });

  it('of any kind is read in time that grows with its length alone', () => {
    for (const unit of ['\n', ' \n', '\\r\\n', 'INVITE sip:', '0000 ', 'a:\n', '0x0000: ', '> '])
      expect(() => readPasted(unit.repeat(60_000 / unit.length))).not.toThrow();
  });
});
