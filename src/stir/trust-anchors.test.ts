import 'reflect-metadata';
import { KeyUsageFlags, Extension } from '@peculiar/x509';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  issueStir,
  stirChain,
  type StirIssued,
  type StirSubject,
} from '../../test/support/stir-authority.js';
import { readChain, type StirCertificate } from './certificate.js';
import { mayVouchFor, TrustAnchors } from './trust-anchors.js';

const hourMs = 3_600_000;
const at = (offsetMs: number) => new Date(Date.now() + offsetMs);
const pemOf = (...issued: readonly StirIssued[]) => issued.map(({ certPem }) => certPem).join('');

function judged(anchors: readonly StirIssued[], chain: readonly StirIssued[], nowMs = Date.now()) {
  return TrustAnchors.read(pemOf(...anchors)).pathOf(readChain(pemOf(...chain), 10), nowMs);
}

describe('The chain of a signer', () => {
  it('leads to an authority of the list, by those that stand beside the certificate, in any order', async () => {
    const { root, middle, leaf } = await stirChain();
    expect(judged([root], [leaf, middle])).toMatchObject({
      signer: { notAfterMs: expect.any(Number) as number },
    });
    expect(judged([root], [leaf, root, middle])).toHaveProperty('signer');
    expect(judged([root, middle], [leaf])).toHaveProperty('signer');
    expect(judged([root], [leaf])).toBe('untrusted-certificate');
  });

  it('is of nobody’s where its authority is not in the list', async () => {
    const { middle, leaf, root } = await stirChain();
    const stranger = await issueStir({ name: 'Root of a test', isAuthority: true });
    expect(judged([stranger], [leaf, middle, root])).toBe('untrusted-certificate');
    expect(new TrustAnchors().pathOf(readChain(pemOf(leaf), 10), Date.now())).toBe('untrusted-certificate');
  });

  it('must hold now, every one of it', async () => {
    const root = await issueStir({ name: 'Root', isAuthority: true });
    const old = await issueStir({ issuer: root, notAfter: at(-hourMs) });
    const early = await issueStir({ issuer: root, notBefore: at(hourMs) });
    expect(judged([root], [old])).toBe('expired-certificate');
    expect(judged([root], [early])).toBe('expired-certificate');
    expect(judged([root], [early], Date.now() + 2 * hourMs)).toHaveProperty('signer');
    const lapsed = await issueStir({
      name: 'Lapsed',
      issuer: root,
      isAuthority: true,
      notAfter: at(-hourMs),
    });
    expect(judged([root], [await issueStir({ issuer: lapsed }), lapsed])).toBe('expired-certificate');
  });

  it('is looked at again when time goes on', async () => {
    const root = await issueStir({ name: 'Root', isAuthority: true });
    const anchors = TrustAnchors.read(pemOf(root));
    const chain = readChain(pemOf(await issueStir({ issuer: root, notAfter: at(hourMs) })), 1);
    expect(anchors.pathOf(chain, Date.now())).toHaveProperty('signer');
    expect(anchors.pathOf(chain, Date.now() + 2 * hourMs)).toBe('expired-certificate');
  });

  it('ends with a certificate that is made to sign calls', async () => {
    const root = await issueStir({ name: 'Root', isAuthority: true });
    const unsuitable: readonly StirSubject[] = [
      { spc: null },
      { isAuthority: true, spc: '1234' },
      { curve: 'P-384' },
      { keyUsage: KeyUsageFlags.keyCertSign },
    ];
    for (const subject of unsuitable)
      expect(judged([root], [await issueStir({ issuer: root, ...subject })])).toBe('unsuitable-certificate');
  });

  it('has no signer for an authority, and none with more under it than it may have', async () => {
    const root = await issueStir({ name: 'Root', isAuthority: true });
    const signer = await issueStir({ name: 'Signer', issuer: root });
    expect(judged([root], [await issueStir({ issuer: signer }), signer])).toBe('untrusted-certificate');
    const weak = await issueStir({
      name: 'Weak',
      issuer: root,
      isAuthority: true,
      keyUsage: KeyUsageFlags.digitalSignature,
    });
    expect(judged([root], [await issueStir({ issuer: weak }), weak])).toBe('untrusted-certificate');
    const last = await issueStir({ name: 'Last', issuer: root, isAuthority: true, pathLength: 0 });
    const beyond = await issueStir({ name: 'Beyond', issuer: last, isAuthority: true });
    expect(judged([root], [await issueStir({ issuer: beyond }), beyond, last])).toBe('untrusted-certificate');
    expect(judged([root], [await issueStir({ issuer: last }), last])).toHaveProperty('signer');
  });

  it('that leads in a circle comes to an end', async () => {
    const one = await issueStir({ name: 'One', isAuthority: true });
    const other = await issueStir({ name: 'Other', isAuthority: true });
    const oneByOther = await issueStir({ name: 'One', keys: one.keys, issuer: other, isAuthority: true });
    const otherByOne = await issueStir({ name: 'Other', keys: other.keys, issuer: one, isAuthority: true });
    const stranger = await issueStir({ name: 'Stranger', isAuthority: true });
    const leaf = await issueStir({ issuer: one });
    expect(judged([stranger], [leaf, one, other, oneByOther, otherByOne])).toBe('untrusted-certificate');
    expect(judged([other], [leaf, oneByOther, otherByOne])).toHaveProperty('signer');
  });

  it('with many copies of the same names costs few checks', async () => {
    const root = await issueStir({ name: 'Root', isAuthority: true });
    const keys = root.keys;
    const copies = await Promise.all(
      Array.from({ length: 9 }, () => issueStir({ name: 'Root', isAuthority: true, keys, issuer: root })),
    );
    const stranger = await issueStir({ name: 'Root', isAuthority: true });
    const leaf = await issueStir({ issuer: root });
    expect(judged([stranger], [leaf, ...copies])).toBe('untrusted-certificate');
  });
});

describe('A certificate', () => {
  it('for single numbers or a range vouches for these, one for a provider for any', async () => {
    const root = await issueStir({ name: 'Root', isAuthority: true });
    const vouches = async (subject: StirSubject, number: string) => {
      const path = judged([root], [await issueStir({ issuer: root, ...subject })]);
      if (typeof path === 'string') throw new Error(path);
      return mayVouchFor(path, [number]);
    };
    expect(await vouches({}, '12155551212')).toBe(true);
    expect(await vouches({ numbers: ['12155551212'] }, '12155551212')).toBe(true);
    expect(await vouches({ numbers: ['12155551212'] }, '12155551213')).toBe(false);
    const range = ['12155551200', 100] as const;
    expect(await vouches({ range }, '12155551200')).toBe(true);
    expect(await vouches({ range }, '12155551299')).toBe(true);
    expect(await vouches({ range }, '12155551300')).toBe(false);
    expect(await vouches({ range }, '2155551212')).toBe(false);
  });

  it('of a delegate vouches for no number that its authority has not', async () => {
    const root = await issueStir({ name: 'Root', isAuthority: true });
    const middle = await issueStir({
      name: 'Delegate',
      issuer: root,
      isAuthority: true,
      spc: '1',
      numbers: ['1'],
    });
    const leaf = await issueStir({ issuer: middle, numbers: ['1', '2'] });
    const path = judged([root], [leaf, middle]);
    if (typeof path === 'string') throw new Error(path);
    expect([['1'], ['2'], ['1', '2']].map((numbers) => mayVouchFor(path, numbers))).toEqual([
      true,
      false,
      false,
    ]);
  });

  it('with a critical extension that is not known is none', async () => {
    const extensions = [new Extension('1.2.3.4', true, new Uint8Array([5, 0]))];
    const { certPem } = await issueStir({ extensions });
    expect(() => readChain(certPem, 1)).toThrow();
  });

  it('is read with so many that stand behind it, of which it minds none', async () => {
    const { certPem } = await issueStir();
    const extensions = [new Extension('1.2.3.4', true, new Uint8Array([5, 0]))];
    const odd = (await issueStir({ extensions })).certPem;
    expect(readChain(`text before\n${certPem}\n${certPem}`, 2)).toHaveLength(2);
    expect(readChain(certPem + certPem + certPem, 2)).toHaveLength(2);
    expect(readChain(certPem + odd + certPem, 5)).toHaveLength(2);
    expect(readChain(certPem + certPem.slice(0, -40), 5)).toHaveLength(1);
    for (const text of [odd + certPem, certPem.slice(0, -40), '', '<html>'])
      expect(() => readChain(text, 5)).toThrow();
  });

  it('with any octet changed is read or refused', async () => {
    const { certificate } = await issueStir({ numbers: ['12155551212'] });
    const raw = Buffer.from(certificate.rawData);
    fc.assert(
      fc.property(fc.nat(raw.length - 1), fc.nat(255), (position, octet) => {
        const changed = Buffer.from(raw);
        changed[position] = octet;
        const pem = `-----BEGIN CERTIFICATE-----\n${changed.toString('base64')}\n-----END CERTIFICATE-----`;
        let found: readonly StirCertificate[];
        try {
          found = readChain(pem, 1);
        } catch (error) {
          expect(error).toBeInstanceOf(Error);
          return;
        }
        new TrustAnchors(found).pathOf(found, Date.now());
      }),
    );
  });
});

describe('A list of authorities', () => {
  it('is used without those that are none, or cannot be used, and says which', async () => {
    const root = await issueStir({ name: 'Root', isAuthority: true });
    const leaf = await issueStir({ name: 'Leaf', issuer: root });
    const extensions = [new Extension('1.2.3.4', true, new Uint8Array([5, 0]))];
    const odd = await issueStir({ name: 'Odd', isAuthority: true, extensions });
    const rubbish = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n';
    const anchors = TrustAnchors.read(rubbish + pemOf(odd, root, leaf));
    expect([anchors.count, anchors.leftOut]).toEqual([1, [null, 'CN=Odd', 'CN=Leaf']]);
    expect(anchors.pathOf(readChain(pemOf(leaf), 1), Date.now())).toHaveProperty('signer');
    expect(TrustAnchors.read(pemOf(root)).leftOut).toEqual([]);
  });

  it('is none where nothing of it can be used, or it breaks off', async () => {
    const root = await issueStir({ name: 'Root', isAuthority: true });
    const leaf = await issueStir({ name: 'Leaf', issuer: root });
    for (const text of ['', 'nothing', pemOf(leaf), pemOf(root) + pemOf(root).slice(0, -40)])
      expect(() => TrustAnchors.read(text)).toThrow(RangeError);
  });
});
