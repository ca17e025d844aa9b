/** What `landbridge doctor` finds out from others: a STUN server, where our certificate is, and the trunks of the gateway that runs. */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { answerStun } from '../../src/sip-server/transport/stun.js';
import { TestAuthority } from '../support/certificates.js';
import { Registrar } from '../support/registrar.js';
import { isBesideDrachtio } from '../support/servers-beside.js';
import { runGateway, TestGateway } from '../support/start-gateway.js';
import { stirChain } from '../support/stir-authority.js';
import { waitFor } from '../support/wait-for.js';

const doctor = (environment: Record<string, string> = {}, more: readonly string[] = []) =>
  runGateway({ arguments: ['doctor', ...more], environment });

describe('A STUN server', () => {
  let stun: Socket;
  /** Where it says that whoever asks is; null: it says nothing. */
  let seenAt: string | null;
  beforeAll(async () => {
    stun = createSocket('udp4').bind(0, '127.0.0.1');
    stun.on('message', (bytes, { port }) => {
      const answer = seenAt === null ? null : answerStun(bytes, seenAt, port);
      if (answer !== null) stun.send(answer, port, '127.0.0.1');
    });
    await once(stun, 'listening');
  });
  afterAll(() => new Promise<void>((resolve) => stun.close(() => resolve())));

  const server = () => `127.0.0.1:${String(stun.address().port)}`;

  it('that is named in the configuration says where this machine is seen, and whether that is publicIp', async () => {
    seenAt = '198.51.100.7';
    const LANDBRIDGE_DOCTOR_STUN_SERVER = server();
    const { code, stdout } = await doctor({ LANDBRIDGE_DOCTOR_STUN_SERVER });
    expect(stdout).toMatch(
      /warn {2}STUN +.*at 198\.51\.100\.7, which is no address of its own: set publicIp/,
    );
    expect(code).toBe(0);
    const same = await doctor({ LANDBRIDGE_DOCTOR_STUN_SERVER, LANDBRIDGE_PUBLIC_IP: '198.51.100.7' });
    expect(same.stdout).toMatch(/ok {4}STUN +.*which is publicIp/);
    const other = await doctor({ LANDBRIDGE_DOCTOR_STUN_SERVER, LANDBRIDGE_PUBLIC_IP: '198.51.100.8' });
    expect(other.stdout).toMatch(/warn {2}STUN +.*and publicIp is 198\.51\.100\.8/);
  });

  it('that is named as an option is asked in its place', async () => {
    seenAt = '127.0.0.1';
    const { stdout } = await doctor({ LANDBRIDGE_DOCTOR_STUN_SERVER: '127.0.0.1:1' }, ['--stun', server()]);
    expect(stdout).toMatch(/ok {4}STUN +.*at 127\.0\.0\.1, an address of its own/);
  });

  it('that does not answer is something to think about, and none is asked where none is named', async () => {
    seenAt = null;
    const { code, stdout } = await doctor({}, ['--stun', server()]);
    expect(stdout).toMatch(/warn {2}STUN +.*no answer/);
    expect(code).toBe(0);
    expect((await doctor()).stdout).not.toContain('STUN');
    expect((await doctor({ LANDBRIDGE_DOCTOR_STUN_SERVER: 'stun:x' })).stdout).toContain(
      'FAIL  configuration',
    );
  });
});

describe('The certificate that calls are signed with', () => {
  let authority: TestAuthority;
  let server: Server;
  let settings: Record<string, string>;
  let chain: Awaited<ReturnType<typeof stirChain>>;
  let served: string;
  beforeAll(async () => {
    [chain, authority] = await Promise.all([stirChain(), TestAuthority.open()]);
    const { certPem: cert, keyPem: key } = await authority.issue({ names: ['127.0.0.1'] });
    server = createServer({ cert, key }, (_request, response) => response.end(served));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const [ca, signing] = ['stir.pem', 'signing.pem'].map((name) => join(authority.directory, name));
    await writeFile(ca!, chain.root.certPem);
    await writeFile(signing!, chain.keyPem, { mode: 0o600 });
    settings = {
      ...{ LANDBRIDGE_STIR_CA: ca!, LANDBRIDGE_STIR_KEY: signing! },
      LANDBRIDGE_STIR_SERVER_CA: authority.file,
      LANDBRIDGE_STIR_CERTIFICATE_URL: `https://127.0.0.1:${String(port)}/ours.pem`,
    };
  });
  afterAll(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    await authority.remove();
  });

  it('is fetched, and is the key’s, believed, and about to end', async () => {
    served = chain.chainPem;
    const { code, stdout } = await doctor(settings);
    expect(stdout).toMatch(
      /warn {2}STIR +the certificate at stir\.certificateUrl is that of stir\.key, until /,
    );
    expect(stdout).toMatch(/ok {4}STIR +an authority of stir\.ca vouches for our own certificate/);
    expect(code).toBe(0);
  });

  it('is another’s, or is none', async () => {
    served = (await stirChain()).chainPem;
    const { code, stdout } = await doctor(settings);
    expect(stdout).toMatch(/FAIL {2}STIR +the certificate at stir\.certificateUrl is not that of stir\.key/);
    expect(code).toBe(1);
    served = 'nothing';
    expect((await doctor(settings)).stdout).toMatch(/warn {2}STIR +.*holds no certificate of a signer/);
  });
});

describe.skipIf(isBesideDrachtio)('Trunks of the gateway that runs', () => {
  let gateway: TestGateway;
  let silent: Socket;
  const made: string[] = [];
  beforeAll(async () => {
    gateway = await TestGateway.start({
      environment: {
        ...{ LANDBRIDGE_TRUNKS_ALLOW_PRIVATE_NETWORKS: 'true', LANDBRIDGE_TRUNKS_SHORTEST_PING_SECONDS: '1' },
        LANDBRIDGE_TRUNKS_PING_ANSWER_SECONDS: '1',
      },
    });
    silent = createSocket('udp4').bind(0, '127.0.0.1');
    await once(silent, 'listening');
  });
  afterEach(async () => {
    for (const id of made.splice(0)) await gateway.rest.done('DELETE', `/trunks/${id}`);
  });
  afterAll(async () => {
    await gateway.stop();
    silent.close();
  });

  const where = () => ({
    LANDBRIDGE_HTTP_PORT: String(gateway.httpPort),
    LANDBRIDGE_SIP_PORT: String(gateway.sipPort),
  });
  const newTrunk = async (fields: object): Promise<string> => {
    const { id } = await gateway.rest.done<{ id: string }>('POST', '/trunks', fields);
    made.push(id);
    return id;
  };

  const registrationOf = (id: string, status: string): Promise<unknown> =>
    waitFor(`it is ${status}`, async () => {
      const trunk = await gateway.rest.done<{ state: { registration: { status: string } | null } }>(
        'GET',
        `/trunks/${id}`,
      );
      return trunk.state.registration?.status === status;
    });

  it('are counted, and none is spoken of that is well', async () => {
    await newTrunk({ name: 'well', inbound: { networks: ['127.0.50.1'] } });
    await newTrunk({ name: 'off', enabled: false });
    const { code, stdout } = await doctor(where());
    expect(stdout).toMatch(/ok {4}trunks +acme: 2, of which 1 are on/);
    expect(stdout).not.toMatch(/trunks +(well|off):/);
    expect(code).toBe(0);
  });

  it('that a registrar refuses, or asks in vain, are named with what it said, and doctor ends with 1', async () => {
    const registrar = await Registrar.open();
    try {
      const targets = [{ host: '127.0.0.1', port: registrar.udpPort }];
      const credentials = { username: registrar.username, password: 'another password' };
      const outbound = { targets, digest: credentials, registration: { expiresSeconds: 600 } };
      const asked = { name: 'wrong', outbound };
      await newTrunk(asked).then((id) => registrationOf(id, 'refused'));
      const { code, stdout } = await doctor(where());
      expect(stdout).toMatch(/ok {4}trunks +acme: 1, of which 1 are on; registered with 0 of 1/);
      expect(stdout).toMatch(/FAIL {2}trunks +wrong: not registered: [a-z-]+ \(40[13]\); calls do not come/);
      expect(stdout).not.toContain('another password');
      expect(code).toBe(1);
      registrar.failsWith = 500;
      const right = { ...credentials, password: registrar.password };
      await newTrunk({ name: 'broken', outbound: { ...outbound, digest: right } }).then((id) =>
        registrationOf(id, 'failed'),
      );
      expect((await doctor(where())).stdout).toMatch(
        /FAIL {2}trunks +broken: not registered: [a-z-]+ \(500\)/,
      );
    } finally {
      await registrar.close();
    }
  });

  it('whose servers are silent are named, and doctor ends with 1', async () => {
    const targets = [{ host: '127.0.0.1', port: silent.address().port }];
    const id = await newTrunk({ name: 'silent', outbound: { targets, ping: { seconds: 1, failures: 1 } } });
    await waitFor('it is down', async () => {
      const { state } = await gateway.rest.done<{ state: { targets: { status: string }[] } }>(
        'GET',
        `/trunks/${id}`,
      );
      return state.targets[0]?.status === 'down';
    });
    const { code, stdout } = await doctor(where());
    expect(stdout).toMatch(/FAIL {2}trunks +silent: none of its servers answers: sip:127\.0\.0\.1:\d+/);
    expect(code).toBe(1);
  });
});
