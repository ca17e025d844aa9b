/** Keys that an application presses for phones, through the whole gateway. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { EventFollower } from '../support/events.js';
import { callGateway } from '../support/gateway-phone.js';
import { audioOffer, RawSip, type RawMessage } from '../support/raw-sip.js';
import type { Newcomer, RestAnswer } from '../support/rest-client.js';
import { TestGateway } from '../support/start-gateway.js';
import { waitFor } from '../support/wait-for.js';

let gateway: TestGateway;
let events: EventFollower;
let caller: Newcomer;
const closing: { close(): unknown }[] = [];

beforeAll(async () => {
  gateway = await TestGateway.start();
  events = await gateway.follow();
});
beforeEach(async () => {
  caller = await gateway.rest.newcomer(await gateway.rest.createSession());
});
afterEach(async () => {
  for (const one of closing.splice(0)) await one.close();
  await gateway.idle();
});
afterAll(async () => {
  await events.close();
  await gateway.stop();
});

const ofCaller = ({ participantId }: { participantId: string | null }) => participantId === caller.id;
const press = (digits: string, durationMs?: number): Promise<RestAnswer> =>
  gateway.rest.request('POST', `/participants/${caller.id}/dtmf`, { digits, durationMs });

describe('keys that an application presses', () => {
  it('are heard by the phone as telephone events, and are nowhere to be read', async () => {
    const keys: string[] = [];
    const call = await callGateway(gateway, caller.token, {
      onProgress: (progress) => progress.kind === 'key' && keys.push(progress.key),
    });
    closing.push(call);
    await events.wait('participant.joined', ofCaller);
    const pin = '4711,0815#';
    expect((await press(pin, 100)).status).toBe(204);
    expect(keys.join('')).toBe('47110815#');
    const sent = await events.wait('dtmf.sent', ofCaller);
    expect(sent.data).toMatchObject({ count: 9 });
    expect((await press('*', 40)).status).toBe(204);
    await waitFor('the last key', () => keys.length === 10);
    expect(JSON.stringify([gateway.log, events.seen])).not.toContain('4711');
    expect(events.ofType('dtmf.received').filter(ofCaller)).toEqual([]);
  });

  it('of two requests are heard one after the other, and end with the call', async () => {
    const keys: string[] = [];
    const call = await callGateway(gateway, caller.token, {
      onProgress: (progress) => progress.kind === 'key' && keys.push(progress.key),
    });
    closing.push(call);
    await events.wait('participant.joined', ofCaller);
    const answers = await Promise.all([press('123', 40), press('456', 40)]);
    expect(answers.map(({ status }) => status)).toEqual([204, 204]);
    expect(['123456', '456123']).toContain(keys.join(''));
    const cutOff = press('7'.repeat(11), 5000);
    await waitFor('the key', () => keys.length === 7);
    await call.close();
    expect(await cutOff).toMatchObject({ status: 409, body: { error: 'The participant is not connected' } });
    expect(await press('1')).toMatchObject({ status: 409 });
  });
});

describe('keys for a phone without telephone events', () => {
  let sip: RawSip;
  let toTag: string | undefined;

  async function call(headers: readonly string[] = []): Promise<void> {
    sip = await RawSip.open(gateway.sipPort);
    closing.push(sip);
    const token = `User-to-User: ${caller.token};encoding=jwt`;
    sip.send(sip.invite({ headers: [token, ...headers], body: audioOffer(9, '0') }));
    const ok = await sip.final('INVITE');
    toTag = /tag=([^;>\s]+)/.exec(ok.header('To') ?? '')?.[1];
    sip.send(sip.request('ACK', { toTag, branch: 'z9hG4bKack' }));
    await events.wait('participant.joined', ofCaller);
  }
  async function hangUp(): Promise<void> {
    sip.send(sip.request('BYE', { cseq: 2, toTag, branch: 'z9hG4bKbye' }));
    await sip.final('BYE');
  }

  const isInfo = ({ startLine }: RawMessage) => startLine.startsWith('INFO ');
  /** Those of one CSeq are retransmissions. */
  const infos = () => [
    ...new Map(sip.received.filter(isInfo).map((info) => [info.header('CSeq'), info])).values(),
  ];
  async function info(number: number): Promise<RawMessage> {
    await waitFor(`INFO ${number}`, () => infos().length >= number);
    return infos()[number - 1]!;
  }

  it('go as INFO, one after the other', async () => {
    await call(['Allow: INVITE, ACK, BYE, CANCEL, INFO']);
    const answer = press('1*', 250);
    const first = await info(1);
    expect(first.header('Content-Type')).toBe('application/dtmf-relay');
    expect(first.text).toMatch(/\r\n\r\nSignal=1\r\nDuration=250\r\n$/);
    expect(infos()).toHaveLength(1);
    sip.ok(first);
    const second = await info(2);
    expect(second.text).toMatch(/\r\n\r\nSignal=\*\r\nDuration=250\r\n$/);
    sip.ok(second);
    expect(await answer).toMatchObject({ status: 204 });
    expect((await events.wait('dtmf.sent', ofCaller)).data).toMatchObject({ count: 2 });
    expect(infos()).toHaveLength(2);
    await hangUp();
  });

  it('are told as refused where the phone refuses one', async () => {
    await call();
    const answer = press('12');
    sip.answer(await info(1), '415 Unsupported Media Type');
    expect(await answer).toMatchObject({
      status: 409,
      body: { error: expect.stringMatching(/phone refused a key/) as string },
    });
    expect(infos()).toHaveLength(1);
    expect(events.ofType('dtmf.sent').filter(ofCaller)).toEqual([]);
    await hangUp();
  });

  it('are not sent to one that allows no INFO', async () => {
    await call(['Allow: INVITE, ACK, BYE, CANCEL']);
    expect(await press('1')).toMatchObject({
      status: 409,
      body: { error: 'The phone takes no key presses' },
    });
    expect(infos()).toEqual([]);
    await hangUp();
  });
});
