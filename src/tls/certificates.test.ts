import { EventEmitter } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { SecureContextOptions } from 'node:tls';
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

function watch(
  main: CertificateFilePair,
  others: readonly CertificateFilePair[] = [],
  more: { readonly clientCa?: string } = {},
): Certificates {
  const certificates = new Certificates({
    ...{ main, others, clock, logger, ...more },
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

it('prefers a certificate for the very name to one with a wildcard, wherever they stand', async () => {
  const wildcard = await newPair('wildcard', '*.example.org');
  const certificates = watch(await newPair('main', '*.example.org'), [
    wildcard,
    await newPair('exact', 'sip.example.org'),
  ]);
  const main = certificates.contextFor('nobody.example');
  expect(certificates.contextFor('a.example.org')).toBe(main);
  expect(certificates.contextFor('sip.example.org')).not.toBe(main);
});

it('shows a listener’s own to who asks for no name there, and the others for theirs', async () => {
  const own = await newPair('own', 'sbc.example');
  const certificates = watch(await newPair('main', 'gw.example'), [own, await newPair('other', 'b.example')]);
  const shown = certificates.shownFirst(own);
  expect(shown.serverOptions.cert).toBe(await readFile(own.cert, 'utf8'));
  const contextFor = (name: string): unknown => {
    let given: unknown;
    shown.serverOptions.SNICallback?.(name, (_error, context) => (given = context));
    return given;
  };
  expect(contextFor('gw.example')).toBe(certificates.contextFor('gw.example'));
  expect(contextFor('b.example')).toBe(certificates.contextFor('b.example'));
  expect(contextFor('nobody.example')).toBe(certificates.contextFor('sbc.example'));
  expect(() => certificates.shownFirst({ cert: 'else', key: 'where' })).toThrow('none of those');
});

it('gives a server that stands its own when that is renewed, until it is closed', async () => {
  const own = await newPair('own', 'sbc.example');
  const certificates = watch(await newPair('main', 'gw.example'), [own]);
  const given: unknown[] = [];
  const server = Object.assign(new EventEmitter(), {
    setSecureContext: ({ cert }: SecureContextOptions) => given.push(cert),
  });
  certificates.shownFirst(own).keepFresh(server);
  await newPair('own', 'sbc.example');
  const renewed = await readFile(own.cert, 'utf8');
  clock.advance(60_000);
  expect(given).toEqual([renewed]);
  server.emit('close');
  await newPair('own', 'sbc.example');
  clock.advance(60_000);
  expect(given).toEqual([renewed]);
});

it('renews one whatever is wrong with another, which stays as it was', async () => {
  const broken = await newPair('broken', 'b.example');
  const certificates = watch(await newPair('main', 'gw.example'), [broken]);
  const before = ['gw.example', 'b.example'].map((name) => certificates.contextFor(name));
  await newPair('main', 'gw.example');
  await writeFile(broken.key, 'no key');
  clock.advance(60_000);
  expect(certificates.contextFor('gw.example')).not.toBe(before[0]);
  expect(certificates.contextFor('b.example')).toBe(before[1]);
  expect(logged).toEqual([
    { level: 'error', message: 'changed certificates cannot be used; the former stay in force' },
    { level: 'info', message: 'certificates were read anew' },
  ]);
});

it('takes other authorities for clients, and the former where those are none', async () => {
  const main = await newPair('main', 'gw.example');
  const clientCa = join(authority.directory, 'clients.pem');
  await writeFile(clientCa, authority.certPem);
  const certificates = watch(main, [], { clientCa });
  const before = certificates.contextFor('gw.example');
  const half = `${authority.certPem}-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n`;
  for (const [at, broken] of ['nothing', half].entries()) {
    await writeFile(clientCa, broken);
    clock.advance(60_000);
    expect(certificates.contextFor('gw.example')).toBe(before);
    expect(certificates.serverOptions.ca).toBe(authority.certPem);
    expect(logged).toHaveLength(at + 1);
  }
  const other = await TestAuthority.open();
  await writeFile(clientCa, other.certPem);
  await other.remove();
  clock.advance(60_000);
  expect(certificates.contextFor('gw.example')).not.toBe(before);
  expect(certificates.serverOptions.ca).toBe(other.certPem);
});

it.each(['has expired', 'cannot be read', 'is renewed by one that has expired'])(
  'takes other authorities for clients at once for every certificate, also for one that %s',
  async (how) => {
    const expired = { names: ['old.example'], notAfter: new Date(Date.now() - 86_400_000) };
    const old =
      how === 'has expired'
        ? await authority.write('old', await authority.issue(expired))
        : await newPair('old', 'old.example');
    const clientCa = join(authority.directory, 'clients.pem');
    await writeFile(clientCa, authority.certPem);
    const certificates = watch(await newPair('main', 'gw.example'), [old], { clientCa });
    const given: SecureContextOptions[] = [];
    const server = Object.assign(new EventEmitter(), {
      setSecureContext: (options: SecureContextOptions) => given.push(options),
    });
    const shown = certificates.shownFirst(old);
    shown.keepFresh(server);
    const { cert } = shown.serverOptions;
    const before = certificates.contextFor('old.example');
    if (how === 'cannot be read') await writeFile(old.key, 'no key');
    if (how.startsWith('is renewed')) await authority.write('old', await authority.issue(expired));
    const other = await TestAuthority.open();
    await writeFile(clientCa, other.certPem);
    await other.remove();
    clock.advance(60_000);
    expect(given).toEqual([expect.objectContaining({ ca: other.certPem, cert })]);
    expect(shown.serverOptions.ca).toBe(other.certPem);
    expect(certificates.serverOptions.ca).toBe(other.certPem);
    expect(certificates.contextFor('old.example')).not.toBe(before);
  },
);

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

const dayMs = 86_400_000;

it('tells of one that ends soon, and when it has', async () => {
  const notAfter = new Date(Date.now() + 1.5 * dayMs);
  const pair = await authority.write('main', await authority.issue({ names: ['gw.example'], notAfter }));
  expect(watch(pair).ends()).toEqual({ 'gw.example': Math.floor(notAfter.getTime() / 1000) * 1000 });
  expect(logged).toEqual([{ level: 'warn', message: 'a certificate expires soon' }]);
  clock.advance(2 * dayMs + 60_000);
  expect(logged.at(-1)).toEqual({ level: 'error', message: 'a certificate has expired' });
});

it('says of two for one name when the first of them ends', async () => {
  const endsIn = async (name: string, days: number) =>
    authority.write(
      name,
      await authority.issue({ names: ['gw.example'], notAfter: new Date(Date.now() + days * dayMs) }),
    );
  const [late, early] = [await endsIn('late', 60), await endsIn('early', 30)];
  const [end = 0] = Object.values(watch(late, [early]).ends());
  expect(Math.round((end - Date.now()) / dayMs)).toBe(30);
});

it.each(['main', 'other'])(
  'is made with one that has expired, and says so as an error: %s',
  async (which) => {
    const old = await authority.write(
      'old',
      await authority.issue({ names: ['old.example'], notAfter: new Date(Date.now() - dayMs) }),
    );
    const good = await newPair('good', 'gw.example');
    const certificates = which === 'main' ? watch(old, [good]) : watch(good, [old]);
    expect(Object.keys(certificates.ends()).sort()).toEqual(['gw.example', 'old.example']);
    expect(logged).toEqual([{ level: 'error', message: 'a certificate has expired' }]);
  },
);

it('does not take one that has expired in place of one that holds', async () => {
  const certificates = watch(await newPair('main', 'gw.example'));
  const before = certificates.contextFor('gw.example');
  const notAfter = new Date(Date.now() - dayMs);
  await authority.write('main', await authority.issue({ names: ['gw.example'], notAfter }));
  clock.advance(60_000);
  expect(certificates.contextFor('gw.example')).toBe(before);
  expect(logged).toHaveLength(1);
});

it('tells each day of one that nobody renews, from two weeks before its end', async () => {
  const notAfter = new Date(Date.now() + 14.5 * dayMs);
  watch(await authority.write('main', await authority.issue({ names: ['gw.example'], notAfter })));
  expect(logged).toEqual([]);
  clock.advance(2 * dayMs + 60_000);
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
