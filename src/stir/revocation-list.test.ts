import 'reflect-metadata';
import { Extension } from '@peculiar/x509';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  certificatesAndLists,
  issueStir,
  revocationList,
  type StirIssued,
  type StirList,
} from '../../test/support/stir-authority.js';
import { StirCertificate } from './certificate.js';
import { RevocationList } from './revocation-list.js';

let root: StirIssued;
let signer: StirIssued;
let other: StirIssued;

beforeAll(async () => {
  root = await issueStir({ name: 'Root', isAuthority: true, keyUsage: certificatesAndLists });
  [signer, other] = await Promise.all([issueStir({ issuer: root }), issueStir({ issuer: root })]);
});

const read = async (list: Partial<StirList> = {}) =>
  new RevocationList(await revocationList({ signer: root, ...list }));
const certificate = ({ certPem }: StirIssued) => new StirCertificate(certPem);
const dayMs = 86_400_000;

describe('A list of revoked certificates', () => {
  it('tells of those that it names, and of no other', async () => {
    const list = await read({ revoked: [signer] });
    expect([signer, other].map((one) => list.hasRevoked(certificate(one)))).toEqual([true, false]);
    expect((await read()).hasRevoked(certificate(signer))).toBe(false);
  });

  it('is read from DER and from PEM', async () => {
    const der = await revocationList({ signer: root, revoked: [signer] });
    const pem = `-----BEGIN X509 CRL-----\n${der.toString('base64')}\n-----END X509 CRL-----\n`;
    expect(new RevocationList(Buffer.from(pem)).hasRevoked(certificate(signer))).toBe(true);
    expect(() => new RevocationList(Buffer.from(pem.slice(0, -20)))).toThrow();
  });

  it('is its issuer’s, who may sign lists, and nobody else’s', async () => {
    const list = await read();
    const namesake = await issueStir({ name: 'Root', isAuthority: true, keyUsage: certificatesAndLists });
    const mayNot = await issueStir({ name: 'Root', isAuthority: true, keys: root.keys });
    expect([root, namesake, mayNot, other].map((one) => list.isSignedBy(certificate(one)))).toEqual([
      ...[true, false, false, false],
    ]);
  });

  it('that was changed is nobody’s', async () => {
    const bytes = await revocationList({ signer: root, revoked: [signer] });
    // As a whole integer: its few octets may stand elsewhere, too.
    const serial = Buffer.from(signer.certificate.serialNumber, 'hex');
    const at = bytes.indexOf(Buffer.from([0x02, serial.length, ...serial])) + 2;
    expect(at).toBeGreaterThan(2);
    const changed = Buffer.from(bytes);
    changed[at] = (changed[at] ?? 0) ^ 1;
    expect(new RevocationList(changed).isSignedBy(certificate(root))).toBe(false);
  });

  it('is stale once there should be another, and where it is of tomorrow', async () => {
    const now = Date.now();
    const isStale = async (list: Partial<StirList>) => (await read(list)).isStale(now);
    expect(await isStale({})).toBe(false);
    expect(await isStale({ nextUpdate: null })).toBe(false);
    expect(await isStale({ nextUpdate: new Date(now - dayMs) })).toBe(true);
    expect(await isStale({ thisUpdate: new Date(now + dayMs), nextUpdate: new Date(now + 2 * dayMs) })).toBe(
      true,
    );
  });

  it('is for certificates of its issuer, and of others where it is an indirect one', async () => {
    const middle = await issueStir({
      ...{ name: 'Middle', issuer: root, isAuthority: true, keyUsage: certificatesAndLists },
    });
    const below = await issueStir({ issuer: middle });
    const direct = await read();
    expect([signer, below].map((one) => direct.isFor(certificate(one)))).toEqual([true, false]);
    const indirect = await read({ isIndirect: true, revoked: [below, signer] });
    expect([signer, below].map((one) => indirect.isFor(certificate(one)))).toEqual([true, true]);
    expect([signer, below, other].map((one) => indirect.hasRevoked(certificate(one)))).toEqual([
      ...[true, true, false],
    ]);
  });

  it.each([
    ['of the users’ certificates', 0x81, [true, false]],
    ['of the authorities’ certificates', 0x82, [false, true]],
  ])('%s alone is for no others', async (_what, tag, expected) => {
    const point = new Extension('2.5.29.28', true, Buffer.from([0x30, 3, tag, 1, 0xff]));
    const list = await read({ extensions: [point] });
    expect([signer, root].map((one) => list.isFor(certificate(one)))).toEqual(expected);
  });

  it.each([
    ['is for some reasons alone', '2.5.29.28', [0x30, 4, 0x83, 2, 1, 0x40]],
    ['is of certificates of attributes', '2.5.29.28', [0x30, 3, 0x85, 1, 0xff]],
    ['is the difference to another', '2.5.29.27', [2, 1, 1]],
    ['has a critical extension that is not known', '1.2.3.4', [5, 0]],
  ])('that %s is of no use', async (_what, oid, value) => {
    await expect(read({ extensions: [new Extension(oid, true, Buffer.from(value))] })).rejects.toThrow();
  });

  it('that is none is none, whatever its bytes', async () => {
    const bytes = await revocationList({ signer: root, revoked: [signer, other] });
    for (let length = 0; length < bytes.length; length += 7)
      expect(() => new RevocationList(bytes.subarray(0, length))).toThrow();
    for (let at = 0; at < bytes.length; at += 1) {
      const broken = Buffer.from(bytes);
      broken[at] = (broken[at] ?? 0) ^ 0x80;
      try {
        expect(new RevocationList(broken).isSignedBy(certificate(root))).toBe(false);
      } catch (error) {
        expect(error).toBeInstanceOf(Error);
      }
    }
  });
});
