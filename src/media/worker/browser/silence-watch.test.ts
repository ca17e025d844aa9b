import { beforeEach, describe, expect, it } from 'vitest';
import { formatRtcp } from '../rtp/rtcp.js';
import { SilenceWatch } from './silence-watch.js';

const senderReport = (ssrc: number): Buffer =>
  formatRtcp([
    {
      ...{ type: 'sender-report', ssrc, ntpSeconds: 0, ntpFraction: 0, rtpTimestamp: 0 },
      ...{ packetCount: 0, octetCount: 0, reports: [] },
    },
  ]);
const receiverReport = formatRtcp([{ type: 'receiver-report', ssrc: 1, reports: [] }]);
const rtp = Buffer.from('80600001000000a00000002a', 'hex');
const ssrc = 42;

/** What the far end does, on which the watch is tried. */
interface FarEnd {
  /** Answers the nth question, counted from 0, with a sender report. Default: all. */
  readonly answers?: (n: number) => boolean;
  /** Sends this by itself at every so many ticks. */
  readonly sends?: { readonly packet: Buffer; readonly everyTicks: number };
}

let watch: SilenceWatch;
let farEnd: FarEnd;
let asked: number[];
let endedMs: number | null;
let nowMs: number;

function begin(limitMs: number): void {
  asked = [];
  endedMs = null;
  nowMs = 1_000_000;
  const created: SilenceWatch = new SilenceWatch({
    limitMs,
    ask: (of) => {
      asked.push(of);
      if (farEnd.answers?.(asked.length - 1) !== false) created.heard(senderReport(ssrc));
    },
    onSilent: () => {
      expect(endedMs).toBeNull();
      endedMs = nowMs;
    },
  });
  watch = created;
}

/** Lets time pass, tick by tick. */
function pass(ms: number): void {
  const untilMs = nowMs + ms;
  for (let n = 0; nowMs < untilMs; n++) {
    nowMs += watch.tickMs;
    if (farEnd.sends !== undefined && n % farEnd.sends.everyTicks === 0) watch.heard(farEnd.sends.packet);
    watch.tick(nowMs);
  }
}

const limitMs = 15_000;
const hourMs = 3_600_000;
const nobody: FarEnd = { answers: () => false };

beforeEach(() => {
  farEnd = {};
  begin(limitMs);
});

describe('a far end that has answered', () => {
  it('is gone when neither a packet nor an answer comes any more, after the limit', () => {
    farEnd = { sends: { packet: rtp, everyTicks: 1 } };
    pass(60_000);
    // Three times as a proof, and not while it is heard.
    expect(asked).toEqual([0, ssrc, ssrc]);
    farEnd = nobody;
    const diedMs = nowMs;
    pass(60_000);
    expect((endedMs ?? 0) - diedMs).toBe(limitMs);
    expect(asked.length - 3).toBe(10);
  });

  it.each([
    ['sends nothing and answers', {}],
    ['answers one question in nine', { answers: (n: number) => n < 3 || n % 9 === 0 }],
    ['answers nothing and sends', { ...nobody, sends: { packet: rtp, everyTicks: 14 } }],
    ['answers nothing and reports', { ...nobody, sends: { packet: receiverReport, everyTicks: 7 } }],
  ] satisfies [string, FarEnd][])('stays while it %s', (_what, alive) => {
    pass(10_000);
    farEnd = alive;
    pass(hourMs);
    expect(endedMs).toBeNull();
  });

  it('has to show it anew where it sends other streams than before', () => {
    pass(10_000);
    farEnd = nobody;
    watch.renegotiated();
    pass(hourMs);
    expect(endedMs).toBeNull();
    farEnd = {};
    watch.renegotiated();
    pass(10_000);
    farEnd = nobody;
    pass(60_000);
    expect(endedMs).not.toBeNull();
  });

  it('has not been silent while this process stood still', () => {
    pass(10_000);
    farEnd = nobody;
    watch.heard(rtp);
    pass(10_000);
    nowMs += 60_000;
    watch.tick(nowMs);
    expect(endedMs).toBeNull();
    watch.heard(rtp);
    pass(10_000);
    expect(endedMs).toBeNull();
  });
});

describe('a far end that does not answer', () => {
  it.each([
    ['only listens', nobody],
    ['reports by itself what it receives', { ...nobody, sends: { packet: receiverReport, everyTicks: 1 } }],
    ['sends', { ...nobody, sends: { packet: rtp, everyTicks: 1 } }],
    ['answers now and then', { answers: (n) => n % 3 !== 2 }],
  ] satisfies [string, FarEnd][])('and %s is never said to be gone, and soon asked no more', (_what, one) => {
    farEnd = one;
    pass(60_000);
    farEnd = nobody;
    pass(hourMs);
    expect(endedMs).toBeNull();
    expect(asked.length).toBe(30);
  });

  it('but reports by itself what it sends is tried again now and then, and never said to be gone', () => {
    farEnd = { ...nobody, sends: { packet: senderReport(ssrc), everyTicks: 5 } };
    pass(hourMs);
    expect(asked.length).toBeGreaterThan(30);
    expect(asked.length).toBeLessThan(30 * 120);
    farEnd = nobody;
    pass(hourMs);
    expect(endedMs).toBeNull();
  });

  it('yet, and begins to send late, is watched all the same', () => {
    farEnd = nobody;
    pass(10_000);
    farEnd = { sends: { packet: senderReport(ssrc), everyTicks: 5 } };
    pass(60_000);
    farEnd = nobody;
    const diedMs = nowMs;
    pass(60_000);
    expect((endedMs ?? Infinity) - diedMs).toBeLessThanOrEqual(limitMs + watch.tickMs);
  });
});

describe('who dies a second after it began to send', () => {
  it('has answered by then', () => {
    pass(1000);
    farEnd = nobody;
    pass(limitMs + 1000);
    expect(endedMs).not.toBeNull();
  });
});

describe('a short limit', () => {
  it('is kept to, with some questions before', () => {
    begin(1000);
    pass(2000);
    const before = asked.length;
    farEnd = nobody;
    const diedMs = nowMs;
    pass(5000);
    expect((endedMs ?? Infinity) - diedMs).toBeLessThanOrEqual(1000 + watch.tickMs);
    expect(asked.length - before).toBeGreaterThanOrEqual(3);
  });
});
