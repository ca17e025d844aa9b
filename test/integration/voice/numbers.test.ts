import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { CallNotAnswered, placeCall } from '../../../src/softphone/phone-call.js';
import type { EventFollower } from '../../support/events.js';
import { createHook, hookUrl, newCall, platformOf, send, type CreatedNumber } from '../../support/hooks.js';
import { callControl, platformRequests } from '../../support/platform-requests.js';
import { inviteOf } from '../../support/platform-invite.js';
import { audioOffer, RawSip } from '../../support/raw-sip.js';
import { TestGateway } from '../../support/start-gateway.js';
import { waitFor } from '../../support/wait-for.js';

/** An HTTP server that does as the test says, and keeps what it was sent. */
class Peer {
  readonly received: { path: string; headers: IncomingMessage['headers']; body: string }[] = [];
  behaviour: (response: ServerResponse) => void = (response) => void response.end('{}');
  readonly #server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      this.received.push({ path: request.url ?? '', headers: request.headers, body });
      this.behaviour(response);
    });
  });

  static async start(): Promise<Peer> {
    const peer = new Peer();
    peer.#server.listen(0, '127.0.0.1');
    await once(peer.#server, 'listening');
    return peer;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  answers(value: unknown, status = 200): void {
    this.behaviour = (response) => void response.writeHead(status).end(JSON.stringify(value));
  }

  async close(): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, 'close');
  }
}

/** The time-out of one that hangs: whoever is answered before it was not kept waiting by it. */
const applicationTimeoutMs = 10_000;

let gateway: TestGateway;
let events: EventFollower;
let peer: Peer;
beforeAll(async () => {
  peer = await Peer.start();
  gateway = await TestGateway.start({
    environment: {
      LANDBRIDGE_WEBHOOKS_ALLOWED_NETWORKS: '127.0.0.1',
      LANDBRIDGE_NUMBERS_APPLICATION_TIMEOUT_SECONDS: String(applicationTimeoutMs / 1000),
      LANDBRIDGE_NUMBERS_MAX_WRONG_PINS_PER_CALLER: '3',
      LANDBRIDGE_NUMBERS_MAX_WRONG_PINS_PER_NUMBER: '6',
      LANDBRIDGE_TRANSFERS_TELNYX_API_URL: peer.url,
    },
  });
  events = await gateway.follow();
});
afterEach(() => {
  peer.received.length = 0;
});
afterAll(async () => {
  await events.close();
  await gateway.stop();
  await peer.close();
});

const pins = ['481516', '2342', '000108151623'];

describe.each(Object.keys(platformRequests))('A number of %s that asks for a PIN', (platform) => {
  const requests = platformOf(platform);
  const isTransfer = (body: string) => body.includes(`@127.0.0.1:${gateway.sipPort}`);

  async function pinNumber() {
    const sessions = await Promise.all(pins.map(() => gateway.rest.createSession()));
    const number = await createHook(gateway, platform, { kind: 'pin', prompt: 'Your "PIN" & pound' });
    for (const [index, pin] of pins.entries()) {
      const body = { sessionId: sessions[index], pin };
      await gateway.rest.done('POST', `/numbers/${number.id}/pins`, body);
    }
    const url = hookUrl(gateway, platform, number.id);
    const key = async (call: ReturnType<typeof newCall>, digits: string) =>
      (await send(requests.digits(`${url}/pin`, call, digits))).text();
    return { sessions, number, url, key };
  }

  it('asks in the platform’s own words, and sends each PIN to its session, once for a call', async () => {
    const { sessions, url, key } = await pinNumber();
    for (const [index, pin] of pins.entries()) {
      const call = newCall();
      const question = await (await send(requests.call(url, call))).text();
      expect(isTransfer(question)).toBe(false);
      expect(question).toContain('/pin');
      const answer = await key(call, pin);
      expect(isTransfer(answer)).toBe(true);
      expect(await key(call, pin)).toBe(answer);
      expect(
        await gateway.rest.done<unknown[]>('GET', `/sessions/${sessions[index]}/participants`),
      ).toHaveLength(1);
    }
  });

  it('asks again for a wrong one, and hangs up on a caller who guesses while others are let in', async () => {
    const { key } = await pinNumber();
    const guesser = newCall();
    for (const guess of ['1111', '', '481517']) expect(await key(guesser, guess)).toContain('/pin');
    const refused = await key(guesser, '481516');
    expect(isTransfer(refused)).toBe(false);
    expect(refused).not.toContain('/pin');
    // From another phone it is let in, until the number as a whole was guessed at too often.
    const other = (from: string) => ({ ...newCall(), from });
    expect(isTransfer(await key(other('+15557770001'), '481516'))).toBe(true);
    // At once, and more than there may be: what was used up comes back with time.
    const others = Array.from({ length: 12 }, (_, index) => `+155577710${10 + index}`);
    await Promise.all(others.map((from) => key(other(from), '9999')));
    expect(isTransfer(await key(other('+15557770005'), '481516'))).toBe(false);
  });
});

it('keeps PINs, numbers and keyed digits out of the log, and PINs out of answers', async () => {
  const log = gateway.log.map((line) => JSON.stringify(line)).join('\n');
  expect(log).toContain('hook answered');
  // Four digits of a duration or of an id may be those of a PIN by chance.
  for (const pin of pins) expect(log).not.toMatch(new RegExp(`(?<![\\w.-])${pin}(?![\\w.-])`));
  for (const secret of ['5551112222', '5557770001']) expect(log).not.toContain(secret);
  const sessionId = await gateway.rest.createSession();
  const number = await createHook(gateway, 'twilio', { kind: 'pin' });
  const made = await gateway.rest.done<{ id: string; pin: string }>('POST', `/numbers/${number.id}/pins`, {
    sessionId,
  });
  expect(made.pin).toMatch(/^\d{6}$/);
  const listed = await gateway.rest.done<object[]>('GET', `/numbers/${number.id}/pins`);
  expect(listed).toEqual([{ id: made.id, sessionId, createdAt: expect.any(String) as string }]);
  const again = await gateway.rest.request('POST', `/numbers/${number.id}/pins`, {
    sessionId,
    pin: made.pin,
  });
  expect(again.status).toBe(409);
  await gateway.rest.done('DELETE', `/numbers/${number.id}/pins/${made.id}`);
  expect((await gateway.rest.request('DELETE', `/numbers/${number.id}/pins/${made.id}`)).status).toBe(404);
});

describe('A number that asks the application', () => {
  let number: CreatedNumber;
  const transferred = (body: string) => body.includes(`@127.0.0.1:${gateway.sipPort}`);

  async function callIt(call = newCall({ 'SipHeader_X-Tier': 'gold' })): Promise<string> {
    return (await send(platformOf('twilio').call(hookUrl(gateway, 'twilio', number.id), call))).text();
  }

  beforeAll(async () => {
    number = await createHook(gateway, 'twilio', { kind: 'application', url: `${peer.url}/route` });
  });

  it('shows its secret once, signs the question, tells the call, and does as it is told', async () => {
    expect(number.secret).toMatch(/^[\w-]{43}$/);
    expect(JSON.stringify(await gateway.rest.done('GET', `/numbers/${number.id}`))).not.toContain(
      number.secret,
    );
    const sessionId = await gateway.rest.createSession();
    peer.answers({ sessionId, displayName: 'Zoë', tag: 'gold', publishPermissions: [] });
    const call = newCall({ 'SipHeader_X-Tier': 'gold' });
    const answers = await Promise.all([callIt(call), callIt(call), callIt(call)]);
    answers.push(await callIt(call));
    expect(new Set(answers).size).toBe(1);
    expect(transferred(answers[0] ?? '')).toBe(true);
    expect(peer.received).toHaveLength(1);
    const [question] = peer.received;
    expect(JSON.parse(question?.body ?? '')).toEqual({
      ...{
        numberId: number.id,
        number: null,
        platform: 'twilio',
        voiceCallId: call.id,
        from: call.from,
        to: call.to,
      },
      headers: { 'X-Origin': 'test', 'X-Tier': 'gold' },
    });
    const [, t = '', v1 = ''] =
      /^t=(\d+),v1=([0-9a-f]{64})$/.exec(String(question?.headers['landbridge-signature'])) ?? [];
    const secret = number.secret ?? '';
    expect(
      createHmac('sha256', secret)
        .update(`${t}.${question?.body ?? ''}`)
        .digest('hex'),
    ).toBe(v1);
    expect(await gateway.rest.done('GET', `/sessions/${sessionId}/participants`)).toEqual([
      expect.objectContaining({ displayName: 'Zoë', tag: 'gold', publishPermissions: [] }),
    ]);
  });

  it('makes a session where the application wants one, and refuses where it refuses', async () => {
    peer.answers({ newSession: { tag: 'by application' } });
    expect(transferred(await callIt())).toBe(true);
    peer.answers({ refuse: 'not today' });
    const refused = await callIt();
    expect(refused).toContain('<Say>Your call cannot be taken.</Say><Hangup/>');
    expect(refused).not.toContain('not today');
  });

  it.each([
    ['answers with 500', (response: ServerResponse): void => void response.writeHead(500).end('{}')],
    ['answers no JSON', (response: ServerResponse): void => void response.end('<xml/>')],
    ['answers something else', (response: ServerResponse): void => void response.end('{"sessionId":7}')],
    [
      'names a session that is none',
      (response: ServerResponse): void =>
        void response.end('{"sessionId":"00000000-0000-4000-8000-000000000000"}'),
    ],
    ['answers without end', (response: ServerResponse): void => void response.end('x'.repeat(200_000))],
    [
      'points elsewhere',
      (response: ServerResponse): void => void response.writeHead(302, { location: '/route' }).end(),
    ],
    ['cuts the connection', (response: ServerResponse): void => void response.destroy()],
  ] as const)('lets the caller know at once where the application %s', async (_, behaviour) => {
    peer.behaviour = behaviour;
    const startedAt = performance.now();
    const answer = await callIt();
    expect(transferred(answer)).toBe(false);
    expect(answer).toContain('<Hangup/>');
    expect(performance.now() - startedAt).toBeLessThan(applicationTimeoutMs);
  });

  it('does not wait for one that hangs, nor lets others wait', async () => {
    peer.behaviour = () => undefined;
    const startedAt = performance.now();
    const hanging = Array.from({ length: 30 }, () => callIt());
    const { id } = await createHook(gateway, 'twilio', { kind: 'new-session' });
    const other = await send(platformOf('twilio').call(hookUrl(gateway, 'twilio', id), newCall()));
    expect(transferred(await other.text())).toBe(true);
    expect(performance.now() - startedAt).toBeLessThan(applicationTimeoutMs);
    for (const answer of await Promise.all(hanging)) expect(answer).toContain('<Hangup/>');
    // All of them together, not one after the other.
    expect(performance.now() - startedAt).toBeLessThan(4 * applicationTimeoutMs);
    expect(peer.received.length).toBeLessThanOrEqual(20);
  });

  it('does not go round in circles where the application is our own hook', async () => {
    const loop = await createHook(gateway, 'twilio', {
      kind: 'application',
      url: `${gateway.origin}/hooks/twilio/${number.id}`,
    });
    const answer = await send(platformOf('twilio').call(hookUrl(gateway, 'twilio', loop.id), newCall()));
    expect(await answer.text()).toContain('<Hangup/>');
    expect(peer.received).toEqual([]);
  });

  it('is not asked at a private address', async () => {
    for (const url of [
      'http://10.0.0.1/',
      'http://169.254.169.254/latest',
      'http://[::1]/',
      'http://2130706434/',
    ]) {
      const answer = await gateway.rest.request('POST', '/numbers', {
        platform: 'twilio',
        credentials: platformOf('twilio').credentials,
        route: { kind: 'application', url },
      });
      expect([url, answer.status]).toEqual([url, 400]);
    }
  });
});

describe('Telnyx Call Control', () => {
  it('is ordered to transfer the call, with the key and once per event', async () => {
    peer.behaviour = (response) => void response.end('{"data":{"result":"ok"}}');
    const sessionId = await gateway.rest.createSession();
    const number = await createHook(gateway, 'telnyx', { kind: 'session', sessionId });
    const url = hookUrl(gateway, 'telnyx', number.id);
    const call = newCall();
    for (let time = 0; time < 3; time += 1) {
      expect((await send(callControl(url, 'call.initiated', call))).status).toBe(200);
    }
    await waitFor('the orders', () => peer.received.length === 3);
    const bodies = new Set(peer.received.map(({ body }) => body));
    expect(bodies.size).toBe(1);
    expect(peer.received[0]).toMatchObject({
      path: `/v2/calls/${encodeURIComponent(call.id)}/actions/transfer`,
      headers: { authorization: `Bearer ${platformOf('telnyx').credentials['apiKey'] ?? ''}` },
    });
    expect(await gateway.rest.done<unknown[]>('GET', `/sessions/${sessionId}/participants`)).toHaveLength(1);

    const { uri, headers } = inviteOf('telnyx-call-control', [...bodies][0] ?? '');
    const phone = await placeCall({
      uri,
      headers: headers.map((line) => line.split(': ') as [string, string]),
      source: { kind: 'silence' },
      lingerMs: 500,
    });
    await phone.answered;
    await events.wait('transfer.joined', ({ data }) => data.voiceCallId === call.id);
    await send(callControl(url, 'call.hangup', call, { hangup_cause: 'normal_clearing' }));
    await phone.hangUp();
    const completed = await events.wait('transfer.completed', ({ data }) => data.voiceCallId === call.id);
    expect(completed.data.cause).toBe('normal_clearing');
  });

  it('answers, asks for the PIN and transfers, order by order, and tries again where the API stumbles', async () => {
    let refusals = 1;
    peer.behaviour = (response) => void response.writeHead(refusals-- > 0 ? 503 : 200).end('{}');
    const sessionId = await gateway.rest.createSession();
    const number = await createHook(gateway, 'telnyx', { kind: 'pin' });
    await gateway.rest.done('POST', `/numbers/${number.id}/pins`, { sessionId, pin: '2718281828' });
    const url = hookUrl(gateway, 'telnyx', number.id);
    const call = newCall();
    const orders = () => peer.received.map(({ path }) => path.split('/').at(-1));
    await send(callControl(url, 'call.initiated', call));
    await waitFor('the second try', () => orders().length === 2);
    await send(callControl(url, 'call.answered', call));
    await waitFor('the question', () => orders().length === 3);
    await send(callControl(url, 'call.gather.ended', call, { digits: '2718281828', status: 'valid' }));
    await waitFor('the transfer', () => orders().length === 4);
    expect(orders()).toEqual(['answer', 'answer', 'gather_using_speak', 'transfer']);
    expect(await gateway.rest.done<unknown[]>('GET', `/sessions/${sessionId}/participants`)).toHaveLength(1);
  });
});

describe('A SIP call without a token', () => {
  beforeAll(async () => {
    await gateway.rest.done('POST', '/numbers', {
      number: '+1 415 867 5309',
      route: { kind: 'new-session' },
      allowFrom: ['127.0.0.0/8'],
    });
  });

  const uriOf = (user: string) => `sip:${user}@127.0.0.1:${gateway.sipPort}`;

  /** The status of the refusal. */
  async function refusal(user: string): Promise<number | undefined> {
    const phone = await placeCall({ uri: uriOf(user), source: { kind: 'silence' }, lingerMs: 500 });
    const error: unknown = await phone.answered.then(
      () => 'answered',
      (reason: unknown) => reason,
    );
    if (!(error instanceof CallNotAnswered)) throw new Error(`the call was ${String(error)}`);
    return error.end.status;
  }

  it('lands where its number leads, from the networks that may, dialled in any form', async () => {
    const sessionId = await gateway.rest.createSession();
    await gateway.rest.done('POST', '/numbers', {
      number: '+49 170 1234567',
      route: { kind: 'session', sessionId },
      tag: 'dialled in',
      allowFrom: ['127.0.0.0/8'],
    });
    const joined = () => events.ofType('participant.joined').filter((event) => event.sessionId === sessionId);
    for (const [index, user] of ['+491701234567', '491701234567', '00491701234567'].entries()) {
      const phone = await placeCall({ uri: uriOf(user), source: { kind: 'silence' }, lingerMs: 500 });
      await phone.answered;
      await waitFor('the caller has joined', () => joined().length === index + 1);
      await phone.hangUp();
      await gateway.idle();
    }
    expect(joined().map(({ tag }) => tag)).toEqual(['dialled in', 'dialled in', 'dialled in']);
    await waitFor('the callers’ participants are gone', async () => {
      const members = await gateway.rest.done<unknown[]>('GET', `/sessions/${sessionId}/participants`);
      return members.length === 0;
    });
  });

  it.each([
    'tel:+1-415-867-5309',
    'tel:8675309;phone-context=+1415',
    'sip:+1-415-867-5309@gateway.example',
    'sip:415-867-5309;phone-context=+1@gateway.example',
    'sip:(011)14158675309@gateway.example',
    'sip:0014158675309@gateway.example',
    'sip:+14158675309;npdi;rn=+14155550100@gateway.example;user=phone',
  ])('lands where its number leads, called as %s', async (uri) => {
    const caller = await RawSip.open(gateway.sipPort);
    // What a carrier writes beside it for others hides nothing.
    const headers = ['User-to-User: 414343542d3432;encoding=hex'];
    caller.send(caller.invite({ uri, headers, body: audioOffer(caller.port) }));
    const answer = await caller.final('INVITE');
    expect(answer.status).toBe(200);
    const toTag = /tag=([^;>\s]+)/.exec(answer.header('To') ?? '')?.[1];
    caller.send(caller.request('ACK', { toTag, branch: 'z9hG4bKack' }));
    caller.send(caller.request('BYE', { toTag, cseq: 2, branch: 'z9hG4bKbye' }));
    expect((await caller.final('BYE')).status).toBe(200);
    caller.close();
    await gateway.idle();
  });

  it('is refused with 403 from elsewhere and to an unknown number', async () => {
    const sessionId = await gateway.rest.createSession();
    const route = { kind: 'session', sessionId };
    await gateway.rest.done('POST', '/numbers', {
      number: '+15550100001',
      route,
      allowFrom: ['192.0.2.0/24'],
    });
    // With neither a platform nor a network nobody could ever call it.
    const uncallable = await gateway.rest.request('POST', '/numbers', { number: '+15550100002', route });
    expect([uncallable.status, (uncallable.body as { error: string }).error]).toEqual([
      400,
      expect.stringMatching(/^Nobody could call this number.*platform.*allowFrom/),
    ]);
    for (const user of ['+15550100001', '+15550100002', '+15550100004', '442071838750']) {
      expect([user, await refusal(user)]).toEqual([user, 403]);
    }
    const wrong = await gateway.rest.request('POST', '/numbers', {
      number: '+15550100005',
      route,
      allowFrom: ['10.0.0.0/33'],
    });
    expect(wrong.status).toBe(400);
  });
});

it('says what each request says where its hook is, and what a credential is called that the platform does not know', async () => {
  const number = await createHook(gateway, 'twilio', { kind: 'new-session' });
  const url = `${gateway.origin}/hooks/twilio/${number.id}`;
  expect(number.hookUrl).toBe(url);
  const got = await gateway.rest.done<{ hookUrl: string }>('GET', `/numbers/${number.id}`);
  expect(got.hookUrl).toBe(url);
  const credentials = { authTokn: 'x' };
  const wrong = await gateway.rest.request('POST', '/numbers', {
    platform: 'twilio',
    credentials,
    route: { kind: 'new-session' },
  });
  expect([wrong.status, wrong.body]).toEqual([
    400,
    expect.objectContaining({ error: expect.stringMatching(/authTokn.*authToken/) as string }),
  ]);
  const noCountry = await gateway.rest.request('POST', '/numbers', {
    number: '4158675309',
    ...{ allowFrom: ['127.0.0.1'], route: { kind: 'new-session' } },
  });
  expect(noCountry.body).toMatchObject({ error: expect.stringContaining('without + needs its country') });
  const misspelt = await gateway.rest.request('GET', '/records?sessionid=x');
  expect([misspelt.status, misspelt.body]).toEqual([400, expect.objectContaining({ field: 'sessionid' })]);
});

it('replaces a number and keeps its credentials; deletes it, and its hook is unknown', async () => {
  const sessionId = await gateway.rest.createSession();
  const number = await createHook(gateway, 'twilio', { kind: 'new-session' });
  const url = hookUrl(gateway, 'twilio', number.id);
  const changed = { platform: 'twilio', route: { kind: 'session', sessionId }, tag: 'changed' };
  await gateway.rest.done('PUT', `/numbers/${number.id}`, changed);
  expect((await send(platformOf('twilio').call(url, newCall()))).status).toBe(200);
  expect(await gateway.rest.done('GET', `/sessions/${sessionId}/participants`)).toEqual([
    expect.objectContaining({ tag: 'changed' }),
  ]);
  await gateway.rest.done('DELETE', `/numbers/${number.id}`);
  expect((await send(platformOf('twilio').call(url, newCall()))).status).toBe(403);
});
