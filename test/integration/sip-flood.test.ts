/** A stranger floods the SIP port with requests that show nothing: calls that stand and calls that come are not touched. */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { setImmediate } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { audioOffer, RawSip } from '../support/raw-sip.js';
import { isBesideDrachtio } from '../support/servers-beside.js';
import { TestGateway } from '../support/start-gateway.js';
import { waitFor } from '../support/wait-for.js';

const maxTransactions = 500;
/** Far more than there is room for. */
const requests = 4 * maxTransactions;

let gateway: TestGateway;
let stranger: Socket;
const answers: Buffer[] = [];
beforeAll(async () => {
  gateway = await TestGateway.start({
    environment: {
      LANDBRIDGE_SIP_MAX_TRANSACTIONS: String(maxTransactions),
      // Every answer is counted here.
      LANDBRIDGE_SIP_STRANGER_ANSWERS_PER_SECOND: '1000000',
    },
  });
  stranger = createSocket('udp4').bind(0, '127.0.0.1');
  stranger.on('message', (bytes) => answers.push(bytes));
  await once(stranger, 'listening');
  stranger.setRecvBufferSize(4 * 1024 * 1024);
});
afterAll(async () => {
  stranger.close();
  await gateway.stop();
});

const tiny = (method: string, name: string, uri = 'sip:x@gw'): string =>
  [
    `${method} ${uri} SIP/2.0`,
    `Via: SIP/2.0/UDP 127.0.0.1:${stranger.address().port};branch=z9hG4bK${name}`,
    'From: <sip:a@b>;tag=1',
    'To: <sip:x@gw>',
    `Call-ID: ${name}`,
    `CSeq: 1 ${method}`,
    ...(method === 'INVITE' ? ['Contact: <sip:a@127.0.0.1>'] : []),
    ...['', ''],
  ].join('\r\n');

async function call(): Promise<{
  readonly sip: RawSip;
  readonly status: number | undefined;
  readonly end: () => Promise<number | undefined>;
}> {
  const { token } = await gateway.rest.newcomer(await gateway.rest.createSession());
  const sip = await RawSip.open(gateway.sipPort);
  sip.send(sip.invite({ headers: [`User-to-User: ${token};encoding=jwt`], body: audioOffer(sip.port) }));
  const answer = await sip.final('INVITE');
  const toTag = /tag=([^;>\s]+)/.exec(answer.header('To') ?? '')?.[1];
  sip.send(sip.request('ACK', { toTag, branch: 'z9hG4bKack' }));
  const end = async (): Promise<number | undefined> => {
    sip.send(sip.request('BYE', { cseq: 2, toTag, branch: 'z9hG4bKbye' }));
    const { status } = await sip.final('BYE');
    sip.close();
    return status;
  };
  return { sip, status: answer.status, end };
}

const floods: readonly (readonly [method: string, uri: string])[] = [
  ['INVITE', 'sip:x@gw'],
  // Its 403 was sent eleven times.
  ['INVITE', 'sip:x@gw;token=a.b.c'],
  ...['OPTIONS', 'BYE', 'FOO', 'REGISTER'].map((method) => [method, 'sip:x@gw'] as const),
];

/** Behind a drachtio-server the flood is its to bear. */
it.skipIf(isBesideDrachtio).each(floods)(
  'A flood of %s %s outside of calls leaves room for calls, keeps no transactions, and is answered once each',
  async (method, uri) => {
    const standing = await call();
    answers.length = 0;
    let octets = 0;
    for (let i = 0; i < requests; i += 1) {
      const text = tiny(method, `${method}${i}${uri.length}`, uri);
      octets += text.length;
      stranger.send(text, gateway.sipPort, '127.0.0.1');
      // So that the kernel need not drop any.
      if (i % 20 === 0) await setImmediate();
      if (i % 100 === 0) await waitFor('the answers so far', () => answers.length > i - 100);
    }
    await waitFor('every answer', () => answers.length >= requests);
    const coming = await call();
    expect(coming.status).toBe(200);
    expect(await standing.end()).toBe(200);
    expect(await coming.end()).toBe(200);
    await gateway.idle();
    // A call leaves its INVITE and its BYE for a while.
    expect(await transactions()).toBeLessThan(50);
    expect(answers).toHaveLength(requests);
    const sent = answers.reduce((sum, { length }) => sum + length, 0);
    expect(sent / octets).toBeLessThan(3);
  },
);

/** Those who must be looked up: each 403 or 503 was sent eleven times, after a 100. */
it.skipIf(isBesideDrachtio).each([
  ['a join code that nobody has', 'sip:7K3Q9XWT2MBD@gw'],
  ['a number that nobody has', 'sip:+14158675309@gw'],
])('A flood of INVITEs to %s leaves room for calls, and is answered once each', async (_what, uri) => {
  answers.length = 0;
  for (let i = 0; i < requests; i += 1) {
    stranger.send(
      tiny('INVITE', `looked-up${i}${uri.replace(/\W/g, '')}`, uri),
      gateway.sipPort,
      '127.0.0.1',
    );
    if (i % 50 === 0) await waitFor('the answers so far', () => answers.length > i - 50);
  }
  await waitFor('every answer', () => answers.length >= requests);
  const coming = await call();
  expect(coming.status).toBe(200);
  expect(await coming.end()).toBe(200);
  // Who was looked up within 200 ms was answered once; a busy machine may have told others to wait, and again of the refusal.
  const statusesOf = new Map<string, string[]>();
  for (const text of answers.map((bytes) => bytes.toString('latin1'))) {
    const callId = /^Call-ID: (.*)$/m.exec(text)?.[1] ?? '';
    // A caller of the flood before may be told again.
    if (!callId.includes(uri.replace(/\W/g, ''))) continue;
    statusesOf.set(callId, [...(statusesOf.get(callId) ?? []), text.slice(8, 11)]);
  }
  for (const statuses of statusesOf.values()) if (!statuses.includes('100')) expect(statuses).toHaveLength(1);
});

it.skipIf(isBesideDrachtio)(
  'A copy of an INVITE that was turned away gets the same answer, To tag and all',
  async () => {
    answers.length = 0;
    for (const name of ['copy', 'copy', 'other'])
      stranger.send(tiny('INVITE', name), gateway.sipPort, '127.0.0.1');
    // Callers of before may be told again.
    const told = () =>
      answers.map((bytes) => bytes.toString()).filter((text) => /^Call-ID: (?:copy|other)\r$/m.test(text));
    await waitFor('three answers', () => told().length === 3);
    const [first, copy, other] = told();
    expect(first).toContain('SIP/2.0 403');
    expect(first).toContain('Reason: SIP;cause=403;text="token-missing"');
    expect(copy).toBe(first);
    const tagIn = (text = '') => /^To: .*;tag=(.*)$/m.exec(text)?.[1];
    expect(tagIn(first)).toMatch(/^[0-9a-f]{16}\r?$/);
    expect(tagIn(other)).not.toBe(tagIn(first));
  },
);

async function transactions(): Promise<number> {
  const value = (await gateway.metrics()).get('landbridge_sip_transactions');
  if (value === undefined) throw new Error('no such figure');
  return value;
}
