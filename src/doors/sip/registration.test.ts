import { describe, expect, it } from 'vitest';
import {
  second,
  settings,
  target,
  stage,
  settled,
  granted,
  challenge,
  expiresOf,
  type Carrier,
} from '../../../test/support/registration-stage.js';
import { RegistrarIdentity } from './registrar-dialogue.js';
import { Registration } from './registration.js';

describe('A registration', () => {
  it('is asked for as RFC 3261 §10.2 wants it, and renewed in the middle of its time with the configured one', async () => {
    const { begun, pass, sent, registration, registered, clock } = stage(() => granted(400));
    await begun();
    expect(sent[0]).toMatchObject({
      ...{ method: 'REGISTER', uri: 'sip:sip.example.com', proxy: 'sip:sip.example.com;transport=udp' },
      headers: { To: '<sip:+4930@sip.example.com>', CSeq: '1 REGISTER', Expires: '600' },
    });
    expect(sent[0]?.headers['Contact']).toBe('<sip:lb1@localhost>');
    expect(registration.state).toMatchObject({
      status: 'registered',
      target: 'sip.example.com',
      failure: null,
    });
    expect(registration.state.expiresAt).toBe(clock.now() + 400 * second);
    // 0.5 + 0.3 · 0.5 of the 400.
    await pass(259 * second);
    expect(sent).toHaveLength(1);
    await pass(second);
    expect(sent).toHaveLength(2);
    const [first, next] = sent.map(({ headers }) => headers);
    expect(next).toMatchObject({ CSeq: '2 REGISTER', Expires: '600', From: first?.['From'] });
    expect(next?.['Call-ID']).toBe(first?.['Call-ID']);
    expect(registered()).toBe(1);
  });

  it('is not renewed without end where a registrar grants next to nothing', async () => {
    const { begun, pass, sent } = stage(() => granted(1));
    await begun();
    for (let times = 0; times < 60; times += 1) await pass(second);
    expect(sent).toHaveLength(4);
  });

  it('answers a challenge, and the next request at once with the same nonce', async () => {
    const { begun, pass, sent } = stage((request) =>
      request.headers['Authorization'] === undefined ? challenge('n1') : granted(),
    );
    await begun();
    expect(sent).toHaveLength(2);
    expect(sent[1]?.headers['Authorization']).toContain(
      'username="us", realm="r", nonce="n1", uri="sip:sip.example.com"',
    );
    await pass(400 * second);
    expect(sent).toHaveLength(3);
    expect(sent[2]?.headers['Authorization']).toContain('nc=00000002');
  });

  it('is asked of a target that is down after all others, also where that took us before', async () => {
    let down = 'a';
    const targets = [target('a', 1), target('b', 2)];
    const { begun, pass, sent } = stage(
      () => granted(400),
      { targets },
      (host) => host === down,
    );
    await begun();
    down = 'b';
    await pass(260 * second);
    down = '';
    await pass(260 * second);
    expect(sent.map(({ proxy }) => proxy)).toEqual(
      ['b', 'a', 'a'].map((host) => `sip:${host};transport=udp`),
    );
  });

  it('with a wrong password is tried twice and then left alone for an hour', async () => {
    const carriers: [string, Carrier, number][] = [
      ['the same nonce', () => challenge('n'), 2],
      ['a new one each time', (_, times) => challenge(`n${times}`), 3],
      ['stale each time', () => challenge('n', ', stale=true'), 3],
    ];
    for (const [, carrier, requests] of carriers) {
      const { begun, pass, sent, failures, registration } = stage(carrier);
      await begun();
      expect(sent).toHaveLength(requests);
      expect(failures).toMatchObject([{ code: 'authentication-failed', sipStatus: 401 }]);
      expect(registration.state.status).toBe('refused');
      await pass(2700 * second);
      expect(sent).toHaveLength(requests);
      await pass(900 * second);
      expect(sent.length).toBeGreaterThan(requests);
      // The same once more is no news.
      expect(failures).toHaveLength(1);
    }
  });

  it('with a challenge that cannot be answered is left alone, too', async () => {
    const { begun, failures, sent } = stage(() => challenge('n'), { digest: null });
    await begun();
    expect(sent).toHaveLength(1);
    expect(failures).toMatchObject([{ code: 'challenge-not-answered' }]);
    const other = stage(() => challenge('n'), { digest: { username: 'us', password: 'x', realm: 'other' } });
    await other.begun();
    expect(other.failures).toMatchObject([{ code: 'challenge-not-answered' }]);
    expect(JSON.stringify(other.sent)).not.toContain('Digest');
  });

  it('asks for a longer interval where the registrar wants that, once, and goes on with it', async () => {
    const { begun, pass, sent } = stage((request) =>
      Number(expiresOf(request)) < 1800 ? { status: 423, headers: { 'Min-Expires': '1800' } } : granted(1800),
    );
    await begun();
    expect(sent.map(expiresOf)).toEqual(['600', '1800']);
    await pass(1500 * second);
    expect(sent.map(expiresOf)).toEqual(['600', '1800', '1800']);
  });

  it.each([
    ['without end', (times: number) => String(1000 * times)],
    ['for centuries', () => '999999999'],
    ['for less than was asked', () => '60'],
    ['for nothing', () => 'soon'],
  ])('asks no longer where 423 asks %s', async (_, minExpires) => {
    const { begun, sent, failures } = stage((_request, times) => ({
      ...{ status: 423, headers: { 'Min-Expires': minExpires(times) } },
    }));
    await begun();
    expect(sent.length).toBeLessThanOrEqual(2);
    expect(failures).toMatchObject([{ code: 'interval-refused', sipStatus: 423 }]);
  });

  it.each([
    [403, 'refused', 'refused'],
    [404, 'refused', 'refused'],
    [420, 'refused', 'refused'],
    [603, 'refused', 'refused'],
    [302, 'unavailable', 'failed'],
    [500, 'unavailable', 'failed'],
    [501, 'refused', 'refused'],
    [503, 'unavailable', 'failed'],
    [505, 'refused', 'refused'],
    [513, 'unavailable', 'failed'],
    [408, 'no-answer', 'failed'],
  ])('after %i is %s', async (status, code, state) => {
    const { begun, sent, failures, registration } = stage(() => ({
      ...{ status, headers: { Contact: '<sip:us@192.0.2.77>' } },
    }));
    await begun();
    expect(failures).toMatchObject([{ code, sipStatus: status }]);
    expect(registration.state).toMatchObject({ status: state, expiresAt: null });
    expect(sent).toHaveLength(1);
  });

  it.each([408, 503])(
    'after nothing, for which our SIP server says %i, has no status of the registrar’s',
    async (status) => {
      const { begun, failures } = stage(() => ({ status, source: '' }));
      await begun();
      expect(failures).toMatchObject([{ code: 'no-answer', sipStatus: null }]);
    },
  );

  it('is nothing where a 200 keeps nothing', async () => {
    const { begun, failures, registration } = stage(() => granted(0));
    await begun();
    expect(registration.state.status).toBe('failed');
    expect(failures).toMatchObject([{ code: 'nothing-granted', sipStatus: 200 }]);
  });

  it('is tried later and later, no later than the longest time, and as late as Retry-After says', async () => {
    let retryAfter = {};
    const { begun, pass, sent, registration, clock } = stage(() => ({ status: 503, headers: retryAfter }));
    const waits: number[] = [];
    await begun();
    for (let times = 0; times < 9; times += 1) {
      const waitMs = registration.state.nextAt! - clock.now();
      waits.push(waitMs / second);
      await pass(waitMs);
      expect(sent).toHaveLength(times + 2);
    }
    expect(waits).toEqual([22.5, 45, 90, 180, 360, 720, 1350, 1350, 1350]);
    retryAfter = { 'Retry-After': '999999999' };
    await pass(1350 * second);
    expect(registration.state.nextAt! - clock.now()).toBe(1800 * second);
  });

  it('goes to the next target where one fails, stays with the one that took it, and not where one refuses', async () => {
    const targets = [target('two.test', 2), target('one.test', 1)];
    const down = new Set(['one.test']);
    const { begun, pass, sent, registration } = stage(
      ({ proxy }) => ([...down].some((host) => proxy.includes(host)) ? { status: 503 } : granted()),
      { targets, fromDomain: 'carrier.test' },
    );
    const hosts = () => sent.splice(0).map(({ proxy }) => /sip:(\w+)/.exec(proxy)?.[1]);
    await begun();
    expect(sent[0]?.uri).toBe('sip:carrier.test');
    expect(hosts()).toEqual(['one', 'two']);
    await pass(400 * second);
    expect(hosts()).toEqual(['two']);
    down.clear();
    down.add('two.test');
    await pass(400 * second);
    expect(hosts()).toEqual(['two', 'one']);
    expect(registration.state).toMatchObject({ status: 'registered', target: 'one.test' });

    const refused = stage(() => ({ status: 403 }), { targets });
    await refused.begun();
    expect(refused.sent).toHaveLength(1);
  });

  it('is tried again soon where one server refuses and another fails at the moment, as late as the latest of them says', async () => {
    const { begun, registration, clock, failures } = stage(
      ({ proxy }) =>
        proxy.includes('one')
          ? { status: 503, headers: { 'Retry-After': '120' } }
          : { status: 403, headers: { 'Retry-After': '60' } },
      { targets: [target('one.test', 1), target('two.test', 2)] },
    );
    await begun();
    expect(failures).toMatchObject([{ code: 'unavailable', sipStatus: 503 }]);
    expect(registration.state.status).toBe('failed');
    expect(registration.state.nextAt! - clock.now()).toBe(120 * second);
  });

  it.each([
    ['600', 600],
    ['1', 30],
    ['999999', 3150],
  ])('that is refused with Retry-After %s is tried again after %i seconds', async (retryAfter, seconds) => {
    const { begun, registration, clock } = stage(() => ({
      ...{ status: 403, headers: { 'Retry-After': retryAfter } },
    }));
    await begun();
    expect(registration.state.nextAt! - clock.now()).toBe(seconds * second);
  });

  it('goes to the next target where a request cannot be sent at all', async () => {
    const { begun, registration } = stage(({ proxy }) => (proxy.includes('one') ? 'broken' : granted()), {
      targets: [target('one.test', 1), target('two.test', 2)],
    });
    await begun();
    expect(registration.state.target).toBe('two.test');
  });

  it('whose connection breaks is made anew at once, and later and later where it breaks again and again', async () => {
    const { begun, pass, sent, registration, clock } = stage(() => granted());
    await begun();
    const waits: number[] = [];
    for (let times = 0; times < 4; times += 1) {
      registration.lost();
      expect(registration.state).toMatchObject({ status: 'unregistered', expiresAt: null });
      waits.push(registration.state.nextAt! - clock.now());
      await pass(waits.at(-1)!);
      expect(sent).toHaveLength(times + 2);
    }
    expect(waits).toEqual([500, 22_500, 45_000, 90_000]);
    await pass(61 * second);
    registration.lost();
    expect(registration.state.nextAt! - clock.now()).toBe(500);
  });

  it('is given back at the end, its own Contact alone, with the answer that the registrar wants', async () => {
    const { begun, sent, registration, clock, sources } = stage((request) =>
      request.headers['Authorization'] === undefined ? challenge('n1') : granted(Number(expiresOf(request))),
    );
    await begun();
    await registration.end();
    await registration.end();
    expect(sent).toHaveLength(3);
    expect(sent[2]?.headers).toMatchObject({ Contact: '<sip:lb1@localhost>;expires=0', Expires: '0' });
    expect(sent[2]?.headers['Authorization']).toContain('nc=00000002');
    // Calls from there were the trunk's for as long.
    expect(sources).toEqual(['192.0.2.1', null]);
    expect(clock.pending).toBe(0);
  });

  it('ends in time where the registrar is silent, and leaves no timer', async () => {
    const { begun, pass, registration, clock } = stage((request) =>
      expiresOf(request) === '0' ? 'silence' : granted(),
    );
    await begun();
    const ended = registration.end();
    await pass(2 * second);
    await ended;
    expect(clock.pending).toBe(0);
  });

  it('that breaks is asked for no later than it would have been renewed, and told once', async () => {
    const { begun, pass, sent, registration, clock, registered } = stage(() => granted(40));
    await begun();
    for (let times = 0; times < 4; times += 1) {
      registration.lost();
      expect(registration.state.nextAt! - clock.now()).toBeLessThanOrEqual(26 * second);
      await pass(registration.state.nextAt! - clock.now());
    }
    expect(sent).toHaveLength(5);
    expect(registered()).toBe(1);
  });

  it('that stood for long begins at the shortest wait where it fails then, and is told again when it stands', async () => {
    let isDown = true;
    const { begun, pass, registration, clock, registered } = stage(() =>
      isDown ? { status: 503 } : granted(),
    );
    await begun();
    for (let times = 0; times < 4; times += 1) await pass(registration.state.nextAt! - clock.now());
    isDown = false;
    await pass(registration.state.nextAt! - clock.now());
    expect(registered()).toBe(1);
    isDown = true;
    await pass(390 * second);
    expect(registration.state.nextAt! - clock.now()).toBe(22.5 * second);
    isDown = false;
    await pass(22.5 * second);
    expect(registered()).toBe(2);
  });

  it.each<[string, (registration: Registration, pass: (ms: number) => Promise<void>) => Promise<void>]>([
    ['was not renewed', (_, pass) => pass(390 * second)],
    ['lost its connection', (registration) => Promise.resolve(registration.lost())],
  ])('that %s is given back for as long as it stands', async (_, fail) => {
    for (const [laterMs, last] of [
      [0, '0'],
      [600 * second, '600'],
    ] as const) {
      let isDown = false;
      const { begun, pass, sent, registration, clock } = stage(() => (isDown ? { status: 503 } : granted()));
      await begun();
      isDown = true;
      await fail(registration, pass);
      await pass(laterMs);
      await registration.end();
      expect(sent.map(expiresOf).at(-1)).toBe(last);
      expect(clock.pending).toBe(0);
    }
  });

  it('lets calls in from a registrar that refuses us no more, and from one that fails until its time is over', async () => {
    for (const [status, atOnce] of [
      [403, true],
      [503, false],
    ] as const) {
      let isDown = false;
      const { begun, pass, sources } = stage(() => (isDown ? { status } : granted()));
      await begun();
      isDown = true;
      await pass(390 * second);
      expect(sources).toEqual(atOnce ? ['192.0.2.1', null] : ['192.0.2.1']);
      await pass(210 * second);
      expect(sources).toEqual(['192.0.2.1', null]);
    }
  });

  it('goes on after a fault of ours, which is told once', async () => {
    let isBroken = true;
    const odd = stage(() => granted());
    odd.faults.isSourceBroken = true;
    await odd.begun();
    expect(odd.broken).toHaveLength(1);
    expect(odd.registration.state.status).toBe('registered');

    const reply = () => ({
      status: 401,
      get headers(): Record<string, string> {
        if (isBroken)
          return new Proxy(
            {},
            {
              get: () => {
                throw new Error('a header');
              },
            },
          );
        return {};
      },
    });
    const { begun, pass, broken, registration, clock } = stage(() => (isBroken ? reply() : granted()));
    await begun();
    expect(broken).toHaveLength(1);
    expect(registration.state.status).toBe('failed');
    isBroken = false;
    await pass(registration.state.nextAt! - clock.now());
    expect(registration.state.status).toBe('registered');
  });

  it('answers no challenge any more that comes when its end is over', async () => {
    let challengeIt: (() => void) | undefined;
    const { begun, pass, sent, registration } = stage((request) => {
      if (expiresOf(request) !== '0') return granted();
      return new Promise((resolve) => (challengeIt = () => resolve(challenge('n'))));
    });
    await begun();
    const ended = registration.end();
    await pass(2 * second);
    await ended;
    challengeIt?.();
    await settled();
    expect(sent.map(expiresOf)).toEqual(['600', '0']);
  });

  it('that was never granted has nothing to give back', async () => {
    const { begun, sent, registration, clock } = stage(() => ({ status: 403 }));
    await begun();
    await registration.end();
    expect(sent).toHaveLength(1);
    expect(clock.pending).toBe(0);
  });

  it('that is granted when nobody wants it any more is given back', async () => {
    let answer: (() => void) | undefined;
    const { sent, registration, clock } = stage(() => granted());
    const slow = new Registration({
      identity: new RegistrarIdentity(),
      outbound: {
        ...{ targets: [target('sip.example.com')], fromDomain: null, digest: null },
        registration: { user: 'us', expiresSeconds: 600, contactUser: 'lb1' },
      },
      send(request) {
        sent.push(request);
        return new Promise((resolve) => {
          answer = () => resolve({ status: 200, source: '192.0.2.1', get: () => undefined });
        });
      },
      ...{
        clock,
        random: () => 0,
        settings,
        onSource: () => undefined,
        onRegistered: () => undefined,
        onFailed: () => undefined,
        onBroken: () => undefined,
      },
    });
    slow.begin(0);
    clock.advance(0);
    const ended = slow.end();
    answer?.();
    await settled();
    answer?.();
    await ended;
    expect(sent.map(expiresOf)).toEqual(['600', '0']);
    expect(registration.state.status).toBe('unregistered');
    expect(clock.pending).toBe(0);
  });
});
