import { beforeAll, describe, expect, it } from 'vitest';
import { ManualClock } from '../../test/support/manual-clock.js';
import { issueStir, stirChain } from '../../test/support/stir-authority.js';
import { CertificateCache, type CertificateCacheLimits } from './certificate-cache.js';
import { maxAgeOf, type FetchedText } from './certificate-fetcher.js';

const url = 'https://cert.example.org/a.pem';
const defaults: CertificateCacheLimits = {
  ...{ maxEntries: 10, minMs: 60_000, maxMs: 3_600_000, failureMs: 30_000 },
  ...{ maxFetches: 8, maxFetchesPerHost: 2, maxFetchesPerMinute: 60, maxChain: 5 },
};
let pem: string;

beforeAll(async () => {
  pem = (await stirChain()).chainPem;
});

function stage(limits: Partial<CertificateCacheLimits> = {}) {
  const clock = new ManualClock(Date.now());
  const fetched: string[] = [];
  const waiting: ((answer: FetchedText | null) => void)[] = [];
  const cache = new CertificateCache({
    fetch(one) {
      fetched.push(one.href);
      return new Promise((resolve) => waiting.push(resolve));
    },
    ...{ clock, rules: { ports: [443, 8443], hosts: [] }, limits: { ...defaults, ...limits } },
  });
  const ask = (text = url, requester = 'trunk') => cache.certificatesAt(text, requester);
  const answer = (text: string | null, maxAgeMs: number | null = null) => {
    for (const resolve of waiting.splice(0)) resolve(text === null ? null : { text, maxAgeMs });
  };
  const asked = async (text = url, found: string | null = pem, maxAgeMs: number | null = null) => {
    const certificates = ask(text);
    answer(found, maxAgeMs);
    return certificates;
  };
  return { clock, cache, fetched, ask, answer, asked };
}

describe('Certificates', () => {
  it('are fetched once for all calls that ask meanwhile, and kept', async () => {
    const { fetched, ask, answer } = stage();
    const calls = Array.from({ length: 20 }, () => ask());
    answer(pem);
    const found = await Promise.all(calls);
    expect(found.every((one) => one === found[0])).toBe(true);
    expect(found[0]).toHaveLength(2);
    expect(await ask()).toBe(found[0]);
    expect(fetched).toEqual([url]);
  });

  it('are kept as long as their server says, within bounds', async () => {
    const keptMs = async (maxAgeMs: number | null) => {
      const { clock, fetched, asked } = stage();
      await asked(url, pem, maxAgeMs);
      for (const ms of [59_000, 61_000, 3_599_000, 3_601_000]) {
        clock.advance(ms);
        await asked(url, pem, maxAgeMs);
        if (fetched.length > 1) return ms;
      }
      return Infinity;
    };
    expect(await keptMs(0)).toBe(61_000);
    expect(await keptMs(600_000)).toBe(3_599_000);
    expect(await keptMs(null)).toBe(3_599_000);
    expect(await keptMs(1e12)).toBe(3_599_000);
  });

  it('that have ended are fetched anew, for they may have been renewed', async () => {
    const { clock, fetched, asked } = stage({ maxMs: 1e12 });
    await asked();
    clock.advance(2 * 86_400_000);
    await asked();
    await asked();
    clock.advance(31_000);
    await asked();
    expect(fetched).toHaveLength(3);
  });

  it('are kept whatever else stands behind them: what has ended, what cannot be read, one too many', async () => {
    const old = (await issueStir({ notAfter: new Date(Date.now() - 3_600_000) })).certPem;
    const rubbish = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n';
    for (const [extra, count] of [
      [old, 3],
      [rubbish, 2],
      [old.repeat(9), 5],
    ] as const) {
      const { clock, fetched, asked } = stage();
      expect(await asked(url, pem + extra)).toHaveLength(count);
      clock.advance(3_599_000);
      expect(await asked()).toHaveLength(count);
      expect(fetched).toHaveLength(1);
    }
  });

  it('that could not be had are asked for again after a while, and not before', async () => {
    const { clock, fetched, asked } = stage();
    expect(await asked(url, null)).toBe('not-fetched');
    expect(await asked(url, pem)).toBe('not-fetched');
    clock.advance(30_001);
    expect(await asked(url, 'no certificate')).toBe('unsuitable-certificate');
    clock.advance(30_001);
    expect(await asked()).toHaveLength(2);
    expect(fetched).toHaveLength(3);
  });

  it('are never asked for where the URL is not allowed', async () => {
    const { fetched, ask } = stage();
    for (const text of ['http://cert.example.org/a.pem', 'https://cert.example.org:22/', 'x'])
      expect(await ask(text)).toBe('url-not-allowed');
    expect(fetched).toEqual([]);
  });

  it('are fetched so many at once, of one host fewer', async () => {
    const { fetched, ask, answer } = stage({ maxFetches: 3, maxFetchesPerHost: 2 });
    const running = [ask('https://a.example/1'), ask('https://a.example/2', 'other')];
    expect(await ask('https://a.example/3')).toBe('fetch-limit');
    running.push(ask('https://b.example/1'));
    expect(await ask('https://c.example/1')).toBe('fetch-limit');
    // Who waits for what is on its way needs no place.
    running.push(ask('https://a.example/1'));
    answer(pem);
    await Promise.all(running);
    expect(fetched).toHaveLength(3);
    const after = ask('https://a.example/3');
    answer(pem);
    expect(await after).toHaveLength(2);
  });

  it('are fetched so many a minute for one requester, and others’ as ever', async () => {
    const { clock, cache, ask, answer } = stage({ maxFetchesPerMinute: 5, maxFetches: 2000 });
    const ofMany = async (requester: string) => {
      const all = Array.from({ length: 1000 }, (_, index) =>
        ask(`https://h${String(index)}.example/`, requester),
      );
      answer(null);
      return (await Promise.all(all)).filter((one) => one !== 'fetch-limit').length;
    };
    expect(await ofMany('one')).toBe(5);
    const other = ask('https://other.example/', 'other');
    answer(pem);
    expect(await other).toHaveLength(2);
    expect(cache.fetches).toBe(6);
    clock.advance(60_000);
    const later = ask('https://later.example/', 'one');
    answer(pem);
    expect(await later).toHaveLength(2);
  });

  it('are fetched for others while one requester’s servers are slow', async () => {
    const { ask, answer } = stage({ maxFetches: 4 });
    const slow = Array.from({ length: 9 }, (_, index) => ask(`https://slow${String(index)}.example/`, 'one'));
    expect(await slow.at(-1)).toBe('fetch-limit');
    const other = ask(url, 'other');
    answer(pem);
    expect(await other).toHaveLength(2);
    expect((await Promise.all(slow)).filter((one) => one === 'fetch-limit')).toHaveLength(7);
  });

  it('are fetched of one host for others while one requester’s URLs there are silent', async () => {
    const { ask, answer } = stage({ maxFetchesPerHost: 2 });
    const silent = ask('https://cert.example.org/silent', 'one');
    // By other ports and names of the same host, too.
    for (const text of [
      'https://cert.example.org/2',
      'https://cert.example.org:8443/3',
      'https://cert.example.org./4',
    ])
      expect(await ask(text, 'one')).toBe('fetch-limit');
    const other = ask(url, 'other');
    expect(await ask('https://cert.example.org.:8443/5', 'third')).toBe('fetch-limit');
    answer(pem);
    expect(await other).toHaveLength(2);
    await silent;
  });

  it('are kept so many, those that are asked for the longest', async () => {
    const { cache, fetched, asked } = stage({ maxEntries: 3 });
    for (const name of ['a', 'b', 'c', 'a', 'd']) await asked(`https://${name}.example/`);
    expect(cache.size).toBe(3);
    await asked('https://a.example/');
    expect(fetched).toHaveLength(4);
    await asked('https://b.example/');
    expect(fetched).toHaveLength(5);
  });
});

describe('Cache-Control', () => {
  it('says how long an answer may be kept', () => {
    expect(['public, max-age=60', 'Max-Age="60"', 's-maxage=60'].map(maxAgeOf)).toEqual([
      60_000, 60_000, 60_000,
    ]);
    expect(['no-store', 'no-cache, max-age=60'].map(maxAgeOf)).toEqual([0, 0]);
    expect([undefined, '', 'max-age=-1', 'max-age=x', 'max-age=99999999999'].map(maxAgeOf)).toEqual([
      null,
      null,
      null,
      null,
      null,
    ]);
  });
});
