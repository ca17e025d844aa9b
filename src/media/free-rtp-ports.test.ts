import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { afterEach, expect, it } from 'vitest';
import { hasFreeRtpPorts } from './free-rtp-ports.js';

const sockets: Socket[] = [];
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.close();
});

async function take(port: number): Promise<number> {
  const socket = createSocket('udp4');
  sockets.push(socket);
  socket.bind(port, '127.0.0.1');
  await once(socket, 'listening');
  return socket.address().port;
}

/** An even port, with the one above it, both taken. */
async function takenPair(): Promise<number> {
  for (;;) {
    const port = await take(0);
    const other = port ^ 1;
    const isTaken = await take(other).then(
      () => true,
      () => false,
    );
    if (isTaken) return Math.min(port, other);
  }
}

it('Ports of which every pair is taken are none', async () => {
  const from = await takenPair();
  expect(await hasFreeRtpPorts({ from, to: from + 1 }, '127.0.0.1')).toBe(false);
});

it('One pair that is nobody’s will do, and neither half of one', async () => {
  const from = await takenPair();
  expect(await hasFreeRtpPorts({ from, to: from + 1 }, '127.0.0.2')).toBe(true);
  expect(await hasFreeRtpPorts({ from: from + 1, to: from + 2 }, '127.0.0.1')).toBe(false);
});

it('An address that is not this machine’s is for others to complain of', async () => {
  expect(await hasFreeRtpPorts({ from: 40_000, to: 40_001 }, '192.0.2.1')).toBe(true);
});
