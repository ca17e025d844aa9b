/** Subscriptions and their dialogs, call detail records, and what is asked for again. */
import { describe, expect, it, vi } from 'vitest';
import {
  answerTo,
  app,
  core,
  dialogs,
  established,
  flow,
  lastTo,
  publicId,
  request,
  respond,
  sdp,
  settle,
  useFreshCores,
} from '../../../test/support/user-agent-stage.js';
import { createResponse } from './responses.js';
import type { SipRequest } from '../message/message.js';

useFreshCores();

const presence = { Event: 'presence', Expires: '60' };

/** A phone has subscribed; the To of the answer. */
function subscribed(): string {
  core.receive(request('SUBSCRIBE', presence), flow);
  respond(202);
  const to = lastTo();
  flow.sent.length = 0;
  app.heard.length = 0;
  return to;
}

/** What the application is to send, in a dialog or outside of one. */
function ours(method: string, fields: Record<string, string> = {}): SipRequest {
  const made = request(method, fields);
  for (const name of ['Via', 'From', 'To', 'Call-ID', 'CSeq', 'Contact']) made.headers.remove(name);
  made.uri = 'sip:far@127.0.0.1:5070';
  return made;
}

describe('a subscription', () => {
  it('that is accepted has the time that was asked for, and a Contact', () => {
    core.receive(request('SUBSCRIBE', presence), flow);
    respond(202);
    const ok = flow.responses.at(-1);
    expect(ok?.headers.get('Expires')).toBe('60');
    expect(ok?.headers.get('Contact')).toContain('127.0.0.1');
    expect(dialogs.size).toBe(1);
  });

  it('is over when its time is, a little later than that, unless it is refreshed', async () => {
    const to = subscribed();
    await vi.advanceTimersByTimeAsync(50_000);
    core.receive(request('SUBSCRIBE', { ...presence, To: to, CSeq: '2 SUBSCRIBE' }), flow);
    respond(200);
    app.heard.length = 0;
    await vi.advanceTimersByTimeAsync(91_000);
    expect(dialogs.size).toBe(1);
    await vi.advanceTimersByTimeAsync(2_000);
    expect([dialogs.size, app.heard]).toEqual([0, ['ended']]);
  });

  it('is over with the NOTIFY that says so, whatever the answer', async () => {
    subscribed();
    const fields = { Event: 'presence', 'Subscription-State': 'terminated;reason=timeout' };
    void core.sendInDialog(publicId(), ours('NOTIFY', fields), app);
    await settle();
    const notify = flow.requests.at(-1);
    if (notify === undefined) throw new Error('there is no NOTIFY');
    core.receive(createResponse(notify, 481, ''), flow);
    expect([dialogs.size, app.heard]).toEqual([0, ['481']]);
  });

  it('ends with a last NOTIFY when its application is gone', async () => {
    subscribed();
    core.release(app);
    await settle();
    expect(flow.summary).toBe('NOTIFY');
    expect(flow.requests[0]?.headers.get('Subscription-State')).toBe('terminated;reason=deactivated');
    expect(flow.requests[0]?.headers.get('Event')).toBe('presence');
    expect(dialogs.size).toBe(0);
  });

  it('is no call: BYE and INVITE in it get 481, and it goes on', () => {
    const to = subscribed();
    core.receive(request('BYE', { To: to, CSeq: '2 BYE' }), flow);
    core.receive(request('INVITE', { To: to, CSeq: '3 INVITE' }, sdp), flow);
    expect(flow.summary).toBe('481 481');
    expect(dialogs.size).toBe(1);
  });

  it('without Event is refused with 489, and without Contact with 400', () => {
    core.receive(request('SUBSCRIBE', { Expires: '60' }), flow);
    const without = request('SUBSCRIBE', { ...presence, 'Call-ID': 'other' });
    without.headers.remove('Contact');
    core.receive(without, flow);
    expect(flow.summary).toBe('489 400');
  });

  it('of ours has the NOTIFY that overtook its answer behind that', async () => {
    void core.sendNew(ours('SUBSCRIBE', presence), app);
    await settle();
    const [subscribe] = flow.requests;
    if (subscribe === undefined) throw new Error('there is no SUBSCRIBE');
    const notify = request('NOTIFY', {
      ...{ Event: 'presence', 'Subscription-State': 'active', From: '<sip:far@127.0.0.1>;tag=far' },
      To: subscribe.headers.get('From') ?? '',
      'Call-ID': subscribe.headers.get('Call-ID') ?? '',
    });
    core.receive(notify, flow);
    expect(app.heard).toEqual([]);
    core.receive(answerTo(subscribe, { Expires: '60' }), flow);
    expect(app.heard).toEqual(['200', 'NOTIFY']);
    expect(app.dialogId).toBe(publicId());
    respond(200);
    expect(flow.summary).toBe('SUBSCRIBE 200');
  });

  it('of ours that is refused leaves nothing, and its NOTIFY gets 481', async () => {
    void core.sendNew(ours('SUBSCRIBE', presence), app);
    await settle();
    const [subscribe] = flow.requests;
    if (subscribe === undefined) throw new Error('there is no SUBSCRIBE');
    core.receive(
      request('NOTIFY', {
        To: subscribe.headers.get('From') ?? '',
        'Call-ID': subscribe.headers.get('Call-ID') ?? '',
      }),
      flow,
    );
    core.receive(createResponse(subscribe, 403, 'far'), flow);
    expect(flow.summary).toBe('SUBSCRIBE 481');
    expect(dialogs.size).toBe(0);
  });
});

describe('call detail records', () => {
  it('tell a call that came in, and why it ended', () => {
    const to = established();
    core.receive(request('BYE', { To: to, CSeq: '2 BYE' }), flow);
    respond(200);
    expect(app.records).toEqual([
      'attempt network -',
      'start application uas',
      'stop network normal-release',
    ]);
  });

  it('tell a call that was cancelled', () => {
    const invite = request('INVITE', {}, sdp);
    core.receive(invite, flow);
    const cancel = request('CANCEL', { Via: invite.headers.get('Via') ?? '', CSeq: '1 CANCEL' });
    core.receive(cancel, flow);
    expect(app.records).toEqual(['attempt network -', 'stop network call-canceled']);
  });
});

describe('a session interval that is too short for the far end (RFC 4028 §7.3)', () => {
  it('is asked for as long as the 422 says, and the application hears of the answer alone', async () => {
    const fields = { 'Session-Expires': '100;refresher=uac', Supported: 'timer' };
    void core.sendNew(ours('INVITE', fields), app);
    await settle();
    const [first] = flow.requests;
    if (first === undefined) throw new Error('there is no INVITE');
    const tooShort = createResponse(first, 422, 'far');
    tooShort.headers.append('Min-SE', '600');
    core.receive(tooShort, flow);
    const second = flow.requests.at(-1);
    expect(flow.summary).toBe('INVITE ACK INVITE');
    expect(second?.headers.get('Session-Expires')).toBe('600;refresher=uac');
    expect(second?.headers.get('Min-SE')).toBe('600');
    expect(second?.headers.get('Call-ID')).toBe(first.headers.get('Call-ID'));
    expect(second?.headers.get('From')).toBe(first.headers.get('From'));
    const numbers = [first, second].map((one) => Number(one?.headers.get('CSeq')?.split(' ')[0]));
    expect((numbers[1] ?? 0) - (numbers[0] ?? 0)).toBe(1);
    expect(app.heard).toEqual([]);
    if (second) core.receive(answerTo(second), flow);
    expect(app.heard).toEqual(['200']);
  });

  it('is left to the application where the 422 names none that is longer', async () => {
    void core.sendNew(ours('INVITE', { 'Session-Expires': '100', Supported: 'timer' }), app);
    await settle();
    const [first] = flow.requests;
    if (first) core.receive(createResponse(first, 422, 'far'), flow);
    expect(app.heard).toEqual(['422']);
  });
});

it('takes the PRACK that crossed the answer, once (RFC 3262 §3)', () => {
  core.receive(request('INVITE', { Supported: '100rel' }, sdp), flow);
  respond(180, { Require: '100rel' });
  const rseq = flow.responses.at(-1)?.headers.get('RSeq') ?? '';
  respond(200, {}, sdp);
  const to = lastTo();
  flow.sent.length = 0;
  app.heard.length = 0;
  core.receive(request('PRACK', { To: to, CSeq: '2 PRACK', RAck: `${rseq} 1 INVITE` }), flow);
  core.receive(request('PRACK', { To: to, CSeq: '3 PRACK', RAck: `${rseq} 1 INVITE` }), flow);
  expect(flow.summary).toBe('200 481');
  expect(app.heard).toEqual([]);
});

it.each(['MESSAGE', 'SUBSCRIBE', 'OPTIONS'])(
  'says 400 to %s with Replaces, which belongs to INVITE (RFC 3891 §3)',
  (method) => {
    core.receive(request(method, { Replaces: 'a;to-tag=b;from-tag=c', Event: 'presence' }), flow);
    expect(flow.responses.map(({ status }) => status)).toEqual([400]);
    expect(app.heard).toEqual([]);
  },
);

it('hands an INVITE with Replaces on, which names a call that only its application knows', () => {
  core.receive(request('INVITE', { Replaces: 'a;to-tag=b;from-tag=c' }, sdp), flow);
  expect(app.heard).toEqual(['INVITE']);
  respond(486);
});

it('says 420 and what it does not know of Require, and hands a 420 of the far end on', async () => {
  core.receive(request('INVITE', { Require: 'sec-agree, 100rel, foo' }, sdp), flow);
  expect(flow.responses.at(-1)?.status).toBe(420);
  expect(flow.responses.at(-1)?.headers.get('Unsupported')).toBe('sec-agree, foo');
  flow.sent.length = 0;
  void core.sendNew(ours('MESSAGE', { Require: 'foo' }), app);
  await settle();
  const [message] = flow.requests;
  if (message) core.receive(createResponse(message, 420, 'far'), flow);
  expect(app.heard).toEqual(['420']);
});
