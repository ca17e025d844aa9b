import { createSocket } from 'node:dgram';
import type { Socket } from 'node:dgram';
import { once } from 'node:events';
import { createConnection } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { createSipServer } from '../../../src/sip-server/index.js';
import type { SipServer } from '../../../src/sip-server/index.js';
import { within } from '../../support/wait-for.js';

const host = '127.0.0.1';
const cleanUp: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of cleanUp.splice(0).reverse()) await step();
});

/** Reproducible: the same hostile bytes in every run (mulberry32). */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const methods = [
  'INVITE',
  'ACK',
  'BYE',
  'CANCEL',
  'OPTIONS',
  'UPDATE',
  'PRACK',
  'REGISTER',
  'INFO',
  'NOSUCH',
];
const hostile = [
  '\0',
  '\r',
  '\n',
  '\r\n',
  '\r\n\r\n',
  ' ',
  '\t',
  '"',
  '<',
  '>',
  ';',
  ',',
  '%',
  '\xff\xfe',
  '99999999999',
  '-1',
  'SIP/2.0',
  'Via: ',
];

function message(method: string, n: number): string {
  return (
    `${method} sip:x@${host} SIP/2.0\r\nVia: SIP/2.0/UDP ${host};branch=z9hG4bK${n};rport\r\nRecord-Route: <sip:${host};lr>\r\n` +
    `Max-Forwards: 70\r\nFrom: "A" <sip:a@${host}>;tag=${n % 7}\r\nTo: <sip:b@${host}>${n % 3 === 0 ? ';tag=t' : ''}\r\n` +
    `Call-ID: call-${n % 11}\r\nCSeq: ${n} ${method}\r\nContact: <sip:a@${host}:9>\r\nRAck: 1 1 INVITE\r\nSession-Expires: 90;refresher=uac\r\n` +
    `Content-Type: application/sdp\r\nContent-Length: 5\r\n\r\nv=0\r\n`
  );
}

function mutate(text: string, random: () => number): Buffer {
  let bytes = Buffer.from(text, 'latin1');
  for (let edits = Math.floor(random() * 5); edits > 0; edits -= 1) {
    const at = Math.floor(random() * bytes.length);
    const cut = Math.floor(random() * random() * 40);
    const put =
      random() < 0.5
        ? Buffer.from(hostile[Math.floor(random() * hostile.length)] ?? '', 'latin1')
        : Buffer.alloc(0);
    bytes = Buffer.concat([bytes.subarray(0, at), put, bytes.subarray(at + cut)]);
  }
  return bytes;
}

async function open(onError: (details: object) => void): Promise<SipServer> {
  const listen = { host: host, port: 0 };
  const note = () => undefined;
  const server = await createSipServer({
    udp: listen,
    tcp: listen,
    admin: { ...listen, secret: 'x' },
    logger: { debug: note, info: note, warn: note, error: onError },
  });
  cleanUp.push(() => server.close());
  return server;
}

/** The status line of the answer to an OPTIONS, asked again until it comes: after a burst the first may be lost. */
async function ping(socket: Socket, port: number): Promise<string> {
  const options = message('OPTIONS', 1).replace('call-1', 'alive').replace('z9hG4bK1', 'z9hG4bKalive');
  const again = setInterval(() => socket.send(options, port, host), 100);
  try {
    for (;;) {
      const [bytes] = (await within('a message', once(socket, 'message'))) as [Buffer];
      if (bytes.includes('Call-ID: alive')) return bytes.toString().split('\r\n', 1)[0] ?? '';
    }
  } finally {
    clearInterval(again);
  }
}

it('answers after thousands of broken datagrams, and none of them met a defect', async () => {
  const errors: object[] = [];
  const server = await open((details) => errors.push(details));
  const port = server.udpAddress?.port ?? 0;
  const socket = createSocket('udp4');
  cleanUp.push(() => socket.close());
  const random = randomFrom(20_261_120);
  for (let n = 0; n < 4_000; n += 1) {
    const text = message(methods[n % methods.length] ?? 'INVITE', n);
    await new Promise((sent) =>
      socket.send(
        mutate(n % 10 === 9 ? text.replace(/^.*\r\n/, 'SIP/2.0 200 OK\r\n') : text, random),
        port,
        host,
        sent,
      ),
    );
  }
  expect(await ping(socket, port)).toMatch(/^SIP\/2\.0 \d{3} /);
  expect(errors).toEqual([]);
  const { transport } = server.stats();
  expect(transport.messagesReceived).toBeGreaterThan(500);
  expect(transport.malformed).toBeGreaterThan(500);
  expect(transport.handlerErrors).toBe(0);
});

it('answers after many broken streams', async () => {
  const errors: object[] = [];
  const server = await open((details) => errors.push(details));
  const random = randomFrom(5_118);
  for (let n = 0; n < 100; n += 1) {
    const client = createConnection(server.tcpAddress?.port ?? 0, host);
    client.on('error', () => undefined).resume();
    for (let part = 0; part < 10; part += 1)
      client.write(mutate(message(methods[(n + part) % methods.length] ?? '', n * 10 + part), random));
    client.end();
    await once(client, 'close');
  }
  const socket = createSocket('udp4');
  cleanUp.push(() => socket.close());
  expect(await ping(socket, server.udpAddress?.port ?? 0)).toMatch(/^SIP\/2\.0 \d{3} /);
  expect(errors).toEqual([]);
  expect(server.stats().transport.handlerErrors).toBe(0);
});
