/** What would become of a call, asked of a whole gateway, and told without anything being changed. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { JwtTokenCodec } from '../../src/tokens/jwt-token-codec.js';
import { callAndConnect } from '../support/gateway-phone.js';
import { audioOffer, RawSip, type InviteOptions } from '../support/raw-sip.js';
import { RestClient } from '../support/rest-client.js';
import { isBesideDrachtio, isBesideFreeSwitch } from '../support/servers-beside.js';
import { TestGateway, tokenSecret } from '../support/start-gateway.js';
import { waitFor } from '../support/wait-for.js';

interface Step {
  readonly step: string;
  readonly verdict: string;
  readonly text: string;
  readonly details: Readonly<Record<string, unknown>>;
  readonly hint: string | null;
}
interface Explanation {
  readonly mended: readonly string[];
  readonly steps: readonly Step[];
  readonly answer: {
    readonly result: string;
    readonly sipStatus: number | null;
    readonly reason: string | null;
    readonly contact: string | null;
    readonly description: string | null;
  };
}

const tokens = new JwtTokenCodec({ secret: tokenSecret });
const source = { address: '127.0.0.1', port: 5070, transport: 'udp' };

const ask = (rest: RestClient, message: string, from: object = source) =>
  rest.done<Explanation>('POST', '/sip/explain', { message, source: from });

/** A machine that is busy with other things takes no calls for a moment, and is said to: then it is asked again. */
const explain = (rest: RestClient, message: string, from: object = source) =>
  waitFor(
    'the gateway has room',
    async () => {
      const told = await ask(rest, message, from);
      const { text = '' } = told.steps.find(({ step }) => step === 'capacity') ?? {};
      return text.startsWith('no media worker') ? undefined : told;
    },
    { timeoutMs: 50_000, everyMs: 250 },
  );

const stepOf = ({ steps }: Explanation, name: string): Step | undefined =>
  steps.find(({ step }) => step === name);

let gateway: TestGateway;
let other: RestClient;
let sip: RawSip;
let sessionId: string;

beforeAll(async () => {
  const dataDirectory = await mkdtemp(join(tmpdir(), 'landbridge-test-'));
  await writeFile(
    join(dataDirectory, 'landbridge.yaml'),
    'accounts:\n  - { account: other, username: other, password: other }\noperatorAccount: acme\n',
  );
  gateway = await TestGateway.start({
    dataDirectory,
    environment: {
      LANDBRIDGE_JOIN_CODES_MAX_FAILURES_PER_MINUTE: '3',
      LANDBRIDGE_SIP_EXPLANATIONS_PER_MINUTE: '1000',
    },
  });
  other = new RestClient(gateway.origin, 'other', 'other', 'other');
  sip = await RawSip.open(gateway.sipPort);
  sessionId = await gateway.rest.createSession();
});

afterAll(async () => {
  sip.close();
  await gateway.stop();
});

const withToken = (token: string, more: InviteOptions = {}): string =>
  sip.invite({
    body: audioOffer(4000, '8 0 101'),
    ...more,
    headers: [`User-to-User: ${token};encoding=jwt`],
  });

/** What the same INVITE really gets. */
async function answered(
  invite: string,
): Promise<{ readonly status: number | undefined; readonly text: string }> {
  return waitFor(
    'the gateway has room',
    async () => {
      const caller = await RawSip.open(gateway.sipPort);
      caller.send(
        invite
          .replaceAll(sip.callId, caller.callId)
          .replaceAll(sip.branch, caller.branch)
          .replaceAll(`127.0.0.1:${String(sip.port)}`, `127.0.0.1:${String(caller.port)}`),
      );
      const { status, text } = await caller.final('INVITE');
      caller.close();
      return text.includes('text="overloaded"') ? undefined : { status, text };
    },
    { timeoutMs: 50_000, everyMs: 250 },
  );
}

describe('A call that is explained', () => {
  it('and is to take another’s place is told that this is found out when it comes, or what is wrong with it', async () => {
    const { token } = await gateway.rest.newcomer(sessionId);
    const replacing = (value: string): string =>
      withToken(token).replace('User-to-User', `Replaces: ${value}\r\nUser-to-User`);
    const told = await explain(gateway.rest, replacing('a;to-tag=b;from-tag=c'));
    expect(told.answer).toMatchObject({ result: 'unknown', sipStatus: null });
    expect(told.steps.some(({ text }) => text.includes('take the place of a call'))).toBe(true);
    const wrong = await explain(gateway.rest, replacing('a;to-tag=b'));
    expect(wrong.answer).toMatchObject({ result: 'refused', sipStatus: 400, reason: 'bad-replaces' });
  });

  it('and would be answered is told with what the answer says, and claims nothing', async () => {
    const { id, token } = await gateway.rest.newcomer(sessionId);
    const before = await gateway.metrics();
    const told = await explain(gateway.rest, withToken(token));
    expect(told.mended).toEqual([]);
    expect(told.steps.filter(({ verdict }) => verdict === 'refused' || verdict === 'unknown')).toEqual([]);
    expect(told.answer).toMatchObject({ result: 'answered', sipStatus: 200, reason: null });
    expect(stepOf(told, 'participant')?.details).toMatchObject({ participantId: id, listensOnly: false });
    expect(stepOf(told, 'session')?.details).toMatchObject({ sessionId, legs: 0 });
    if (!isBesideFreeSwitch) {
      expect(stepOf(told, 'media')?.details).toMatchObject({ codec: 'PCMA', address: '127.0.0.1' });
      expect(told.answer.description).toContain('m=audio ');
      expect(told.answer.description).toContain('a=rtpmap:8 PCMA/8000');
    }
    if (!isBesideDrachtio) expect(told.answer.contact).toBe(`<sip:127.0.0.1:${String(gateway.sipPort)}>`);
    // Never the credential, nor a part of it.
    const [, payload = '', signature = ''] = token.split('.');
    for (const secret of [payload, signature]) expect(JSON.stringify(told)).not.toContain(secret);
    expect(await gateway.rest.legs()).toEqual([]);
    expect(gateway.openRtpPorts()).toEqual([]);
    const after = await gateway.metrics();
    for (const name of ['landbridge_sip_messages_received_total', 'landbridge_sip_transactions'])
      expect([name, after.get(name)]).toEqual([name, before.get(name)]);
    // The slot was not claimed.
    const participant = await gateway.rest.done<object>('GET', `/participants/${id}`);
    expect(participant).toMatchObject({ id });
    expect(stepOf(await explain(gateway.rest, withToken(token)), 'participant')?.verdict).toBe('passed');
  });

  it.each<[what: string, step: string, invite: () => Promise<string>]>([
    ['no credential', 'credential', () => Promise.resolve(sip.invite({ body: audioOffer(4000) }))],
    ['a token that is none', 'token', () => Promise.resolve(withToken('a.b.c'))],
    [
      'a token of another secret',
      'token',
      async () => {
        const { id } = await gateway.rest.newcomer(sessionId);
        const strange = new JwtTokenCodec({ secret: 'another secret of more than thirty-two characters' });
        return withToken(strange.sign(id, Date.now() + 60_000));
      },
    ],
    [
      'an expired token',
      'token',
      async () => {
        const { id } = await gateway.rest.newcomer(sessionId);
        return withToken(tokens.sign(id, Date.now() - 60_000));
      },
    ],
    [
      'a body that is no description',
      'form',
      async () => {
        const { token } = await gateway.rest.newcomer(sessionId);
        return withToken(token).replace('application/sdp', 'text/plain');
      },
    ],
    [
      'no common codec',
      'media',
      async () => withToken((await gateway.rest.newcomer(sessionId)).token, { body: audioOffer(4000, '18') }),
    ],
    [
      'a description that cannot be read',
      'media',
      async () => withToken((await gateway.rest.newcomer(sessionId)).token, { body: 'v=0\r\nm=audio x\r\n' }),
    ],
    [
      'an extension that is required',
      'rules',
      () => Promise.resolve(sip.invite({ headers: ['Require: unheard-of'] })),
    ],
    ['a scheme that nobody knows', 'rules', () => Promise.resolve(sip.invite({ uri: 'xmpp:join@gateway' }))],
    [
      'a malformed From',
      'message',
      () => Promise.resolve(sip.invite().replace('From: <sip:raw@127.0.0.1>', 'From: raw')),
    ],
  ])('with %s gets the answer that the call would get', async (_, step, invite) => {
    // Behind other servers some of these are refused in other words.
    if (isBesideDrachtio || isBesideFreeSwitch) return;
    const message = await invite();
    const told = await explain(gateway.rest, message);
    const first = told.steps.find(({ verdict }) => verdict === 'refused');
    expect([first?.step, told.answer.result]).toEqual([step, 'refused']);
    const { status, text } = await answered(message);
    expect(told.answer.sipStatus).toBe(status);
    if (told.answer.reason !== null) expect(text).toContain(`text="${told.answer.reason}"`);
  });

  it('to a participant on the phone, or one that was deleted, is told so', async () => {
    const { id, token } = await gateway.rest.newcomer(sessionId);
    const phone = await callAndConnect(gateway, token);
    expect((await explain(gateway.rest, withToken(token))).answer).toMatchObject({
      ...{ sipStatus: 486, reason: 'participant-occupied' },
    });
    await phone.hangUp();
    await phone.close();
    await gateway.idle();
    await gateway.rest.done('DELETE', `/participants/${id}`);
    expect((await explain(gateway.rest, withToken(token))).answer).toMatchObject({
      ...{ sipStatus: 404, reason: 'participant-gone' },
    });
  });

  it('of another account is told of in the words of one that is unknown', async () => {
    const { token } = await gateway.rest.newcomer(sessionId);
    const foreign = await explain(other, withToken(token));
    const gone = await explain(
      other,
      withToken(tokens.sign('8f14e45f-ceea-467f-a5d4-000000000000', Date.now() + 60_000)),
    );
    expect(foreign.answer).toMatchObject({ result: 'unknown', sipStatus: null });
    expect(stepOf(foreign, 'participant')).toEqual(stepOf(gone, 'participant'));
    expect(JSON.stringify(foreign)).not.toContain(sessionId);
  });

  it('with a join code is no oracle: what is not the account’s counts as a guess, whoever has it', async () => {
    const { joinCode } = await gateway.rest.newcomer(sessionId);
    const invite = (code: string) =>
      sip.invite({ uri: `sip:${code}@gateway.example`, body: audioOffer(4000) });
    const own = await explain(gateway.rest, invite(joinCode));
    expect(own.answer).toMatchObject({ result: 'answered', sipStatus: 200 });
    expect(JSON.stringify(own)).not.toContain(joinCode);
    const foreign = await ask(other, invite(joinCode));
    expect(stepOf(await ask(other, invite('ZZZZZZZZZZZA')), 'token')).toEqual(stepOf(foreign, 'token'));
    await ask(other, invite(joinCode));
    const last = await ask(other, invite(joinCode));
    expect(stepOf(last, 'token')?.text).toContain('too many codes');
    // Calls have their guesses still.
    expect((await answered(invite('ZZZZZZZZZZZB'))).text).toContain('text="token-invalid"');
  });

  it('to a number says what would answer, and where the network is not allowed', async () => {
    const number = '+14155550123';
    await gateway.rest.done('POST', '/numbers', {
      ...{ number, allowFrom: ['127.0.0.1'], route: { kind: 'pin' } },
    });
    const invite = sip.invite({ uri: `sip:${number}@gateway.example`, body: audioOffer(4000) });
    const told = await explain(gateway.rest, invite);
    expect(stepOf(told, 'number')).toMatchObject({ verdict: 'passed', details: { route: 'pin' } });
    expect(stepOf(told, 'session')?.text).toContain('PIN');
    expect(told.answer.result).toBe('answered');
    const elsewhere = await explain(gateway.rest, invite, { address: '192.0.2.1' });
    expect(elsewhere.answer).toMatchObject({ sipStatus: 403, reason: 'token-missing' });
    await gateway.rest.done('POST', '/trunks', { inbound: { networks: ['192.0.2.1'] } });
    const overTrunk = await explain(gateway.rest, invite, { address: '192.0.2.1' });
    expect(stepOf(overTrunk, 'number')?.text).toContain('of its trunk');
    expect(overTrunk.answer.result).toBe('answered');
    const ofOther = await explain(other, invite);
    const ofNobody = await explain(other, invite.replaceAll(number, '+14155550124'));
    expect(stepOf(ofOther, 'number')).toEqual(stepOf(ofNobody, 'number'));
  });

  it('and is pasted from a log as plain text is mended, and its source taken from its Via', async () => {
    const { token } = await gateway.rest.newcomer(sessionId);
    const response = await fetch(`${gateway.rest.base}/sip/explain`, {
      method: 'POST',
      headers: { ...gateway.rest.headers, 'content-type': 'text/plain' },
      body: `12:00:01 received: ${withToken(token).replaceAll('\r\n', '\n')}`,
    });
    const told = (await response.json()) as Explanation;
    expect(told.mended).toHaveLength(2);
    expect(stepOf(told, 'source')?.details).toMatchObject({ address: '127.0.0.1', knownBy: 'via' });
    expect(stepOf(told, 'token')?.verdict).toBe('passed');
  });

  it('that cannot be read is told the line', async () => {
    const message = sip.invite().replace('Via: SIP/2.0/UDP', 'Via: SIP/2.0');
    const told = await explain(gateway.rest, message);
    expect(stepOf(told, 'message')).toMatchObject({
      verdict: 'refused',
      details: { fault: 'malformed Via', line: 2 },
    });
    expect(told.answer).toMatchObject({ result: 'none', sipStatus: null });
  });

  it('while the gateway is drained is told so', async () => {
    const { token } = await gateway.rest.newcomer(sessionId);
    const node = (method: string) =>
      fetch(`${gateway.origin}/v1/node/drain`, { method, headers: gateway.rest.headers });
    await node('PUT');
    expect((await explain(gateway.rest, withToken(token))).answer).toMatchObject({
      sipStatus: 503,
      reason: 'draining',
    });
    await node('DELETE');
  });
});

it('explains so many calls a minute and no more', async () => {
  const small = await TestGateway.start({ environment: { LANDBRIDGE_SIP_EXPLANATIONS_PER_MINUTE: '1' } });
  try {
    await ask(small.rest, 'hello');
    const { status, body, headers } = await small.rest.request('POST', '/sip/explain', { message: 'hello' });
    expect([status, headers.get('retry-after')]).toEqual([429, '60']);
    expect(body).toMatchObject({ code: 'too-many-explanations' });
  } finally {
    await small.stop();
  }
});
