/** Browsers behind a reverse proxy, which says whose they are: one person's guesses are no other's. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { callOverWebSocket } from '../support/call-over-web-socket.js';
import { TestGateway } from '../support/start-gateway.js';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await TestGateway.start({
    environment: {
      LANDBRIDGE_HTTP_TRUSTED_PROXIES: '127.0.0.1',
      LANDBRIDGE_JOIN_CODES_MAX_FAILURES_PER_MINUTE: '2',
    },
  });
});
afterAll(() => gateway.stop());

/** Calls with a join code that nobody has, through a proxy that adds whom it heard. Resolves with the final response's start line. */
function guess(heard: string, claimed: string): Promise<string> {
  const headers = { 'x-forwarded-for': `${claimed}, ${heard}` };
  return callOverWebSocket(gateway.httpPort, { user: '000000000000', headers });
}

it('who guesses join codes is stopped, whatever address he claims, and nobody else behind the same proxy', async () => {
  expect(await guess('192.0.2.1', '198.51.100.1')).toContain(' 403 ');
  expect(await guess('192.0.2.1', '198.51.100.2')).toContain(' 403 ');
  expect(await guess('192.0.2.1', '198.51.100.3')).toContain(' 503 ');
  expect(await guess('192.0.2.2', '192.0.2.1')).toContain(' 403 ');
});
