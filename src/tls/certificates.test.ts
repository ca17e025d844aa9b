import { writeFile } from 'node:fs/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { TestAuthority, type CertificateFilePair } from '../../test/support/certificates.js';
import { ManualClock } from '../../test/support/manual-clock.js';
import { silentLogger, type Logger } from '../domain/logger.js';
import { CertificateProblem } from './certificate.js';
import { Certificates } from './certificates.js';

let authority: TestAuthority;
let clock: ManualClock;
let logged: { readonly level: string; readonly message: string }[];
let open: Certificates[];

const logger: Logger = {
  ...silentLogger,
  info: (_, message) => logged.push({ level: 'info', message }),
  warn: (_, message) => logged.push({ level: 'warn', message }),
  error: (_, message) => logged.push({ level: 'error', message }),
};

beforeEach(async () => {
  authority = await TestAuthority.open();
  clock = new ManualClock(Date.now());
  logged = [];
  open = [];
});

afterEach(async () => {
  for (const certificates of open) certificates.close();
  expect(clock.pending).toBe(0);
  await authority.remove();
});

const newPair = async (name: string, ...names: string[]): Promise<CertificateFilePair> =>
  authority.write(name, await authority.issue({ names, notAfter: new Date(Date.now() + 60 * 86_400_000) }));

function watch(main: CertificateFilePair, others: readonly CertificateFilePair[] = []): Certificates {
  const certificates = new Certificates({
    ...{ main, others, clock, logger },
    minVersion: 'TLSv1.2',
    ciphers: 'ECDHE-ECDSA-AES128-GCM-SHA256',
    reloadMs: 60_000,
  });
  open.push(certificates);
  return certificates;
}

it('shows each client the certificate for the name that it asks for, and else the main one', async () => {
  const certificates = watch(await newPair('main', 'gw.example'), [await newPair('other', '*.example.org')]);
  const main = certificates.contextFor('gw.example');
  const other = certificates.contextFor('sip.example.org');
  expect(other).not.toBe(main);
  expect(certificates.contextFor('nobody.example')).toBe(main);
  expect(certificates.contextFor('SIP.EXAMPLE.ORG')).toBe(other);
});

it('takes renewed files within the time that is set, without a word from anybody', async () => {
  const certificates = watch(await newPair('main', 'gw.example'));
  const before = certificates.contextFor('gw.example');
  clock.advance(60_000);
  expect(certificates.contextFor('gw.example')).toBe(before);
  await newPair('main', 'gw.example');
  clock.advance(60_000);
  expect(certificates.contextFor('gw.example')).not.toBe(before);
  expect(logged).toEqual([{ level: 'info', message: 'certificates were read anew' }]);
});

it('goes on with the former ones while only one file of two is renewed, and takes both when both are there', async () => {
  const pair = await newPair('main', 'gw.example');
  const certificates = watch(pair);
  const before = certificates.contextFor('gw.example');
  const renewed = await authority.issue({ names: ['gw.example'] });
  await writeFile(pair.cert, renewed.certPem);
  clock.advance(60_000);
  expect(certificates.contextFor('gw.example')).toBe(before);
  expect(logged).toEqual([
    { level: 'error', message: 'changed certificates cannot be used; the former stay in force' },
  ]);
  await writeFile(pair.key, renewed.keyPem);
  clock.advance(60_000);
  expect(certificates.contextFor('gw.example')).not.toBe(before);
});

it('goes on with the former ones where the files are gone', async () => {
  const certificates = watch(await newPair('main', 'gw.example'));
  const before = certificates.contextFor('gw.example');
  await authority.remove();
  clock.advance(180_000);
  expect(certificates.contextFor('gw.example')).toBe(before);
});

it.each([
  [-1, 'error', 'a certificate has expired'],
  [3, 'warn', 'a certificate expires soon'],
])('tells of one that ends in %i days', async (days, level, message) => {
  const notAfter = new Date(Date.now() + days * 86_400_000);
  const pair = await authority.write('main', await authority.issue({ names: ['gw.example'], notAfter }));
  expect(watch(pair).ends()).toEqual({ 'gw.example': Math.floor(notAfter.getTime() / 1000) * 1000 });
  expect(logged).toEqual([{ level, message }]);
});

it('tells each day of one that nobody renews, from two weeks before its end', async () => {
  const day = 86_400_000;
  const notAfter = new Date(Date.now() + 14.5 * day);
  watch(await authority.write('main', await authority.issue({ names: ['gw.example'], notAfter })));
  expect(logged).toEqual([]);
  clock.advance(2 * day + 60_000);
  const soon = { level: 'warn', message: 'a certificate expires soon' };
  expect(logged).toEqual([soon, soon]);
});

it('refuses ciphers that nobody knows', async () => {
  const main = await newPair('main', 'gw.example');
  const make = () =>
    new Certificates({
      ...{ main, others: [], clock, logger },
      minVersion: 'TLSv1.2',
      ciphers: 'NO-SUCH-CIPHER',
      reloadMs: 60_000,
    });
  expect(make).toThrow(CertificateProblem);
  expect(make).toThrow('tls.ciphers');
});
