/** What somebody else writes where credentials are shown has their form at times: ours beside it counts. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { audioOffer, RawSip } from '../support/raw-sip.js';
import type { Newcomer } from '../support/rest-client.js';
import { TestGateway } from '../support/start-gateway.js';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await TestGateway.start();
});
afterAll(() => gateway.stop());

/** The status of a call, which is ended where it is answered; with the reason where it is refused. */
async function callWith(headers: readonly string[], uri = 'sip:join@gateway.example'): Promise<string> {
  const sip = await RawSip.open(gateway.sipPort);
  sip.send(sip.invite({ uri, headers, body: audioOffer(sip.port) }));
  const final = await sip.final('INVITE');
  const toTag = /tag=([^;>\s]+)/.exec(final.header('To') ?? '')?.[1];
  if (final.status === 200) {
    sip.send(sip.request('ACK', { toTag, branch: 'z9hG4bKack' }));
    sip.send(sip.request('BYE', { cseq: 2, toTag, branch: 'z9hG4bKbye' }));
    expect((await sip.final('BYE')).status).toBe(200);
  }
  sip.close();
  return `${String(final.status)} ${/text="([^"]*)"/.exec(final.header('Reason') ?? '')?.[1] ?? ''}`.trim();
}

const newcomer = async (): Promise<Newcomer> => gateway.rest.newcomer(await gateway.rest.createSession());
const bareCode = ({ joinCode }: Newcomer) => joinCode.replaceAll('-', '');
const foreignToken = 'eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJzb21lYm9keSJ9.c2lnbmF0dXJl';

it.each([
  ['an order’s number', 'User-to-User: ORDER1234567'],
  [
    'a number in hex with a discriminator',
    `User-to-User: 04${Buffer.from('000123456789').toString('hex')};encoding=hex`,
  ],
  ['a ticket with hyphens', 'User-to-User: TKT-4711-2026-AB;encoding=ascii'],
  ['a token of another system', `User-to-User: ${foreignToken};encoding=jwt`],
])('%s in User-to-User hides neither a token nor a join code', async (_, foreign) => {
  const { token } = await newcomer();
  expect(await callWith([foreign, `X-Landbridge-Token: ${token}`])).toBe('200');
  expect(await callWith([foreign], `sip:join@gateway.example;token=${token}`)).toBe('200');
  expect(await callWith([foreign], `sip:${bareCode(await newcomer())}@gateway.example`)).toBe('200');
});

it('Codes that are guessed beside a good token are counted each, and the token is good all the same', async () => {
  await gateway.stop();
  gateway = await TestGateway.start();
  const { token } = await newcomer();
  const guesses = (at: number) =>
    `User-to-User: ${[1, 2, 3].map((digit) => `ABCDEFGHJ${at}0${digit}`).join(',')}`;
  // Beside the token they are not even looked up.
  for (let at = 0; at < 5; at += 1)
    expect(await callWith([guesses(at), `X-Landbridge-Token: ${token}`])).toBe('200');
  for (let at = 0; at < 3; at += 1) expect(await callWith([guesses(at)])).toBe('403 token-invalid');
  expect(await callWith([guesses(3)])).toBe('503 too-many-guesses');
  expect(await callWith([guesses(4), `X-Landbridge-Token: ${token}`])).toBe('200');
});
