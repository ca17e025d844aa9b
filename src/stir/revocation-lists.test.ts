import { beforeAll, describe, expect, it } from 'vitest';
import { ManualClock } from '../../test/support/manual-clock.js';
import {
  certificatesAndLists,
  issueStir,
  listAt,
  revocationList,
  type StirIssued,
} from '../../test/support/stir-authority.js';
import { StirCertificate } from './certificate.js';
import { RevocationLists } from './revocation-lists.js';
import type { TrustedPath } from './trust-anchors.js';

const url = 'https://lists.example.org/root.crl';
const hourMs = 3_600_000;

let root: StirIssued;
let signer: StirIssued;
let good: Buffer;
let revoking: Buffer;

beforeAll(async () => {
  root = await issueStir({ name: 'Root', isAuthority: true, keyUsage: certificatesAndLists });
  signer = await issueStir({ issuer: root, extensions: [listAt(url)] });
  good = await revocationList({ signer: root });
  revoking = await revocationList({ signer: root, revoked: [signer], thisUpdate: new Date() });
});

function pathOf(...issued: readonly StirIssued[]): TrustedPath {
  const certificates = issued.map(({ certPem }) => new StirCertificate(certPem));
  return { signer: certificates[0]!, certificates, fromMs: 0, untilMs: Infinity };
}

function stage(served: Record<string, Buffer | null>, signers: readonly StirIssued[] = []) {
  const clock = new ManualClock(Date.now());
  const fetched: string[] = [];
  const lists = new RevocationLists({
    fetch(one) {
      fetched.push(one.href);
      const bytes = served[one.href] ?? null;
      return Promise.resolve(bytes && { text: bytes.toString('latin1'), maxAgeMs: null });
    },
    rules: { ports: [443], hosts: [] },
    signers: () => signers.map(({ certPem }) => new StirCertificate(certPem)),
    clock,
    limits: { keepMs: hourMs, failureMs: 30_000, maxFetches: 2, maxLists: 2 },
  });
  return { lists, clock, fetched, served };
}

describe('Whether a signer’s certificate was revoked', () => {
  it('says the list that it names, which is fetched once', async () => {
    const { lists, fetched } = stage({ [url]: good });
    const path = pathOf(signer, root);
    expect(await Promise.all([lists.standingOf(path), lists.standingOf(path)])).toEqual(['good', 'good']);
    expect(await lists.standingOf(path)).toBe('good');
    expect(fetched).toEqual([url]);
    expect(await stage({ [url]: revoking }).lists.standingOf(path)).toBe('revoked');
  });

  it('is not asked of one that names none', async () => {
    const { lists, fetched } = stage({});
    expect(await lists.standingOf(pathOf(await issueStir({ issuer: root }), root))).toBe('good');
    expect(fetched).toEqual([]);
  });

  it('is not known where the list cannot be had, is none, is stale or another’s', async () => {
    const stranger = await issueStir({ name: 'Root', isAuthority: true, keyUsage: certificatesAndLists });
    const stale = { signer: root, nextUpdate: new Date(Date.now() - hourMs) };
    for (const list of [
      null,
      Buffer.from('nothing'),
      await revocationList(stale),
      await revocationList({ signer: stranger }),
    ])
      expect(await stage({ [url]: list }).lists.standingOf(pathOf(signer, root))).toBe('unknown');
    const stillRevoked = await revocationList({ ...stale, revoked: [signer] });
    expect(await stage({ [url]: stillRevoked }).lists.standingOf(pathOf(signer, root))).toBe('revoked');
  });

  it.each(['http://lists.example.org/root.crl', 'https://lists.example.org:8080/root.crl', 'ldap://x/'])(
    'is not asked at %s',
    async (place) => {
      const { lists, fetched } = stage({ [place]: good });
      const elsewhere = await issueStir({ issuer: root, extensions: [listAt(place)] });
      expect(await lists.standingOf(pathOf(elsewhere, root))).toBe('unknown');
      expect(fetched).toEqual([]);
    },
  );

  it('says an authority’s list of others’ certificates, as SHAKEN has it, where that authority is known', async () => {
    const administrator = await issueStir({ name: 'Administrator', keyUsage: certificatesAndLists });
    const place = [listAt(url, administrator)];
    const one = await issueStir({ issuer: root, extensions: place });
    const another = await issueStir({ issuer: root, extensions: place });
    const list = await revocationList({ signer: administrator, isIndirect: true, revoked: [one] });
    const known = stage({ [url]: list }, [administrator]).lists;
    expect(await known.standingOf(pathOf(one, root))).toBe('revoked');
    expect(await known.standingOf(pathOf(another, root))).toBe('good');
    expect(await stage({ [url]: list }).lists.standingOf(pathOf(one, root))).toBe('unknown');
  });

  it('counts of an authority between, too', async () => {
    const middle = await issueStir({
      ...{ name: 'Middle', issuer: root, isAuthority: true, extensions: [listAt(url)] },
    });
    const below = await issueStir({ issuer: middle });
    const list = await revocationList({ signer: root, revoked: [middle] });
    expect(await stage({ [url]: list }).lists.standingOf(pathOf(below, middle, root))).toBe('revoked');
  });

  it('is asked again after a while; where the newer list cannot be had the former stays in force', async () => {
    const { lists, clock, fetched, served } = stage({ [url]: good });
    const path = pathOf(signer, root);
    await lists.standingOf(path);
    served[url] = null;
    clock.advance(hourMs + 1);
    expect(await lists.standingOf(path)).toBe('good');
    served[url] = revoking;
    clock.advance(29_000);
    expect(await lists.standingOf(path)).toBe('good');
    clock.advance(2000);
    expect(await lists.standingOf(path)).toBe('revoked');
    expect(fetched).toHaveLength(3);
  });

  it('is not put back by an older list', async () => {
    const { lists, clock, served } = stage({ [url]: revoking });
    const path = pathOf(signer, root);
    expect(await lists.standingOf(path)).toBe('revoked');
    served[url] = good;
    clock.advance(hourMs + 1);
    expect(await lists.standingOf(path)).toBe('revoked');
  });

  it('is asked of few servers at once, and few lists are kept', async () => {
    const places = Array.from({ length: 4 }, (_, at) => `https://lists.example.org/${String(at)}.crl`);
    const { lists, fetched } = stage(Object.fromEntries(places.map((place) => [place, good])));
    const paths = await Promise.all(
      places.map(async (place) =>
        pathOf(await issueStir({ issuer: root, extensions: [listAt(place)] }), root),
      ),
    );
    const standings = await Promise.all(paths.map((path) => lists.standingOf(path)));
    expect(standings).toEqual(['good', 'good', 'unknown', 'unknown']);
    expect(fetched).toHaveLength(2);
    for (const path of paths) await lists.standingOf(path);
    expect(lists.size).toBe(2);
  });
});
