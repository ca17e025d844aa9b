/** Where requests of ours go (RFC 3263): through a DNS server of the test's own, to real sockets, from drachtio-srf. */
import { createServer as createTcpServer } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { describe, expect, it } from 'vitest';
import type { SipRequest } from '../../src/sip-server/index.js';
import { TestAuthority } from '../support/certificates.js';
import { waitFor } from '../support/wait-for.js';
import { answer, inDialog, offer, useFreshServers } from './sip-server/drachtio-stage.js';
import {
  closers,
  dns,
  firstResponseMs,
  listening,
  peer,
  server,
  srf,
  start,
  twoServers,
  useNextHops,
} from './sip-server/next-hop-stage.js';
import type { SrfDialog, SrfRequest, SrfResponse } from './sip-server/srf-app.js';

useFreshServers();
useNextHops();

/** The status of the final response. */
function answerTo(uri: string, options: object): Promise<number> {
  return new Promise((resolve, reject) =>
    srf.request(uri, options, (error, request) => {
      if (error !== null && error !== undefined) reject(error);
      else
        request.on('response', ({ status }: SrfResponse) => {
          if (status >= 200) resolve(status);
        });
    }),
  );
}

const call = (uri = 'sip:x@trunk.test', callbacks: object = {}) =>
  srf.createUAC(uri, { localSdp: offer }, callbacks);

describe('a call to a name', () => {
  it('goes where NAPTR, SRV and A records lead, and its ACK and BYE to whom answered', async () => {
    await start();
    const [one] = await twoServers();
    const calling = call();
    const invite = await one.request('INVITE');
    expect(invite.uri).toBe('sip:x@trunk.test');
    one.reply(invite, 200, {}, answer);
    const dialog = await calling;
    await one.request('ACK');
    void dialog.destroy();
    const bye = await one.request('BYE');
    one.reply(bye, 200);
    expect(dns.asked.slice(0, 3)).toEqual(['NAPTR trunk.test', 'SRV _sip._udp.trunk.test', 'A one.test']);
  });

  it('goes to the next server after a 503, which is acknowledged; later calls begin with the other', async () => {
    await start();
    const [one, two] = await twoServers();
    const calling = call();
    const refused = await one.request('INVITE');
    one.reply(refused, 503, { 'Retry-After': '30' });
    await one.request('ACK');
    const invite = await two.request('INVITE');
    for (const name of ['Call-ID', 'CSeq', 'From', 'To'])
      expect(invite.headers.get(name)).toBe(refused.headers.get(name));
    expect(invite.headers.get('Via')).not.toBe(refused.headers.get('Via'));
    two.reply(invite, 200, {}, answer);
    const dialog = await calling;
    await two.request('ACK');
    expect(dialog.connected).toBe(true);

    const again = call();
    two.reply(await two.request('INVITE'), 486);
    await expect(again).rejects.toMatchObject({ status: 486 });
  });

  it('goes to the next server where the first is silent, and comes back to it where all others fail', async () => {
    await start();
    const [one, two] = await twoServers();
    const calling = call();
    await one.request('INVITE');
    two.reply(await two.request('INVITE'), 486);
    await expect(calling).rejects.toMatchObject({ status: 486 });

    const again = call();
    two.reply(await two.request('INVITE'), 503);
    // The first INVITE is repeated until its transaction ends: that of another call is another.
    const callId = two.received.at(-1)?.headers.get('Call-ID');
    const last = await one.next(
      (message): message is SipRequest =>
        message.kind === 'request' &&
        message.method === 'INVITE' &&
        message.headers.get('Call-ID') === callId,
    );
    one.reply(last, 486);
    await expect(again).rejects.toMatchObject({ status: 486 });
  });

  it('is cancelled at the server that has it', async () => {
    await start();
    const [one, two] = await twoServers();
    let request: SrfRequest | undefined;
    const calling = call('sip:x@trunk.test', {
      cbRequest: (_error: unknown, made: SrfRequest) => (request = made),
    });
    one.reply(await one.request('INVITE'), 503);
    const invite = await two.request('INVITE');
    two.reply(invite, 180);
    await waitFor('the application has its request', () => request !== undefined);
    request?.cancel();
    const cancel = await two.request('CANCEL');
    expect(cancel.headers.get('Via')).toBe(invite.headers.get('Via'));
    two.reply(cancel, 200);
    two.reply(invite, 487);
    await expect(calling).rejects.toMatchObject({ status: 487 });
    expect(
      one.received.filter(({ kind }) => kind === 'request').map((m) => 'method' in m && m.method),
    ).toEqual(['INVITE', 'ACK']);
  });

  it('that nobody knows, or a DNS that says nothing, is 503', async () => {
    await start();
    await expect(call('sip:x@nowhere.test')).rejects.toMatchObject({ status: 503 });
    dns.isSilent = true;
    await expect(call('sip:x@silent.test')).rejects.toMatchObject({ status: 503 });
    await waitFor('nothing is left', () => server.stats().pendingRequests === 0);
  });
});

describe('a server that asks for a password', () => {
  it('is the one that is answered, though its name has another as good; whoever answers nothing goes to either', async () => {
    let drawn = 0;
    const draws = { random: () => drawn };
    await start({ nextHop: { dnsServers: [dns.address], firstResponseMs, dnsTimeoutMs: 1_000, ...draws } });
    const [one, two] = [await peer(), await peer()];
    dns.srv(
      '_sip._udp.trunk.test',
      { priority: 1, port: one.port, target: 'one.test' },
      { priority: 1, port: two.port, target: 'two.test' },
    );
    const register = (headers: object) =>
      answerTo('sip:trunk.test', { method: 'REGISTER', headers: { 'Call-ID': 'registration', ...headers } });
    const asked = register({});
    one.reply(await one.request('REGISTER'), 401, { 'WWW-Authenticate': 'Digest realm="a", nonce="b"' });
    expect(await asked).toBe(401);
    drawn = 0.9;
    const answered = register({ Authorization: 'Digest username="us", response="c"' });
    one.reply(await one.request('REGISTER'), 200);
    expect(await answered).toBe(200);
    expect(two.received).toEqual([]);
    const anew = register({});
    two.reply(await two.request('REGISTER'), 200);
    expect(await anew).toBe(200);
  });

  it('and is gone when it is answered is passed over', async () => {
    await start();
    const [one, two] = await twoServers();
    const register = (headers: object) =>
      answerTo('sip:trunk.test', { method: 'REGISTER', headers: { 'Call-ID': 'registration', ...headers } });
    const asked = register({});
    one.reply(await one.request('REGISTER'), 407, { 'Proxy-Authenticate': 'Digest realm="a", nonce="b"' });
    expect(await asked).toBe(407);
    const answered = register({ 'Proxy-Authorization': 'Digest username="us", response="c"' });
    one.reply(await one.request('REGISTER'), 503);
    two.reply(await two.request('REGISTER'), 200);
    expect(await answered).toBe(200);
    expect(one.received).toHaveLength(2);
  });
});

describe('a server that takes no connection', () => {
  it('is passed over', async () => {
    await start();
    const closed = await listening(createTcpServer());
    const open = await listening(createTcpServer());
    await closers.shift()?.();
    dns.srv(
      '_sip._tcp.trunk.test',
      { priority: 1, port: closed.port, target: 'one.test' },
      { priority: 2, port: open.port, target: 'two.test' },
    );
    const calling = call('sip:x@trunk.test;transport=tcp').catch((error: unknown) => error);
    await waitFor('the second has it', () => open.received.length > 0);
    expect(open.received[0]?.headers.get('Contact')).toContain('transport=tcp');
    for (const socket of open.sockets) socket.destroy();
    expect(await calling).toMatchObject({ status: 503 });
  });
});

describe('over TLS', () => {
  it('the name that was asked for is what the certificate must be for, and what is asked for in the handshake', async () => {
    const authority = await TestAuthority.open();
    closers.push(() => authority.remove());
    await start({
      tls: { host: '127.0.0.1', port: 0, serverCa: [authority.certPem], ...(await certificateOf(authority)) },
    });
    const shown: string[] = [];
    const tlsServer = async (name: string) => {
      const { certPem, keyPem } = await authority.issue({ names: [name] });
      return listening(
        createTlsServer({
          cert: certPem,
          key: keyPem,
          SNICallback: (asked, done) => {
            shown.push(`${name} was asked for ${asked}`);
            done(null);
          },
        }),
      );
    };
    // Its certificate is for the host that the DNS names, which anybody who forges the DNS can have.
    const forged = await tlsServer('one.test');
    const real = await tlsServer('trunk.test');
    dns
      .naptr('trunk.test', { service: 'SIPS+D2T', replacement: '_sips._tcp.trunk.test' })
      .srv(
        '_sips._tcp.trunk.test',
        { priority: 1, port: forged.port, target: 'one.test' },
        { priority: 2, port: real.port, target: 'two.test' },
      );
    const calling = call('sips:x@trunk.test').catch((error: unknown) => error);
    await waitFor('the real one has it', () => real.received.length > 0);
    expect(forged.received).toEqual([]);
    expect(shown).toEqual(['one.test was asked for trunk.test', 'trunk.test was asked for trunk.test']);
    for (const socket of real.sockets) socket.destroy();
    expect(await calling).toMatchObject({ status: 503 });
  });

  it('the certificate may name its domain in a sip URI, and no other domain', async () => {
    const authority = await TestAuthority.open();
    closers.push(() => authority.remove());
    await start({
      tls: { host: '127.0.0.1', port: 0, serverCa: [authority.certPem], ...(await certificateOf(authority)) },
    });
    const tlsServer = async (name: string) => {
      // The common name does not count beside it.
      const { certPem, keyPem } = await authority.issue({ names: [name], commonName: 'trunk.test' });
      return listening(createTlsServer({ cert: certPem, key: keyPem }));
    };
    const other = await tlsServer('sip:other.test');
    const real = await tlsServer('sip:trunk.test');
    dns.srv(
      '_sips._tcp.trunk.test',
      { priority: 1, port: other.port, target: 'one.test' },
      { priority: 2, port: real.port, target: 'two.test' },
    );
    const calling = call('sips:x@trunk.test').catch((error: unknown) => error);
    await waitFor('the real one has it', () => real.received.length > 0);
    expect(other.received).toEqual([]);
    for (const socket of real.sockets) socket.destroy();
    expect(await calling).toMatchObject({ status: 503 });
  });

  it('an application may say beside a request whose the certificate must be', async () => {
    const authority = await TestAuthority.open();
    closers.push(() => authority.remove());
    await start({
      tls: { host: '127.0.0.1', port: 0, serverCa: [authority.certPem], ...(await certificateOf(authority)) },
    });
    const { certPem, keyPem } = await authority.issue({ names: ['certified.test'] });
    const there = await listening(createTlsServer({ cert: certPem, key: keyPem }));
    const options = { method: 'OPTIONS', proxy: `sip:127.0.0.1:${there.port};transport=tls` };
    expect(await answerTo('sip:trunk.test', options)).toBe(503);
    const proxy = `${options.proxy};server-name=certified.test`;
    void answerTo('sip:trunk.test', { ...options, proxy });
    await waitFor('it has come', () => there.received.length > 0);
    expect(there.received[0]).toMatchObject({ uri: 'sip:trunk.test' });
  });
});

describe('a request above 1,300 bytes', () => {
  const long = { localSdp: offer + 'a=x:'.padEnd(1_400, 'y') + '\r\n' };

  it('goes over TCP to a server that takes it, and over UDP to one that does not', async () => {
    await start();
    const udp = await peer();
    const refused = srf.createUAC(`sip:x@127.0.0.1:${udp.port}`, long);
    const invite = await udp.request('INVITE');
    expect(invite.headers.get('Via')).toContain('SIP/2.0/UDP');
    udp.reply(invite, 486);
    await expect(refused).rejects.toMatchObject({ status: 486 });

    const tcp = await listening(createTcpServer());
    const calling = srf.createUAC(`sip:x@127.0.0.1:${tcp.port}`, long).catch((error: unknown) => error);
    await waitFor('it came over TCP', () => tcp.received.length > 0);
    expect(tcp.received[0]?.headers.get('Via')).toContain('SIP/2.0/TCP');
    expect(tcp.received[0]?.headers.get('Contact')).toContain('transport=tcp');
    tcp.sockets[0]?.write(
      [
        'SIP/2.0 486 Busy Here',
        ...['Via', 'From', 'To', 'Call-ID', 'CSeq'].map(
          (name) => `${name}: ${tcp.received[0]?.headers.get(name) ?? ''}`,
        ),
        'Content-Length: 0',
        '',
        '',
      ].join('\r\n'),
    );
    expect(await calling).toMatchObject({ status: 486 });
  });

  it('goes over UDP to whom takes nothing else, and where the connection breaks at once', async () => {
    await start({ nextHop: { takesDatagramsAlone: (address) => address === '127.0.0.1' } });
    const udp = await peer();
    const alone = srf.createUAC(`sip:x@127.0.0.1:${udp.port}`, long);
    udp.reply(await udp.request('INVITE'), 486);
    await expect(alone).rejects.toMatchObject({ status: 486 });
    expect(server.stats().transport.connectionsOpened).toBe(0);
  });

  it('goes over UDP to whom takes nothing else within a call, too', async () => {
    await start({ nextHop: { takesDatagramsAlone: (address) => address === '127.0.0.1' } });
    const one = await peer();
    const incoming = new Promise<SrfDialog>((resolve) =>
      srf.invite((request, response) => {
        void srf.createUAS(request, response, { localSdp: answer }).then(resolve);
      }),
    );
    one.send('INVITE', `sip:x@127.0.0.1:${server.udpAddress?.port ?? 0}`, {}, offer);
    inDialog(one, 'ACK', await one.response(200), 1);
    const modified = (await incoming).modify(long.localSdp);
    one.reply(await one.request('INVITE'), 200, {}, answer);
    expect(await modified).toBe(answer);
    expect(server.stats().transport.connectionsOpened).toBe(0);
  });
});

async function certificateOf(authority: TestAuthority) {
  const { certPem: cert, keyPem: key } = await authority.issue({ names: ['127.0.0.1'] });
  return { certificates: { serverOptions: { cert, key }, keepFresh: () => undefined } };
}

describe('addresses that new requests may not go to', () => {
  const nextHop = () => ({
    dnsServers: [dns.address],
    mayReach: (address: string) => address !== '127.0.0.1',
  });

  it('are passed over, given or looked up, as if nobody were there', async () => {
    await start({ nextHop: nextHop() });
    const one = await peer();
    for (const host of ['127.0.0.1', 'one.test'])
      expect(await answerTo(`sip:${host}:${one.port}`, { method: 'OPTIONS' })).toBe(503);
    expect(one.received).toEqual([]);
  });

  it('are where calls go on that came from there', async () => {
    await start({ nextHop: nextHop() });
    const one = await peer();
    const incoming = new Promise<SrfDialog>((resolve) =>
      srf.invite((request, response) => {
        void srf.createUAS(request, response, { localSdp: answer }).then(resolve);
      }),
    );
    one.send('INVITE', `sip:x@127.0.0.1:${server.udpAddress?.port ?? 0}`, {}, offer);
    inDialog(one, 'ACK', await one.response(200), 1);
    const dialog = await incoming;
    void dialog.destroy().catch(() => undefined);
    one.reply(await one.request('BYE'), 200);
  });
});

describe('a connection that a registration of ours went by', () => {
  it('is told of when it is gone, by the Call-ID, and not where the registration was given up before', async () => {
    const lost: string[] = [];
    await start({ onRegistrationLost: (callId) => lost.push(callId) });
    const registrar = await listening(createTcpServer());
    const register = async (callId: string, expires: number) => {
      const headers = { 'Call-ID': callId, Contact: '<sip:us@localhost>', Expires: String(expires) };
      const status = answerTo(`sip:127.0.0.1:${registrar.port};transport=tcp`, {
        method: 'REGISTER',
        headers,
      });
      await waitFor('it has come', () => registrar.received.at(-1)?.headers.get('Call-ID') === callId);
      const request = registrar.received.at(-1)!.headers;
      const contact = `${request.get('Contact') ?? ''};expires=${expires}`;
      const fields = ['Via', 'From', 'To', 'Call-ID', 'CSeq'].map((name) => `${name}: ${request.get(name)}`);
      registrar.sockets
        .at(-1)
        ?.write(
          ['SIP/2.0 200 OK', ...fields, `Contact: ${contact}`, 'Content-Length: 0', '', ''].join('\r\n'),
        );
      expect(await status).toBe(200);
      registrar.received.splice(0);
    };
    await register('kept', 600);
    await register('ended', 600);
    await register('ended', 0);
    expect(lost).toEqual([]);
    for (const socket of registrar.sockets) socket.destroy();
    await waitFor('it is told', () => lost.length > 0);
    expect(lost).toEqual(['kept']);
  });
});
