/** A flood of strangers’ datagrams does not keep others waiting. */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { afterEach, expect, it } from 'vitest';
import { UdpTransport } from '../../../src/sip-server/index.js';
import { waitFor } from '../../support/wait-for.js';

const flood = 60;
/** What a message costs. */
const readMs = 2;
const closers: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

const message = (method: string, user: string): string =>
  [
    `${method} sip:${user}@127.0.0.1 SIP/2.0`,
    `Via: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bK${user}`,
    'From: <sip:a@client.example>;tag=1',
    'To: <sip:b@127.0.0.1>',
    `Call-ID: ${user}`,
    `CSeq: 1 ${method}`,
    'Contact: <sip:a@127.0.0.1>',
    'Content-Length: 0',
    '',
    '',
  ].join('\r\n');

/** The users of the messages, in the order in which they were read. */
async function open(maxWaiting?: number) {
  const transport = new UdpTransport({ maxWaiting });
  closers.push(() => transport.close());
  const read: string[] = [];
  transport.onMessage((one) => {
    if (one.kind === 'request') read.push(/sip:(.*)@/.exec(one.uri)?.[1] ?? '');
    const endMs = performance.now() + readMs;
    while (performance.now() < endMs);
  });
  transport.arrange((bytes) => {
    const text = bytes.toString();
    return text.includes('sip:known') ? 'at-once' : text.includes('sip:promising') ? 'soon' : 'later';
  });
  const { port } = await transport.listen('127.0.0.1', 0);
  const peer = async (address: string): Promise<(method: string, user: string) => void> => {
    const socket: Socket = createSocket('udp4').bind(0, address);
    closers.push(() => socket.close());
    await once(socket, 'listening');
    return (method, user) => socket.send(message(method, user), port, '127.0.0.1');
  };
  return { transport, read, peer };
}

it('Whoever is known, and strangers who show something, are read before a flood that came first', async () => {
  const { read, peer } = await open();
  const [strangers, good] = [await peer('127.0.0.2'), await peer('127.0.0.3')];
  for (let at = 0; at < flood; at += 1) strangers('INVITE', `x${at}`);
  good('INVITE', 'promising');
  good('INVITE', 'known');
  await waitFor('all are read', () => read.length === flood + 2);
  expect(read.indexOf('known')).toBeLessThan(flood / 2);
  expect(read.indexOf('promising')).toBeLessThan(flood / 2);
});

it('What one source sends of a kind is read in the order in which it came', async () => {
  const { read, peer } = await open();
  const send = await peer('127.0.0.2');
  for (const user of ['first', 'again']) send('INVITE', user);
  send('CANCEL', 'cancel');
  await waitFor('all are read', () => read.length === 3);
  expect(read).toEqual(['first', 'again', 'cancel']);
});

it('Where too many wait, the oldest are dropped and counted, and other sources keep their places', async () => {
  const { transport, read, peer } = await open(8);
  const [strangers, other] = [await peer('127.0.0.2'), await peer('127.0.0.3')];
  other('INVITE', 'other');
  for (let at = 0; at < flood; at += 1) strangers('INVITE', `x${at}`);
  await waitFor('all are read', () => read.length + transport.stats().datagramsDropped === flood + 1);
  expect(transport.stats().datagramsDropped).toBeGreaterThan(0);
  expect(read).toContain('other');
  expect(read.at(-1)).toBe(`x${flood - 1}`);
});
