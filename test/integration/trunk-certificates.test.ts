/** Trunks that are known by the certificate of their TLS connection, as Direct Routing wants it, through the whole gateway. */
import { randomUUID } from 'node:crypto';
import { connect, type TLSSocket } from 'node:tls';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { TestAuthority, type Issued } from '../support/certificates.js';
import { audioOffer } from '../support/raw-sip.js';
import { TestGateway } from '../support/start-gateway.js';
import { waitFor } from '../support/wait-for.js';

const number = '+14155550100';
let authority: TestAuthority;
let gateway: TestGateway;
let trunkId: string;
const sockets: TLSSocket[] = [];

beforeAll(async () => {
  authority = await TestAuthority.open();
  const { cert, key } = await authority.write('gateway', await authority.issue({ names: ['127.0.0.1'] }));
  gateway = await TestGateway.start({
    environment: {
      ...{ LANDBRIDGE_TLS_CERT: cert, LANDBRIDGE_TLS_KEY: key, LANDBRIDGE_TLS_HTTP: 'false' },
      LANDBRIDGE_TLS_CLIENT_CERTIFICATES: 'optional',
      LANDBRIDGE_TLS_CLIENT_CA: authority.file,
    },
  });
  const trunk = await gateway.rest.done<{ id: string; inbound: object }>('POST', '/trunks', {
    inbound: { certificateNames: ['SBC.example'] },
  });
  trunkId = trunk.id;
  expect(trunk.inbound).toMatchObject({ networks: [], certificateNames: ['sbc.example'] });
  await gateway.rest.done('POST', '/numbers', { number, route: { kind: 'new-session' } });
});

afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
});

afterAll(async () => {
  await gateway.stop();
  await authority.remove();
});

class TlsCaller {
  #text = '';

  private constructor(readonly socket: TLSSocket) {
    socket
      .on('data', (chunk: Buffer) => (this.#text += chunk.toString('latin1')))
      .on('error', () => undefined);
  }

  static async open(shown: Issued | null, session?: Buffer): Promise<TlsCaller> {
    const socket = connect({
      ...{ host: '127.0.0.1', port: gateway.sipTlsPort, ca: authority.certPem, session },
      ...(shown !== null && { cert: shown.certPem, key: shown.keyPem }),
    });
    sockets.push(socket);
    const caller = new TlsCaller(socket);
    await new Promise((resolve) => socket.once('secureConnect', resolve));
    return caller;
  }

  /** Calls the number, and hangs up where it is answered; the status of the final response. */
  async call(): Promise<number> {
    const [callId, tag] = [randomUUID(), randomUUID().slice(0, 8)];
    const send = (method: string, cseq: number, more: readonly string[], body = '', to = ''): void => {
      const lines = [
        `${method} sip:${number}@127.0.0.1:${gateway.sipTlsPort};transport=tls SIP/2.0`,
        `Via: SIP/2.0/TLS 127.0.0.1:${this.socket.localPort};branch=z9hG4bK${callId}${method}`,
        ...['Max-Forwards: 70', `From: <sip:+4930123@sbc.example>;tag=${tag}`, `To: <sip:${number}@gw>${to}`],
        ...[`Call-ID: ${callId}`, `CSeq: ${cseq} ${method}`, ...more],
        ...[`Content-Length: ${Buffer.byteLength(body)}`, '', body],
      ];
      this.socket.write(lines.join('\r\n'));
    };
    const finalOf = (cseq: string): string | undefined =>
      this.#text
        .split(/(?=^SIP\/2\.0 )/m)
        .find((one) => /^SIP\/2\.0 [2-6]/.test(one) && one.includes(callId) && one.includes(`CSeq: ${cseq}`));
    const contact = `Contact: <sip:caller@127.0.0.1:${this.socket.localPort};transport=tls>`;
    send('INVITE', 1, [contact, 'Content-Type: application/sdp'], audioOffer(40_000));
    await waitFor('the INVITE is answered', () => finalOf('1 INVITE') !== undefined);
    const answer = finalOf('1 INVITE') ?? '';
    const status = Number(answer.slice(8, 11));
    const to = /^To:[^\r\n]*(;tag=[^;\s]+)/im.exec(answer)?.[1] ?? '';
    send('ACK', 1, [], '', to);
    if (status === 200) {
      send('BYE', 2, [], '', to);
      await waitFor('the BYE is answered', () => finalOf('2 BYE') !== undefined);
    }
    return status;
  }
}

it('A call over a connection with the certificate comes in, and is the trunk’s', async () => {
  const shown = await authority.issue({ names: ['www.example', 'sbc.example'] });
  const caller = await TlsCaller.open(shown);
  expect(await caller.call()).toBe(200);
  expect(await caller.call()).toBe(200);
  await gateway.idle();
  const { records } = await gateway.rest.done<{ records: { trunkId: string }[] }>(
    'GET',
    `/records?trunkId=${trunkId}`,
  );
  expect(records).toHaveLength(2);
});

it('A call over a connection that is resumed comes in as over the first', async () => {
  const shown = await authority.issue({ names: ['sbc.example'] });
  const first = await TlsCaller.open(shown);
  const session = new Promise<Buffer>((resolve) => first.socket.once('session', resolve));
  expect(await first.call()).toBe(200);
  const resumed = await TlsCaller.open(shown, await session);
  expect(resumed.socket.isSessionReused()).toBe(true);
  expect(await resumed.call()).toBe(200);
});

it.each([
  ['no certificate', () => Promise.resolve(null)],
  ['that of another name', () => authority.issue({ names: ['other.example', 'sbc.example.com'] })],
  [
    'one that ended',
    () => authority.issue({ names: ['sbc.example'], notAfter: new Date(Date.now() - 86_400_000) }),
  ],
  [
    'one of an authority that is not ours',
    async () => {
      const stranger = await TestAuthority.open();
      await stranger.remove();
      return stranger.issue({ names: ['sbc.example'] });
    },
  ],
])('A call over a connection with %s is a stranger’s', async (_, issue) => {
  const caller = await TlsCaller.open(await issue());
  expect(await caller.call()).toBe(403);
});

it('A trunk with names is refused where nobody is asked for a certificate, and with what is no name', async () => {
  const plain = await TestGateway.start();
  try {
    const refused = await plain.rest.request('POST', '/trunks', {
      inbound: { certificateNames: ['a.example'] },
    });
    expect([refused.status, JSON.stringify(refused.body)]).toEqual([
      400,
      expect.stringContaining('tls.clientCertificates'),
    ]);
  } finally {
    await plain.stop();
  }
  for (const name of ['', 'a b', 'sip:a.example', 'a'.repeat(300)]) {
    const answer = await gateway.rest.request('POST', '/trunks', { inbound: { certificateNames: [name] } });
    expect(answer.status, name).toBe(400);
  }
});
