/** The library that speaks for the phone edge, with the SIP server that is its own. */
import { once } from 'node:events';
import { expect, it } from 'vitest';
import { connectSrf } from '../../src/doors/sip/connect-srf.js';
import { createSipServer } from '../../src/sip-server/index.js';

const loopback = { host: '127.0.0.1', port: 0, secret: 'the secret' };

it('disconnects while it tries to be connected again, and comes no more', async () => {
  const server = await createSipServer({ admin: loopback });
  const { srf, disconnect } = await connectSrf({ ...loopback, port: server.adminAddress.port });
  let attempts = 0;
  srf.on('reconnecting', () => (attempts += 1));
  const lost = once(srf, 'reconnecting');
  await server.close();
  await lost;
  const lastAttempt = once(srf, 'close');
  disconnect();
  await lastAttempt;
  expect(attempts).toBe(1);
});

it('disconnects twice', async () => {
  const server = await createSipServer({ admin: loopback });
  const { srf, disconnect } = await connectSrf({ ...loopback, port: server.adminAddress.port });
  const closed = once(srf, 'close');
  disconnect();
  await closed;
  disconnect();
  await server.close();
});
