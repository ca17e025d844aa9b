/** Several addresses to listen on: what a peer sees and gets is that of the one which it came to. */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  createSipServer,
  parseMessage,
  type SipMessage,
  type SipServer,
} from '../../src/sip-server/index.js';
import { isBesideDrachtio, isBesideFreeSwitch } from '../support/servers-beside.js';
import { TestGateway } from '../support/start-gateway.js';
import { waitFor } from '../support/wait-for.js';
import { answer, offer, useFreshServers } from './sip-server/drachtio-stage.js';
import { connectApp, secret, type SrfApp, type SrfDialog } from './sip-server/srf-app.js';

useFreshServers();

interface Arrived {
  readonly message: SipMessage;
  readonly from: string;
}

/** A phone that writes down what comes, and from where. */
class Phone {
  readonly arrived: Arrived[] = [];
  readonly #socket: Socket;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('message', (bytes, { address, port }) => {
      const result = parseMessage(bytes);
      if (result.ok) this.arrived.push({ message: result.message, from: `${address} ${port}` });
    });
  }

  static async open(address: string): Promise<Phone> {
    const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4').bind(0, address);
    await once(socket, 'listening');
    phones.push(new Phone(socket));
    return phones.at(-1) as Phone;
  }

  get hostPort(): string {
    const { address, port } = this.#socket.address();
    return `${address.includes(':') ? `[${address}]` : address}:${port}`;
  }

  send(text: string, to: { address: string; port: number }): void {
    this.#socket.send(text, to.port, to.address);
  }

  async next(what: string, fits: (message: SipMessage) => boolean): Promise<Arrived> {
    await waitFor(what, () => this.arrived.some(({ message }) => fits(message)));
    return this.arrived.find(({ message }) => fits(message)) as Arrived;
  }

  final(): Promise<Arrived> {
    return this.next('an answer', (message) => message.kind === 'response' && message.status >= 200);
  }

  request(method: string): Promise<Arrived> {
    return this.next(method, (message) => message.kind === 'request' && message.method === method);
  }

  close(): void {
    this.#socket.close();
  }
}

const phones: Phone[] = [];
let calls = 0;

afterEach(() => {
  for (const phone of phones.splice(0)) phone.close();
});

/** `via`: what it says of where it is. */
function invite(phone: Phone, fields: readonly string[] = [], body = offer, via = phone.hostPort): string {
  calls += 1;
  return [
    'INVITE sip:join@gateway.example SIP/2.0',
    `Via: SIP/2.0/UDP ${via};branch=z9hG4bKlisten${calls}`,
    `From: <sip:a@${phone.hostPort}>;tag=a${calls}`,
    'To: <sip:join@gateway.example>',
    `Call-ID: listen-${calls}`,
    'CSeq: 1 INVITE',
    `Contact: <sip:a@${phone.hostPort}>`,
    'Content-Type: application/sdp',
    ...fields,
    `Content-Length: ${Buffer.byteLength(body)}`,
    '',
    body,
  ].join('\r\n');
}

describe('a SIP server', () => {
  let server: SipServer;
  let srf: SrfApp;
  const dialogs: SrfDialog[] = [];

  beforeAll(async () => {
    server = await createSipServer({
      udp: { host: '127.0.0.1', port: 0 },
      listeners: [
        { udp: { host: '127.0.0.2', port: 0 }, tcp: { host: '127.0.0.2', port: 0 }, host: 'sbc.example.com' },
        { udp: { host: '::1', port: 0 } },
      ],
      admin: { host: '127.0.0.1', port: 0, secret },
    });
    srf = await connectApp(server, (app) =>
      app.invite(
        (req, res) => void app.createUAS(req, res, { localSdp: answer }).then((made) => dialogs.push(made)),
      ),
    );
  });

  afterAll(async () => {
    srf.disconnect();
    await server.close();
  });

  const places = () =>
    [server.udpAddress, ...server.otherAddresses.map(({ udp }) => udp)].map(
      (place) => place ?? { address: '', port: 0 },
    );

  it.each([
    [0, '127.0.0.30', '127.0.0.1'],
    [1, '127.0.0.30', 'sbc.example.com'],
    [2, '::1', '[::1]'],
  ])('answers by socket %i, shows it, and hangs up by it', async (index, at, shown) => {
    const place = places()[index] ?? { address: '', port: 0 };
    const phone = await Phone.open(at);
    // The response goes to another port than the request came from.
    const other = await Phone.open(at);
    phone.send(invite(phone, [], offer, other.hostPort), place);
    const { message, from } = await other.final();
    expect(from).toBe(`${place.address} ${place.port}`);
    expect(message.headers.get('Contact')).toBe(`<sip:${shown}:${place.port}>`);
    phone.send(
      [
        'ACK sip:join@gateway.example SIP/2.0',
        `Via: SIP/2.0/UDP ${phone.hostPort};branch=z9hG4bKack${calls}`,
        ...['From', 'To', 'Call-ID'].map((name) => `${name}: ${message.headers.get(name) ?? ''}`),
        'CSeq: 1 ACK',
        'Content-Length: 0',
        '',
        '',
      ].join('\r\n'),
      place,
    );
    await waitFor('the call stands', () => dialogs.length > 0);
    void dialogs.pop()?.destroy();
    const bye = await phone.request('BYE');
    expect(bye.from).toBe(from);
    expect(bye.message.headers.get('Via')).toContain(`SIP/2.0/UDP ${shown}:${place.port};`);
  });

  it('calls by the socket from which the system goes there', async () => {
    for (const [at, index] of [
      ['127.0.0.30', 0],
      ['::1', 2],
    ] as const) {
      const phone = await Phone.open(at);
      srf.createUAC(`sip:x@${phone.hostPort}`, { localSdp: offer }).catch(() => undefined);
      const { from } = await phone.request('INVITE');
      expect(from).toBe(`${places()[index]?.address ?? ''} ${places()[index]?.port ?? 0}`);
    }
  });
});

describe.skipIf(isBesideDrachtio || isBesideFreeSwitch)('a gateway', () => {
  let gateway: TestGateway;
  let directory: string;
  let port: number;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'landbridge-listen-'));
    const file = join(directory, 'landbridge.yaml');
    const free = createSocket('udp6').bind(0, '::');
    await once(free, 'listening');
    ({ port } = free.address());
    free.close();
    await writeFile(
      file,
      `sip:
  listen:
    - host: 127.0.0.2
      port: ${port}
      address: 198.51.100.7
      name: sbc.example.com
    - host: ::1
      port: ${port}
      transports: [udp]
`,
    );
    gateway = await TestGateway.start({ environment: { LANDBRIDGE_CONFIG: file } });
  });

  afterAll(async () => {
    await gateway.stop();
    await rm(directory, { recursive: true, force: true });
  });

  it.each([
    ['127.0.0.1', '127.0.0.30', '127.0.0.1', 'IN IP4 127.0.0.1'],
    ['127.0.0.2', '127.0.0.30', 'sbc.example.com', 'IN IP4 198.51.100.7'],
    ['::1', '::1', '[::1]', 'IN IP6 ::1'],
  ])('that is called at %s from %s says %s in Contact, and media at %s', async (at, from, contact, media) => {
    const { token } = await gateway.rest.newcomer(await gateway.rest.createSession());
    const phone = await Phone.open(from);
    const body = at === '::1' ? offer.replaceAll('IN IP4 127.0.0.1', 'IN IP6 ::1') : offer;
    const place = { address: at, port: at === '127.0.0.1' ? gateway.sipPort : port };
    phone.send(invite(phone, [`User-to-User: ${token};encoding=jwt`], body), place);
    const { message } = await phone.final();
    expect(message.kind === 'response' && message.status).toBe(200);
    expect(message.headers.get('Contact')).toBe(`<sip:${contact}:${place.port}>`);
    expect(/^c=(.*?)\r?$/m.exec(message.body.toString())?.[1]).toBe(media);
  });
});
