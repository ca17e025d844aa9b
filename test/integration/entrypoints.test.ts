/** What the containers' entrypoints refuse before anything starts. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
const secret = '0123456789abcdef';
const exitUsage = 64;

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'landbridge-entrypoints-'));
});
afterAll(() => rmSync(directory, { recursive: true }));

/** Runs an entrypoint with a program in the daemon's place that prints its arguments, or its environment. */
function run(daemon: 'drachtio' | 'freeswitch', environment: Record<string, string>, program = '/bin/echo') {
  const prefix = daemon.toUpperCase();
  const all = {
    PATH: process.env['PATH'],
    [`${prefix}_PROGRAM`]: program,
    [`${prefix}_STATE_DIRECTORY`]: join(directory, daemon),
    FREESWITCH_CONFIGURATION_DIRECTORY: join(root, 'freeswitch'),
    ...environment,
  };
  const { status, stdout, stderr } = spawnSync('sh', [join(root, `docker/${daemon}-entrypoint.sh`)], {
    env: all,
    encoding: 'utf8',
  });
  return { status, stdout, stderr };
}

describe.each([
  ['freeswitch', 'FREESWITCH_EVENT_SOCKET_SECRET'],
  ['drachtio', 'DRACHTIO_SECRET'],
] as const)('the entrypoint of %s', (daemon, secretName) => {
  const refusal = (environment: Record<string, string>) => {
    const { status, stdout, stderr } = run(daemon, environment);
    expect(stdout).toBe('');
    expect(status).toBe(exitUsage);
    return stderr;
  };

  it('does not start without a secret', () => {
    expect(refusal({})).toContain('no secret');
    expect(refusal({ [secretName]: '' })).toContain('no secret');
  });

  it.each([
    ['short', 'ClueCon'],
    ['with XML in it', `${secret}"/><x y="`],
    ['with a variable of FreeSWITCH in it', `${secret}$\${hostname}`],
    ['of two lines', `${secret}\n${secret}`],
  ])('takes no secret that is %s', (_, bad) => {
    const stderr = refusal({ [secretName]: bad });
    expect(stderr).toContain(`${secretName} must be 16 to 256`);
    expect(stderr).not.toContain(bad);
  });

  it('takes its secret from a file, and not from two places', () => {
    const file = join(directory, `${daemon}-secret`);
    writeFileSync(file, `${secret}\n`);
    expect(run(daemon, { [`${secretName}_FILE`]: file }).status).toBe(0);
    expect(refusal({ [`${secretName}_FILE`]: file, [secretName]: secret })).toContain('are both set');
    expect(refusal({ [`${secretName}_FILE`]: `${file}-not-there` })).toContain('cannot read');
  });

  it('says which program is missing', () => {
    const { status, stderr } = run(daemon, { [secretName]: secret }, '/nowhere/program');
    expect(status).toBe(exitUsage);
    expect(stderr).toContain('is not installed');
  });
});

it.each([
  ['FREESWITCH_SIP_ADDRESS', 'localhost', 'an IPv4 address'],
  ['FREESWITCH_SIP_PORT', '70000000', 'a port number'],
  ['FREESWITCH_RTP_FIRST_PORT', '0', 'a port number'],
  ['FREESWITCH_EVENT_SOCKET_NETWORKS', '10.0.0.0/8, 10.1.0.0/16', 'up to 32 IPv4 addresses or networks'],
  ['FREESWITCH_EVENT_SOCKET_NETWORKS', '10.0.0.0/8"/>', 'up to 32 IPv4 addresses or networks'],
  ['FREESWITCH_CODECS', 'PCMU;PCMA', 'names of codecs'],
  ['FREESWITCH_MAX_SESSIONS', 'many', 'a number from 1'],
  ['FREESWITCH_LOG_LEVEL', 'loud', 'one of debug'],
])('%s: %s is refused', (name, value, expected) => {
  const { status, stderr } = run('freeswitch', { FREESWITCH_EVENT_SOCKET_SECRET: secret, [name]: value });
  expect(stderr).toContain(`${name} must be ${expected}`);
  expect(status).toBe(exitUsage);
});

it.each([
  ['DRACHTIO_ADMIN_ADDRESS', 'example.com', 'an IPv4 address'],
  ['DRACHTIO_SIP_PORT', '5060;transport=ws', 'a port number'],
  ['DRACHTIO_EXTERNAL_ADDRESS', '203.0.113.9"', 'an IPv4 address'],
  ['DRACHTIO_LOCAL_NETWORK', '10.0.0.0', 'a network like'],
  ['DRACHTIO_LOGLEVEL', 'warn', 'one of debug'],
])('%s: %s is refused', (name, value, expected) => {
  const { status, stderr } = run('drachtio', { DRACHTIO_SECRET: secret, [name]: value });
  expect(stderr).toContain(`${name} must be ${expected}`);
  expect(status).toBe(exitUsage);
});

it('drachtio-server finds its secret in a file that nobody else may read, and not in its environment', () => {
  const { stdout } = run('drachtio', { DRACHTIO_SECRET: secret }, '/usr/bin/env');
  expect(stdout).not.toContain(secret);
  const file = readFileSync(join(directory, 'drachtio/drachtio.conf.xml'), 'utf8');
  expect(file).toContain(`<admin port="9022" secret="${secret}">127.0.0.1</admin>`);
  expect(file).toContain('<contact>sip:127.0.0.1:5060;transport=udp,tcp</contact>');
});

it('an empty setting of FreeSWITCH leaves the default, as compose files write them', () => {
  const program = join(directory, 'print-environment');
  writeFileSync(program, '#!/bin/sh\nexec env\n', { mode: 0o755 });
  const environment = {
    FREESWITCH_EVENT_SOCKET_SECRET: secret,
    FREESWITCH_CODECS: '',
    FREESWITCH_SIP_PORT: '5071',
  };
  const { stdout } = run('freeswitch', environment, program);
  expect(stdout).toContain('FREESWITCH_SIP_PORT=5071');
  expect(stdout).not.toContain('FREESWITCH_CODECS');
});
