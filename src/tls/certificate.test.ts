import type { X509Certificate } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestAuthority } from '../../test/support/certificates.js';
import {
  alternativeNamesOf,
  CertificateProblem,
  isFor,
  readAuthorities,
  readCertificate,
} from './certificate.js';

let authority: TestAuthority;

beforeAll(async () => {
  authority = await TestAuthority.open();
});

afterAll(() => authority.remove());

async function certificateFor(...names: string[]) {
  return readCertificate(await authority.write('one', await authority.issue({ names })));
}

describe('a certificate', () => {
  it('is for its names, and for one label under a wildcard', async () => {
    const certificate = await certificateFor('gw.example.com', '*.pstn.example.com', '192.0.2.1');
    for (const host of ['gw.example.com', 'GW.example.com.', 'a.pstn.example.com', '192.0.2.1'])
      expect(isFor(certificate, host), host).toBe(true);
    for (const host of ['example.com', 'a.b.pstn.example.com', 'pstn.example.com', '192.0.2.2', ''])
      expect(isFor(certificate, host), host).toBe(false);
  });

  it('has no names but its hosts’: none that stands in a name of another kind, or in quotes', () => {
    const named = (subjectAltName: string) => alternativeNamesOf({ subjectAltName } as X509Certificate);
    expect(named('DNS:SBC.example, IP Address:192.0.2.1, IP Address:2001:DB8:0:0:0:0:0:1')).toEqual([
      'sbc.example',
      '192.0.2.1',
      '2001:db8:0:0:0:0:0:1',
    ]);
    expect(named('URI:"http://a.example/, DNS:sbc.example"')).toEqual([]);
    expect(named('DNS:"a.example\\", DNS:sbc.example", DNS:b.example')).toEqual(['b.example']);
    expect(named('URI:http://a.example/DNS:sbc.example, email:DNS:sbc.example')).toEqual([]);
    expect(named('othername:"<unsupported>", DirName:"CN=a, DNS:sbc.example"')).toEqual([]);
    expect(named('URI:sip:Example.COM, URI:sip:alice@example.org, URI:sips:b.example')).toEqual([
      'example.com',
    ]);
    expect(named('URI:sip:c.example;transport=tls, URI:"sip:d.example"')).toEqual([]);
    expect(alternativeNamesOf({} as X509Certificate)).toEqual([]);
  });

  it('says when it ends', async () => {
    const notAfter = new Date('2031-02-03T04:05:06Z');
    const pair = await authority.write('dated', await authority.issue({ names: ['a.example'], notAfter }));
    expect(readCertificate(pair).notAfterMs).toBe(notAfter.getTime());
  });

  it.each([
    [
      'a file that is not there',
      (pair: { cert: string; key: string }) => ({ ...pair, cert: `${pair.cert}.gone` }),
      'cannot be read (ENOENT)',
    ],
    [
      'a key in place of the certificate',
      (pair: { cert: string; key: string }) => ({ ...pair, cert: pair.key }),
      'holds no certificate in PEM form',
    ],
    [
      'a certificate in place of the key',
      (pair: { cert: string; key: string }) => ({ ...pair, key: pair.cert }),
      'holds no private key in PEM form',
    ],
  ])('is refused with a sentence that names the file: %s', async (_, spoil, words) => {
    const pair = spoil(await authority.write('spoilt', await authority.issue({ names: ['a.example'] })));
    expect(() => readCertificate(pair)).toThrow(CertificateProblem);
    expect(() => readCertificate(pair)).toThrow(words);
  });

  it('is refused with the key of another', async () => {
    const one = await authority.write('one', await authority.issue({ names: ['a.example'] }));
    const other = await authority.write('other', await authority.issue({ names: ['a.example'] }));
    expect(() => readCertificate({ cert: one.cert, key: other.key })).toThrow(
      'does not belong to the certificate',
    );
  });

  it('is refused with a key that is encrypted, and its problem never quotes the file', async () => {
    const pair = await authority.write('locked', await authority.issue({ names: ['a.example'] }));
    const secret = 'MIIFHDBOBgkqhkiG9w0BBQ0wQTApBgkqhkiG9w0BBQwwHAQI';
    await writeFile(
      pair.key,
      `-----BEGIN ENCRYPTED PRIVATE KEY-----\n${secret}\n-----END ENCRYPTED PRIVATE KEY-----\n`,
    );
    expect(() => readCertificate(pair)).toThrow('a key that is encrypted');
    expect(() => readCertificate(pair)).not.toThrow(secret);
  });
});

describe('a file of authorities', () => {
  it('is read', () => {
    expect(readAuthorities(authority.file)).toContain('BEGIN CERTIFICATE');
  });

  it('is refused where it holds none', async () => {
    const path = join(authority.directory, 'empty.pem');
    await writeFile(path, 'nothing');
    expect(() => readAuthorities(path)).toThrow('holds no certificate');
  });
});
