import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createConnection, createServer as createTcpServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { networkInterfaces } from 'node:os';
import { connect as connectTls, createServer as createTlsServer } from 'node:tls';
import { afterEach, describe, expect, it } from 'vitest';
import type { Flow } from '../../../src/sip-server/transport/flow.js';
import { tlsStreams } from '../../../src/sip-server/transport/stream-source.js';
import { TcpTransport } from '../../../src/sip-server/transport/tcp-transport.js';
import { UdpTransport } from '../../../src/sip-server/transport/udp-transport.js';
import { TestAuthority } from '../../support/certificates.js';
import { waitFor } from '../../support/wait-for.js';
import { options, Told } from './told.js';

const host = '127.0.0.1';

const cleanUp: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of cleanUp.splice(0).reverse()) await step();
});

function own<T extends { close(): unknown }>(thing: T): T {
  cleanUp.push(() => thing.close());
  return thing;
}

async function dial(port: number): Promise<Socket> {
  const socket = createConnection(port, host);
  cleanUp.push(() => socket.destroy());
  await once(socket, 'connect');
  return socket;
}

describe('a TLS transport', () => {
  it('does not take a connection that came in from an address for one to a server of that name', async () => {
    const authority = await TestAuthority.open();
    cleanUp.push(() => authority.remove());
    const { certPem: cert, keyPem: key } = await authority.issue({ names: [host] });
    const certificates = { serverOptions: { cert, key }, keepFresh: () => undefined };
    const tls = own(new TcpTransport({ streams: tlsStreams({ certificates }) }));
    const told = new Told(tls);
    const { port } = await tls.listen(host, 0);
    const client = connectTls({ host, port, ca: authority.certPem });
    cleanUp.push(() => client.destroy());
    client.write(options('over-tls'));
    await told.until(() => told.messages.length === 1);
    await expect(tls.connect(host, client.localPort ?? 0, 'carrier.example')).rejects.toThrow();
    expect(tls.stats().connectionsOpen).toBe(1);
  });
});

describe('our certificate', () => {
  it('is shown to the servers that are named, where they ask for one, and to nobody else', async () => {
    const authority = await TestAuthority.open();
    cleanUp.push(() => authority.remove());
    const theirs = await authority.issue({ names: ['carrier.example', 'other.example'] });
    const shown: string[] = [];
    const server = createTlsServer({
      cert: theirs.certPem,
      key: theirs.keyPem,
      ca: authority.certPem,
      requestCert: true,
      rejectUnauthorized: false,
    });
    server.on('secureConnection', (socket) => {
      const { subject } = socket.getPeerCertificate() as { subject?: { CN: string } };
      shown.push(`${String(socket.servername)}: ${subject?.CN ?? 'none'}`);
      socket.on('error', () => undefined);
    });
    server.listen(0, host);
    await once(server, 'listening');
    const { certPem: cert, keyPem: key } = await authority.issue({ names: ['sbc.example'] });
    const tls = own(
      new TcpTransport({
        streams: tlsStreams({
          certificates: { serverOptions: { cert, key }, keepFresh: () => undefined },
          serverCa: [authority.certPem],
          showCertificateTo: (name) => name === 'carrier.example',
        }),
      }),
    );
    cleanUp.push(() => server.close());
    const { port } = server.address() as AddressInfo;
    await tls.connect(host, port, 'carrier.example');
    await tls.connect(host, port, 'other.example');
    await waitFor('both were seen', () => shown.length === 2);
    expect(shown).toEqual(['carrier.example: sbc.example', 'other.example: none']);
  });
});

describe('a connection that we opened', () => {
  /** A peer that takes connections; `read` grows with what each sends. */
  async function peer(answers: (pings: number) => boolean) {
    const read: string[] = [];
    const server = createTcpServer((socket) => {
      const index = read.push('') - 1;
      socket
        .on('error', () => undefined)
        .on('data', (bytes) => {
          read[index] += bytes.toString('latin1');
          if (answers((read[index] ?? '').length / 4)) socket.write('\r\n');
        });
    });
    cleanUp.push(() => server.close());
    server.listen(0, host);
    await once(server, 'listening');
    return { read, port: (server.address() as AddressInfo).port };
  }

  it('is pinged while it is in use, and closed where a peer that answered pings does no longer', async () => {
    const { read, port } = await peer((pings) => pings <= 2);
    const tcp = own(new TcpTransport({ keepAlive: { everyMs: 600, pongMs: 500 } }));
    const told = new Told(tcp);
    tcp.judgeBy(() => 'used');
    await tcp.connect(host, port);
    await told.until(() => told.closed.length === 1);
    expect(read[0]).toMatch(/^(?:\r\n\r\n){3,4}$/);
    expect(tcp.stats().connectionsDropped).toBe(1);
  });

  it('stays where its peer knows of no pings, and gets none where nothing goes over it', async () => {
    const { read, port } = await peer(() => false);
    const tcp = own(new TcpTransport({ keepAlive: { everyMs: 40, pongMs: 1 } }));
    const used = await tcp.connect(host, port);
    const idle = await tcp.connect(host, port, 'another name');
    expect(idle).toBe(used);
    const elsewhere = await peer(() => false);
    const spare = await tcp.connect(host, elsewhere.port);
    tcp.judgeBy((flow) => (flow === used ? 'used' : 'known'));
    await waitFor('several pings', () => (read[0] ?? '').length >= 16);
    expect(used.isOpen && spare.isOpen).toBe(true);
    expect(elsewhere.read).toEqual(['']);
  });
});

describe('UdpTransport', () => {
  it('answers IPv4 and IPv6 where it listens at all addresses', async () => {
    const all = own(new UdpTransport());
    const atAll = new Told(all);
    const { port } = await all.listen('::', 0);
    for (const [family, local] of [
      ['udp4', '127.0.0.1'],
      ['udp6', '::1'],
    ] as const) {
      const client = createSocket(family);
      cleanUp.push(() => client.close());
      client.bind(0, local);
      await once(client, 'listening');
      client.send(options(local), port, local);
      await atAll.until(() => atAll.messages.at(-1)?.message.headers.get('Call-ID') === local);
      const answered = once(client, 'message');
      await atAll.messages.at(-1)?.flow.send(Buffer.from('answer'));
      const dialled = await all.connect(local, client.address().port);
      expect(dialled).toBe(atAll.messages.at(-1)?.flow);
      expect(String((await answered)[0])).toBe('answer');
    }
  });

  it('carries messages both ways and stamps the Via', async () => {
    const a = own(new UdpTransport());
    const b = own(new UdpTransport());
    const atB = new Told(b);
    const atA = new Told(a);
    const boundA = await a.listen(host, 0);
    const boundB = await b.listen(host, 0);
    const flow = await a.connect(host, boundB.port);
    await flow.send(Buffer.from(options('one')));
    await atB.until(() => atB.messages.length === 1);
    const [got] = atB.messages;
    expect(got?.message.headers.get('Via')).toBe(
      `SIP/2.0/TCP 10.0.0.1;branch=z9hG4bK1;rport=${boundA.port};received=${host}`,
    );
    expect(got?.raw.toString()).toBe(options('one'));
    expect(got?.flow).toMatchObject({
      protocol: 'udp',
      reliable: false,
      remotePort: boundA.port,
      localPort: boundB.port,
    });
    await got?.flow.send(Buffer.from(options('two')));
    await atA.until(() => atA.messages.length === 1);
    expect(atA.messages[0]?.flow).toBe(flow);
    expect(b.stats()).toMatchObject({
      messagesReceived: 1,
      messagesSent: 1,
      bytesReceived: options('one').length,
    });
  });

  it('survives garbage, keep-alives and a handler that throws', async () => {
    const errors: unknown[] = [];
    const udp = own(new UdpTransport({ onHandlerError: (error) => errors.push(error) }));
    const told = new Told(udp);
    const { port } = await udp.listen(host, 0);
    const client = own(createSocket('udp4'));
    for (const bytes of [
      '',
      '\r\n\r\n',
      '\0\0\0\0',
      'garbage',
      '\xff'.repeat(1_000),
      options('cut').slice(0, -4),
    ]) {
      client.send(bytes, port, host);
    }
    await told.until(() => told.malformed.length === 3);
    expect(told.malformed.map(({ answered }) => answered)).toEqual([false, false, true]);
    expect(udp.stats()).toMatchObject({ keepAlives: 3, malformed: 3 });
    udp.onMessage(() => {
      throw new Error('a defect');
    });
    client.send(options('boom'), port, host);
    client.send('garbage', port, host);
    await told.until(() => told.malformed.length === 4);
    expect(udp.stats().handlerErrors).toBe(1);
    expect(errors).toEqual([new Error('a defect')]);
  });

  it('answers STUN on the port of SIP with the address that it came from', async () => {
    const udp = own(new UdpTransport());
    const { port } = await udp.listen(host, 0);
    const client = own(createSocket('udp4').bind(0, host));
    await once(client, 'listening');
    client.send(Buffer.from('000100002112a442b7e7a701bc34d686fa87dfae', 'hex'), port, host);
    const [answer] = (await once(client, 'message')) as [Buffer];
    expect(answer.subarray(0, 2).toString('hex')).toBe('0101');
    expect(answer.readUInt16BE(26) ^ 0x2112).toBe(client.address().port);
    expect(udp.stats()).toMatchObject({ keepAlives: 1, malformed: 0 });
  });

  it('forgets the oldest peers, and rejects what cannot be sent', async () => {
    const udp = own(new UdpTransport({ maxFlows: 2 }));
    await expect(udp.connect(host, 5060)).rejects.toThrow('not listening');
    await udp.listen(host, 0);
    const first = await udp.connect(host, 40_001);
    expect(await udp.connect('localhost', 40_001)).toBe(first);
    await udp.connect(host, 40_002);
    await udp.connect(host, 40_003);
    expect(await udp.connect(host, 40_001)).not.toBe(first);
    await expect(first.send(Buffer.alloc(70_000))).rejects.toThrow();
    expect(udp.stats().sendErrors).toBe(1);
    await udp.close();
    await udp.close();
    expect(first.isOpen).toBe(false);
    await expect(first.send(Buffer.from('x'))).rejects.toThrow('closed');
  });

  it('says that a port is taken', async () => {
    const { port } = await own(new UdpTransport()).listen(host, 0);
    const second = own(new UdpTransport());
    await expect(second.listen(host, port)).rejects.toMatchObject({ code: 'EADDRINUSE' });
  });
});

describe('TcpTransport', () => {
  it('dials once for many, reuses the connection, and tells when it ends', async () => {
    const a = own(new TcpTransport());
    const b = own(new TcpTransport());
    const atA = new Told(a);
    const atB = new Told(b);
    await a.listen(host, 0);
    const { port } = await b.listen(host, 0);
    const [one, two] = await Promise.all([a.connect(host, port), a.connect(host, port)]);
    expect(one).toBe(two);
    expect(await a.connect(host, port)).toBe(one);
    await Promise.all([one.send(Buffer.from(options('1'))), one.send(Buffer.from(options('2')))]);
    await atB.until(() => atB.messages.length === 2);
    const flow = atB.messages[0]!.flow;
    expect(await b.connect(host, flow.remotePort)).toBe(flow);
    await flow.send(Buffer.from(options('3')));
    await atA.until(() => atA.messages.length === 1);
    flow.close();
    await atA.until(() => atA.closed.length === 1);
    expect(one.isOpen).toBe(false);
    await expect(one.send(Buffer.from('x'))).rejects.toThrow('closed');
    await atB.until(() => atB.closed.length === 1);
    expect(b.stats()).toMatchObject({ connectionsOpen: 0, connectionsOpened: 1, messagesReceived: 2 });
  });

  it('rejects when nobody listens there', async () => {
    const probe = new TcpTransport();
    const { port } = await probe.listen(host, 0);
    await probe.close();
    await expect(own(new TcpTransport()).connect(host, port)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });

  it('answers the ping, tolerates extra line breaks, and closes what is half closed', async () => {
    const tcp = own(new TcpTransport());
    const told = new Told(tcp);
    const { port } = await tcp.listen(host, 0);
    const client = await dial(port);
    client.write('\r\n\r\n');
    expect(String((await once(client, 'data'))[0])).toBe('\r\n');
    client.write(`${options('1')}\r\n${options('2')}\r\n\r\n\r\n${options('3')}`);
    await told.until(() => told.messages.length === 3);
    client.end();
    await once(client, 'close');
    await told.until(() => told.closed.length === 1);
  });

  it('lets the answer to what it cannot frame out, then closes', async () => {
    const tcp = own(new TcpTransport());
    const { port } = await tcp.listen(host, 0);
    tcp.onMalformed((_reason, flow, answerable, status) => {
      if (answerable) void flow.send(Buffer.from(`${status} ${answerable.headers.get('Call-ID')}`));
    });
    const client = await dial(port);
    client.write(options('huge').replace('Content-Length: 0', 'Content-Length: 99999999'));
    expect(String((await once(client, 'data'))[0])).toBe('513 huge');
    await once(client, 'close');
  });

  it('goes on after a message that is wrong but well framed', async () => {
    const tcp = own(new TcpTransport());
    const told = new Told(tcp);
    const { port } = await tcp.listen(host, 0);
    (await dial(port)).write(options('bad', 'Max-Forwards: x\r\n') + options('good'));
    await told.until(() => told.messages.length === 1);
    expect(told.malformed).toMatchObject([{ reason: 'malformed Max-Forwards', answered: true, status: 400 }]);
  });

  it('closes who sends a message too slowly, and who says nothing for long', async () => {
    const slow = own(new TcpTransport({ messageTimeoutMs: 30 }));
    const quiet = own(new TcpTransport({ idleTimeoutMs: 30 }));
    const [a, b] = await Promise.all([slow.listen(host, 0), quiet.listen(host, 0)]);
    const slowClient = await dial(a.port);
    const quietClient = await dial(b.port);
    slowClient.write('OPTIONS sip:x SI');
    await Promise.all([once(slowClient, 'close'), once(quietClient, 'close')]);
    expect(slow.stats().connectionsDropped).toBe(1);
    expect(quiet.stats().connectionsDropped).toBe(1);
  });

  it('keeps a connection that is idle for as long as it is needed', async () => {
    const tcp = own(new TcpTransport({ idleTimeoutMs: 30 }));
    const told = new Told(tcp);
    const asked: Flow[] = [];
    // A call stands for three times as long; was dropped the first time.
    tcp.judgeBy((flow) => (asked.push(flow) < 4 ? 'used' : 'known'));
    const { port } = await tcp.listen(host, 0);
    const client = await dial(port);
    await once(client, 'close');
    expect(asked).toHaveLength(4);
    expect(new Set(asked).size).toBe(1);
    await told.until(() => told.closed.length === 1);
    expect(tcp.stats().connectionsDropped).toBe(1);
  });

  it('closes who sends keep-alives only, or one byte at a time, when a first message is due', async () => {
    const tcp = own(new TcpTransport({ firstMessageTimeoutMs: 2000 }));
    const { port } = await tcp.listen(host, 0);
    const [caller, pinging, slow] = [await dial(port), await dial(port), await dial(port)];
    const told = new Told(tcp);
    caller.write(options('1'));
    await told.until(() => told.messages.length === 1);
    const timer = setInterval(() => {
      pinging.write('\r\n\r\n');
      slow.write('O');
    }, 10);
    cleanUp.push(() => clearInterval(timer));
    for (const client of [pinging, slow]) client.on('error', () => {}).resume();
    await told.until(() => told.closed.length === 2);
    expect(tcp.stats()).toMatchObject({ connectionsOpen: 1, connectionsDropped: 2 });
  });

  it('cuts off who takes nothing of what it is sent, also after it has closed its side', async () => {
    const tcp = own(new TcpTransport({ stalledMs: 100, maxBufferedBytes: 100_000_000 }));
    const told = new Told(tcp);
    const { port } = await tcp.listen(host, 0);
    for (const closesItsSide of [false, true]) {
      const client = await dial(port);
      client.on('error', () => {}).pause();
      client.write(options('1'));
      await told.until(() => told.messages.length === 1);
      const { flow } = told.messages.pop()!;
      flow.send(Buffer.alloc(20_000_000)).catch(() => {});
      if (closesItsSide) client.end();
      await told.until(() => told.closed.length === 1);
      expect(told.closed.pop()).toBe(flow);
      client.destroy();
    }
    expect(tcp.stats()).toMatchObject({ connectionsOpen: 0, connectionsDropped: 2 });
  });

  it('asks a peer that reads again for the rest of what it has to say', async () => {
    const tcp = own(new TcpTransport({ maxBufferedBytes: 100_000_000 }));
    const told = new Told(tcp);
    const { port } = await tcp.listen(host, 0);
    const client = await dial(port);
    client.pause().write(options('1'));
    await told.until(() => told.messages.length === 1);
    const sent = told.messages[0]!.flow.send(Buffer.alloc(20_000_000));
    client.write(options('2'));
    client.resume();
    await Promise.all([sent, told.until(() => told.messages.length === 2)]);
  });

  it('makes room for a newcomer, in all and of one address, but never at the cost of a call', async () => {
    for (const limit of [{ maxConnections: 2 }, { maxConnectionsPerAddress: 2 }]) {
      const tcp = own(new TcpTransport(limit));
      const told = new Told(tcp);
      const { port } = await tcp.listen(host, 0);
      const inCall = await dial(port);
      inCall.write(options('1'));
      await told.until(() => told.messages.length === 1);
      const calling = told.messages[0]!.flow;
      tcp.judgeBy((flow) => (flow === calling ? 'used' : 'stranger'));
      const silent = await dial(port);
      silent.on('error', () => {}).resume();
      const newcomer = await dial(port);
      await once(silent, 'close');
      newcomer.write(options('2'));
      await told.until(() => told.messages.length === 2);
      expect(calling.isOpen).toBe(true);
      expect(tcp.stats()).toMatchObject({ connectionsOpen: 2, connectionsRefused: 0, connectionsDropped: 1 });
    }
  });

  it('turns a newcomer away where every connection is in use', async () => {
    for (const limit of [{ maxConnections: 1 }, { maxConnectionsPerAddress: 1 }]) {
      const tcp = own(new TcpTransport(limit));
      const told = new Told(tcp);
      tcp.judgeBy(() => 'used');
      const { port } = await tcp.listen(host, 0);
      const first = await dial(port);
      first.write(options('1'));
      await told.until(() => told.messages.length === 1);
      const second = await dial(port);
      second.on('error', () => {});
      await once(second, 'close');
      expect(tcp.stats().connectionsRefused).toBe(1);
      first.destroy();
      await told.until(() => told.closed.length === 1);
      (await dial(port)).write(options('2'));
      await told.until(() => told.messages.length === 2);
    }
  });

  it('drops who does not read what it is sent', async () => {
    const tcp = own(new TcpTransport({ maxBufferedBytes: 100_000 }));
    const told = new Told(tcp);
    const { port } = await tcp.listen(host, 0);
    const client = await dial(port);
    client.pause();
    client.write(options('1'));
    await told.until(() => told.messages.length === 1);
    const flow = told.messages[0]!.flow;
    const sends: Promise<void>[] = [];
    for (let sent = 0; sent < 2_000 && flow.isOpen; sent += 1) sends.push(flow.send(Buffer.alloc(50_000)));
    const outcomes = await Promise.allSettled(sends);
    expect(outcomes.at(-1)?.status).toBe('rejected');
    expect(tcp.stats().connectionsDropped).toBe(1);
  });

  it('closes with connections open, more than once', async () => {
    const tcp = new TcpTransport();
    const told = new Told(tcp);
    const { port } = await tcp.listen(host, 0);
    const client = await dial(port);
    client.write(options('1'));
    await told.until(() => told.messages.length === 1);
    await Promise.all([tcp.close(), tcp.close(), once(client, 'close')]);
    await expect(tcp.connect(host, port)).rejects.toThrow('closed');
  });
});

const hasIpv6 = Object.values(networkInterfaces()).some((list) =>
  list?.some(({ address }) => address === '::1'),
);

it.skipIf(!hasIpv6).each([UdpTransport, TcpTransport])(
  '%o carries messages over IPv6 (skipped without ::1)',
  async (Kind) => {
    const a = own(new Kind());
    const b = own(new Kind());
    const told = new Told(b);
    await a.listen('::1', 0);
    const { port } = await b.listen('::1', 0);
    const flow = await a.connect('::1', port);
    await flow.send(Buffer.from(options('six')));
    await told.until(() => told.messages.length === 1);
    expect(told.messages[0]?.flow.remoteAddress).toBe('::1');
    expect(told.messages[0]?.message.headers.get('Via')).toContain('received=::1');
  },
);
