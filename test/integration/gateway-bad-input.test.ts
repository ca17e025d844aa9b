/** What strangers send: the gateway answers, drops or counts it, and stays as it was. */
import { randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { expectSipp, hasSipp } from '../support/sipp.js';
import { audioOffer, RawSip } from '../support/raw-sip.js';
import type { Newcomer } from '../support/rest-client.js';
import { TestGateway } from '../support/start-gateway.js';
import { waitFor } from '../support/wait-for.js';

let gateway: TestGateway;
let caller: Newcomer;
beforeAll(async () => {
  gateway = await TestGateway.start();
});
beforeEach(async () => {
  caller = await gateway.rest.newcomer(await gateway.rest.createSession());
});
afterAll(() => gateway.stop());

/** The same process still answers a call, and no leg was left. */
async function expectUnharmed(): Promise<void> {
  const sip = await RawSip.open(gateway.sipPort);
  const headers = [`User-to-User: ${caller.token};encoding=jwt`];
  sip.send(sip.invite({ headers, body: audioOffer(9) }));
  const ok = await sip.final('INVITE');
  expect(ok.status).toBe(200);
  const toTag = /tag=([^;>\s]+)/.exec(ok.header('To') ?? '')?.[1];
  sip.send(sip.request('ACK', { toTag, branch: 'z9hG4bKack' }));
  sip.send(sip.request('BYE', { cseq: 2, toTag, branch: 'z9hG4bKbye' }));
  expect((await sip.final('BYE')).status).toBe(200);
  sip.close();
  await gateway.idle();
  expect(gateway.stderr).toBe('');
  expect(gateway.log.filter(({ level }) => level === 'error')).toEqual([]);
}

async function openTcp(port = gateway.sipPort): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  return socket;
}

/** The mutations that break parsers. */
function mutations(message: string): string[] {
  const [head = '', body = ''] = message.split('\r\n\r\n');
  const lines = head.split('\r\n');
  const replaced = lines.flatMap((line, index) => {
    const name = line.split(':')[0] ?? '';
    return ['', `${name}:`, `${name}: ${'x'.repeat(5000)}`, `${name}: \u0000\ufffd`, line + line].map(
      (other) => [...lines.slice(0, index), other, ...lines.slice(index + 1)].join('\r\n'),
    );
  });
  return [
    ...replaced.map((text) => `${text}\r\n\r\n${body}`),
    ...lines.map((_, index) => `${lines.slice(0, index).join('\r\n')}\r\n\r\n`),
    message.replaceAll('\r\n', '\n'),
    message.replaceAll('\r\n', '\r'),
    message.replace('SIP/2.0', 'SIP/9.9'),
    message.replace('INVITE', 'I N V I T E'),
    message.replace(/Content-Length: \d+/, 'Content-Length: -1'),
    message.replace(/Content-Length: \d+/, 'Content-Length: 99999999999999999999'),
    message.replace(/CSeq: 1 /, 'CSeq: 4294967296 '),
    message.replace(/CSeq: 1 INVITE/, 'CSeq: 1 BYE'),
    message.replace(/tag=\w+/, 'tag='),
    message.replace(/Max-Forwards: 70/, 'Max-Forwards: 0'),
    message.slice(0, message.length / 2),
  ];
}

describe('malformed SIP', () => {
  it('over UDP is answered or dropped', async () => {
    const sip = await RawSip.open(gateway.sipPort);
    for (const text of mutations(sip.invite({ headers: ['X-None: 1'], body: audioOffer(9) }))) {
      sip.send(text.replaceAll(sip.callId, randomUUID()).replaceAll(sip.branch, `z9hG4bK${randomUUID()}`));
    }
    for (const bytes of [Buffer.alloc(0), Buffer.alloc(1), randomBytes(1400), Buffer.alloc(60_000, 'A')]) {
      sip.send(bytes);
    }
    await waitFor('answers', () => sip.received.length > 10);
    const statuses = new Set(sip.received.map(({ status }) => status));
    expect([...statuses].filter((status = 0) => status === 200 || status >= 600)).toEqual([]);
    sip.close();
    await expectUnharmed();
  });

  it('with a good token and a bad SDP is refused, for every SDP that can be broken', async () => {
    const good = `${audioOffer(9, '0 8 101')}a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=ptime:20\r\n`;
    const bodies = [
      ...good.split('\r\n').map((line) => good.replace(line, line.slice(0, Math.max(1, line.length / 2)))),
      good.replaceAll('0', '9'.repeat(40)),
      good.replace('127.0.0.1', '256.1.1.1'),
      good.replace('RTP/AVP', 'UDP/TLS/RTP/SAVPF'),
      `${good}a=fingerprint:foo AB:CD\r\n`,
      `${good}${'m=audio 9 RTP/AVP 0\r\n'.repeat(500)}`,
      `${good}${'a=x\r\n'.repeat(5000)}`,
      'v=0\r\n',
      '\u0000'.repeat(100),
    ];
    for (const body of bodies) {
      const sip = await RawSip.open(gateway.sipPort);
      sip.send(sip.invite({ headers: [`User-to-User: ${caller.token};encoding=jwt`], body }));
      const final = await sip.final('INVITE');
      const toTag = /tag=([^;>\s]+)/.exec(final.header('To') ?? '')?.[1];
      expect([200, 400, 413, 488], `${String(final.startLine)} to\n${body.slice(0, 200)}`).toContain(
        final.status,
      );
      if (final.status === 200) {
        sip.send(sip.request('ACK', { toTag, branch: 'z9hG4bKack' }));
        sip.send(sip.request('BYE', { cseq: 2, toTag, branch: 'z9hG4bKbye' }));
        await sip.final('BYE');
      } else {
        sip.send(sip.request('ACK', { toTag }));
      }
      sip.close();
      await gateway.idle();
    }
    await expectUnharmed();
  });

  it('over TCP ends at most its own connection', async () => {
    const template = await RawSip.open(gateway.sipPort);
    const invite = template
      .invite({ headers: ['X-None: 1'], body: audioOffer(9) })
      .replaceAll('/UDP', '/TCP');
    template.close();
    const sockets = await Promise.all(mutations(invite).map(() => openTcp()));
    for (const [index, text] of mutations(invite).entries()) sockets[index]!.write(text);
    const [binary, endless, silent] = [await openTcp(), await openTcp(), await openTcp()];
    binary.write(randomBytes(4000));
    // A message that never ends must not be kept.
    endless.write(`INVITE sip:x SIP/2.0\r\n${'X-Long: x\r\n'.repeat(20_000)}`);
    await once(endless, 'close');
    await expectUnharmed();
    for (const socket of [...sockets, binary, silent]) socket.destroy();
  });

  it('over a WebSocket closes it or is answered', async () => {
    const url = `ws://127.0.0.1:${gateway.httpPort}/sip`;
    const frames = ['', 'hello', '\r\n\r\n', 'INVITE', randomBytes(500), 'x'.repeat(100_000)];
    for (const frame of frames) {
      const socket = new WebSocket(url, 'sip');
      socket.on('error', () => undefined);
      await once(socket, 'open');
      socket.send(frame);
      socket.close();
      await once(socket, 'close');
    }
    const withoutProtocol = new WebSocket(url);
    const [error] = (await once(withoutProtocol, 'error')) as [Error];
    expect(error.message).toContain('400');
    await expectUnharmed();
  });
});

describe('a flood', () => {
  it('of INVITEs without credentials is refused and leaves nothing behind', async () => {
    const sip = await RawSip.open(gateway.sipPort);
    const count = 300;
    for (let index = 0; index < count; index += 1) {
      const text = sip.invite({ body: audioOffer(9) });
      sip.send(text.replaceAll(sip.callId, randomUUID()).replaceAll(sip.branch, `z9hG4bK${randomUUID()}`));
    }
    // No more than a stranger gets in a second.
    await waitFor('refusals', () => sip.received.filter(({ status }) => status === 403).length >= count / 4);
    sip.close();
    expect(gateway.openRtpPorts()).toEqual([]);
    await expectUnharmed();
  });

  it('of TCP connections from one address is bounded', async () => {
    const sockets = Array.from({ length: 260 }, () => {
      const socket = connect(gateway.sipPort, '127.0.0.1');
      socket.on('error', () => undefined);
      return socket;
    });
    await waitFor(
      'some are refused',
      () => sockets.filter((socket) => socket.closed || socket.readableEnded).length > 0,
    );
    for (const socket of sockets) socket.destroy();
    await expectUnharmed();
  });

  it.skipIf(!hasSipp)('of rubbish does not keep a call from being answered meanwhile', async () => {
    const sip = await RawSip.open(gateway.sipPort);
    let isOver = false;
    const flood = (async () => {
      for (let round = 1; !isOver; round += 1) {
        for (let index = 0; index < 50; index += 1) sip.send(randomBytes(200));
        // More than the gateway has read would fill the socket's buffer, and the kernel drop the phone's messages, too.
        sip.send(sip.request('OPTIONS', { cseq: round, branch: `z9hG4bKround${round}` }));
        // What is more than a stranger may have in a second gets no answer.
        const cseq = `${round} OPTIONS`;
        await sip.wait(cseq, ({ header }) => header('CSeq') === cseq, 1000).catch(() => undefined);
      }
    })();
    try {
      await expectSipp('call', {
        target: `127.0.0.1:${gateway.sipPort}`,
        values: { headers: `User-to-User: ${caller.token};encoding=jwt` },
      });
    } finally {
      isOver = true;
      await flood;
      sip.close();
    }
    await expectUnharmed();
  });
});
