import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { useConfigDirectory } from '../../test/support/config-directory.js';
import { markShown, resolveCredentials } from './credentials.js';
import { ConfigError, loadConfig } from './load-config.js';

const { directory, load, problemsOf } = useConfigDirectory();

describe('The configuration', () => {
  it('has defaults for everything', () => {
    const config = load();
    expect(config).toMatchObject({
      http: { host: '127.0.0.1', port: 8080, bodyLimitBytes: 65_536 },
      sip: { host: '127.0.0.1', port: 5060 },
      rtp: { ports: { from: 20_000, to: 29_999 } },
      store: 'sqlite',
      tokenHeaders: ['X-Landbridge-Token', 'X-PH-Token'],
      dataDir: join(directory(), 'landbridge-data'),
    });
    expect(config.workers).toBeGreaterThanOrEqual(1);
  });

  it.each(['REFUSED_RETRY', 'RETRY', 'LONGEST_RETRY', 'SHORTEST_REFRESH'])(
    'waits no longer than a day for a carrier: %s',
    (name) => {
      const setting = `LANDBRIDGE_TRUNKS_${name}_SECONDS`;
      expect(problemsOf({ [setting]: '86400' })).toEqual([]);
      expect(problemsOf({ [setting]: '86401' })).toHaveLength(1);
    },
  );

  it('takes the file over the defaults and the environment over the file', () => {
    const config = load(
      {
        LANDBRIDGE_HTTP_PORT: '9000',
        LANDBRIDGE_TOKEN_HEADERS: 'X-One, X-Two',
        LANDBRIDGE_RTP_PORTS: '30000-30100',
      },
      'http: {port: 8888, host: 0.0.0.0}\nsessions:\n  maxParticipantsPerSession: 5\n',
    );
    expect(config.http).toMatchObject({ port: 9000, host: '0.0.0.0' });
    expect(config.sessions.maxParticipantsPerSession).toBe(5);
    expect(config.tokenHeaders).toEqual(['X-One', 'X-Two']);
    expect(config.rtp.ports).toEqual({ from: 30_000, to: 30_100 });
  });

  it('reads the file that is named, which must exist, and needs no other', () => {
    writeFileSync(join(directory(), 'other.yaml'), 'workers: 3\n');
    const from = (configFile: string) =>
      loadConfig({ environment: {}, workingDirectory: directory(), configFile });
    expect(from('other.yaml').workers).toBe(3);
    expect(load({ LANDBRIDGE_CONFIG: join(directory(), 'other.yaml') }).workers).toBe(3);
    expect(() => from('missing.yaml')).toThrow(/missing\.yaml cannot be read \(ENOENT\)/);
    expect(load({}, '').http.port).toBe(8080);
  });

  it('reads secrets from files, without the line end', () => {
    const file = join(directory(), 'password');
    writeFileSync(file, 'from a file\n');
    expect(load({ LANDBRIDGE_PASSWORD_FILE: file }).password).toBe('from a file');
    expect(problemsOf({ LANDBRIDGE_PASSWORD_FILE: file, LANDBRIDGE_PASSWORD: 'x' })).toEqual([
      'LANDBRIDGE_PASSWORD and LANDBRIDGE_PASSWORD_FILE are both set',
    ]);
    expect(problemsOf({ LANDBRIDGE_PASSWORD_FILE: join(directory(), 'none') })).toEqual([
      expect.stringMatching(/^LANDBRIDGE_PASSWORD_FILE: cannot read .*ENOENT/),
    ]);
    expect(problemsOf({ LANDBRIDGE_HTTP_PORT_FILE: file })).toEqual([
      'LANDBRIDGE_HTTP_PORT_FILE is no setting of Landbridge',
    ]);
  });

  it('counts an empty variable as unset', () => {
    expect(
      load({ LANDBRIDGE_PUBLIC_IP: '', LANDBRIDGE_PASSWORD: '', LANDBRIDGE_PASSWORD_FILE: '' }).publicIp,
    ).toBeUndefined();
  });

  it('that cannot be used is refused with every problem at once, each under the name it was written by', () => {
    const problems = problemsOf(
      {
        LANDBRIDGE_HTTP_PORT: 'eighty',
        LANDBRIDGE_RTP_PORTS: '30000-20000',
        LANDBRIDGE_PUBLIC_IP: 'example.com',
        LANDBRIDGE_TOKEN_HEADERS: 'X-Fine,Via',
        LANDBRIDGE_LOG_LEVEL: 'loud',
        LANDBRIDGE_PASWORD: 'x',
      },
      'sip: {port: 70000, hots: a}\nworkers: 0\nsesions: {}\naccounts: [{account: a}]\n',
    );
    for (const expected of [
      /^LANDBRIDGE_HTTP_PORT: must be a number/,
      /^LANDBRIDGE_RTP_PORTS: must be a rising range/,
      /^LANDBRIDGE_PUBLIC_IP: must be an IPv4 or IPv6 address/,
      /^LANDBRIDGE_TOKEN_HEADERS: must be names that begin with X-/,
      /^LANDBRIDGE_LOG_LEVEL: must be one of trace, debug, /,
      /^LANDBRIDGE_PASWORD is no setting/,
      /^sip\.port: must be at most 65535/,
      /^sip\.hots is no setting/,
      /^workers: must be at least 1/,
      /^sesions is no setting/,
      /^accounts\.0\.username: is missing/,
      /^accounts\.0\.password: /,
    ]) {
      expect(problems).toContainEqual(expect.stringMatching(expected));
    }
    expect(problems).toHaveLength(12);
  });

  it.each([
    ['rtp: 5', 'rtp: must be a map'],
    ['http: {bodyLimitBytes: .nan}', 'http.bodyLimitBytes: must be a number'],
    ['http: {bodyLimitBytes: 8080.5}', 'http.bodyLimitBytes: must be a whole number'],
    ['password: 1234', 'password: must be a text'],
    ['accounts: {a: 1}', 'accounts: must be a list'],
    ['webhooks: {allowPrivateNetworks: yes}', 'webhooks.allowPrivateNetworks: must be true or false'],
    ['http: {host: "http://127.0.0.1"}', 'http.host: must be an address or a host name'],
    ['http: {host: "127.0.0.1:8080"}', 'http.host: must be an address or a host name'],
    ['http: {host: ""}', 'http.host: must be an address or a host name'],
    ['http: {publicUrl: "https://gw.example/?a=b"}', 'http.publicUrl: must be a URL without user, ? and #'],
    ['http: {publicUrl: "https://gw.example/#"}', 'http.publicUrl: must be a URL without user, ? and #'],
    // Each let the gateway end with a stack trace.
    ['sip: {host: localhost}', 'sip.host: must be an IPv4 or IPv6 address'],
    ['sip: {host: "[::1]"}', 'sip.host: must be an IPv4 or IPv6 address'],
    ['sip: {host: "127.1"}', 'sip.host: must be an IPv4 or IPv6 address'],
    ['sip: {host: 239.1.2.3}', 'sip.host: must be the address of one machine'],
    // Phones would have been told to send their audio there.
    ['publicIp: 0.0.0.0', 'publicIp: must be the address of one machine'],
    ['publicIp: "::"', 'publicIp: must be the address of one machine'],
    ['publicIp: 255.255.255.255', 'publicIp: must be the address of one machine'],
    // No number in national form would have been found.
    ['numbers: {defaultCountry: XX}', 'numbers.defaultCountry: must be a country'],
    ['numbers: {defaultCountry: us}', 'numbers.defaultCountry: must be two capital letters'],
    // A directory of that name was made.
    ['dataDir: ~/landbridge', 'dataDir: must be a whole path'],
    ['recordings: {directory: "~"}', 'recordings.directory: must be a whole path'],
  ])('%s is refused in plain words', (yaml, words) => {
    const [problem, ...others] = problemsOf({}, yaml);
    expect(problem).toContain(words);
    expect(others).toEqual([]);
  });

  it('takes what only looks like a mistake', () => {
    const config = load(
      {},
      'dataDir: "~landbridge"\nhttp: {host: "fe80::1%eth0", publicUrl: "https://gw.example/a/"}',
    );
    expect(config.dataDir).toBe(join(directory(), '~landbridge'));
  });

  it('with a tag that nobody resolves, as of a vault, is refused: its ciphertext would have been the secret', () => {
    expect(
      problemsOf({}, 'account: a\ntokenSecret: !vault |\n  0123456789012345678901234567890123456789\n'),
    ).toEqual([
      expect.stringMatching(/landbridge\.yaml, line 2: is no valid YAML: a tag \(!\) is not understood/),
    ]);
  });

  it.each([
    ['http: {port: 1', 'a closing bracket is missing'],
    ['account: "a', 'a closing quote or bracket'],
    ['account: a: b', 'quotes are needed'],
    ['http:\n\tport: 1', 'a tab'],
    ['account: @a', 'needs quotes'],
    ['account: a\naccount: b', 'the same name'],
    ['account: *a', 'an alias'],
    ['account: a\n---\naccount: b', 'a second document'],
    ['account: a\n  b: c', 'line 1'],
  ])('that is no YAML, like %j, is refused without a code of the parser’s', (yaml, words) => {
    const problems = problemsOf({}, yaml);
    expect(problems.join('\n')).toContain(words);
    expect(problems.join('\n')).not.toMatch(/[A-Z]{3,}_|cannot be understood/);
  });

  it.each([
    ['a link that leads nowhere', (path: string) => symlinkSync('nowhere', path), 'ENOENT'],
    ['a link to itself', (path: string) => symlinkSync('landbridge.yaml', path), 'ELOOP'],
    ['a directory', (path: string) => void mkdirSync(path), 'EISDIR'],
    ['a pipe', (path: string) => void execFileSync('mkfifo', [path]), 'it is no file'],
    ['a device without an end', (path: string) => symlinkSync('/dev/zero', path), 'EFBIG'],
  ])('whose file is %s is refused, and not passed over or waited for', (_, make, why) => {
    make(join(directory(), 'landbridge.yaml'));
    expect(problemsOf({})).toEqual([`${join(directory(), 'landbridge.yaml')} cannot be read (${why})`]);
  });

  it('with a secret’s file that has no end is refused', () => {
    expect(problemsOf({ LANDBRIDGE_PASSWORD_FILE: '/dev/zero' })).toEqual([
      'LANDBRIDGE_PASSWORD_FILE: cannot read /dev/zero (EFBIG)',
    ]);
  });

  it('never quotes a secret in a problem', () => {
    const hidden = 'hunter2';
    const yaml = `password: [${hidden}]\ntokenSecret: ${hidden}\naccounts: [{account: "${hidden}!", username: "a:${hidden}", password: {x: ${hidden}}}]\n`;
    for (const problems of [
      problemsOf(
        {
          LANDBRIDGE_TOKEN_SECRET: hidden,
          LANDBRIDGE_DRACHTIO: `127.0.0.1:0:${hidden}`,
          LANDBRIDGE_FREESWITCH: hidden,
        },
        yaml,
      ),
      problemsOf({}, `password: "${hidden}\nusername: {`),
      problemsOf({}, `a: &x ${hidden}\npassword: *y${hidden}\n`),
    ]) {
      expect(problems.length).toBeGreaterThan(0);
      expect(problems.join('\n')).not.toContain(hidden);
    }
  });

  it.each([
    ['LANDBRIDGE_STORE', 'redis://127.0.0.1:6379', 'Redis is not supported yet in this version; use sqlite'],
    ['LANDBRIDGE_DRACHTIO', 'somewhere', 'must be host:port:secret, or several separated by commas'],
    [
      'LANDBRIDGE_DRACHTIO',
      'sip.example:0:secret',
      'must be host:port:secret, or several separated by commas',
    ],
    ['LANDBRIDGE_FREESWITCH', 'a:8021:one,', 'must be host:port:secret, or several separated by commas'],
    ['LANDBRIDGE_FREESWITCH', 'a:8021:one,a:8021:two', 'must name no server twice'],
    [
      'LANDBRIDGE_FREESWITCH',
      Array.from({ length: 17 }, (_, i) => `a:${i + 1}:s`).join(','),
      'must name at most 16 servers',
    ],
    ['LANDBRIDGE_STORE', 'mysql', 'must be sqlite'],
  ])('says honestly of %s=%s: %s', (name, value, message) => {
    expect(problemsOf({ [name]: value })).toEqual([`${name}: ${message}`]);
  });

  it('reads several servers, with IPv6 addresses and secrets of any kind', () => {
    const config = load({ LANDBRIDGE_DRACHTIO: 'sip-a:9022:one, [::1]:9023:two:with:colons' });
    expect(config.drachtio).toEqual([
      { host: 'sip-a', port: 9022, secret: 'one' },
      { host: '::1', port: 9023, secret: 'two:with:colons' },
    ]);
    expect(config.freeswitch).toBeUndefined();
  });

  it('does not trip over Kubernetes’ service links, and explains the one that hides a setting', () => {
    const links = {
      LANDBRIDGE_SERVICE_HOST: '10.0.0.1',
      LANDBRIDGE_SERVICE_PORT_HTTP: '8080',
      LANDBRIDGE_PORT: 'tcp://10.0.0.1:8080',
      LANDBRIDGE_PORT_8080_TCP_ADDR: '10.0.0.1',
    };
    expect(problemsOf(links)).toEqual([]);
    expect(problemsOf({ LANDBRIDGE_SIP_PORT: 'tcp://10.0.0.1:5060' })).toEqual([
      expect.stringMatching(/^LANDBRIDGE_SIP_PORT: is a Kubernetes service link/),
    ]);
  });

  it.each(['0.0.0.0', '::', '0:0:0:0:0:0:0:0'])('refuses %s as our address towards FreeSWITCH', (address) => {
    expect(problemsOf({ LANDBRIDGE_EDGE_SIP_HOST: address })).toEqual([
      'edge.sipHost: must be one address of this machine, for FreeSWITCH is told it',
    ]);
  });

  it('refuses a SIP port among the RTP ports, and too few RTP ports for the workers', () => {
    expect(problemsOf({ LANDBRIDGE_SIP_PORT: '20002' })).toEqual(['sip.port: 20002 lies within rtp.ports']);
    // 20001-20004 has four ports, but only one pair that begins at an even one.
    for (const [ports, workers] of [
      ['20000-20010', '3'],
      ['20001-20004', '1'],
      ['20000-20002', '1'],
    ] as const) {
      expect(problemsOf({ LANDBRIDGE_RTP_PORTS: ports, LANDBRIDGE_WORKERS: workers }), ports).toEqual([
        `rtp.ports: too few for ${workers} media ${workers === '1' ? 'worker' : 'workers'} (the setting \`workers\`), ` +
          'each needs four, counted from an even port',
      ]);
    }
    for (const [ports, workers] of [
      ['20000-20011', '3'],
      ['20001-20005', '1'],
      ['20000-20003', '1'],
    ] as const) {
      expect(problemsOf({ LANDBRIDGE_RTP_PORTS: ports, LANDBRIDGE_WORKERS: workers }), ports).toEqual([]);
    }
  });

  it('refuses what FreeSWITCH or drachtio-server could not work with', () => {
    for (const host of ['0.0.0.0', '::'])
      expect(problemsOf({ LANDBRIDGE_EDGE_SIP_HOST: host })).toEqual([
        'edge.sipHost: must be one address of this machine, for FreeSWITCH is told it',
      ]);
    expect(problemsOf({ LANDBRIDGE_DRACHTIO: 'sip-a:9022:one,sip-b:9022:two|three' })).toEqual([
      'drachtio: a secret must not contain |',
    ]);
  });

  it('refuses addresses of SIP that cannot be listened on together', () => {
    const yaml = `sip:
  listen:
    - host: 127.0.0.1
    - host: 127.0.0.2
      transports: [udp, tls]
    - host: 127.0.0.2
    - host: 127.0.0.3
      port: 20100
`;
    expect(problemsOf({}, yaml)).toEqual([
      'sip.listen.1: is to speak TLS, but there is no tls.cert',
      'sip.listen.0: 5060 at 127.0.0.1 is listened on twice',
      'sip.listen.2: 5060 at 127.0.0.2 is listened on twice',
      'sip.listen.3: 20100 lies within rtp.ports',
    ]);
    expect(problemsOf({}, 'sip: { host: 0.0.0.0, listen: [{ host: 127.0.0.2 }, { host: "::" }] }')).toEqual([
      'sip.listen.0: 5060 at 127.0.0.2 is listened on at 0.0.0.0 already',
    ]);
    const apart = '{ host: 127.0.0.2, transports: [udp] }, { host: 127.0.0.2, transports: [tcp] }';
    expect(problemsOf({}, `sip: { listen: [${apart}] }`)).toEqual([]);
    expect(
      problemsOf({ LANDBRIDGE_DRACHTIO: 'sip-a:9022:one' }, 'sip: { listen: [{ host: 127.0.0.2 }] }'),
    ).toEqual(['sip.listen: phones come through drachtio-server, which listens itself']);
    expect(problemsOf({ LANDBRIDGE_TLS_SHOW_TO: 'sip.example.com' })).toEqual([
      'tls.showTo: needs tls.cert, which is shown',
    ]);
  });

  it('refuses half of a certificate of an address of its own, and one that nobody would be shown', () => {
    const yaml = `tls: { cert: a.crt, key: a.key }
sip:
  listen:
    - { host: 127.0.0.2, transports: [tls], cert: b.crt }
    - { host: 127.0.0.3, transports: [tls], key: b.key }
    - { host: 127.0.0.4, cert: b.crt, key: b.key }
    - { host: 127.0.0.5, transports: [tls], cert: b.crt, key: b.key }
`;
    expect(problemsOf({}, yaml)).toEqual([
      'sip.listen.0.key: is missing beside its cert',
      'sip.listen.1.cert: is missing beside its key',
      'sip.listen.2.cert: is shown over TLS, which is not among its transports',
    ]);
  });

  it('refuses half of what calls are signed with', () => {
    expect(problemsOf({ LANDBRIDGE_STIR_KEY: 'stir.pem' })).toEqual([
      'stir.certificateUrl: is missing beside stir.key',
    ]);
    expect(problemsOf({ LANDBRIDGE_STIR_CERTIFICATE_URL: 'https://cert.example.org/a.pem' })).toEqual([
      'stir.key: is missing beside stir.certificateUrl',
    ]);
    expect(
      problemsOf({
        LANDBRIDGE_STIR_KEY: 'stir.pem',
        LANDBRIDGE_STIR_CERTIFICATE_URL: 'http://cert.example.org/',
      }),
    ).toEqual([expect.stringContaining('must be an https URL')]);
  });

  it.each(['- a list', 'just text', '42'])('refuses a file that holds %j', (yaml) => {
    expect(problemsOf({}, yaml)).toEqual([expect.stringMatching(/must be a map of settings/)]);
  });
});

describe('Credentials', () => {
  it('are made at the first start, only for their owner to read, and kept', () => {
    const first = resolveCredentials(load());
    const path = join(directory(), 'landbridge-data/credentials.json');
    expect(first.unshownFile).toBe(path);
    expect(first.accounts).toEqual([
      { accountId: 'local', username: 'local', password: expect.stringMatching(/^[\w-]{24}$/) },
    ]);
    expect(first.tokenSecret.length).toBeGreaterThanOrEqual(32);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(statSync(join(directory(), 'landbridge-data')).mode & 0o777).toBe(0o700);
    markShown(path);
    expect(resolveCredentials(load())).toEqual({ ...first, unshownFile: null });
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  it('are to be shown by a later start where the one that made them failed', () => {
    const first = resolveCredentials(load());
    expect(resolveCredentials(load())).toEqual(first);
    // Not while the password is one that somebody chose.
    expect(resolveCredentials(load({ LANDBRIDGE_PASSWORD: 'mine' })).unshownFile).toBeNull();
    expect(resolveCredentials(load())).toEqual(first);
  });

  it('that an earlier version kept count as shown', () => {
    const { unshownFile: path } = resolveCredentials(load());
    const { isUnshown: _, ...kept } = JSON.parse(readFileSync(path ?? '', 'utf8')) as { isUnshown: boolean };
    writeFileSync(path ?? '', JSON.stringify(kept));
    expect(resolveCredentials(load()).unshownFile).toBeNull();
  });

  it('come from the configuration where it has them, and then nothing is written', () => {
    const environment = {
      LANDBRIDGE_ACCOUNT: 'acme',
      LANDBRIDGE_USERNAME: 'me',
      LANDBRIDGE_PASSWORD: 'mine',
      LANDBRIDGE_TOKEN_SECRET: 'x'.repeat(32),
      LANDBRIDGE_PREVIOUS_TOKEN_SECRET: 'y'.repeat(32),
    };
    const yaml = 'accounts: [{account: other, username: you, password: yours}]';
    expect(resolveCredentials(load(environment, yaml))).toEqual({
      accounts: [
        { accountId: 'acme', username: 'me', password: 'mine' },
        { accountId: 'other', username: 'you', password: 'yours' },
      ],
      tokenSecret: 'x'.repeat(32),
      previousTokenSecret: 'y'.repeat(32),
      unshownFile: null,
    });
    expect(() => statSync(join(directory(), 'landbridge-data'))).toThrow();
  });

  it('are completed by what is made: a password of one’s own keeps its made token secret', () => {
    const environment = { LANDBRIDGE_PASSWORD: 'mine' };
    const first = resolveCredentials(load(environment));
    expect(first.accounts[0]?.password).toBe('mine');
    expect(first.unshownFile).toBeNull();
    expect(resolveCredentials(load(environment)).tokenSecret).toBe(first.tokenSecret);
  });

  it.each([
    [
      'the generated account',
      'accounts: [{account: local, username: a, password: b}]',
      /^accounts\.0\.account: is the name of the main account, too$/,
    ],
    [
      'the configured account',
      'account: x\naccounts: [{account: x, username: a, password: b}]',
      /^accounts\.0\.account: /,
    ],
    [
      'a further account',
      'accounts: [{account: x, username: a, password: b}, {account: x, username: c, password: d}]',
      /^accounts\.1\.account: is the name of accounts\.0, too$/,
    ],
    [
      'a further login',
      'accounts: [{account: x, username: a, password: hidden}, {account: y, username: a, password: hidden}]',
      /^accounts\.1: has the user name and password of accounts\.0, too$/,
    ],
    [
      'the main login',
      'username: u\npassword: hidden\naccounts: [{account: x, username: u, password: hidden}]',
      /^accounts\.0: has the user name and password of the main account, too$/,
    ],
  ])('that repeat %s stop the start, before anything is made', (_, yaml, problem) => {
    const config = load({}, yaml);
    let error: unknown;
    try {
      resolveCredentials(config);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(ConfigError);
    expect((error as ConfigError).problems).toEqual([expect.stringMatching(problem)]);
    expect(String(error)).not.toContain('hidden');
    expect(() => statSync(join(directory(), 'landbridge-data'))).toThrow();
  });

  it('that repeat the account which an earlier start made stop the start', () => {
    resolveCredentials(load({ LANDBRIDGE_ACCOUNT: 'old' }));
    const yaml = 'accounts: [{account: old, username: a, password: b}]';
    expect(() => resolveCredentials(load({}, yaml))).toThrow(/is the name of the main account, too/);
  });

  it('may share a user name where the passwords differ', () => {
    const yaml = 'accounts: [{account: x, username: a, password: b}, {account: y, username: a, password: c}]';
    expect(resolveCredentials(load({}, yaml)).accounts).toHaveLength(3);
  });

  it('that are damaged stop the start, and are left for the operator to look at', () => {
    resolveCredentials(load());
    const path = join(directory(), 'landbridge-data/credentials.json');
    chmodSync(path, 0o600);
    writeFileSync(path, '{"account": "local"');
    expect(() => resolveCredentials(load())).toThrow(ConfigError);
    expect(readFileSync(path, 'utf8')).toBe('{"account": "local"');
  });
});
