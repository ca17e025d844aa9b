import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { TestAuthority } from '../../test/support/certificates.js';
import { configSchema } from '../config/config-schema.js';
import { lookAtAccounts } from './accounts.js';
import { lookAtAddresses } from './addresses.js';
import { lookAtCertificates } from './certificates.js';
import type { Finding } from './finding.js';
import { lookAtDataDirectory, lookAtFileLimit, lookAtNode } from './machine.js';
import { lookAtHoldMusic, lookAtRecordings } from './places.js';

const levels = (findings: readonly Finding[]): string[] =>
  findings.map(({ level, what }) => `${level} ${what}`);

describe('the machine', () => {
  it.each([
    ['v20.19.0', 'warn'],
    ['v22.0.0', 'ok'],
    ['v24.1.0', 'ok'],
  ])('Node.js %s: %s', (version, level) => {
    expect(lookAtNode(version).level).toBe(level);
  });

  it.each([
    ['Max open files            1024                 4096                 files', ['warn open files']],
    ['Max open files            65536                65536                files', ['ok open files']],
    ['Max open files            unlimited            unlimited            files', ['ok open files']],
    [null, []],
  ])('open files: %s', (limits, expected) => {
    expect(levels(lookAtFileLimit(limits))).toEqual(expected);
  });

  it('a data directory that is there, that is not yet, and that cannot be', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'landbridge-doctor-'));
    expect(lookAtDataDirectory(directory)[0]).toMatchObject({ level: 'ok', text: directory });
    expect(lookAtDataDirectory(join(directory, 'not', 'yet'))[0]?.text).toContain('will be made');
    await rm(directory, { recursive: true });
    expect(lookAtDataDirectory('/tmp')[0]).toMatchObject({ level: 'fail' });
    expect(lookAtDataDirectory('/tmp')[0]?.text).not.toContain('chmod');
    // Where not even the superuser can make one.
    for (const path of ['/proc/nope', '/sys/nope/data', '/etc/hostname/data', '/dev/null'])
      expect(lookAtDataDirectory(path)[0]?.level, path).toBe('fail');
  });
});

describe('accounts', () => {
  let dataDir: string;
  beforeEach(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'landbridge-doctor-'));
  });
  afterEach(() => rm(dataDir, { recursive: true }));

  const other = { account: 'other', username: 'a', password: 'b' };
  const look = (settings: object) => lookAtAccounts(configSchema.parse({ dataDir, ...settings }));

  it.each([
    [{}, ['ok accounts']],
    [{ accounts: [other] }, ['ok accounts', 'warn operator']],
    [{ accounts: [other], operatorAccount: 'other' }, ['ok accounts', 'ok operator']],
    [{ accounts: [other], operatorAccount: 'nobody' }, ['ok accounts', 'fail operator']],
    [{ accounts: [{ ...other, account: 'local' }] }, ['fail accounts']],
  ])('%j', async (settings, expected) => {
    const { findings, first } = look(settings);
    expect(levels(findings)).toEqual(expected);
    // No start has made a password yet, and looking makes none.
    expect(first).toBeNull();
    expect(await readdir(dataDir)).toEqual([]);
  });

  it('gives the first with its password, configured or kept, and says where that is damaged', async () => {
    expect(look({ password: 'mine' }).first).toMatchObject({ accountId: 'local', password: 'mine' });
    const kept = { account: 'acme', username: 'me', password: 'kept', tokenSecret: 'x'.repeat(32) };
    await writeFile(join(dataDir, 'credentials.json'), JSON.stringify(kept));
    expect(look({}).first).toMatchObject({ accountId: 'acme', username: 'me', password: 'kept' });
    await writeFile(join(dataDir, 'credentials.json'), '{');
    expect(levels(look({}).findings)).toEqual(['fail accounts']);
  });
});

describe('recordings and hold music', () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'landbridge-doctor-'));
  });
  afterEach(() => rm(directory, { recursive: true }));

  it('a directory that can be had, that cannot, and that is another gateway’s', async () => {
    const dataDir = join(directory, 'data');
    const look = async (path?: string) => {
      const recordings = path === undefined ? {} : { directory: path };
      return levels(await lookAtRecordings(configSchema.parse({ dataDir, recordings })));
    };
    expect(await look()).toEqual([]);
    expect(await look(join(directory, 'not', 'yet'))).toEqual(['ok recordings']);
    expect(await look('/proc/nope')).toEqual(['fail recordings']);
    await writeFile(join(directory, '.landbridge-owner'), 'somebody-else\n');
    expect(await look(directory)).toEqual(['fail recordings']);
    await mkdir(dataDir);
    await writeFile(join(dataDir, 'node-name'), 'somebody-else\n');
    expect(await look(directory)).toEqual(['ok recordings']);
    expect((await readdir(directory)).sort()).toEqual(['.landbridge-owner', 'data']);
  });

  it('hold music that is none', async () => {
    const look = async (holdMusic?: string) =>
      levels(await lookAtHoldMusic(configSchema.parse({ sounds: { holdMusic } })));
    expect(await look()).toEqual([]);
    expect(await look('/nope.wav')).toEqual(['fail hold music']);
    expect(await look('/etc/hostname')).toEqual(['fail hold music']);
    expect(await look(fileURLToPath(new URL('../../assets/caller-voice.wav', import.meta.url)))).toEqual([
      'ok hold music',
    ]);
  });
});

describe('addresses', () => {
  const own = ['127.0.0.1', '10.1.2.3'];
  it.each([
    [{ sip: { host: '127.0.0.1' } }, ['warn SIP address']],
    [{ sip: { host: '10.1.2.3' } }, ['ok SIP address', 'warn public address']],
    [{ sip: { host: '10.9.9.9' } }, ['fail SIP address', 'warn public address']],
    [{ sip: { host: '0.0.0.0' }, publicIp: '198.51.100.1' }, ['ok SIP address', 'ok public address']],
    [{ sip: { host: '0.0.0.0' }, publicIp: '10.1.2.3' }, ['ok SIP address', 'warn public address']],
    [
      {
        sip: { host: '::' },
        publicIp: '198.51.100.1',
        advertise: [{ networks: ['10.0.0.0/8'], address: '10.1.2.3', host: 'gw.example' }],
      },
      ['ok SIP address', 'ok public address', 'ok told instead'],
    ],
    [{ sip: { listen: [{ host: '127.0.0.2' }] } }, ['warn SIP address', 'ok SIP address']],
    [
      { sip: { listen: [{ host: '10.1.2.3', address: '203.0.113.5' }, { host: '10.9.9.9' }] } },
      ['ok SIP address', 'ok SIP address', 'fail SIP address', 'ok public address', 'ok told there'],
    ],
    [
      { sip: { host: '10.1.2.3', listen: [{ host: '::', name: 'sbc.example' }] } },
      ['ok SIP address', 'ok SIP address', 'warn public address', 'ok told there'],
    ],
  ])('%j', (settings, expected) => {
    expect(levels(lookAtAddresses(configSchema.parse(settings), own))).toEqual(expected);
  });

  it('a machine with a public one needs no other', () => {
    const config = configSchema.parse({ sip: { host: '0.0.0.0' } });
    expect(levels(lookAtAddresses(config, ['127.0.0.1', '198.51.100.1']))).toEqual([
      'ok SIP address',
      'ok public address',
    ]);
  });
});

describe('certificates', () => {
  let authority: TestAuthority;
  beforeAll(async () => {
    authority = await TestAuthority.open();
  });
  afterAll(() => authority.remove());

  const dayMs = 86_400_000;
  const look = async (days: number, settings: object = {}): Promise<readonly Finding[]> => {
    const notAfter = new Date(Date.now() + days * dayMs);
    const tls = await authority.write('main', await authority.issue({ names: ['gw.example'], notAfter }));
    return lookAtCertificates(configSchema.parse({ tls, ...settings }), Date.now());
  };

  it.each([
    [90, 'ok'],
    [5, 'warn'],
    [-1, 'fail'],
  ])('one with %i days left: %s', async (days, level) => {
    expect(await look(days)).toMatchObject([{ level, what: 'certificate' }]);
  });

  it('each of several, with its file, its names and its days', async () => {
    const write = async (name: string, ...names: string[]) =>
      authority.write(name, await authority.issue({ names }));
    const [main, other, own] = [
      await write('main', 'gw.example'),
      await write('other', '*.example.org', 'b.example'),
      await write('own', 'sbc.example'),
    ];
    const listen = [{ host: '10.1.2.3', transports: ['tls'], name: 'sbc2.example', ...own }];
    const config = configSchema.parse({ tls: { ...main, hosts: [other] }, sip: { listen } });
    const findings = lookAtCertificates(config, Date.now());
    expect(findings.map(({ text }) => text)).toEqual([
      expect.stringMatching(/main\.crt: gw\.example, [-\d]+ to [-\d]+: 0 days$/),
      expect.stringMatching(/other\.crt: \*\.example\.org, b\.example, /),
      expect.stringMatching(/own\.crt: sbc\.example, /),
      'none is for sbc2.example, which others are told',
    ]);
  });

  it('one that is not for the name that others are told', async () => {
    expect(levels(await look(90, { http: { publicUrl: 'https://other.example' } }))).toEqual([
      'ok certificate',
      'warn certificate',
    ]);
    expect(levels(await look(90, { http: { publicUrl: 'https://gw.example' } }))).toEqual(['ok certificate']);
  });

  it('none, and one whose file is gone', () => {
    expect(levels(lookAtCertificates(configSchema.parse({}), 0))).toEqual(['ok TLS']);
    const gone = configSchema.parse({ tls: { cert: '/gone.crt', key: '/gone.key' } });
    expect(lookAtCertificates(gone, 0)).toMatchObject([
      { level: 'fail', text: '/gone.crt cannot be read (ENOENT).' },
    ]);
  });
});
