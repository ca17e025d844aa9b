/** `landbridge doctor`, as an operator runs it. */
import { createServer } from 'node:net';
import { once } from 'node:events';
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

  it('says that it takes no calls', async () => {
    await fetch(`${gateway.origin}/v1/node/drain`, { method: 'PUT', headers: gateway.rest.headers });
    const { code, stdout } = await doctor(where());
    expect(stdout).toContain('FAIL  ready              draining: the gateway takes no new calls');
    expect(code).toBe(1);
  });
});
