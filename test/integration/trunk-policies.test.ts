/** What a trunk says of its calls: codecs, keys, header fields that applications see, who calls. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { EventFollower } from '../support/events.js';
import { RawSip, type RawMessage } from '../support/raw-sip.js';
import { TestGateway } from '../support/start-gateway.js';
import { waitFor } from '../support/wait-for.js';

interface Recorded {
  readonly headers: Readonly<Record<string, string>> | null;
  readonly caller: { readonly number: string | null } | null;
}

const number = '+14155550100';
const secret = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJwMTIzNDU2In0.c2lnbmF0dXJl';

let gateway: TestGateway;
let events: EventFollower;
let networks = 0;
const open: RawSip[] = [];

beforeAll(async () => {
  gateway = await TestGateway.start({
    environment: {
      LANDBRIDGE_CALLER_PRIVACY: 'full',
      LANDBRIDGE_WEBHOOKS_ALLOW_PRIVATE_NETWORKS: 'true',
    },
  });
  // A number needs somebody who may call it.
  await gateway.rest.done('POST', '/trunks', { inbound: { networks: ['127.0.20.254'] } });
  await gateway.rest.done('POST', '/numbers', { number, route: { kind: 'new-session' } });
  events = await gateway.follow();
});
afterEach(async () => {
  for (const sip of open.splice(0)) sip.close();
  await gateway.idle();
});
afterAll(async () => {
  await events.close();
  await gateway.stop();
});

interface Fields {
  readonly inbound?: object;
  readonly media?: object;
}

/** A user agent at an address that is a trunk's. */
interface Peer extends RawSip {
  readonly address: string;
}

/** A trunk of its own network, and a user agent there. */
async function trunkWith({ inbound = {}, ...fields }: Fields): Promise<Peer> {
  networks += 1;
  const address = `127.0.20.${String(networks)}`;
  await gateway.rest.done('POST', '/trunks', { inbound: { networks: [address], ...inbound }, ...fields });
  const sip = await RawSip.open(gateway.sipPort, address);
  open.push(sip);
  return Object.assign(sip, { address });
}

/** The offered codecs by their payload types, and telephone events. */
function offer(formats: string): string {
  return [
    ...['v=0', 'o=- 1 1 IN IP4 127.0.0.1', 's=-', 'c=IN IP4 127.0.0.1', 't=0 0'],
    `m=audio 9 RTP/AVP ${formats}`,
    ...(formats.includes('101') ? ['a=rtpmap:101 telephone-event/8000'] : []),
    '',
  ].join('\r\n');
}

async function call(sip: Peer, formats = '0 8 101', headers: readonly string[] = []): Promise<RawMessage> {
  const invite = sip.invite({ body: offer(formats), uri: `sip:${number}@gw`, headers });
  // Requests of ours go where it is.
  sip.send(invite.replace('Contact: <sip:raw@127.0.0.1', `Contact: <sip:raw@${sip.address}`));
  return sip.final('INVITE');
}

const tagOf = (answer: RawMessage) => /tag=([^;>\s]+)/.exec(answer.header('To') ?? '')?.[1];
const mediaLine = ({ text }: RawMessage) => /m=audio \d+ RTP\/AVP ([\d ]+)/.exec(text)?.[1];

async function connected(sip: RawSip, answer: RawMessage): Promise<string> {
  sip.send(sip.request('ACK', { toTag: tagOf(answer), branch: `z9hG4bKack${sip.callId}` }));
  const joined = await events.wait('call.established', ({ data }) => data.callId === sip.callId);
  return String(joined.participantId);
}

async function hangUp(sip: RawSip, answer: RawMessage, cseq = 9): Promise<void> {
  sip.send(sip.request('ACK', { toTag: tagOf(answer), branch: `z9hG4bKack${sip.callId}` }));
  sip.send(sip.request('BYE', { cseq, toTag: tagOf(answer), branch: `z9hG4bKbye${sip.callId}` }));
  await sip.final('BYE');
}

async function recordOf({ callId }: RawSip): Promise<Recorded | undefined> {
  const path = `/records?callId=${encodeURIComponent(callId)}`;
  return (await gateway.rest.done<{ records: Recorded[] }>('GET', path)).records[0];
}

describe('The codecs of a trunk', () => {
  it('are taken in its order, whatever the order of the offer', async () => {
    const sip = await trunkWith({ media: { codecs: ['PCMA', 'PCMU'] } });
    const answer = await call(sip, '0 8 101');
    expect(mediaLine(answer)).toBe('8 101');
    await hangUp(sip, answer);
  });

  it('are all there are: a call without one of them is refused with 488', async () => {
    const sip = await trunkWith({ media: { codecs: ['PCMA'] } });
    const answer = await call(sip, '0 101');
    expect([answer.status, answer.header('Reason')]).toEqual([
      488,
      expect.stringContaining('no-common-codec') as string,
    ]);
  });

  it('are offered, where the call leaves the offer to us', async () => {
    const sip = await trunkWith({ media: { codecs: ['PCMA'], dtmf: 'info' } });
    sip.send(sip.invite({ uri: `sip:${number}@gw` }));
    const answer = await sip.final('INVITE');
    expect(mediaLine(answer)).toBe('8');
    await hangUp(sip, answer);
  });
});

const info = (digit: string) => `Signal=${digit}\r\nDuration=160\r\n`;

async function pressByInfo(sip: RawSip, answer: RawMessage, digit: string): Promise<number | undefined> {
  sip.send(
    sip.request('INFO', {
      ...{ cseq: 3, toTag: tagOf(answer), branch: `z9hG4bKinfo${sip.callId}` },
      ...{ headers: ['Content-Type: application/dtmf-relay'], body: info(digit) },
    }),
  );
  return (await sip.final('INFO')).status;
}

const pressFor = (participantId: string) =>
  gateway.rest.request('POST', `/participants/${participantId}/dtmf`, { digits: '5' });
const infosTo = (sip: RawSip) => sip.received.filter(({ startLine }) => startLine.startsWith('INFO '));

describe('The keys of a trunk’s calls', () => {
  it('that go by INFO alone: telephone events are not agreed on, INFO counts and is sent', async () => {
    const sip = await trunkWith({ media: { dtmf: 'info' } });
    const answer = await call(sip);
    expect(mediaLine(answer)).toBe('0');
    const participantId = await connected(sip, answer);
    expect(await pressByInfo(sip, answer, '7')).toBe(200);
    const pressed = await events.wait('dtmf.received', (event) => event.participantId === participantId);
    expect(pressed.data).toMatchObject({ digit: '7' });
    const answered = pressFor(participantId);
    await waitFor('INFO', () => infosTo(sip).length > 0);
    sip.ok(infosTo(sip)[0]!);
    expect((await answered).status).toBe(204);
    await hangUp(sip, answer);
  });

  it('that go as telephone events alone: INFO is answered and does not count, and none is sent', async () => {
    const sip = await trunkWith({ media: { dtmf: '4733' } });
    const answer = await call(sip, '0');
    const participantId = await connected(sip, answer);
    expect(await pressByInfo(sip, answer, '7')).toBe(200);
    expect(await pressFor(participantId)).toMatchObject({ status: 409 });
    expect(infosTo(sip)).toEqual([]);
    await hangUp(sip, answer);
    await events.wait('call.ended', ({ data }) => data.callId === sip.callId);
    expect(events.ofType('dtmf.received').filter((event) => event.participantId === participantId)).toEqual(
      [],
    );
  });

  it('go by both ways where nothing is said', async () => {
    const sip = await trunkWith({});
    const answer = await call(sip, '0 101');
    expect(mediaLine(answer)).toBe('0 101');
    const participantId = await connected(sip, answer);
    expect(await pressByInfo(sip, answer, '8')).toBe(200);
    await events.wait('dtmf.received', (event) => event.participantId === participantId);
    await hangUp(sip, answer);
  });
});

describe('The header fields that a trunk shows', () => {
  it('stand in leg, record and facts, and none that it does not name, nor what lets a call in', async () => {
    const headers = ['X-Account', 'Diversion', 'X-Copy', 'X-Missing'];
    const sip = await trunkWith({ inbound: { headers } });
    const answer = await call(sip, '0', [
      'X-Account: 7;kind="gold"',
      'X-Hidden: 1',
      'Diversion: <sip:+4930123@pbx.example>;reason=no-answer',
      `X-Copy: ${secret}`,
    ]);
    expect(answer.status).toBe(200);
    const shown = {
      'X-Account': '7;kind="gold"',
      Diversion: '<sip:+4930123@pbx.example>;reason=no-answer',
    };
    expect(await gateway.rest.legs()).toMatchObject([{ callId: sip.callId, headers: shown }]);
    await hangUp(sip, answer);
    for (const type of ['call.arrived', 'call.ended'] as const) {
      const told = await events.wait(type, ({ data }) => data.callId === sip.callId);
      expect(told.data).toMatchObject({ headers: shown });
    }
    expect((await recordOf(sip))?.headers).toEqual(shown);
  });

  it('are told to the application that a number asks where its call goes', async () => {
    const questions: { readonly headers?: unknown }[] = [];
    const application = createServer((request, response) => {
      let body = '';
      request.on('data', (chunk: Buffer) => (body += chunk.toString()));
      request.on('end', () => {
        questions.push(JSON.parse(body) as { headers?: unknown });
        response.end('{"newSession":true}');
      });
    });
    await new Promise<void>((resolve) => application.listen(0, '127.0.0.1', resolve));
    const { port } = application.address() as AddressInfo;
    const asking = '+14155550111';
    const sip = await trunkWith({ inbound: { headers: ['X-Account'] } });
    const route = { kind: 'application', url: `http://127.0.0.1:${String(port)}/` };
    await gateway.rest.done('POST', '/numbers', { number: asking, route });
    const invite = sip.invite({
      ...{ body: offer('0'), uri: `sip:${asking}@gw`, headers: ['X-Account: 7', 'X-Hidden: 1'] },
    });
    sip.send(invite);
    const answer = await sip.final('INVITE');
    expect(answer.status).toBe(200);
    expect(questions).toMatchObject([{ headers: { 'X-Account': '7' } }]);
    expect(questions[0]?.headers).toEqual({ 'X-Account': '7' });
    await hangUp(sip, answer);
    await new Promise((resolve) => application.close(resolve));
  });

  it('are none where it names none', async () => {
    const sip = await trunkWith({});
    const answer = await call(sip, '0', ['X-Account: 7']);
    await hangUp(sip, answer);
    expect((await recordOf(sip))?.headers).toBeNull();
  });

  it.each(['Authorization', 'User-to-User', 'P-Asserted-Identity', 'X-Landbridge-Token'])(
    'cannot be %s',
    async (name) => {
      const wanted = { inbound: { networks: ['127.0.21.1'], headers: [name] } };
      expect(await gateway.rest.request('POST', '/trunks', wanted)).toMatchObject({ status: 400 });
    },
  );
});

it('Who calls is looked for where the trunk says, in its order', async () => {
  const fields = [
    'P-Asserted-Identity: <sip:+15550001@carrier>',
    'P-Preferred-Identity: <sip:+15550002@carrier>',
    'Remote-Party-ID: <sip:+15550003@carrier>;party=calling',
  ];
  for (const [callerIdentity, caller] of [
    [['p-preferred-identity', 'p-asserted-identity'], { number: '+15550002' }],
    [['remote-party-id', 'from'], { number: '+15550003' }],
    [['from'], null],
    ['asserted', { number: '+15550001' }],
  ] as const) {
    const sip = await trunkWith({ inbound: { callerIdentity } });
    const answer = await call(sip, '0', fields);
    await hangUp(sip, answer);
    const record = await recordOf(sip);
    if (caller === null) expect(record?.caller).toBeNull();
    else expect(record).toMatchObject({ caller });
  }
});

it('A trunk says what it takes of these, and is refused with what there is not', async () => {
  const refused = (fields: object) => gateway.rest.request('POST', '/trunks', fields);
  for (const fields of [
    { media: { dtmf: 'inband' } },
    { media: { codecs: [] } },
    { media: { codecs: ['G729'] } },
    { inbound: { headers: ['no header'] } },
    { inbound: { callerIdentity: [] } },
    { inbound: { callerIdentity: ['diversion'] } },
  ])
    expect((await refused(fields)).status, JSON.stringify(fields)).toBe(400);
  const made = await gateway.rest.done<object>('POST', '/trunks', {
    media: { codecs: ['PCMA'], dtmf: 'info' },
    inbound: { headers: ['X-A', 'X-A'], callerIdentity: 'from' },
  });
  expect(made).toMatchObject({
    media: { codecs: ['PCMA'], dtmf: 'info' },
    inbound: { headers: ['X-A'], callerIdentity: ['from'] },
  });
});
