/** Several addresses to listen on, as the start, `landbridge doctor` and explanations show them. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestAuthority } from '../support/certificates.js';
import { freePort } from '../support/daemon.js';
import { audioOffer, RawSip } from '../support/raw-sip.js';
import { isBesideDrachtio, isBesideFreeSwitch } from '../support/servers-beside.js';
import { runGateway, TestGateway } from '../support/start-gateway.js';

let directory: string;
let authority: TestAuthority;
let settings: { readonly sip: { readonly listen: readonly object[] }; readonly tls: object };
let ports: readonly number[];

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'landbridge-listen-'));
  authority = await TestAuthority.open();
  const own = await authority.write('own', await authority.issue({ names: ['127.0.0.2'] }));
  const main = await authority.write('main', await authority.issue({ names: ['127.0.0.1'] }));
  ports = [await freePort(), await freePort(), await freePort()];
  settings = {
    tls: { ...main, http: false },
    sip: {
      listen: [
        { host: '127.0.0.2', port: ports[0], tlsPort: ports[1], transports: ['udp', 'tls'], ...own },
        { host: '127.0.0.4', port: ports[0], address: '198.51.100.7', transports: ['tcp'] },
        { host: '::1', port: ports[2], transports: ['tcp'] },
      ],
    },
  };
});

afterAll(async () => {
  await authority.remove();
  await rm(directory, { recursive: true, force: true });
});

async function fileWith(name: string, content: object): Promise<string> {
  const file = join(directory, `${name}.yaml`);
  await writeFile(file, JSON.stringify(content));
  return file;
}

describe.skipIf(isBesideDrachtio || isBesideFreeSwitch)('a gateway that listens at several addresses', () => {
  let gateway: TestGateway;
  beforeAll(async () => {
    const file = await fileWith('gateway', settings);
    gateway = await TestGateway.start({ environment: { LANDBRIDGE_CONFIG: file } });
  });
  afterAll(() => gateway.stop());

  it('says at the start where', () => {
    expect(gateway.log.find(({ msg }) => msg === 'ready')?.['sipOthers']).toEqual([
      `udp 127.0.0.2:${ports[0]}`,
      `tls 127.0.0.2:${ports[1]}`,
      `tcp 127.0.0.4:${ports[0]}`,
      `tcp [::1]:${ports[2]}`,
    ]);
  });

  it('is called by doctor at each of them, over what is spoken there', async () => {
    // That one has nothing that is told there: nobody but this machine is called.
    const { listen } = settings.sip;
    const file = await fileWith('doctor', { ...settings, sip: { listen: [listen[0], listen[2]] } });
    const { stdout, code } = await runGateway({
      arguments: ['doctor'],
      environment: {
        LANDBRIDGE_CONFIG: file,
        LANDBRIDGE_HTTP_PORT: String(gateway.httpPort),
        LANDBRIDGE_SIP_PORT: String(gateway.sipPort),
        LANDBRIDGE_SIP_TLS_PORT: String(gateway.sipTlsPort),
      },
    });
    for (const uri of [
      `sip:join@127.0.0.1:${gateway.sipPort}`,
      `sips:join@127.0.0.1:${gateway.sipTlsPort}`,
      `sip:join@127.0.0.2:${ports[0]}`,
      `sips:join@127.0.0.2:${ports[1]}`,
      `sip:join@[::1]:${ports[2]};transport=tcp`,
    ])
      expect(stdout).toContain(`ok    call to itself     ${uri} answered in `);
    expect(stdout).toMatch(/warn {2}certificate +\S+own\.crt: 127\.0\.0\.2, /);
    expect(stdout.split('\n').filter((line) => line.includes('SIP address'))).toHaveLength(3);
    expect(code).toBe(0);
  });

  it.each([
    ['127.0.0.1', 'udp', '127.0.0.30', () => `127.0.0.1:${gateway.sipPort}`, '', 'IN IP4 127.0.0.1'],
    ['127.0.0.2', 'tls', '127.0.0.30', () => `127.0.0.2:${ports[1]}`, ';transport=tls', 'IN IP4 127.0.0.2'],
    [
      '198.51.100.7',
      'tcp',
      '127.0.0.30',
      () => `198.51.100.7:${ports[0]}`,
      ';transport=tcp',
      'IN IP4 198.51.100.7',
    ],
    ['gateway.example', 'tcp', '::1', () => `[::1]:${ports[2]}`, ';transport=tcp', 'IN IP6 ::1'],
  ])(
    'explains a call to %s over %s from %s as what comes there',
    async (host, transport, address, contact, parameters, media) => {
      const { rest } = gateway;
      const { token } = await rest.newcomer(await rest.createSession());
      const sip = await RawSip.open(gateway.sipPort);
      const body = audioOffer(4000).replaceAll(
        'IN IP4 127.0.0.1',
        media.startsWith('IN IP6') ? 'IN IP6 ::1' : 'IN IP4 127.0.0.1',
      );
      const message = sip
        .invite({ body, headers: [`User-to-User: ${token};encoding=jwt`] })
        .replace(/^INVITE sip:\S+/, `INVITE sip:join@${host}`);
      sip.close();
      const told = await rest.done<{
        answer: { contact: string; description: string };
        steps: { step: string; details: { cameTo?: string } }[];
      }>('POST', '/sip/explain', { message, source: { address, port: 5060, transport } });
      expect(told.answer.contact).toBe(`<sip:${contact()}${parameters}>`);
      expect(/^c=(.*?)\r?$/m.exec(told.answer.description)?.[1]).toBe(media);
      const { cameTo } = told.steps.find(({ step }) => step === 'source')?.details ?? {};
      expect(cameTo).toMatch(/^(?:127\.0\.0\.[124]|\[::1\]):\d+$/);
    },
  );
});

describe.skipIf(isBesideDrachtio)('a port of one of several addresses that is taken', () => {
  it('stops the start before anything stands, and is named by doctor', async () => {
    const other = createSocket('udp4').bind(0, '127.0.0.2');
    await once(other, 'listening');
    const { port } = other.address();
    const file = await fileWith('taken', {
      sip: {
        listen: [
          { host: '127.0.0.2', port, transports: ['udp'] },
          { host: '::', port: ports[0] },
        ],
      },
    });
    const dataDirectory = await mkdtemp(join(tmpdir(), 'landbridge-test-'));
    const environment = {
      LANDBRIDGE_CONFIG: file,
      LANDBRIDGE_SIP_HOST: '0.0.0.0',
      LANDBRIDGE_SIP_PORT: String(ports[0]),
    };
    const { code, stderr } = await runGateway({ dataDirectory, environment });
    expect(stderr).toBe(`landbridge: Port 127.0.0.2:${port} is in use: is another Landbridge running?\n`);
    expect(code).toBe(1);
    expect(await readdir(dataDirectory)).toEqual([]);
    const doctor = await runGateway({ arguments: ['doctor'], environment });
    other.close();
    expect(doctor.stdout).toContain(`FAIL  SIP port, UDP      127.0.0.2:${port} is taken by another program`);
    // IPv6 alone, beside IPv4 on the same port.
    expect(doctor.stdout).toContain(`ok    SIP port, UDP      [::]:${ports[0]} is free`);
    expect(doctor.stdout).toContain(`ok    SIP port, UDP      0.0.0.0:${ports[0]} is free`);
    await rm(dataDirectory, { recursive: true, force: true });
  });
});
