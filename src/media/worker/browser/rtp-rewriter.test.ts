import { describe, expect, it } from 'vitest';
import { RtpPacket } from '../rtp/rtp-packet.js';
import { RtpRewriter } from './rtp-rewriter.js';

const packet = (ssrc: number, sequenceNumber: number, timestamp: number): RtpPacket =>
  Object.assign(new RtpPacket(), {
    ssrc,
    sequenceNumber: sequenceNumber & 0xffff,
    timestamp: timestamp >>> 0,
  });

const rewriter = () => new RtpRewriter(65_534, 0xffff_ff00);

/** Offsets of what went out from what the rewriter began with. */
const mapped = (r: RtpRewriter, p: RtpPacket, arrivalMs: number, clockRateHz = 8000) =>
  r.map(p, arrivalMs, clockRateHz)
    ? [(r.sequenceNumber - 65_534) & 0xffff, (r.timestamp - 0xffff_ff00) >>> 0]
    : null;

describe('RtpRewriter', () => {
  it('keeps loss, reordering and wraps of one source as they are', () => {
    const r = rewriter();
    expect(mapped(r, packet(1, 65_535, 0xffff_fff0), 0)).toEqual([0, 0]);
    expect(mapped(r, packet(1, 65_538, 0xffff_fff0 + 480), 60)).toEqual([3, 480]);
    expect(mapped(r, packet(1, 65_537, 0xffff_fff0 + 320), 61)).toEqual([2, 320]);
    expect(mapped(r, packet(1, 65_539, 0xffff_fff0 + 640), 80)).toEqual([4, 640]);
  });

  it('goes on by one packet and the time that passed when the source changes', () => {
    const r = rewriter();
    mapped(r, packet(1, 10, 1000), 0);
    mapped(r, packet(1, 11, 1160), 20);
    expect(mapped(r, packet(2, 50_000, 7), 120)).toEqual([2, 160 + 800]);
    expect(mapped(r, packet(2, 50_001, 167), 140)).toEqual([3, 160 + 960]);
  });

  it('does not run ahead over a change of a source that comes in bursts: four packets every 80 ms', () => {
    const r = rewriter();
    for (const [n, arrivalMs] of [0, 0, 0, 0, 80, 80, 80, 80].entries())
      mapped(r, packet(1, n, n * 160), arrivalMs);
    // 640 units, which the last four are, and not 1120: the last began 20 ms before this comes.
    expect(mapped(r, packet(2, 50_000, 7), 160)).toEqual([8, 8 * 160]);
  });

  it('counts the time that passed in the clock of the new source', () => {
    const r = rewriter();
    mapped(r, packet(1, 10, 0), 0, 48_000);
    r.switchSource();
    expect(mapped(r, packet(1, 10, 0), 20, 8000)).toEqual([1, 160]);
  });

  it('goes on by the time that passed where the timestamps of a source begin anew', () => {
    const r = rewriter();
    mapped(r, packet(1, 10, 5000), 0);
    mapped(r, packet(1, 11, 5160), 20);
    expect(mapped(r, packet(1, 12, 0), 40)).toEqual([2, 320]);
    expect(mapped(r, packet(1, 13, 160), 60)).toEqual([3, 480]);
  });

  it('drops what comes late from before the change, which has no number left', () => {
    const r = rewriter();
    mapped(r, packet(1, 10, 0), 0);
    mapped(r, packet(2, 500, 0), 20);
    expect(mapped(r, packet(2, 499, 0), 21)).toBeNull();
    expect(mapped(r, packet(2, 501, 160), 40)?.[0]).toBe(2);
  });

  it('takes a large jump of sequence numbers for a change of source', () => {
    const r = rewriter();
    mapped(r, packet(1, 10, 0), 0);
    expect(mapped(r, packet(1, 20_000, 5), 20)).toEqual([1, 160]);
    expect(mapped(r, packet(1, 10, 5), 40)).toEqual([2, 320]);
  });

  it('never lets time stand still over a change, and maps instants of the source', () => {
    const r = rewriter();
    mapped(r, packet(1, 10, 0), 50);
    expect(mapped(r, packet(2, 1, 9000), 50)).toEqual([1, 1]);
    expect(r.mapTimestamp(9000 + 77)).toBe((0xffff_ff00 + 1 + 77) >>> 0);
  });
});
