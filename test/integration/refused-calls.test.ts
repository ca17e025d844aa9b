/** Calls that a whole gateway refused: who finds them, by what, and what stands there. */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { JwtTokenCodec } from '../../src/tokens/jwt-token-codec.js';
import { callAndConnect } from '../support/gateway-phone.js';
import { createHook, hookUrl, newCall, platformOf, send } from '../support/hooks.js';
import { audioOffer, RawSip, type InviteOptions } from '../support/raw-sip.js';
import { RestClient } from '../support/rest-client.js';
import { runGateway, TestGateway, tokenSecret } from '../support/start-gateway.js';
import { waitFor } from '../support/wait-for.js';

interface Recorded {
  readonly legId: string;
  readonly participantId: string | null;
  readonly callId: string;
  readonly outcome: { readonly reason: string; readonly sipStatus?: number } | null;
  readonly refusal: { readonly code: string; readonly calls: number; readonly source: string } | null;
}
interface Page {
  readonly records: readonly Recorded[];
  readonly next: string | null;
}

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

const refusedOf = (rest: RestClient, query = '') =>
  rest.done<Page>('GET', `/records?outcome=refused${query}`);

/** The record of the call that is kept for this account: there as soon as the caller has the answer. */
async function recordOf(rest: RestClient, callId: string): Promise<Recorded> {
  const { records } = await rest.done<Page>('GET', `/records?callId=${encodeURIComponent(callId)}`);
  expect(records).toHaveLength(1);
  return records[0]!;
}

interface Attempt extends InviteOptions {
  readonly token?: string;
  /** The body's type. */
  readonly type?: string;
}

/** Calls, and resolves with the status and the Call-ID. */
async function refusedCall(gateway: TestGateway, attempt: Attempt = {}) {
  const sip = await RawSip.open(gateway.sipPort);
  const { token, type = 'application/sdp', headers = [], ...more } = attempt;
  const shown = token === undefined ? [] : [`User-to-User: ${token};encoding=jwt`];
  const invite = sip.invite({ body: audioOffer(4000), ...more, headers: [...headers, ...shown] });
  sip.send(invite.replace('application/sdp', type));
  const { status } = await sip.final('INVITE');
  sip.close();
  return { status, callId: sip.callId };
}

const tokens = new JwtTokenCodec({ secret: tokenSecret });

describe('Refused calls', () => {
  let gateway: TestGateway;
  let sessionId: string;
  beforeAll(async () => {
    gateway = await TestGateway.start({ environment: { LANDBRIDGE_CALLER_PRIVACY: 'full' } });
    sessionId = await gateway.rest.createSession('the session');
  });
  afterAll(() => gateway.stop());

  it('say when, who called which number from where, why it was refused, and whose token it was', async () => {
    const { id } = await gateway.rest.newcomer(sessionId, { fields: { tag: 'the caller' } });
    const token = tokens.sign(id, Date.now() - 60_000);
    const voiceCallId = 'ab'.repeat(20);
    const { status, callId } = await refusedCall(gateway, {
      uri: 'sip:+14155550100@gateway.example',
      token,
      headers: [`User-to-User: ${voiceCallId};encoding=base64`, 'P-Asserted-Identity: <sip:+14155550199@c>'],
    });
    expect(status).toBe(403);
    const record = await recordOf(gateway.rest, callId);
    expect(record).toMatchObject({
      ...{ participantId: id, participantTag: 'the caller', sessionId, sessionTag: 'the session' },
      ...{ door: 'sip', kind: null, callId, voiceCallId, caller: { number: '+14155550199', name: null } },
      ...{ answeredAt: null, joinedAt: null, durationMs: 0, media: null },
      outcome: { endedBy: 'gateway', reason: 'refused', sipStatus: 403 },
      refusal: {
        ...{ code: 'token-expired', detail: null, source: '127.0.0.1', dialled: '+14155550100', calls: 1 },
      },
    });
    expect(JSON.stringify(record)).not.toContain(token.split('.')[2]);
    for (const query of [`&participantId=${id}`, `&voiceCallId=${voiceCallId}`, `&legId=${record.legId}`])
      expect([query, (await refusedOf(gateway.rest, query)).records]).toMatchObject([query, [{ callId }]]);
  });

  it.each<[code: string, status: number, attempt: () => Promise<Attempt>]>([
    ['token-missing', 403, () => Promise.resolve({})],
    ['token-missing', 403, () => Promise.resolve({ uri: 'sip:+14155550111@gateway.example' })],
    ['token-invalid', 403, () => Promise.resolve({ token: 'a.b.c' })],
    ['token-invalid', 403, () => Promise.resolve({ uri: 'sip:0123456789AB@gateway.example' })],
    [
      'participant-gone',
      404,
      async () => {
        const { id, token } = await gateway.rest.newcomer(sessionId);
        await gateway.rest.done('DELETE', `/participants/${id}`);
        return { token };
      },
    ],
    [
      'bad-sdp',
      400,
      async () => ({ token: (await gateway.rest.newcomer(sessionId)).token, body: 'v=0\r\nm=audio x\r\n' }),
    ],
    [
      'no-common-codec',
      488,
      async () => ({
        token: (await gateway.rest.newcomer(sessionId)).token,
        body: `${audioOffer(4000, '98')}a=rtpmap:98 nothing/8000\r\n`,
      }),
    ],
    [
      'unsupported-body',
      415,
      async () => ({
        token: (await gateway.rest.newcomer(sessionId)).token,
        ...{ body: 'hello', type: 'text/plain' },
      }),
    ],
    ['unsupported-extension', 420, () => Promise.resolve({ headers: ['Require: unheard-of'] })],
  ])('with %s and %i are found by their Call-ID', async (code, status, attempt) => {
    const call = await refusedCall(gateway, await attempt());
    expect(call.status).toBe(status);
    expect(await recordOf(gateway.rest, call.callId)).toMatchObject({
      outcome: { endedBy: 'gateway', reason: 'refused', sipStatus: status },
      refusal: { code, source: '127.0.0.1' },
    });
  });

  it('of a participant that is on the phone stand beside the call that is', async () => {
    const { id, token } = await gateway.rest.newcomer(sessionId);
    const phone = await callAndConnect(gateway, token);
    closers.push(() => phone.close());
    const { status, callId } = await refusedCall(gateway, { token });
    expect(status).toBe(486);
    await recordOf(gateway.rest, callId);
    const { records } = await gateway.rest.done<Page>('GET', `/records?participantId=${id}`);
    expect(records).toMatchObject([{ refusal: { code: 'participant-occupied' } }, { refusal: null }]);
  });

  it('of Bandwidth’s devices are there too', async () => {
    const { id, token } = await gateway.rest.newcomer(sessionId);
    await gateway.rest.done('DELETE', `/participants/${id}`);
    const deviceId = randomUUID();
    const socket = new WebSocket(`ws://127.0.0.1:${gateway.httpPort}/v3?token=${token}&uniqueId=${deviceId}`);
    await once(socket, 'close');
    const record = await recordOf(gateway.rest, deviceId);
    expect(record).toMatchObject({
      ...{ door: 'bandwidth', participantId: id, outcome: { reason: 'refused' } },
      refusal: { code: 'participant-gone', source: '127.0.0.1', dialled: null },
    });
    expect(record.outcome).not.toHaveProperty('sipStatus');
  });

  it('of a voice platform are there, with the numbers that it told', async () => {
    const gone = await gateway.rest.createSession();
    const { id } = await createHook(gateway, 'twilio', { kind: 'session', sessionId: gone });
    await gateway.rest.done('DELETE', `/sessions/${gone}`);
    const call = newCall();
    await send(platformOf('twilio').call(hookUrl(gateway, 'twilio', id), call));
    expect(await recordOf(gateway.rest, call.id)).toMatchObject({
      ...{ door: 'twilio', voiceCallId: call.id, caller: { number: call.from } },
      refusal: { code: 'session-gone', dialled: call.to },
    });
  });

  it('leave few records in a flood, of which the last counts', async () => {
    const { token } = await gateway.rest.newcomer(sessionId);
    const forged = `${token}x`;
    const sip = await RawSip.open(gateway.sipPort, '127.0.0.9');
    closers.push(() => Promise.resolve(sip.close()));
    const flood = 80;
    for (let at = 0; at < flood; at += 1) {
      const invite = sip.invite({ headers: [`User-to-User: ${forged};encoding=jwt`] });
      sip.send(
        invite.replaceAll(sip.callId, `${sip.callId}-${at}`).replace(sip.branch, `${sip.branch}${at}`),
      );
    }
    await waitFor('all are answered', () => sip.received.length >= flood);
    const mine = (await refusedOf(gateway.rest, '&limit=1000')).records.filter(({ callId }) =>
      callId.startsWith(sip.callId),
    );
    expect(mine.map(({ refusal }) => refusal?.calls).toSorted()).toEqual([...Array<number>(10).fill(1), 70]);
  });

  it('are kept when the gateway ends, with what was counted', async () => {
    const first = await TestGateway.start({ environment: { LANDBRIDGE_RECORDS_REFUSED_PER_MINUTE: '1' } });
    for (let at = 0; at < 4; at += 1) await refusedCall(first);
    await first.stop({ keepData: true });
    const second = await first.restart();
    closers.push(() => second.stop());
    const { records } = await refusedOf(second.rest);
    expect(records.map(({ refusal }) => refusal?.calls)).toEqual([3, 1]);
  });
});

describe('With several accounts', () => {
  let gateway: TestGateway;
  let other: RestClient;
  const accounts = 'accounts:\n  - { account: other, username: other, password: other }\n';
  const start = async (more = '') => {
    const dataDirectory = await mkdtemp(join(tmpdir(), 'landbridge-test-'));
    await writeFile(join(dataDirectory, 'landbridge.yaml'), accounts + more);
    return { dataDirectory };
  };

  it('one sees the refused calls to its number and of its participants, and nobody those of nobody', async () => {
    gateway = await TestGateway.start(await start());
    closers.push(() => gateway.stop());
    other = new RestClient(gateway.origin, 'other', 'other', 'other');
    const sessionId = await other.createSession();
    const { id } = await other.newcomer(sessionId);
    const expired = await refusedCall(gateway, { token: tokens.sign(id, Date.now() - 60_000) });
    await other.done('POST', '/numbers', {
      ...{ number: '+14155550122', allowFrom: ['203.0.113.7'], route: { kind: 'session', sessionId } },
    });
    const dialled = await refusedCall(gateway, { uri: 'sip:+14155550122@gateway.example' });
    const stranger = await refusedCall(gateway);
    const forged = await refusedCall(gateway, { token: 'a.b.c' });
    for (const { callId } of [expired, dialled])
      expect((await recordOf(other, callId)).refusal?.code).toMatch(/^token-/);
    for (const { callId } of [stranger, forged])
      for (const rest of [other, gateway.rest])
        expect(await refusedOf(rest, `&callId=${callId}`)).toEqual({ records: [], next: null });
    expect((await refusedOf(gateway.rest)).records).toEqual([]);
    // Who operates it may name the account that is told.
    await gateway.stop({ keepData: true });
    const operated = await gateway.restart({ LANDBRIDGE_OPERATOR_ACCOUNT: 'other' });
    closers.push(() => operated.stop());
    const operator = new RestClient(operated.origin, 'other', 'other', 'other');
    const seen = (await refusedOf(operator)).records.map(({ callId }) => callId);
    expect(seen).toEqual([forged, stranger, dialled, expired].map(({ callId }) => callId));
    expect((await refusedOf(operated.rest)).records).toEqual([]);
  });

  it('an operator’s account that is none keeps the gateway from starting', async () => {
    const place = await start('operatorAccount: nobody\n');
    closers.push(() => rm(place.dataDirectory, { recursive: true }));
    const { code, stderr, stdout } = await runGateway(place);
    expect(code).toBe(1);
    expect(stdout + stderr).toContain('operatorAccount: there is no account of this name');
  });
});
