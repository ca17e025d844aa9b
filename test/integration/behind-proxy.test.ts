/** Browsers behind a reverse proxy, which says whose they are: one person's guesses are no other's. */
import { once } from 'node:events';
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { WebSocket, type RawData } from 'ws';
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
async function guess(heard: string, claimed: string): Promise<string> {
  const socket = new WebSocket(`ws://127.0.0.1:${gateway.httpPort}/sip`, 'sip', {
    headers: { 'x-forwarded-for': `${claimed}, ${heard}` },
  });
  await once(socket, 'open');
  const answered = new Promise<string>((resolve) => {
    socket.on('message', (data: RawData) => {
      const [startLine = ''] = (data as Buffer).toString('utf8').split('\r\n', 1);
      if (!startLine.includes(' 100 ')) resolve(startLine);
    });
  });
  const call = [
    'INVITE sip:000000000000@gateway.example SIP/2.0',
    `Via: SIP/2.0/WS browser.invalid;branch=z9hG4bK${randomUUID()};rport`,
    'Max-Forwards: 70',
    'From: <sip:browser@browser.invalid>;tag=1',
    'To: <sip:000000000000@gateway.example>',
    `Call-ID: ${randomUUID()}`,
    'CSeq: 1 INVITE',
    'Contact: <sip:browser@browser.invalid;transport=ws>',
    'Content-Length: 0',
  ];
  socket.send(`${call.join('\r\n')}\r\n\r\n`);
  try {
    return await answered;
  } finally {
    socket.terminate();
  }
}

it('who guesses join codes is stopped, whatever address he claims, and nobody else behind the same proxy', async () => {
  expect(await guess('192.0.2.1', '198.51.100.1')).toContain(' 403 ');
  expect(await guess('192.0.2.1', '198.51.100.2')).toContain(' 403 ');
  expect(await guess('192.0.2.1', '198.51.100.3')).toContain(' 503 ');
  expect(await guess('192.0.2.2', '192.0.2.1')).toContain(' 403 ');
});
