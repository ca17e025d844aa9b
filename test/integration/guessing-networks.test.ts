/** Guesses from the many addresses of one IPv6 customer: a network of 64 bits counts as one address, whatever is guessed. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { callOverWebSocket } from '../support/call-over-web-socket.js';
import { createHook, hookUrl, newCall, platformOf, send } from '../support/hooks.js';
import { TestGateway } from '../support/start-gateway.js';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await TestGateway.start({
    environment: {
      // So that a test can speak from any address.
      LANDBRIDGE_HTTP_TRUSTED_PROXIES: '127.0.0.0/8',
      LANDBRIDGE_HTTP_FAILED_LOGINS_PER_MINUTE: '5',
      LANDBRIDGE_JOIN_CODES_MAX_FAILURES_PER_MINUTE: '5',
      // Only guesses are counted here.
      LANDBRIDGE_SIP_BAN_AFTER_REFUSALS: '0',
      LANDBRIDGE_SIP_STRANGER_ANSWERS_PER_SECOND: '10000',
    },
  });
});
afterAll(() => gateway.stop());

/** One of the addresses of a /64, of which a /48 has 65,536. */
const addressIn = (network: number, at: number) =>
  `2001:db8:7:${network.toString(16)}:${((at * 40_503) & 0xffff).toString(16)}::${at.toString(16)}`;

const basic = (user: string, given: string) => `Basic ${Buffer.from(`${user}:${given}`).toString('base64')}`;

type Guess = (from: string, at: number) => Promise<number | string>;

async function password(from: string, at: number): Promise<number> {
  const headers = { authorization: basic('user', `guess ${at}`), 'x-forwarded-for': from };
  return (await fetch(`${gateway.origin}/v1/accounts/acme/sessions`, { headers })).status;
}

const hookPassword =
  (id: string): Guess =>
  async (from, at) => {
    const request = platformOf('bandwidth').call(hookUrl(gateway, 'bandwidth', id), newCall());
    const headers = { authorization: basic('user', `guess ${at}`), 'x-forwarded-for': from };
    return (await send({ ...request, headers: { ...request.headers, ...headers } })).status;
  };

async function joinCode(from: string, at: number): Promise<string> {
  const user = String(at).padStart(12, '0');
  const startLine = await callOverWebSocket(gateway.httpPort, { user, headers: { 'x-forwarded-for': from } });
  return startLine.slice(8, 11);
}

describe('eight guesses', () => {
  it.each<[what: string, network: number, guess: () => Promise<Guess>, tried: unknown, refused: unknown]>([
    ['passwords of REST', 1, () => Promise.resolve(password), 401, 429],
    [
      'passwords of a hook',
      11,
      async () => {
        const sessionId = await gateway.rest.createSession();
        return hookPassword((await createHook(gateway, 'bandwidth', { kind: 'session', sessionId })).id);
      },
      403,
      429,
    ],
    ['join codes, over SIP', 21, () => Promise.resolve(joinCode), '403', '503'],
  ])('of %s, each from another address of a /64, are five', async (_, network, guessOf, tried, refused) => {
    const guess = await guessOf();
    const answers: unknown[] = [];
    for (let at = 0; at < 8; at += 1) answers.push(await guess(addressIn(network, at), at));
    expect(answers).toEqual([...Array<unknown>(5).fill(tried), ...Array<unknown>(3).fill(refused)]);
    // Its neighbours are other customers, and each counts for itself.
    for (let other = 1; other < 4; other += 1)
      for (let at = 0; at < 6; at += 1)
        expect(await guess(addressIn(network + other, at), 8 + at)).toBe(at < 5 ? tried : refused);
  });
});
