import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../../test/support/manual-clock.js';
import type { TrunkOutbound, TrunkPing, TrunkTarget } from '../../domain/trunks/outbound.js';
import { PingTurns } from './ping-turns.js';
import { statusOf, TrunkPings, unknownTargets, type PingChange } from './trunk-pings.js';
import type { TrunkReply, TrunkRequest } from './trunk-requests.js';

const second = 1000;

const target = (host: string): TrunkTarget => ({
  ...{ host, port: 5070, transport: 'udp', priority: 1, weight: 1, tlsServerName: null },
});

interface Staging {
  readonly hosts?: readonly string[];
  readonly ping?: Partial<TrunkPing>;
  readonly downs?: Set<string>;
  readonly turns?: PingTurns;
  readonly random?: () => number;
}

/** A trunk of which each server says what `answers` has for it by then; by default 200. */
function stage({ hosts = ['a'], ping = {}, downs = new Set(), turns, random }: Staging = {}) {
  const clock = new ManualClock();
  const startedAt = clock.now();
  const sent: TrunkRequest[] = [];
  const sentAt: number[] = [];
  const told: PingChange[] = [];
  const answers = new Map<string, number | 'silence' | 'broken'>();
  const open: ((status: number) => void)[] = [];
  const outbound: TrunkOutbound = {
    ...{ targets: hosts.map(target), digest: null, fromDomain: null, registration: null },
    ping: { seconds: 30, failures: 2, successes: 1, ...ping },
  };
  const pings = new TrunkPings({
    ...{ outbound, clock, downs, answerMs: 4 * second },
    ...{ random: random ?? (() => 0.5), turns: turns ?? new PingTurns(10) },
    send(request) {
      sent.push(request);
      sentAt.push(clock.now() - startedAt);
      const [, host = ''] = /^sip:([^:;]+)/.exec(request.uri) ?? [];
      const answer = answers.get(host) ?? 200;
      if (answer === 'broken') return Promise.reject(new Error('not connected'));
      return new Promise<TrunkReply>((resolve) => {
        const reply = (status: number) => resolve({ status, source: '192.0.2.1', get: () => undefined });
        if (answer === 'silence') open.push(reply);
        else reply(answer);
      });
    },
    onTold: (change) => told.push(change),
  });
  const pass = async (ms: number): Promise<void> => {
    for (let left = ms; left > 0; left -= 100) {
      clock.advance(Math.min(100, left));
      for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
    }
  };
  return { clock, startedAt, sent, sentAt, told, answers, open, outbound, pings, pass };
}

describe('A trunk’s server', () => {
  it('is asked by OPTIONS as RFC 3261 §11 wants it, each time in the middle of the jitter', async () => {
    const { pings, pass, sent, sentAt } = stage();
    pings.begin(0);
    await pass(70 * second);
    expect(sentAt).toEqual([5 * second, 35 * second, 65 * second]);
    expect(sent[0]).toMatchObject({
      ...{ method: 'OPTIONS', uri: 'sip:a:5070;transport=udp', proxy: 'sip:a:5070;transport=udp' },
      headers: { To: '<sip:a>', CSeq: '1 OPTIONS', Accept: 'application/sdp' },
    });
    expect(sent[0]?.headers['From']).toMatch(/^<sip:a>;tag=/);
    expect(sent[1]?.headers['Call-ID']).not.toBe(sent[0]?.headers['Call-ID']);
  });

  it('is asked a little sooner or later each time', async () => {
    for (const [random, times] of [
      [0, [0.1, 27, 54]],
      [0.999, [10, 43, 76]],
    ] as const) {
      const { pings, pass, sentAt } = stage({ random: () => random });
      pings.begin(0);
      await pass(80 * second);
      expect(sentAt.map((ms) => Math.max(0.1, Math.round(ms / second)))).toEqual(times);
    }
  });

  it.each([200, 302, 401, 404, 486, 500, 603])('is up where it answers %i', async (status) => {
    const { pings, pass, answers, told, startedAt } = stage();
    answers.set('a', status);
    pings.begin(0);
    await pass(6 * second);
    expect(pings.states).toEqual([
      {
        ...{ target: 'sip:a:5070;transport=udp', status: 'up', since: startedAt + 5 * second },
        lastStatus: status,
      },
    ]);
    expect(told).toEqual([]);
  });

  it.each([
    [408, 408],
    [503, 503],
    ['silence', null],
    ['broken', null],
  ] as const)('is down after so many in a row that get %s, and told once', async (answer, lastStatus) => {
    const { pings, pass, answers, told } = stage({ ping: { failures: 3 } });
    answers.set('a', answer);
    pings.begin(0);
    await pass(60 * second);
    expect(pings.states).toMatchObject([{ status: 'unknown', since: null, lastStatus }]);
    await pass(15 * second);
    expect(pings.states).toMatchObject([{ status: 'down' }]);
    await pass(300 * second);
    expect(told).toEqual([{ target: 'sip:a:5070;transport=udp', status: 'down', sipStatus: lastStatus }]);
  });

  it('comes back after so many answers in a row, and is told once', async () => {
    const { pings, pass, answers, told } = stage({ ping: { successes: 2 } });
    answers.set('a', 503);
    pings.begin(0);
    await pass(40 * second);
    answers.set('a', 200);
    await pass(30 * second);
    answers.set('a', 503);
    await pass(30 * second);
    answers.set('a', 404);
    await pass(30 * second);
    expect(pings.states).toMatchObject([{ status: 'down', lastStatus: 404 }]);
    await pass(30 * second);
    expect(pings.states).toMatchObject([{ status: 'up' }]);
    await pass(60 * second);
    expect(told.map(({ status, sipStatus }) => [status, sipStatus])).toEqual([
      ['down', 503],
      ['up', 404],
    ]);
  });

  it('is asked one request at a time: while that is repeated, each interval counts as a failure', async () => {
    const { pings, pass, answers, open, sent } = stage({ ping: { seconds: 10, failures: 3 } });
    answers.set('a', 'silence');
    pings.begin(0);
    await pass(20 * second);
    expect(pings.states).toMatchObject([{ status: 'unknown' }]);
    await pass(6 * second);
    expect(pings.states).toMatchObject([{ status: 'down' }]);
    expect(sent).toHaveLength(1);
    // It is answered at last: too late to count, and the next one is sent in its time.
    answers.set('a', 200);
    open[0]?.(200);
    await pass(second);
    expect(pings.states).toMatchObject([{ status: 'down', lastStatus: null }]);
    await pass(9 * second);
    expect(sent).toHaveLength(2);
    expect(pings.states).toMatchObject([{ status: 'up', lastStatus: 200 }]);
  });

  it('that the same trunk names twice is asked once, and each of several by itself', async () => {
    const { pings, pass, answers, sent } = stage({ hosts: ['a', 'b', 'a'] });
    answers.set('b', 503);
    pings.begin(0);
    await pass(40 * second);
    expect(sent).toHaveLength(4);
    expect(pings.states.map(({ status }) => status)).toEqual(['up', 'down']);
    expect(pings.isDown(target('a'))).toBe(false);
    expect(pings.isDown(target('b'))).toBe(true);
    expect(pings.isDown(target('c'))).toBe(false);
  });

  it('waits for its turn where too many are asked, which is no failure', async () => {
    const turns = new PingTurns(1);
    const { pings, pass, answers, sent } = stage({ hosts: ['a', 'b'], turns });
    answers.set('a', 'silence');
    pings.begin(0);
    await pass(6 * second);
    expect(sent.map(({ uri }) => uri)).toEqual(['sip:a:5070;transport=udp']);
    expect(pings.states[1]).toMatchObject({ status: 'unknown' });
    await pass(4 * second);
    expect(pings.states[1]).toMatchObject({ status: 'up' });
  });

  it.each(['silence', 200] as const)(
    'is asked no more at the end, and no timer is left, where it says %s',
    async (answer) => {
      const turns = new PingTurns(1);
      const { pings, pass, answers, open, sent, clock, told } = stage({ hosts: ['a', 'b'], turns });
      answers.set('a', answer);
      pings.begin(0);
      await pass(6 * second);
      const before = sent.length;
      pings.end();
      expect(clock.pending).toBe(0);
      open[0]?.(503);
      await pass(300 * second);
      expect([sent.length, told]).toEqual([before, []]);
      // Its turn is another's.
      let isBegun = false;
      turns.take(() => (isBegun = true));
      expect(isBegun).toBe(true);
    },
  );

  it('that was told to be down is told to be up by the trunk’s next line, and not to be down once more', async () => {
    const downs = new Set(['sip:a:5070;transport=udp', 'sip:gone:5070;transport=udp']);
    const { pings, pass, answers, told } = stage({ downs });
    answers.set('a', 503);
    pings.begin(0);
    await pass(60 * second);
    expect([told, [...downs]]).toEqual([[], ['sip:a:5070;transport=udp']]);
    const next = stage({ downs });
    next.pings.begin(0);
    await next.pass(6 * second);
    expect(next.told).toMatchObject([{ status: 'up', sipStatus: 200 }]);
    expect(downs.size).toBe(0);
  });
});

describe('A trunk', () => {
  const of = (...all: ('unknown' | 'up' | 'down')[]) =>
    statusOf(all.map((status) => ({ target: 'sip:a', status, since: null, lastStatus: null })));

  it('is up where one of its servers is, and down where all are', () => {
    expect([of('down', 'up', 'unknown'), of('down', 'unknown'), of('down', 'down')]).toEqual([
      ...['up', 'unknown', 'down'],
    ]);
  });

  it('whose servers nobody asks knows nothing of them', () => {
    const { outbound } = stage({ hosts: ['a', 'b'] });
    expect(unknownTargets(outbound).map(({ status }) => status)).toEqual(['unknown', 'unknown']);
    expect(unknownTargets({ ...outbound, ping: null })).toEqual([]);
  });
});
