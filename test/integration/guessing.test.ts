/** Guessing passwords and codes: the guesser is slowed down, whoever shares the address with him is not. */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createHook, hookUrl, newCall, platformOf, send } from '../support/hooks.js';
import { audioOffer, RawSip } from '../support/raw-sip.js';
import { TestGateway } from '../support/start-gateway.js';
import { waitFor } from '../support/wait-for.js';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await TestGateway.start();
});
afterAll(() => gateway.stop());

it('tries 30 passwords a minute at a hook of Bandwidth, and lets the platform at the same address go on', async () => {
  const sessionId = await gateway.rest.createSession();
  const { id } = await createHook(gateway, 'bandwidth', { kind: 'session', sessionId });
  const genuine = () => platformOf('bandwidth').call(hookUrl(gateway, 'bandwidth', id), newCall());
  expect((await send(genuine())).status).toBe(200);
  const guess = async (index: number) => {
    const request = genuine();
    const authorization = `Basic ${Buffer.from(`user:guess ${index}`).toString('base64')}`;
    // Every third at a hook that is not there.
    const url = index % 3 === 0 ? hookUrl(gateway, 'bandwidth', randomUUID()) : request.url;
    return (await send({ ...request, url, headers: { ...request.headers, authorization } })).status;
  };
  // All were tried, 2,500 a second, and 404 told which hooks there are.
  const statuses = await Promise.all(Array.from({ length: 100 }, (_, index) => guess(index)));
  expect(statuses.filter((status) => status === 403)).toHaveLength(30);
  expect(statuses.filter((status) => status === 429)).toHaveLength(70);
  expect((await send(genuine())).status).toBe(200);
});

const code = (at: number) => String(at).padStart(12, '0');

describe('Join codes', () => {
  it('are looked up ten times a minute, also where 300 come in one write', async () => {
    const socket = connect(gateway.sipPort, '127.0.0.1');
    await once(socket, 'connect');
    let answers = '';
    socket.setEncoding('latin1').on('data', (chunk: string) => (answers += chunk));
    const invite = (at: number) =>
      [
        `INVITE sip:${code(at)}@gateway.example SIP/2.0`,
        `Via: SIP/2.0/TCP 127.0.0.1:${String(socket.localPort)};branch=z9hG4bK${randomUUID()}`,
        ...['Max-Forwards: 70', 'From: <sip:x@127.0.0.1>;tag=1', `To: <sip:${code(at)}@gateway.example>`],
        ...[`Call-ID: ${randomUUID()}`, 'CSeq: 1 INVITE', `Contact: <sip:x@127.0.0.1:5062;transport=tcp>`],
        'Content-Length: 0',
      ].join('\r\n') + '\r\n\r\n';
    socket.write(Array.from({ length: 300 }, (_, at) => invite(at)).join(''));
    const count = (status: number) => answers.split(`SIP/2.0 ${status} `).length - 1;
    await waitFor('all are answered', () => count(403) + count(503) >= 300, { timeoutMs: 10_000 });
    socket.destroy();
    // 123 of them were.
    expect(count(403)).toBe(10);
  });

  it('that are wrong at one account’s console block nobody else on this machine', async () => {
    const restarted = await TestGateway.start();
    try {
      const ended: string[] = [];
      for (let at = 0; at < 12; at += 1) {
        const { id } = await restarted.rest.done<{ id: string }>('POST', '/phone-calls', {
          joinCode: code(at),
        });
        await waitFor('it is refused', async () => {
          const call = await restarted.rest.done<{ state: string; reason?: string }>(
            'GET',
            `/phone-calls/${id}`,
          );
          if (call.state !== 'ended') return false;
          ended.push(call.reason ?? '');
          return true;
        });
      }
      expect(ended).toEqual([...Array<string>(10).fill('token-invalid'), 'overloaded', 'overloaded']);
      const { joinCode } = await restarted.rest.newcomer(await restarted.rest.createSession());
      const sip = await RawSip.open(restarted.sipPort);
      const uri = `sip:${joinCode.replaceAll('-', '')}@gateway.example`;
      sip.send(sip.invite({ uri, body: audioOffer(sip.port) }));
      // It was 503.
      expect((await sip.final('INVITE')).status).toBe(200);
      sip.close();
    } finally {
      await restarted.stop();
    }
  });
});
