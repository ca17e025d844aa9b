/** SIP over TLS (RFC 3261 §26), through the whole gateway: calls by sound, framing, limits, certificates. */
import { rootCertificates, connect as connectTls, type ConnectionOptions, type TLSSocket } from 'node:tls';
import { connect as connectTcp, type Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { placeCall, type PhoneCall } from '../../src/softphone/phone-call.js';
import { TestAuthority } from '../support/certificates.js';
import { callGateway } from '../support/gateway-phone.js';
import { TestGateway } from '../support/start-gateway.js';
import { waitFor } from '../support/wait-for.js';

let authority: TestAuthority;
let gateway: TestGateway;
const sockets: Socket[] = [];
const calls: PhoneCall[] = [];

async function start(environment: Record<string, string> = {}): Promise<TestGateway> {
  const { cert, key } = await authority.write(
    'main',
    await authority.issue({ names: ['127.0.0.1', 'localhost'] }),
  );
  return TestGateway.start({
    environment: {
      LANDBRIDGE_TLS_CERT: cert,
      LANDBRIDGE_TLS_KEY: key,
      LANDBRIDGE_TLS_HTTP: 'false',
      LANDBRIDGE_TLS_HANDSHAKE_TIMEOUT_SECONDS: '3',
      ...environment,
    },
  });
}

beforeAll(async () => {
  authority = await TestAuthority.open();
  gateway = await start({ LANDBRIDGE_SIP_MAX_CONNECTIONS_PER_ADDRESS: '20' });
});

afterEach(async () => {
  for (const call of calls.splice(0)) {
    await call.hangUp();
  }
  for (const socket of sockets.splice(0)) socket.destroy();
});

afterAll(async () => {
  await gateway.stop();
  await authority.remove();
});

function shakeHands(to = gateway, options: ConnectionOptions = {}): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = connectTls({ host: '127.0.0.1', port: to.sipTlsPort, ca: authority.certPem, ...options });
    sockets.push(socket);
    socket.once('secureConnect', () => resolve(socket)).once('error', reject);
  });
}

/** What came, as text, growing. */
function reading(socket: Socket): { text: string } {
  const read = { text: '' };
  socket.on('data', (chunk: Buffer) => (read.text += chunk.toString('latin1')));
  return read;
}

function options(callId: string, headers: readonly string[] = []): string {
  return [
    'OPTIONS sip:gateway.example SIP/2.0',
    `Via: SIP/2.0/TLS client.example;branch=z9hG4bK${callId}`,
    'From: <sip:a@client.example>;tag=1',
    'To: <sip:gateway.example>',
    `Call-ID: ${callId}`,
    'CSeq: 1 OPTIONS',
    'Max-Forwards: 70',
    ...headers,
    'Content-Length: 0',
    '',
    '',
  ].join('\r\n');
}

async function call(uri: string, token: string, toneHz: number): Promise<PhoneCall> {
  const made = await callGateway(gateway, token, { uri, toneHz, serverCa: [authority.certPem] });
  calls.push(made);
  return made;
}

describe('a phone over TLS', () => {
  it.each([
    ['sip:join@127.0.0.1:PORT;transport=tls', /^<sip:127\.0\.0\.1:\d+;transport=tls>/],
    ['sips:join@127.0.0.1:PORT', /^<sips:127\.0\.0\.1:\d+>/],
  ])('talks with one over UDP, and is hung up by the same connection: %s', async (template) => {
    const { rest } = gateway;
    const session = await rest.createSession();
    const [a, b] = [await rest.newcomer(session), await rest.newcomer(session)];
    const over = await call(template.replace('PORT', String(gateway.sipTlsPort)), a.token, 440);
    const plain = await call(`sip:join@127.0.0.1:${gateway.sipPort}`, b.token, 1000);
    await waitFor(
      'each hears the other',
      () => over.heard.levelDbfs(1000) > -30 && plain.heard.levelDbfs(440) > -30,
    );
    await rest.done('DELETE', `/participants/${a.id}`);
    expect(await over.ended).toMatchObject({ by: 'remote', why: 'hang-up' });
  });

  it('refuses a gateway whose certificate is of nobody it knows, or for another name', async () => {
    const { rest } = gateway;
    const { token } = await rest.newcomer(await rest.createSession());
    const place = (uri: string, serverCa: readonly string[]) =>
      placeCall({ uri, token, serverCa, source: { kind: 'silence' } });
    const uri = `sips:join@127.0.0.1:${gateway.sipTlsPort}`;
    await expect(place(uri, rootCertificates)).rejects.toThrow(/self-signed|issuer|certificate/i);
    await expect(place(`sips:join@127.0.0.2:${gateway.sipTlsPort}`, [authority.certPem])).rejects.toThrow();
  });
});

describe('messages over TLS', () => {
  it('are read whole, however they are cut, and several at once; keep-alives are answered', async () => {
    const socket = await shakeHands();
    const read = reading(socket);
    const text = `${options('first')}${options('second')}`;
    for (const cut of [0, 7, 90, 300])
      socket.write(text.slice(cut, [7, 90, 300, text.length][[0, 7, 90, 300].indexOf(cut)]));
    await waitFor('both are answered', () => read.text.split('SIP/2.0 200').length === 3);
    expect(read.text).toMatch(/Contact|Allow/);
    const before = read.text.length;
    socket.write('\r\n\r\n');
    await waitFor('the keep-alive is answered', () => read.text.slice(before) === '\r\n');
  });

  it('may be as long as elsewhere', async () => {
    const socket = await shakeHands();
    const read = reading(socket);
    socket.write(
      options(
        'long',
        Array.from({ length: 150 }, (_, i) => `X-Filler-${i}: ${'x'.repeat(200)}`),
      ),
    );
    await waitFor('it is answered', () => read.text.startsWith('SIP/2.0 200'));
  });
});

describe('the TLS port', () => {
  it('makes no handshake anew within a connection', async () => {
    const socket = await shakeHands(gateway, { maxVersion: 'TLSv1.2' });
    const outcome = await new Promise<string>((resolve) => {
      socket.on('error', () => resolve('refused')).on('close', () => resolve('refused'));
      socket.renegotiate({}, (error) => resolve(error === null ? 'made' : 'refused'));
    });
    expect(outcome).toBe('refused');
  });

  it('goes on after rubbish and SIP in the clear', async () => {
    for (const bytes of [options('clear'), Buffer.alloc(3000, 0x16), Buffer.from([0x16, 3, 1, 0xff, 0xff])]) {
      const socket = connectTcp(gateway.sipTlsPort, '127.0.0.1').on('error', () => undefined);
      sockets.push(socket);
      socket.write(bytes);
    }
    const read = reading(await shakeHands());
    (sockets.at(-1) as Socket).write(options('after-rubbish'));
    await waitFor('it is answered', () => read.text.startsWith('SIP/2.0 200'));
  });

  it('lets a caller in beside any number of handshakes that are never done, and of idle connections', async () => {
    const { rest } = gateway;
    const { token } = await rest.newcomer(await rest.createSession());
    const uri = `sips:join@127.0.0.1:${gateway.sipTlsPort}`;
    const over = await call(uri, token, 440);
    for (let n = 0; n < 30; n += 1) {
      sockets.push(connectTcp(gateway.sipTlsPort, '127.0.0.1').on('error', () => undefined));
      (await shakeHands()).on('error', () => undefined);
    }
    const other = await rest.newcomer(await rest.createSession());
    await call(uri, other.token, 1000);
    await over.hangUp();
    expect(await over.ended).toMatchObject({ by: 'local' });
  });

  it('closes a handshake that is never done, also where it comes octet by octet', async () => {
    // A ClientHello (RFC 8446 §4.1.2) that says to be longer than it is.
    const halfHello = Buffer.from(`16030107d0010007cc0303${'00'.repeat(1900)}`, 'hex');
    const [silent, slow] = [1, 2].map(() =>
      connectTcp(gateway.sipTlsPort, '127.0.0.1').on('error', () => undefined),
    ) as [Socket, Socket];
    sockets.push(silent, slow);
    let sent = 0;
    const sending = setInterval(() => slow.write(halfHello.subarray(sent, ++sent)), 100);
    const closed = (socket: Socket) => new Promise((resolve) => socket.once('close', resolve).resume());
    await Promise.all([silent, slow].map(closed)).finally(() => clearInterval(sending));
    expect(sent).toBeLessThan(halfHello.length);
  });
});

describe('clients that must show a certificate', () => {
  it('come in with a good one alone', async () => {
    const strict = await start({
      LANDBRIDGE_TLS_CLIENT_CERTIFICATES: 'required',
      LANDBRIDGE_TLS_CLIENT_CA: authority.file,
    });
    try {
      const good = await authority.issue({ names: ['client.example'] });
      const known = await shakeHands(strict, { cert: good.certPem, key: good.keyPem });
      const read = reading(known);
      known.write(options('with-certificate'));
      await waitFor('it is answered', () => read.text.startsWith('SIP/2.0 200'));

      const stranger = await TestAuthority.open();
      const bad = await stranger.issue({ names: ['client.example'] });
      for (const shown of [{}, { cert: bad.certPem, key: bad.keyPem }]) {
        // With TLS 1.3 the client hears of it only after its own part is done.
        const refused = await shakeHands(strict, shown).catch(() => null);
        if (refused === null) continue;
        const silent = reading(refused);
        refused.on('error', () => undefined).write(options('without'));
        await new Promise((resolve) => refused.once('close', resolve));
        expect(silent.text).toBe('');
      }
      await stranger.remove();
    } finally {
      await strict.stop();
    }
  });
});
