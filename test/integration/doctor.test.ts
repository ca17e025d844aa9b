/** `landbridge doctor`, as an operator runs it. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isBesideDrachtio } from '../support/servers-beside.js';
import { runGateway, TestGateway } from '../support/start-gateway.js';

const doctor = (environment: Record<string, string> = {}) =>
  runGateway({ arguments: ['doctor'], environment });

describe('where no gateway runs', () => {
  it('says that one could, and ends with 0', async () => {
    const { code, stdout } = await doctor();
    expect(stdout).toContain('ok    HTTP port');
    expect(stdout).toContain('Nothing fails');
    expect(code).toBe(0);
  });

  it('names a port that is taken, and ends with 1', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as { readonly port: number };
    const { code, stdout } = await doctor({ LANDBRIDGE_SIP_PORT: String(port) });
    other.close();
    expect(stdout).toMatch(
      new RegExp(`FAIL  SIP port, TCP +127\\.0\\.0\\.1:${port} is taken by another program`),
    );
    expect(code).toBe(1);
  });

  it('says nothing of SIP ports that a drachtio-server has in our place', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as { readonly port: number };
    const { code, stdout } = await doctor({
      LANDBRIDGE_SIP_PORT: String(port),
      LANDBRIDGE_DRACHTIO: '127.0.0.1:9022:secret',
    });
    other.close();
    expect(stdout).not.toContain('SIP port');
    expect(code).toBe(0);
  });

  it('says how many of the RTP ports are taken, wherever in the range they are, and fails where all are', async () => {
    const other = createSocket('udp4').bind(0, '127.0.0.1');
    await once(other, 'listening');
    const pair = other.address().port & ~1;
    // Where this one is taken already, that does as well.
    const next = createSocket('udp4').on('error', () => undefined);
    await new Promise<void>((resolve) => {
      next.once('listening', resolve).once('error', () => resolve());
      next.bind(pair + 2, '127.0.0.1');
    });
    const some = await runGateway({ arguments: ['doctor'], rtpPorts: `${pair - 20}-${pair + 21}` });
    const all = await runGateway({ arguments: ['doctor'], rtpPorts: `${pair}-${pair + 3}` });
    for (const socket of [other, next]) socket.close();
    expect(some.stdout).toMatch(/warn {2}RTP ports +\d+ of 21 pairs of /);
    expect(some.code).toBe(0);
    expect(all.stdout).toMatch(/FAIL {2}RTP ports +no pair of /);
    expect(all.code).toBe(1);
  });

  it.each([
    ['a database that is none', 'landbridge.db', 'FAIL  database'],
    ['damaged credentials', 'credentials.json', 'FAIL  accounts'],
  ])('names %s, as a start would, and leaves it as it is', async (_, name, words) => {
    const dataDirectory = await mkdtemp(join(tmpdir(), 'landbridge-test-'));
    await writeFile(join(dataDirectory, name), 'hello '.repeat(1000));
    // Without a password of one's own the kept one is read.
    const environment = { LANDBRIDGE_PASSWORD: '' };
    const { code, stdout } = await runGateway({ arguments: ['doctor'], dataDirectory, environment });
    expect(stdout).toContain(words);
    expect(code).toBe(1);
    expect(await readdir(dataDirectory)).toEqual([name]);
    expect((await runGateway({ dataDirectory, environment })).code).toBe(1);
    await rm(dataDirectory, { recursive: true });
  });

  it.each([
    ['LANDBRIDGE_RECORDINGS_DIRECTORY', '/proc/nope', 'FAIL  recordings'],
    ['LANDBRIDGE_SOUNDS_HOLD_MUSIC', '/nope.wav', 'FAIL  hold music'],
    ['LANDBRIDGE_SIP_HOST', 'localhost', 'FAIL  configuration'],
    ['LANDBRIDGE_OPERATOR_ACCOUNT', 'nobody', 'FAIL  operator'],
  ])('names %s=%s, which no gateway starts with', async (name, value, words) => {
    const { code, stdout } = await doctor({ [name]: value });
    expect(stdout).toContain(words);
    expect(code).toBe(1);
  });

  it('lists what is wrong with the configuration, without a stack', async () => {
    const { code, stdout, stderr } = await doctor({ LANDBRIDGE_SIP_PORT: 'x', LANDBRIDGE_TLS_CERT: '/a' });
    expect(stdout).toContain('FAIL  configuration');
    expect(stdout + stderr).not.toMatch(/ at .*\.js:\d+/);
    expect(code).toBe(1);
  });
});

describe.skipIf(isBesideDrachtio)('where one runs', () => {
  let gateway: TestGateway;
  beforeAll(async () => {
    gateway = await TestGateway.start();
  });
  afterAll(() => gateway.stop());

  const where = () => ({
    LANDBRIDGE_HTTP_PORT: String(gateway.httpPort),
    LANDBRIDGE_SIP_PORT: String(gateway.sipPort),
  });

  it('calls it, hears it, and leaves nothing behind', async () => {
    const { code, stdout } = await doctor(where());
    expect(stdout).toMatch(
      /ok {4}call to itself {5}sip:join@127\.0\.0\.1:\d+ answered in \d+ ms, \d+ packets/,
    );
    expect(code).toBe(0);
    await gateway.idle();
    expect(await gateway.rest.legs()).toEqual([]);
    expect(stdout).not.toContain('eyJ');
  });

  it('says that its data directory is in use to whoever would start another there', async () => {
    const { code, stdout } = await runGateway({
      arguments: ['doctor'],
      dataDirectory: gateway.dataDirectory,
    });
    expect(stdout).toMatch(/FAIL {2}database +The data directory .* is in use by another Landbridge/);
    expect(code).toBe(1);
  });

  it('says that the password is wrong', async () => {
    const { code, stdout } = await doctor({ ...where(), LANDBRIDGE_PASSWORD: 'another' });
    expect(stdout).toMatch(/FAIL {2}call to itself +.*check the password/);
    expect(code).toBe(1);
  });

  it('says that it takes no calls', async () => {
    await fetch(`${gateway.origin}/v1/node/drain`, { method: 'PUT', headers: gateway.rest.headers });
    const { code, stdout } = await doctor(where());
    expect(stdout).toContain('FAIL  ready              draining: the gateway takes no new calls');
    expect(code).toBe(1);
  });
});
