import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../../test/support/manual-clock.js';
import { silentLogger } from '../../domain/logger.js';
import type { Trunk } from '../../domain/trunks/trunk.js';
import { TrunkLines } from './trunk-lines.js';
import type { TrunkReply, TrunkRequest } from './trunk-requests.js';

const settings = {
  ...{ shortestRefreshMs: 20_000, retryMs: 30_000, longestRetryMs: 1_800_000 },
  ...{ refusedRetryMs: 3_600_000, unregisterMs: 2000 },
};

function trunkOf(id: string, changes: Partial<Trunk> = {}): Trunk {
  return {
    ...{ id, accountId: 'a', name: null, isEnabled: true, numbers: null, key: null, fingerprint: '' },
    inbound: {
      ...{
        networks: [],
        certificateNames: [],
        digest: null,
        calledNumber: ['to'],
        callerIdentity: ['from'],
        stir: 'off',
        verifiedBy: 'gateway',
        headers: [],
      },
    },
    outbound: {
      targets: [
        { host: 'sip.test', port: null, transport: 'udp', priority: 1, weight: 1, tlsServerName: null },
      ],
      ...{ digest: null, fromDomain: null },
      registration: { user: id, expiresSeconds: 600, contactUser: `lb-${id}` },
      ping: null,
    },
    ...{ allowedCallers: null, allowedCalled: null, maxConcurrentCalls: null, maxCallsPerSecond: null },
    media: { codecs: null, dtmf: 'auto', srtp: null },
    ...{ createdAt: 0, ...changes },
  };
}

function stage(fields: Readonly<Record<string, string>> = {}) {
  const clock = new ManualClock();
  const sent: TrunkRequest[] = [];
  /** Gives the answers to what gives a registration back. */
  const giveBack: (() => void)[] = [];
  const registrars = new Map<string, string | null>();
  const lines = new TrunkLines({
    send(request) {
      sent.push(request);
      const reply: TrunkReply = { status: 200, source: '192.0.2.1', get: (name) => fields[name] };
      if (request.headers['Expires'] !== '0') return Promise.resolve(reply);
      return new Promise((resolve) => giveBack.push(() => resolve(reply)));
    },
    events: { record: () => undefined },
    registrarIs: (trunkId, address) => registrars.set(trunkId, address),
    ...{ clock, random: () => 0.5, logger: silentLogger, settings, pings: { max: 10, answerMs: 4000 } },
  });
  return {
    ...{ clock, sent, giveBack, registrars, lines },
    async pass(ms: number) {
      clock.advance(ms);
      for (let turn = 0; turn < 100; turn += 1) await Promise.resolve();
    },
    expires: () => sent.map(({ headers }) => headers['Expires']),
  };
}

describe('The line of a trunk', () => {
  it.each<[string, (lines: TrunkLines, trunk: Trunk) => void]>([
    [
      'calls are taken again',
      (lines) => {
        void lines.rest();
        lines.resume();
      },
    ],
    [
      'the trunk is enabled again',
      (lines, trunk) => {
        lines.trunkPut({ ...trunk, isEnabled: false });
        lines.trunkPut(trunk);
      },
    ],
    [
      'that was done twice',
      (lines, trunk) => {
        for (let times = 0; times < 2; times += 1) {
          lines.trunkPut({ ...trunk, isEnabled: false });
          lines.trunkPut(trunk);
        }
      },
    ],
  ])('begins again when the one before it has ended where %s meanwhile', async (_, change) => {
    const { lines, pass, expires, giveBack, registrars, sent } = stage();
    const trunk = trunkOf('t');
    lines.trunkPut(trunk);
    await pass(0);
    change(lines, trunk);
    await pass(1000);
    expect(expires()).toEqual(['600', '0']);
    giveBack[0]?.();
    await pass(0);
    await pass(0);
    expect(expires()).toEqual(['600', '0', '600']);
    expect(registrars.get('t')).toBe('192.0.2.1');
    // The registrar takes none of them for an older one.
    expect(new Set(sent.map(({ headers }) => headers['Call-ID'])).size).toBe(1);
    expect(sent.map(({ headers }) => headers['CSeq'])).toEqual(['1 REGISTER', '2 REGISTER', '3 REGISTER']);
  });

  it('waits no longer for a registrar that is silent than for the end of the one before', async () => {
    const { lines, pass, expires, registrars } = stage();
    const trunk = trunkOf('t');
    lines.trunkPut(trunk);
    await pass(0);
    void lines.rest();
    lines.resume();
    await pass(0);
    await pass(2000);
    await pass(0);
    expect(expires()).toEqual(['600', '0', '600']);
    expect(registrars.get('t')).toBe('192.0.2.1');
  });

  it('says nothing there of another carrier, which is told another Contact', async () => {
    const { lines, pass, sent, giveBack } = stage();
    const trunk = trunkOf('t');
    lines.trunkPut(trunk);
    await pass(0);
    const outbound = trunk.outbound!;
    const registration = { ...outbound.registration!, contactUser: 'lb-other' };
    lines.trunkPut({ ...trunk, outbound: { ...outbound, registration } });
    await pass(0);
    giveBack[0]?.();
    await pass(0);
    await pass(0);
    const [first, , other] = sent.map(({ headers }) => headers['Call-ID']);
    expect(other).not.toBe(first);
  });

  it('goes by the route that the registrar named, but for the registration itself (RFC 3608)', async () => {
    const route = '<sip:home.test;lr>, <sip:serving.test;lr>';
    const { lines, pass, sent, clock } = stage({ 'Service-Route': route });
    const trunk = trunkOf('t');
    const ping = { seconds: 30, failures: 2, successes: 1 };
    lines.trunkPut({ ...trunk, outbound: { ...trunk.outbound!, ping } });
    await pass(0);
    for (let seconds = 0; seconds < 600; seconds += 10) await pass(10_000);
    const routes = (method: string) => [
      ...new Set(sent.filter((one) => one.method === method).map(({ headers }) => headers['Route'])),
    ];
    // The first one went out before it was registered.
    expect(routes('OPTIONS')).toEqual([undefined, route]);
    expect(routes('REGISTER')).toEqual([undefined]);
    expect(sent.filter(({ method }) => method === 'REGISTER').length).toBeGreaterThan(1);
    void lines.close();
    clock.advance(10_000);
  });

  it('begins at once although the clock was set back', async () => {
    const { lines, pass, expires, clock } = stage();
    lines.trunkPut(trunkOf('one'));
    await pass(0);
    const later = clock.now();
    clock.now = () => later - 3_600_000;
    lines.trunkPut(trunkOf('two'));
    await pass(0);
    await pass(20);
    expect(expires()).toEqual(['600', '600']);
  });
});
