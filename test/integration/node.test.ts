/** What the operator does with a running gateway: takes it out of service and back, and sees whom it does not hear. */
import { connect } from 'node:net';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { audioOffer, RawSip } from '../support/raw-sip.js';
import { callAndConnect } from '../support/gateway-phone.js';
import { isBesideDrachtio } from '../support/servers-beside.js';
import { TestGateway } from '../support/start-gateway.js';
import { waitFor } from '../support/wait-for.js';

let gateway: TestGateway;

beforeEach(async () => {
  gateway = await TestGateway.start({ environment: { LANDBRIDGE_SIP_BAN_AFTER_REFUSALS: '3' } });
});

afterEach(() => gateway.stop());

async function node(
  method: string,
  path = '',
  headers: Record<string, string> = gateway.rest.headers,
): Promise<{ readonly status: number; readonly body: unknown }> {
  const response = await fetch(`${gateway.origin}/v1/node${path}`, { method, headers });
  const text = await response.text();
  return { status: response.status, body: text === '' ? null : (JSON.parse(text) as unknown) };
}

async function statusOfCall(token: string): Promise<number | undefined> {
  const sip = await RawSip.open(gateway.sipPort);
  sip.send(sip.invite({ headers: [`User-to-User: ${token};encoding=jwt`], body: audioOffer(sip.port) }));
  const { status } = await sip.final('INVITE');
  sip.close();
  return status;
}

it('takes no new calls on order, goes on with those in progress, and takes calls again on order', async () => {
  const { rest } = gateway;
  const session = await rest.createSession();
  const [a, b] = [await rest.newcomer(session), await rest.newcomer(session)];
  const call = await callAndConnect(gateway, a.token);
  expect((await node('PUT', '/drain')).body).toMatchObject({ draining: true, legs: 1 });
  expect(await statusOfCall(b.token)).toBe(503);
  const ready = await fetch(`${gateway.origin}/ready`);
  expect([ready.status, await ready.json()]).toEqual([
    503,
    { ready: false, reasons: [{ check: 'draining', reason: 'the gateway takes no new calls' }] },
  ]);
  expect((await rest.legs()).map(({ state }) => state)).toEqual(['established']);
  expect((await node('DELETE', '/drain')).body).toMatchObject({ draining: false, legs: 1 });
  expect((await fetch(`${gateway.origin}/ready`)).status).toBe(200);
  expect(await statusOfCall(b.token)).toBe(200);
  await call.hangUp();
});

it.skipIf(isBesideDrachtio)('tells whom it does not hear, and hears them again on order', async () => {
  const socket = connect({ host: '127.0.0.1', port: gateway.sipPort, localAddress: '127.0.0.20' });
  socket.on('error', () => undefined);
  for (let i = 0; i < 3; i += 1) socket.write(`INVITE sip:x@gw SIP/2.0\r\nContent-Length: 0\r\n\r\n`);
  const banned = await waitFor('it is banned', async () => {
    const bans = (await node('GET', '/bans')).body as readonly { readonly source: string }[];
    return bans.length > 0 ? bans : undefined;
  });
  expect(banned).toEqual([{ source: '127.0.0.20', until: expect.any(String) as string }]);
  expect((await node('DELETE', '/bans/127.0.0.20')).status).toBe(204);
  expect((await node('GET', '/bans')).body).toEqual([]);
  expect(await node('DELETE', '/bans/127.0.0.20')).toMatchObject({
    status: 404,
    body: { code: 'ban-not-found' },
  });
  expect((await node('DELETE', '/bans')).status).toBe(204);
  socket.destroy();
});

it('is for the operator alone', async () => {
  const wrong = { authorization: `Basic ${Buffer.from('tester:wrong').toString('base64')}` };
  expect((await node('PUT', '/drain', {})).status).toBe(401);
  expect((await node('PUT', '/drain', wrong)).status).toBe(401);
  expect((await node('GET')).body).toMatchObject({ draining: false, legs: 0 });
});
