/** The gateway as a process: how it starts, refuses to start, drains, dies and comes back. */
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import Database from 'libsql';
import { afterEach, describe, expect, inject, it } from 'vitest';
import type { PhoneCall } from '../../src/softphone/phone-call.js';
import { callGateway } from '../support/gateway-phone.js';
import { makeSmallDisk, smallDiskIsPossible } from '../support/small-disk.js';
import { isAlive, runGateway, TestGateway } from '../support/start-gateway.js';
import { waitFor } from '../support/wait-for.js';

const gateways: TestGateway[] = [];
const phones: PhoneCall[] = [];
const directories: string[] = [];

afterEach(async () => {
  for (const phone of phones.splice(0)) await phone.close();
  for (const gateway of gateways.splice(0)) await gateway.stop();
  for (const directory of directories.splice(0)) await rm(directory, { recursive: true, force: true });
});

async function start(environment: Record<string, string> = {}): Promise<TestGateway> {
  const gateway = await TestGateway.start({ environment });
  gateways.push(gateway);
  return gateway;
}

async function call(gateway: TestGateway, token: string): Promise<PhoneCall> {
  const phone = await callGateway(gateway, token);
  phones.push(phone);
  return phone;
}

async function newDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'landbridge-test-'));
  directories.push(directory);
  return directory;
}

function put(directory: string, name: string, content: string): void {
  mkdirSync(directory);
  writeFileSync(join(directory, name), content);
}

function database(directory: string, statement: string): void {
  mkdirSync(directory);
  const made = new Database(join(directory, 'landbridge.db'));
  made.exec(statement);
  made.close();
}

describe('starting', () => {
  it('makes the gateway alive, ready and quiet on stderr', async () => {
    const gateway = await start();
    expect((await fetch(`${gateway.origin}/health`)).status).toBe(200);
    expect((await fetch(`${gateway.origin}/ready`)).status).toBe(200);
    expect(gateway.workers()).toHaveLength(1);
    expect(gateway.stderr).toBe('');
  });

  it('for the first time makes credentials, keeps them to itself, and shows them once', async () => {
    const dataDirectory = await newDirectory();
    const unset = {
      LANDBRIDGE_ACCOUNT: '',
      LANDBRIDGE_USERNAME: '',
      LANDBRIDGE_PASSWORD: '',
      LANDBRIDGE_TOKEN_SECRET: '',
    };
    const first = await TestGateway.start({ dataDirectory, environment: unset });
    const text = first.stdout;
    await first.stop({ keepData: true });
    const password = /password\s+(\S+)/.exec(text)?.[1] ?? '';
    expect(text).toMatch(/account\s+local\n\s+user\s+local\n/);
    expect(password.length).toBeGreaterThanOrEqual(20);
    const file = join(dataDirectory, 'credentials.json');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readFileSync(file, 'utf8')).toContain(password);

    const second = await first.restart();
    gateways.push(second);
    expect(second.stdout).not.toContain(password);
    const response = await fetch(`${second.origin}/v1/accounts/local/sessions`, {
      method: 'POST',
      headers: { authorization: `Basic ${Buffer.from(`local:${password}`).toString('base64')}` },
    });
    expect(response.status).toBe(200);
  });

  it('that fails after it made credentials leaves them to be shown by the next', async () => {
    const dataDirectory = await newDirectory();
    const unset = {
      LANDBRIDGE_ACCOUNT: '',
      LANDBRIDGE_USERNAME: '',
      LANDBRIDGE_PASSWORD: '',
      LANDBRIDGE_TOKEN_SECRET: '',
    };
    const failed = await runGateway({
      dataDirectory,
      environment: { ...unset, LANDBRIDGE_OPERATOR_ACCOUNT: 'nobody' },
    });
    expect(failed.code).toBe(1);
    expect(failed.stdout).not.toContain('password');
    const file = join(dataDirectory, 'credentials.json');
    const { password } = JSON.parse(readFileSync(file, 'utf8')) as { password: string };
    const gateway = await TestGateway.start({ dataDirectory, environment: unset });
    gateways.push(gateway);
    expect(gateway.stdout).toContain(password);
  });

  it('that cannot show the credentials it made stands all the same, ends as told, and leaves them to the next', async () => {
    const dataDirectory = await newDirectory();
    const unset = {
      LANDBRIDGE_ACCOUNT: '',
      LANDBRIDGE_USERNAME: '',
      LANDBRIDGE_PASSWORD: '',
      LANDBRIDGE_TOKEN_SECRET: '',
    };
    const { code, stderr } = await runGateway({
      dataDirectory,
      environment: unset,
      stdout: '/dev/full',
      endAt: 'could not be shown',
    });
    expect(stderr).toMatch(
      /^landbridge: The credentials that were made are in [^\n]*credentials\.json[^\n]*\n$/,
    );
    expect(code).toBe(0);
    const { password } = JSON.parse(readFileSync(join(dataDirectory, 'credentials.json'), 'utf8')) as {
      password: string;
    };
    const gateway = await TestGateway.start({ dataDirectory, environment: unset });
    gateways.push(gateway);
    expect(gateway.stdout).toContain(password);
  });

  it.each(['HTTP', 'SIP'])('twice on one %s port is refused in one line', async (name) => {
    const gateway = await start();
    const port = name === 'HTTP' ? gateway.httpPort : gateway.sipPort;
    const { code, stderr, stdout } = await runGateway({
      environment: { [`LANDBRIDGE_${name}_PORT`]: String(port) },
      // Below the ports that the system gives: a SIP port among those for audio is refused before it is opened.
      rtpPorts: '29200-29299',
    });
    expect(code).toBe(1);
    expect(stderr).toMatch(new RegExp(`^landbridge: Port 127\\.0\\.0\\.1:${port} is in use[^\\n]*\\n$`));
    // Nothing that stands for a moment only is told of.
    expect(stdout).not.toContain('"msg"');
    expect(isAlive(gateway.pid)).toBe(true);
    expect((await gateway.rest.request('POST', '/sessions')).status).toBe(200);
  });

  it('twice over one data directory is refused in one line', async () => {
    const gateway = await start();
    const { code, stderr } = await runGateway({ dataDirectory: gateway.dataDirectory });
    expect(code).toBe(1);
    expect(stderr).toMatch(/^landbridge: [^\n]*in use by another Landbridge[^\n]*\n$/);
  });

  it('with a bad configuration lists every problem and opens nothing', async () => {
    const dataDirectory = await newDirectory();
    writeFileSync(join(dataDirectory, 'landbridge.yaml'), 'http:\n  prot: 8080\n');
    const { code, stderr } = await runGateway({
      dataDirectory,
      environment: {
        LANDBRIDGE_HTTP_PORT: 'many',
        LANDBRIDGE_RTP_PORTS: '5-4',
        LANDBRIDGE_STORE: 'redis://127.0.0.1',
        LANDBRIDGE_DRACHTIO: '127.0.0.1:90220:secret-of-drachtio',
        LANDBRIDGE_TOKEN_SECRET: 'too short',
        LANDBRIDGE_TYPO: '1',
      },
    });
    expect(code).toBe(1);
    for (const problem of ['prot', 'HTTP_PORT', 'RTP_PORTS', 'STORE', 'DRACHTIO', 'TOKEN_SECRET', 'TYPO']) {
      expect(stderr).toContain(problem);
    }
    for (const secret of ['too short', 'secret-of-drachtio']) expect(stderr).not.toContain(secret);
    expect(stderr).not.toMatch(/^\s+at /m);
    expect(existsSync(join(dataDirectory, 'landbridge.db'))).toBe(false);
  });

  it.each([
    ['a file', (place: string) => writeFileSync(place, ''), 'is not a directory'],
    ['below a file', (place: string) => writeFileSync(dirname(place), ''), 'is not a directory'],
    ['where no directory can be made', () => '/proc/nope/data', 'cannot be'],
    [
      'of another program, whose file is no database',
      (place: string) => put(place, 'landbridge.db', 'hello'),
      'is none',
    ],
    ['with a lock that is no database', (place: string) => put(place, 'landbridge.lock', 'hello'), 'is none'],
    [
      'with a directory in the place of the database',
      (place: string) => {
        mkdirSync(join(place, 'landbridge.db'), { recursive: true });
      },
      'is a directory',
    ],
    [
      'with a directory in the place of the database’s log',
      (place: string) => {
        mkdirSync(join(place, 'landbridge.db-wal'), { recursive: true });
      },
      'landbridge.db-wal is a directory',
    ],
    [
      'with a file in the place of its sounds',
      (place: string) => put(place, 'sounds', ''),
      'is not a directory',
    ],
    [
      'with a file in the place of its recordings',
      (place: string) => put(place, 'recordings', ''),
      'is not a directory',
    ],
    [
      'of a newer version',
      (place: string) => database(place, 'PRAGMA user_version = 1000'),
      'schema version 1000',
    ],
    [
      'of another program, with tables of its own',
      (place: string) => database(place, 'CREATE TABLE theirs (x)'),
      'another program',
    ],
  ])('over a data directory that is %s is refused in one sentence, soon', async (_, prepare, sentence) => {
    const place = join(await newDirectory(), 'above', 'data');
    mkdirSync(dirname(dirname(place)), { recursive: true });
    if (!/^below/.test(_)) mkdirSync(dirname(place), { recursive: true });
    const elsewhere = prepare(place);
    const { code, stdout, stderr } = await runGateway({
      environment: { LANDBRIDGE_DATA_DIR: typeof elsewhere === 'string' ? elsewhere : place },
    });
    expect(stderr).toMatch(/^landbridge: [^\n]*\.\n$/);
    expect(stderr).toContain(sentence);
    expect([code, stdout.includes('"msg":"ready"')]).toEqual([1, false]);
  });

  it.skipIf(!smallDiskIsPossible).each([16, 48, 96])(
    'on a disk that is full after %i kB is refused in one sentence',
    async (kilobytes) => {
      const disk = await makeSmallDisk(kilobytes);
      try {
        const { code, stderr } = await runGateway({
          environment: { LANDBRIDGE_DATA_DIR: join(disk.path, 'data') },
        });
        expect(stderr).toMatch(/^landbridge: [^\n]*full[^\n]*\n$/);
        expect(code).toBe(1);
      } finally {
        await disk.remove();
      }
    },
  );

  it.each([
    ['29200-29202', '1', 'rtp.ports'],
    ['29201-29204', '1', 'rtp.ports'],
    ['29200-29206', '2', 'rtp.ports'],
  ])('with ports %s for audio and %s workers, too few, says so', async (ports, workers, setting) => {
    const { code, stderr } = await runGateway({
      rtpPorts: ports,
      environment: { LANDBRIDGE_WORKERS: workers },
    });
    expect(code).toBe(1);
    expect(stderr).toContain(setting);
    expect(stderr).not.toMatch(/^\s+at /m);
  });

  it.each([
    ['LANDBRIDGE_SIP_HOST', 'localhost', 'LANDBRIDGE_SIP_HOST: must be'],
    ['LANDBRIDGE_SIP_HOST', '127.0.0.300', 'LANDBRIDGE_SIP_HOST: must be'],
    ['LANDBRIDGE_SIP_HOST', '203.0.113.7', 'sip.host: 203.0.113.7 is no address of this machine'],
    ['LANDBRIDGE_SIP_HOST', 'fe80::1', 'sip.host: fe80::1 is '],
    ['LANDBRIDGE_HTTP_HOST', '203.0.113.7', 'http.host: 203.0.113.7 is no address of this machine'],
    ['LANDBRIDGE_HTTP_HOST', 'no-such-host.invalid', 'http.host: no-such-host.invalid is '],
    ['LANDBRIDGE_HTTP_HOST', '127.0.0.300', 'http.host: 127.0.0.300 is '],
    ['LANDBRIDGE_RECORDINGS_DIRECTORY', '/proc/nope', 'recordings.directory: /proc/nope '],
    ['LANDBRIDGE_RECORDINGS_DIRECTORY', '/etc/hostname/recordings', 'recordings.directory: '],
    ['LANDBRIDGE_SOUNDS_HOLD_MUSIC', '/nope.wav', 'sounds.holdMusic: /nope.wav cannot be read'],
    ['LANDBRIDGE_SOUNDS_HOLD_MUSIC', '/etc/hostname', 'sounds.holdMusic: /etc/hostname cannot be used'],
  ])('with %s=%s is refused in words that name the setting', async (name, value, words) => {
    const { code, stderr } = await runGateway({ environment: { [name]: value } });
    expect(code).toBe(1);
    expect(stderr).toMatch(/^landbridge: /);
    expect(stderr).toContain(words);
    expect(stderr).not.toMatch(/^\s+at /m);
  });

  it('asked for help, before or after its command, says how to use it and opens nothing', async () => {
    for (const words of [
      ['--help'],
      ['serve', '--help'],
      ['serve', '-h'],
      ['serve', '--config', 'x', '--help'],
      ['help', 'serve'],
    ]) {
      const { code, stdout, stderr } = await runGateway({ arguments: words });
      expect([words, code, stderr]).toEqual([words, 0, '']);
      expect(stdout).toMatch(/^Usage: landbridge/);
    }
  });

  it('asked for help with a command says how that one is used', async () => {
    const { code, stdout } = await runGateway({ arguments: ['help', 'call'] });
    expect([code, stdout]).toEqual([0, expect.stringMatching(/^usage: landbridge call/)]);
  });

  it('in a directory that is gone says so in one sentence', async () => {
    const directory = await newDirectory();
    const commands = 'cd "$1" && rmdir "$1" && exec "$2" "$3" serve';
    const words = ['-c', commands, 'sh', directory, process.execPath, inject('gatewayEntry')];
    const shell = spawn('sh', words, { stdio: ['ignore', 'ignore', 'pipe'] });
    const [stderr, [code]] = await Promise.all([text(shell.stderr), once(shell, 'close')]);
    expect(stderr).toBe('landbridge: The directory that it was started in is gone. Change to another one.\n');
    expect(code).toBe(1);
  });

  it('with an unknown command or option says how to use it', async () => {
    for (const [words, said] of [
      [['dance'], "unknown command 'dance'\n"],
      [['docotr'], "unknown command 'docotr': did you mean doctor?\n"],
      [['serve', '--loudly'], "Unknown option '--loudly'\n"],
      [['-x'], "Unknown option '-x'\n"],
      [['serve', 'now'], "Unexpected argument 'now'\n"],
      [['--config='], '--config needs the name of a file\n'],
    ] as const) {
      const { code, stderr } = await runGateway({ arguments: words });
      expect(code).toBe(2);
      expect(stderr).toMatch(/^landbridge: /);
      expect(stderr).toContain(`${said}\nUsage: landbridge`);
    }
  });
});

describe('stopping', () => {
  it('waits for a call in progress no longer than it may, and then says BYE', async () => {
    const gateway = await start({ LANDBRIDGE_DRAIN_SECONDS: '5' });
    const { token } = await gateway.rest.newcomer(await gateway.rest.createSession());
    const phone = await call(gateway, token);
    const begun = performance.now();
    gateway.signal('SIGTERM');
    await waitFor(
      'the gateway is not ready',
      async () => (await fetch(`${gateway.origin}/ready`)).status === 503,
    );
    expect((await fetch(`${gateway.origin}/health`)).status).toBe(200);
    const end = await phone.ended;
    expect(end).toMatchObject({ by: 'remote', why: 'hang-up', reason: { text: 'gateway-stopping' } });
    expect(performance.now() - begun).toBeGreaterThan(4900);
    expect(await gateway.exited).toBe(0);
  });

  it('without calls waits for nothing', async () => {
    const gateway = await start({ LANDBRIDGE_DRAIN_SECONDS: '60' });
    const begun = performance.now();
    gateway.signal('SIGTERM');
    expect(await gateway.exited).toBe(0);
    expect(performance.now() - begun).toBeLessThan(30_000);
  });
});

describe('after kill -9', () => {
  it('sessions, participants, subscriptions and tokens are there, and an old token is answered', async () => {
    const before = await TestGateway.start();
    const sessionId = await before.rest.createSession('kept');
    const caller = await before.rest.newcomer(sessionId);
    const other = await before.rest.newcomer(sessionId, {
      subscriptions: { participants: [{ participantId: caller.id }] },
    });
    const eventsBefore = await before.follow();
    phones.push(await callGateway(before, caller.token));
    await eventsBefore.wait('participant.joined');
    await eventsBefore.close();
    await before.kill();

    const gateway = await before.restart();
    gateways.push(gateway);
    expect((await gateway.rest.request('GET', `/sessions/${sessionId}`)).body).toMatchObject({ tag: 'kept' });
    expect((await gateway.rest.request('GET', `/participants/${other.id}`)).body).toMatchObject({
      sessions: [sessionId],
      subscriptions: { participants: [{ participantId: caller.id }] },
    });
    expect(await gateway.rest.legs()).toEqual([]);
    const events = await gateway.follow({ after: randomUUID() });
    const left = await events.wait('participant.left');
    expect(left).toMatchObject({
      sessionId,
      participantId: caller.id,
      data: { outcome: { endedBy: 'gateway', reason: 'gateway-restarted' } },
    });
    const phone = await call(gateway, caller.token);
    await events.wait('participant.joined', ({ participantId }) => participantId === caller.id);
    await phone.hangUp();
    await events.close();
  });

  it('slots that an earlier version held under the name of every gateway are free, and are held under its own', async () => {
    const before = await TestGateway.start();
    const sessionId = await before.rest.createSession();
    const caller = await before.rest.newcomer(sessionId);
    const eventsBefore = await before.follow();
    phones.push(await callGateway(before, caller.token));
    // Told once it is kept.
    await eventsBefore.wait('participant.joined');
    await eventsBefore.close();
    await before.kill();
    const holders = (change?: string) => {
      const database = new Database(join(before.dataDirectory, 'landbridge.db'));
      if (change !== undefined) database.exec(change);
      const rows = database.prepare('SELECT node_id FROM participants WHERE leg_id IS NOT NULL').all();
      database.close();
      return (rows as { node_id: string }[]).map((row) => row.node_id);
    };
    const name = readFileSync(join(before.dataDirectory, 'node-name'), 'utf8').trim();
    expect(holders()).toEqual([name]);
    expect(holders(`UPDATE participants SET node_id = 'gateway' WHERE leg_id IS NOT NULL`)).toEqual([
      'gateway',
    ]);

    const gateway = await before.restart();
    gateways.push(gateway);
    const events = await gateway.follow({ after: randomUUID() });
    expect(await events.wait('participant.left')).toMatchObject({
      participantId: caller.id,
      data: { outcome: { endedBy: 'gateway', reason: 'gateway-restarted' } },
    });
    const phone = await call(gateway, caller.token);
    await phone.hangUp();
    await events.close();
  });

  it('loses nothing that was acknowledged a moment before', async () => {
    const before = await TestGateway.start();
    const ids = await Promise.all(Array.from({ length: 50 }, () => before.rest.createSession()));
    await before.kill();
    const gateway = await before.restart();
    gateways.push(gateway);
    const answers = await Promise.all(ids.map((id) => gateway.rest.request('GET', `/sessions/${id}`)));
    expect(answers.map(({ status }) => status)).toEqual(ids.map(() => 200));
  });
});
