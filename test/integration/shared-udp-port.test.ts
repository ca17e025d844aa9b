/** One UDP port for all browsers of a worker: who gets through, and what strangers can do to it. */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { randomBytes } from 'node:crypto';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { BrowserConnection } from '../../src/media/worker/browser/browser-connection.js';
import { SharedUdpPort } from '../../src/media/worker/browser/shared-udp-port.js';
import { iceCredentials } from '../../src/sdp/attributes.js';
import { parseSessionDescription } from '../../src/sdp/session-description.js';
import { freeUdpPort } from '../support/free-port.js';
import { openUdpPorts } from '../support/udp-ports.js';
import { FarEnd } from './far-end.js';
import { bindingRequest } from './stun-request.js';
import { ToneSource } from './tone-source.js';

const closing: { close(): unknown }[] = [];
let sharedPort: SharedUdpPort;

beforeAll(async () => {
  sharedPort = new SharedUdpPort('127.0.0.1', await freeUdpPort());
});
afterEach(() => {
  for (const one of closing.splice(0).reverse()) one.close();
});

interface Joined {
  readonly leg: BrowserConnection;
  readonly far: FarEnd;
  readonly answer: string;
}

const section = ['m=audio 9 UDP/TLS/RTP/SAVPF 0', 'c=IN IP4 0.0.0.0', 'a=mid:0', 'a=sendrecv'];

/** One that hears a tone from the start on. */
async function join(name: string): Promise<Joined> {
  const leg = new BrowserConnection({
    name,
    participantId: name,
    mayPublish: new Set(['audio'] as const),
    bindAddress: '127.0.0.1',
    sharedPort,
    events: {
      onConnected: () => undefined,
      onStreams: () => undefined,
      onKeyDown: () => undefined,
      onDtmf: () => undefined,
      onNegotiationNeeded: () => undefined,
      onFault: (error: unknown) => {
        throw error;
      },
      onEnded: () => undefined,
    },
  });
  const far = await FarEnd.open();
  const tone = new ToneSource(`${name}.tone`, 440);
  closing.push(tone, far, leg);
  leg.receive([tone.stream]);
  const answer = await leg.answer(far.describe('actpass', section));
  far.connect(answer);
  await expect.poll(() => far.isConnected, { timeout: 10_000 }).toBe(true);
  return { leg, far, answer };
}

async function hears({ far }: Joined): Promise<void> {
  const before = far.rtp.length;
  await expect.poll(() => far.rtp.length, { timeout: 5000 }).toBeGreaterThan(before + 20);
}

async function stranger(): Promise<Socket> {
  const socket = createSocket('udp4').bind(0, '127.0.0.1');
  await once(socket, 'listening');
  closing.push(socket);
  return socket;
}

const sectionOf = (description: string) => {
  const parsed = parseSessionDescription(description);
  return iceCredentials(parsed.media[0]!, parsed);
};

describe('a port that all browsers share', () => {
  it('is the only one that they take, however many they are', async () => {
    const before = new Set(openUdpPorts([process.pid]));
    const legs = await Promise.all(Array.from({ length: 8 }, (_, n) => join(`leg ${n}`)));
    await Promise.all(legs.map(hears));
    for (const { answer } of legs) expect(answer).toContain(`127.0.0.1 ${sharedPort.port} typ host`);
    // The far ends are in this process, too, with a port each.
    expect(openUdpPorts([process.pid]).filter((port) => !before.has(port))).toHaveLength(legs.length);
  });

  it('gives each a name that nobody can try out', async () => {
    const names = [await join('a'), await join('b')].map(({ answer }) => sectionOf(answer)?.usernameFragment);
    expect(new Set(names).size).toBe(2);
    for (const name of names) expect(name).toMatch(/^[A-Za-z0-9+/]{16}$/);
  });

  it('is left by one and found by the next, the last one included', async () => {
    const first = await join('first');
    first.leg.close();
    first.far.close();
    await hears(await join('second'));
  });

  it('lets nobody in, and keeps nobody out, while strangers send what they like', async () => {
    const inside = await join('inside');
    const name = sectionOf(inside.answer)?.usernameFragment ?? '';
    const answered: Buffer[] = [];
    const strangers = await Promise.all(Array.from({ length: 20 }, stranger));
    for (const socket of strangers) socket.on('message', (message) => answered.push(message));
    const messages = [
      Buffer.alloc(0),
      randomBytes(1),
      randomBytes(1200),
      // What begins like DTLS, RTP, and STUN.
      Buffer.concat([Buffer.from([22, 254, 253]), randomBytes(100)]),
      Buffer.concat([Buffer.from([0x80, 111]), randomBytes(100)]),
      Buffer.concat([Buffer.from([0, 1, 0, 80, 0x21, 0x12, 0xa4, 0x42]), randomBytes(92)]),
      bindingRequest('nobody:x', 'a password'),
      bindingRequest('nobody', 'a password'),
      bindingRequest(`${name.slice(0, 15)}:x`, 'a password'),
      bindingRequest(`${name}:x`, 'a wrong password'),
    ];
    for (let n = 0; n < 50; n++)
      for (const socket of strangers)
        for (const message of messages) socket.send(message, sharedPort.port, '127.0.0.1');
    await hears(inside);
    const later = await join('later');
    await Promise.all([hears(inside), hears(later)]);
    // A success response is 0x0101 (RFC 8489 §5).
    expect(answered.filter((message) => message.readUInt16BE(0) === 0x0101)).toEqual([]);
  });

  it('cannot be had where another program has it, which ends nothing', async () => {
    const taken = await stranger();
    expect(() => new SharedUdpPort('127.0.0.1', taken.address().port)).toThrow(/cannot be had/);
    await hears(await join('other'));
  });
});
