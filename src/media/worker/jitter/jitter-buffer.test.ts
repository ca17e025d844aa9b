import { describe, expect, it } from 'vitest';
import { RtpPacket } from '../rtp/rtp-packet.js';
import { JitterBuffer } from './jitter-buffer.js';

function packet(sequenceNumber: number, ssrc = 1, length = 160): RtpPacket {
  const buffer = Buffer.alloc(12 + length, sequenceNumber & 0xff);
  RtpPacket.writeHeader(buffer, {
    payloadType: 0,
    marker: false,
    sequenceNumber: sequenceNumber & 0xffff,
    timestamp: 0,
    ssrc,
  });
  const view = new RtpPacket();
  RtpPacket.parse(buffer, view);
  return view;
}

const create = (maxSamples = 5000): JitterBuffer =>
  new JitterBuffer({ samplesOf: (_payload, _offset, length) => length, maxSamples });

/** What comes out in turn: first octets of payloads, `x` for a packet given up on. */
function drain(buffer: JitterBuffer): (number | 'x')[] {
  const out: (number | 'x')[] = [];
  for (let next = buffer.peek(); next !== 'empty'; next = buffer.peek()) {
    if (next === 'missing') {
      buffer.skip();
      out.push('x');
    } else {
      out.push(buffer.nextPayload[0]!);
      buffer.take();
    }
  }
  expect(buffer.samples).toBe(0);
  return out;
}

describe('JitterBuffer', () => {
  it.each<[string, number[], (number | 'x')[], object]>([
    ['in order', [1, 2, 3], [1, 2, 3], { received: 3 }],
    ['reordered', [1, 3, 2, 4], [1, 2, 3, 4], { late: 0, lost: 0 }],
    ['lost', [1, 2, 4, 7], [1, 2, 'x', 4, 'x', 'x', 7], { lost: 3 }],
    ['doubled', [1, 2, 2, 3, 3], [1, 2, 3], { duplicate: 2 }],
    ['over the wrap', [65534, 0, 65535, 1], [254, 255, 0, 1], { lost: 0 }],
    ['after a jump ahead', [1, 2, 500, 501], [244, 245], { resyncs: 1 }],
    [
      'after a jump back that a second packet confirms',
      [1000, 10, 11, 12],
      [11, 12],
      { resyncs: 1, late: 1 },
    ],
  ])('gives packets %s in their order', (_what, sequence, expected, statistics) => {
    const buffer = create();
    for (const n of sequence) buffer.insert(packet(n));
    expect(drain(buffer)).toEqual(expected);
    expect(buffer.statistics()).toMatchObject(statistics);
  });

  it('drops what comes after its turn, and tells late from duplicate', () => {
    const buffer = create();
    for (const n of [1, 2, 4]) buffer.insert(packet(n));
    drain(buffer);
    for (const n of [3, 2]) buffer.insert(packet(n));
    expect(buffer.peek()).toBe('empty');
    expect(buffer.statistics()).toMatchObject({ late: 1, duplicate: 1, lost: 1 });
  });

  it('does not let one stray old packet disturb the sequence', () => {
    const buffer = create();
    for (const n of [1000, 5, 1001, 300]) buffer.insert(packet(n));
    expect(drain(buffer)).toEqual([1000 & 0xff, 1001 & 0xff]);
  });

  it('starts anew with another SSRC', () => {
    const buffer = create();
    buffer.insert(packet(1));
    for (const n of [700, 701]) buffer.insert(packet(n, 2));
    expect(drain(buffer)).toEqual([700 & 0xff, 701 & 0xff]);
    expect(buffer.statistics().resyncs).toBe(1);
  });

  it('keeps no more waiting than its maximum: the oldest go', () => {
    const buffer = create(480);
    for (const n of [1, 2, 4, 5, 6]) buffer.insert(packet(n));
    expect(buffer.samples).toBe(480);
    expect(drain(buffer)).toEqual(['x', 4, 5, 6]);
    expect(buffer.statistics()).toMatchObject({ overflow: 2, lost: 1 });
  });

  it('keeps copies, of any length', () => {
    const buffer = create();
    const first = packet(1, 1, 80);
    buffer.insert(first);
    first.buffer.fill(0xee);
    buffer.insert(packet(2, 1, 480));
    expect([buffer.nextPayload[0], buffer.nextLength, buffer.samples]).toEqual([1, 80, 560]);
    buffer.take();
    expect([buffer.nextPayload[479], buffer.nextLength]).toEqual([2, 480]);
  });
});
