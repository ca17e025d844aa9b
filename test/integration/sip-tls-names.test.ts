/** Several certificates, chosen by the name that a client asks for (RFC 6066 §3) and by the address that it comes to. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestAuthority, type CertificateFilePair } from '../support/certificates.js';
import { freePort } from '../support/daemon.js';
import { isBesideDrachtio } from '../support/servers-beside.js';
import { runGateway, TestGateway } from '../support/start-gateway.js';

let authority: TestAuthority;
let directory: string;

beforeAll(async () => {
  authority = await TestAuthority.open();
  directory = await mkdtemp(join(tmpdir(), 'landbridge-names-'));
});

afterAll(async () => {
  await authority.remove();
  await rm(directory, { recursive: true, force: true });
});

async function pair(name: string, ...names: string[]): Promise<CertificateFilePair> {
  return authority.write(name, await authority.issue({ names }));
}

interface Shown {
  readonly names: string;
  readonly serial: string;
}

/** What is shown at a port to who asks for that name. */
function shownAt(host: string, port: number, servername = ''): Promise<Shown> {
  return new Promise((resolve, reject) => {
    const socket = connectTls({ host, port, servername, rejectUnauthorized: false });
    socket.once('error', reject).once('secureConnect', () => {
      const { subjectaltname: names = '', serialNumber: serial } = socket.getPeerCertificate();
      socket.destroy();
      resolve({ names, serial });
    });
  });
}

describe('a gateway with several certificates', () => {
  let gateway: TestGateway;
  let ownPort: number;

  beforeAll(async () => {
    const main = await pair('main', 'gw.example', '127.0.0.1');
    const wildcard = await pair('wildcard', '*.example.org');
    const exact = await pair('exact', 'sip.example.org');
    const own = await pair('own', 'sbc.example.net');
    ownPort = await freePort();
    const file = join(directory, 'landbridge.yaml');
    const listen = isBesideDrachtio
      ? []
      : [{ host: '127.0.0.2', tlsPort: ownPort, transports: ['tls'], ...own }];
    await writeFile(
      file,
      JSON.stringify({
        tls: { ...main, hosts: [wildcard, exact], reloadSeconds: 1 },
        sip: { listen },
      }),
    );
    gateway = await TestGateway.start({ environment: { LANDBRIDGE_CONFIG: file } });
  });

  afterAll(() => gateway.stop());

  const asked = [
    ['', 'DNS:gw.example, IP Address:127.0.0.1'],
    ['nobody.example', 'DNS:gw.example, IP Address:127.0.0.1'],
    ['gw.example', 'DNS:gw.example, IP Address:127.0.0.1'],
    ['a.example.org', 'DNS:*.example.org'],
    ['SIP.example.org', 'DNS:sip.example.org'],
  ] as const;

  it.each(asked)('shows to who asks for %j over https: %s', async (name, names) => {
    expect(await shownAt('127.0.0.1', gateway.httpPort, name)).toMatchObject({ names });
  });

  it.skipIf(isBesideDrachtio).each(asked)(
    'shows to who asks for %j at the SIP port: %s',
    async (name, names) => {
      expect(await shownAt('127.0.0.1', gateway.sipTlsPort, name)).toMatchObject({ names });
    },
  );

  it.skipIf(isBesideDrachtio)(
    'shows an address’s own there, and the others to who asks for their names',
    async () => {
      expect(await shownAt('127.0.0.2', ownPort)).toMatchObject({ names: 'DNS:sbc.example.net' });
      expect(await shownAt('127.0.0.2', ownPort, 'x.example')).toMatchObject({
        names: 'DNS:sbc.example.net',
      });
      expect(await shownAt('127.0.0.2', ownPort, 'a.example.org')).toMatchObject({
        names: 'DNS:*.example.org',
      });
      expect(await shownAt('127.0.0.1', gateway.httpPort, 'sbc.example.net')).toMatchObject({
        names: 'DNS:sbc.example.net',
      });
    },
  );

  it.skipIf(isBesideDrachtio)(
    'shows each anew when its files change, and goes on with one whose files are bad',
    async () => {
      const own = await shownAt('127.0.0.2', ownPort);
      const exact = await shownAt('127.0.0.1', gateway.httpPort, 'sip.example.org');
      await writeFile(join(authority.directory, 'exact.key'), 'no key any more');
      await pair('own', 'sbc.example.net');
      const serial = async () => (await shownAt('127.0.0.2', ownPort)).serial;
      await expect.poll(serial).not.toBe(own.serial);
      expect(await shownAt('127.0.0.1', gateway.httpPort, 'sip.example.org')).toEqual(exact);
      const complaint = gateway.log.find(({ msg }) => msg.startsWith('changed certificates cannot be used'));
      expect(complaint?.['problem']).toBe(
        `${authority.directory}/exact.key holds no private key in PEM form.`,
      );
    },
  );
});

describe('a gateway with a certificate that cannot be used does not start, and says which', () => {
  it.each([
    [
      'has the key of another',
      async () => {
        const { key } = await pair('another', 'b.example');
        return { cert: (await pair('one', 'a.example')).cert, key };
      },
      /^landbridge: The key in \S+another\.key does not belong to the certificate in \S+one\.crt\.\n$/,
    ],
    [
      'is not there',
      async () => ({ cert: join(directory, 'gone.crt'), key: join(directory, 'gone.key') }),
      /^landbridge: \S+gone\.crt cannot be read \(ENOENT\)\.\n$/,
    ],
  ])('%s', async (_what, bad, words) => {
    const file = join(directory, 'bad.yaml');
    await writeFile(
      file,
      JSON.stringify({ tls: { ...(await pair('good', 'gw.example')), hosts: [await bad()] } }),
    );
    const { code, stderr } = await runGateway({ environment: { LANDBRIDGE_CONFIG: file } });
    expect(stderr).toMatch(words);
    expect(code).toBe(1);
  });
});
