import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TransportFeedback } from './transport-feedback.js';

/** By number, in ms; undefined: not received. As a browser reads it. */
function read(report: Buffer): { count: number; arrivals: [number, number | undefined][] } {
  expect([report[0], report[1], report.readUInt16BE(2)]).toEqual([0x8f, 205, report.length / 4 - 1]);
  const base = report.readUInt16BE(12);
  const statusCount = report.readUInt16BE(14);
  let at = 20;
  const statuses: number[] = [];
  while (statuses.length < statusCount) {
    const chunk = report.readUInt16BE(at);
    at += 2;
    if (chunk < 0x8000) {
      for (let n = 0; n < (chunk & 0x1fff); n++) statuses.push(chunk >> 13);
    } else {
      expect(chunk & 0x4000).toBe(0x4000);
      for (let n = 0; n < 7; n++) statuses.push((chunk >> (12 - 2 * n)) & 3);
    }
  }
  let ticks = report.readUIntBE(16, 3) * 256;
  const arrivals = statuses.slice(0, statusCount).map((status, n): [number, number | undefined] => {
    const sequenceNumber = (base + n) & 0xffff;
    if (status === 0) return [sequenceNumber, undefined];
    ticks += status === 1 ? report.readUInt8(at) : report.readInt16BE(at);
    at += status;
    return [sequenceNumber, ticks / 4];
  });
  expect(statuses.slice(statusCount)).toEqual(statuses.slice(statusCount).map(() => 0));
  expect(report.length - at).toBeLessThan(4);
  return { count: report[19]!, arrivals };
}

const all = (feedback: TransportFeedback) => feedback.reports(1, 2).map(read);

describe('what a browser is told of its packets', () => {
  it('is when each came, in quarters of a millisecond, and which did not', () => {
    const feedback = new TransportFeedback();
    for (const [n, ms] of [
      [65_534, 1000],
      [65_535, 1000.25],
      [2, 1100],
      [1, 1101],
    ] as const)
      feedback.onPacket(n, ms);
    expect(all(feedback)).toEqual([
      {
        count: 0,
        arrivals: [
          [65_534, 1000],
          [65_535, 1000.25],
          [0, undefined],
          [1, 1101],
          [2, 1100],
        ],
      },
    ]);
    expect(feedback.hasArrivals).toBe(false);
    expect(all(feedback)).toEqual([]);
  });

  it('goes on where it ended: what came between two reports or not at all is in the second', () => {
    const feedback = new TransportFeedback();
    feedback.onPacket(10, 0);
    all(feedback);
    feedback.onPacket(12, 5);
    // Late, twice, and reported already.
    feedback.onPacket(9, 6);
    feedback.onPacket(12, 7);
    expect(all(feedback)).toEqual([
      {
        count: 1,
        arrivals: [
          [11, undefined],
          [12, 5],
        ],
      },
    ]);
  });

  it('begins anew where the numbers do, and fits datagrams however much there is', () => {
    const feedback = new TransportFeedback();
    feedback.onPacket(1, 0);
    feedback.onPacket(30_000, 1);
    for (let n = 1; n < 1000; n++) feedback.onPacket((30_000 + n) & 0xffff, 1 + n * 40);
    const reports = feedback.reports(1, 2);
    for (const report of reports) expect(report.length).toBeLessThan(1200);
    const arrivals = reports.map(read).flatMap((report) => report.arrivals);
    expect(arrivals).toHaveLength(1000);
    expect(arrivals[0]?.[0]).toBe(30_000);
    expect(arrivals.at(-1)).toEqual([30_999, 39_961]);
  });

  it('is right for whatever is lost, late or long silent', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 0, max: 40_000 })), {
          minLength: 1,
          maxLength: 300,
        }),
        fc.integer({ min: 0, max: 65_535 }),
        (steps, first) => {
          const feedback = new TransportFeedback();
          const sent = new Map<number, number>();
          let [sequenceNumber, ms] = [first, 0];
          for (const [step, pauseMs] of steps) {
            feedback.onPacket(sequenceNumber & 0xffff, ms);
            sent.set(sequenceNumber & 0xffff, ms);
            sequenceNumber += step;
            ms += pauseMs;
            if (step % 7 === 0) break;
          }
          const told = all(feedback).flatMap((report) => report.arrivals);
          expect(new Map(told.flatMap(([n, at]) => (at === undefined ? [] : [[n, at]])))).toEqual(sent);
        },
      ),
    );
  });
});
