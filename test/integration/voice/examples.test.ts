/** The examples, run as they are and called by each platform's recorded request. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { placeCall } from '../../../src/softphone/phone-call.js';
import type { EventFollower } from '../../support/events.js';
import { newCall, platformOf, send } from '../../support/hooks.js';
import { inviteOf, type PlatformInvite } from '../../support/platform-invite.js';
import { callControl, platformRequests } from '../../support/platform-requests.js';
import { TestGateway } from '../../support/start-gateway.js';
import { waitFor } from '../../support/wait-for.js';

const folder = fileURLToPath(new URL('../../../examples', import.meta.url));

let gateway: TestGateway;
let events: EventFollower;
const stops: (() => Promise<unknown>)[] = [];
beforeAll(async () => {
  gateway = await TestGateway.start();
  events = await gateway.follow();
});
afterEach(async () => {
  await Promise.all(stops.splice(0).map((stop) => stop()));
});
afterAll(async () => {
  await events.close();
  await gateway.stop();
});

/** Resolves with its URL. */
async function run(
  example: string,
  sessionId: string,
  environment: Record<string, string> = {},
): Promise<string> {
  const child = spawn(process.execPath, [`${folder}/${example}.mjs`], {
    env: {
      ...{ PATH: process.env['PATH'], LANDBRIDGE: gateway.origin, ACCOUNT: 'acme', USERNAME: 'tester' },
      ...{ PASSWORD: 'a password for tests', SESSION_ID: sessionId, PORT: '0', ...environment },
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  stops.push(async () => {
    const exited = once(child, 'exit');
    if (child.exitCode === null && child.kill()) await exited;
  });
  const port = await waitFor(`${example} listens`, () => {
    if (child.exitCode !== null) throw new Error(`${example} ended: ${output}`);
    return /listening on port (\d+)/.exec(output)?.[1];
  });
  return `http://127.0.0.1:${port}`;
}

async function expectToLand({ uri, headers }: PlatformInvite, sessionId: string): Promise<void> {
  const phone = await placeCall({
    uri,
    headers: headers.map((line) => {
      const colon = line.indexOf(': ');
      return [line.slice(0, colon), line.slice(colon + 2)] as const;
    }),
    source: { kind: 'silence' },
    lingerMs: 500,
  });
  await phone.answered;
  await events.wait('participant.joined', (event) => event.sessionId === sessionId);
  await phone.hangUp();
  await gateway.idle();
}

it('has an example of every dialect', () => {
  const names = readdirSync(folder).filter((name) => name.endsWith('.mjs'));
  for (const platform of [
    ...Object.keys(platformRequests),
    'asterisk',
    'freeswitch',
    'telnyx-call-control',
  ]) {
    expect(names).toContain(`${platform}.mjs`);
  }
});

it.each(Object.keys(platformRequests))(
  '%s.mjs sends the caller of a recorded request into its session',
  async (platform) => {
    const sessionId = await gateway.rest.createSession();
    const url = await run(platform, sessionId);
    const request = platformOf(platform).call(`${url}/voice`, newCall());
    const answers = [await (await send(request)).text(), await (await send(request)).text()];
    expect(answers[0]).toBe(answers[1]);
    expect(await gateway.rest.done<unknown[]>('GET', `/sessions/${sessionId}/participants`)).toHaveLength(1);
    await expectToLand(inviteOf(platform, answers[0] ?? ''), sessionId);
  },
);

it('telnyx-call-control.mjs orders Telnyx to transfer the caller into its session', async () => {
  const orders: { path: string; body: string }[] = [];
  const telnyx = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      orders.push({ path: request.url ?? '', body });
      response.end('{}');
    });
  }).listen(0, '127.0.0.1');
  await once(telnyx, 'listening');
  stops.push(() => new Promise((resolve) => telnyx.close(resolve)));
  const sessionId = await gateway.rest.createSession();
  const { port } = telnyx.address() as AddressInfo;
  const url = await run('telnyx-call-control', sessionId, {
    TELNYX: `http://127.0.0.1:${port}`,
    TELNYX_API_KEY: 'KEY',
  });
  const call = newCall();
  expect((await send(callControl(url, 'call.initiated', call))).status).toBe(204);
  expect((await send(callControl(url, 'call.answered', call))).status).toBe(204);
  expect(orders.map(({ path }) => path)).toEqual([`/v2/calls/${call.id}/actions/transfer`]);
  await expectToLand(inviteOf('telnyx-call-control', orders[0]?.body ?? ''), sessionId);
});

it('asterisk.mjs and freeswitch.mjs tell their dialplans what they need', async () => {
  const sessionId = await gateway.rest.createSession();
  const code = await (await fetch(`${await run('asterisk', sessionId)}/?call=1763640000.17`)).text();
  const host = `127.0.0.1:${gateway.sipPort}`;
  await expectToLand({ uri: `sip:join@${host}`, headers: [`X-Landbridge-Token: ${code}`] }, sessionId);

  const other = await gateway.rest.createSession();
  const body = new URLSearchParams({ 'Unique-ID': 'b7c1', section: 'dialplan' });
  const answer = await fetch(await run('freeswitch', other), { method: 'POST', body });
  const [extension = ''] = /<extension.*<\/extension>/s.exec(await answer.text()) ?? [];
  await expectToLand(inviteOf('freeswitch', extension), other);
});

it('bandwidth-quickstart.mjs brings a caller and a browser into one conference', async () => {
  const host = `127.0.0.1:${gateway.sipPort}`;
  const url = await run('bandwidth-quickstart', '', { SIP_URI: `sip:join@${host}` });
  const call = newCall();
  const { token } = (await (await fetch(`${url}/token`)).json()) as { token: string };
  expect(token).toMatch(/^eyJ/);
  const answer = await send(platformOf('bandwidth').call(`${url}/callbacks`, call));
  const created = await events.wait('session.created', ({ tag }) => tag === 'quickstart');
  const sessionId = String(created.sessionId);
  expect(await gateway.rest.done('GET', `/sessions/${sessionId}/participants`)).toEqual([
    expect.objectContaining({ tag: 'browser', subscriptions: { sessionId } }),
    expect.objectContaining({ tag: 'phone', subscriptions: { sessionId } }),
  ]);
  await expectToLand(inviteOf('bandwidth', await answer.text()), sessionId);
  const arrived = events.ofType('call.arrived').find((event) => event.sessionId === sessionId);
  expect(arrived?.data.voiceCallId).toBe(call.id.slice(1).replaceAll('-', ''));
  expect((await send(platformOf('bandwidth').complete(`${url}/callbacks`, call))).status).toBe(204);
});
