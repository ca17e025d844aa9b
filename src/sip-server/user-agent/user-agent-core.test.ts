import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { RecordedFlow } from '../../../test/support/recorded-flow.js';
import { DialogStore } from '../dialog/dialog-store.js';
import { HeaderFields } from '../message/header-fields.js';
import type { SipRequest, SipResponse } from '../message/message.js';
import { systemClock } from '../transaction/clock.js';
import { defaultTimerSettings } from '../transaction/timers.js';
import { Addressing } from './addressing.js';
import { refusals } from './application.js';
import type { Application, SendResult } from './application.js';
import { silentLogger } from './environment.js';
import type { UserAgentSettings } from './environment.js';
import { createResponse } from './responses.js';
import { UserAgentCore } from './user-agent-core.js';

const SDP = 'v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\n';

class RecordingApplication implements Application {
  readonly heard: string[] = [];
  transactionId = '';
  dialogId = '';
  lastResponse: SipResponse | undefined;
  endedBecause = '';

  request(request: SipRequest, _flow: unknown, transactionId: string, dialogId: string): void {
    this.heard.push(request.method);
    this.transactionId = transactionId;
    this.dialogId = dialogId;
  }
  acknowledged(ack: SipRequest): void {
    this.heard.push(`ACK ${ack.body.length}`);
  }
  cancelled(): void {
    this.heard.push('cancelled');
  }
  response(response: SipResponse, _flow: unknown, _transactionId: string, dialogId: string): void {
    this.heard.push(String(response.status));
    this.lastResponse = response;
    if (dialogId !== '') this.dialogId = dialogId;
  }
  dialogEnded(bye: SipRequest): void {
    this.heard.push('ended');
    this.endedBecause = bye.headers.get('Reason') ?? '';
  }
}

let app: RecordingApplication;
let flow: RecordedFlow;
let core: UserAgentCore;
let dialogs: DialogStore<Application>;
let branches = 0;

beforeEach(() => {
  vi.useFakeTimers();
  app = new RecordingApplication();
  flow = new RecordedFlow();
  core = newCore({});
});
afterEach(() => {
  core.close();
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

function newCore(settings: Partial<UserAgentSettings>, maxDialogs = 10): UserAgentCore {
  (core as UserAgentCore | undefined)?.close();
  dialogs = new DialogStore(maxDialogs);
  return new UserAgentCore({
    clock: systemClock,
    timers: defaultTimerSettings,
    logger: silentLogger,
    settings: {
      supported: ['100rel', 'timer'],
      maxPendingRequests: 10,
      inviteTimeoutMs: 200_000,
      retryAfterSeconds: 5,
      ...settings,
    },
    addressing: new Addressing({}),
    directory: { choose: () => app, isKnown: () => true, knownMethods: () => [] },
    dialogs,
    maxTransactions: 100,
    connect: () => Promise.resolve(flow),
    responseFlow: (same) => same,
  });
}

function request(method: string, fields: Record<string, string> = {}, body = ''): SipRequest {
  branches += 1;
  const headers = new HeaderFields(
    Object.entries({
      Via: `SIP/2.0/UDP 127.0.0.1:5070;branch=z9hG4bK${branches}`,
      From: '<sip:far@127.0.0.1>;tag=far',
      To: '<sip:near@127.0.0.1>',
      'Call-ID': 'call',
      CSeq: `1 ${method}`,
      Contact: '<sip:far@127.0.0.1:5070>',
      ...fields,
    }),
  );
  return { kind: 'request', method, uri: 'sip:near@127.0.0.1', headers, body: Buffer.from(body) };
}

function draft(status: number, fields: Record<string, string> = {}, body = ''): SipResponse {
  const headers = new HeaderFields(Object.entries(fields));
  return { kind: 'response', status, reason: 'Whatever', headers, body: Buffer.from(body) };
}

function respond(status: number, fields: Record<string, string> = {}, body = ''): SendResult {
  return core.respond(app.transactionId, draft(status, fields, body), app);
}

function lastTo(): string {
  return flow.responses.at(-1)?.headers.get('To') ?? '';
}

/** A call that was answered and acknowledged; the response's To. */
function established(
  inviteFields: Record<string, string> = {},
  okFields: Record<string, string> = {},
): string {
  core.receive(request('INVITE', inviteFields, SDP), flow);
  respond(200, okFields, SDP);
  const to = lastTo();
  core.receive(request('ACK', { To: to }), flow);
  flow.sent.length = 0;
  app.heard.length = 0;
  return to;
}

const settle = (): Promise<unknown> => vi.advanceTimersByTimeAsync(0);

describe('the answer to a call', () => {
  it('goes out at 0, 0.5, 1.5, 3.5, 7.5, 11.5, … s until its ACK', () => {
    core.receive(request('INVITE', {}, SDP), flow);
    respond(200, {}, SDP);
    vi.advanceTimersByTime(12_000);
    expect(flow.summary).toBe('100 200 200 200 200 200 200');
    core.receive(request('ACK', { To: lastTo() }), flow);
    core.receive(request('ACK', { To: lastTo() }), flow);
    vi.advanceTimersByTime(60_000);
    expect(flow.sent).toHaveLength(7);
    expect(app.heard).toEqual(['INVITE', 'ACK 0']);
  });

  it('without an ACK ends in a BYE after 32 s, also over TCP', async () => {
    flow = new RecordedFlow('tcp');
    core.receive(request('INVITE', {}, SDP), flow);
    respond(200, {}, SDP);
    await vi.advanceTimersByTimeAsync(31_999);
    expect(flow.requests).toHaveLength(0);
    await vi.advanceTimersByTimeAsync(1);
    expect(flow.requests.map((message) => message.method)).toEqual(['BYE']);
    expect(app.endedBecause).toBe('SIP;cause=408;text="no ACK received"');
    expect(dialogs.size).toBe(0);
  });

  it('is 408 when the application has none', () => {
    core = newCore({ inviteTimeoutMs: 1_000 });
    core.receive(request('INVITE', {}, SDP), flow);
    respond(180);
    vi.advanceTimersByTime(1_000);
    expect(flow.responses.at(-1)?.status).toBe(408);
    expect(app.heard).toEqual(['INVITE', 'cancelled']);
    expect(dialogs.size).toBe(0);
    expect(respond(200)).toEqual({ ok: false, reason: refusals.unknownTransaction });
  });

  it('cannot come from another application', () => {
    core.receive(request('INVITE', {}, SDP), flow);
    expect(core.respond(app.transactionId, draft(200), new RecordingApplication()).ok).toBe(false);
  });

  it('has Record-Route and no hop-by-hop field of the application', () => {
    core.receive(request('INVITE', { 'Record-Route': '<sip:proxy;lr>' }, SDP), flow);
    respond(200, {
      Via: 'SIP/2.0/UDP evil',
      'Record-Route': '<sip:evil>',
      'Max-Forwards': '1',
      Route: '<sip:evil>',
      'X-Mine': '1',
    });
    const headers = flow.responses.at(-1)?.headers;
    expect(headers?.all('Via')).toHaveLength(1);
    expect(headers?.all('Record-Route')).toEqual(['<sip:proxy;lr>']);
    expect(headers?.has('Max-Forwards')).toBe(false);
    expect(headers?.has('Route')).toBe(false);
    expect(headers?.get('X-Mine')).toBe('1');
  });

  it('is 503 for more calls than there is room for', () => {
    core = newCore({}, 1);
    established();
    core.receive(request('INVITE', { 'Call-ID': 'second' }, SDP), flow);
    expect(flow.summary).toBe('503');
    core = newCore({ maxPendingRequests: 1 });
    core.receive(request('INVITE', { 'Call-ID': 'a' }, SDP), flow);
    core.receive(request('OPTIONS', { 'Call-ID': 'b' }), flow);
    expect(flow.summary).toBe('503 100 503');
  });
});

describe('a request that no application answers', () => {
  it('is not answered at all after 32 s, when nobody waits any more', () => {
    core.receive(request('MESSAGE'), flow);
    vi.advanceTimersByTime(32_000);
    expect(flow.sent).toHaveLength(0);
    expect(core.transactions.size).toBe(0);
    expect(core.pendingCount).toBe(0);
  });
});

describe('the end of a call', () => {
  it('by the far end before the answer answers the INVITE 487', () => {
    core.receive(request('INVITE', {}, SDP), flow);
    respond(180);
    core.receive(request('BYE', { To: lastTo(), CSeq: '2 BYE' }), flow);
    expect(flow.summary).toBe('100 180 487 200');
    expect(app.heard).toEqual(['INVITE', 'cancelled']);
    expect(dialogs.size).toBe(0);
  });

  it('by both at once is one end', async () => {
    const to = established();
    const sending = core.sendInDialog(app.dialogId === '' ? publicId() : app.dialogId, request('BYE'), app);
    expect((await sending).ok).toBe(true);
    core.receive(request('BYE', { To: to, CSeq: '2 BYE' }), flow);
    expect(flow.summary).toBe('BYE 481');
    const bye = flow.requests[0];
    if (bye) core.receive(createResponse(bye, 200, ''), flow);
    expect(app.heard).toEqual(['200']);
  });

  it('waits for the ACK, unless the far end hangs up first', async () => {
    core.receive(request('INVITE', {}, SDP), flow);
    respond(200, {}, SDP);
    const to = lastTo();
    expect((await core.sendInDialog(publicId(), request('BYE'), app)).ok).toBe(true);
    expect(flow.summary).toBe('100 200');
    expect((await core.sendInDialog(publicId(), request('BYE'), app)).ok).toBe(false);
    core.receive(request('BYE', { To: to, CSeq: '2 BYE' }), flow);
    expect(flow.requests.map((message) => message.method)).toEqual(['BYE']);
    expect(app.heard).toEqual(['INVITE', 'BYE']);
    respond(200);
    expect(dialogs.size).toBe(0);
  });

  it('comes for every call of an application that is gone, at once', async () => {
    established();
    core.receive(request('INVITE', { 'Call-ID': 'second' }, SDP), flow);
    respond(180);
    core.release(app);
    await settle();
    expect(flow.summary).toBe('100 180 503 BYE');
    expect(dialogs.size).toBe(0);
  });

  it('is a BYE over a connection that is gone: told as failed, and nothing stays', async () => {
    flow = new RecordedFlow('ws', '127.0.0.1', 40_000);
    established({ Contact: '<sip:far@x.invalid;transport=ws>' });
    flow.close();
    const result = await core.sendInDialog(publicId(), request('BYE'), app);
    await settle();
    expect(result).toEqual({ ok: false, reason: refusals.noTransport });
    expect(dialogs.size).toBe(0);
  });
});

/** The name of the only dialog. */
function publicId(): string {
  return [...dialogs][0]?.publicId ?? '';
}

describe('session timers', () => {
  it('end the call shortly before the session expires when the far end does not refresh it', async () => {
    established({ Supported: 'timer', 'Session-Expires': '90' });
    await vi.advanceTimersByTimeAsync(59_999);
    expect(flow.summary).toBe('');
    await vi.advanceTimersByTimeAsync(1);
    expect(flow.summary).toBe('BYE');
    expect(app.endedBecause).toContain('session expired');
  });

  it('run anew with every refresh of the far end', async () => {
    const to = established({ Supported: 'timer', 'Session-Expires': '90' });
    for (let cseq = 2; cseq < 10; cseq += 1) {
      await vi.advanceTimersByTimeAsync(45_000);
      core.receive(
        request('UPDATE', {
          To: to,
          CSeq: `${cseq} UPDATE`,
          Supported: 'timer',
          'Session-Expires': '90;refresher=uac',
        }),
        flow,
      );
      respond(200);
      expect(flow.responses.at(-1)?.headers.get('Session-Expires')).toBe('90;refresher=uac');
    }
    expect(app.heard).not.toContain('ended');
    // A refresh without Session-Expires ends the timer.
    core.receive(request('UPDATE', { To: to, CSeq: '20 UPDATE' }), flow);
    respond(200);
    await vi.advanceTimersByTimeAsync(1_000_000);
    expect(app.heard).not.toContain('ended');
  });

  it('make us refresh by UPDATE where the far end takes it, and by re-INVITE where not', async () => {
    established({ Supported: 'timer', 'Session-Expires': '100;refresher=uas', Allow: 'INVITE, UPDATE' });
    await vi.advanceTimersByTimeAsync(50_000);
    const update = flow.requests[0];
    expect(update?.method).toBe('UPDATE');
    expect(update?.headers.get('Session-Expires')).toBe('100;refresher=uac');
    if (update) core.receive(answerTo(update, { 'Session-Expires': '100;refresher=uac' }), flow);
    await vi.advanceTimersByTimeAsync(50_000);
    expect(flow.summary).toBe('UPDATE UPDATE');
    expect(app.heard).toEqual([]);
  });

  it('refresh by re-INVITE with our last description, acknowledged without the application', async () => {
    established({ 'Session-Expires': '100' });
    await vi.advanceTimersByTimeAsync(50_000);
    const invite = flow.requests[0];
    expect(invite?.method).toBe('INVITE');
    expect(invite?.body.toString()).toBe(SDP);
    if (invite) core.receive(answerTo(invite, { 'Session-Expires': '100;refresher=uac' }), flow);
    await settle();
    expect(flow.summary).toBe('INVITE ACK');
    expect(app.heard).toEqual([]);
  });

  it('end the call when the far end has forgotten it, and try again after other refusals', async () => {
    established({ Supported: 'timer', 'Session-Expires': '100;refresher=uas', Allow: 'UPDATE' });
    await vi.advanceTimersByTimeAsync(50_000);
    const update = flow.requests[0];
    if (update) core.receive(createResponse(update, 491, ''), flow);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(flow.summary).toBe('UPDATE UPDATE');
    const second = flow.requests[1];
    if (second) core.receive(createResponse(second, 481, ''), flow);
    await settle();
    expect(flow.summary).toBe('UPDATE UPDATE BYE');
    expect(app.endedBecause).toContain('session refresh failed');
  });
});

describe('a session timer of ours', () => {
  const phone = { Supported: 'timer, replaces', Allow: 'INVITE, ACK, BYE, UPDATE' };
  const offered = () => flow.responses.find(({ status }) => status === 200)?.headers.get('Session-Expires');

  it.each([
    ['a phone that knows timers and UPDATE', 'udp', phone, '1800;refresher=uas'],
    [
      'who asks for one already, as he asks',
      'udp',
      { ...phone, 'Session-Expires': '600' },
      '600;refresher=uac',
    ],
    ['nobody who does not know timers', 'udp', { Allow: 'UPDATE' }, undefined],
    ['nobody who does not take UPDATE', 'udp', { Supported: 'timer', Allow: 'INVITE, BYE' }, undefined],
    ['no WebSocket', 'ws', phone, undefined],
  ] as const)('is offered to %s', (_, protocol, headers, expected) => {
    flow = new RecordedFlow(protocol);
    core = newCore({ sessionSeconds: 1800 });
    core.receive(request('INVITE', headers), flow);
    respond(200, {}, SDP);
    expect(offered()).toBe(expected);
    expect(flow.responses.at(-1)?.headers.has('Require')).toBe(expected === '600;refresher=uac');
  });

  it('goes on where the phone answers refreshes without a word of it, and ends the call of one that is gone', async () => {
    core = newCore({ sessionSeconds: 1800 });
    established(phone);
    for (let refresh = 0; refresh < 3; refresh += 1) {
      await vi.advanceTimersByTimeAsync(900_000);
      const update = flow.requests[refresh];
      expect(update?.method).toBe('UPDATE');
      expect(update?.body).toHaveLength(0);
      if (update) core.receive(answerTo(update), flow);
    }
    expect(app.heard).toEqual([]);
    await vi.advanceTimersByTimeAsync(900_000 + 33_000);
    expect(flow.summary).toContain('BYE');
    expect(app.heard).toEqual(['ended']);
  });

  it('is refreshed by re-INVITE where the phone refuses the UPDATE that it announced', async () => {
    core = newCore({ sessionSeconds: 1800 });
    established(phone);
    await vi.advanceTimersByTimeAsync(900_000);
    const update = flow.requests[0];
    if (update) core.receive(createResponse(update, 501, ''), flow);
    await settle();
    expect(flow.summary).toBe('UPDATE INVITE');
    const invite = flow.requests[1];
    if (invite) core.receive(answerTo(invite), flow);
    await vi.advanceTimersByTimeAsync(900_000);
    expect(flow.summary).toBe('UPDATE INVITE ACK INVITE');
  });
});

function answerTo(message: SipRequest, fields: Record<string, string> = {}): SipResponse {
  const response = createResponse(message, 200, 'far');
  response.headers.append('Contact', '<sip:far@127.0.0.1:5070>');
  for (const [name, value] of Object.entries(fields)) response.headers.append(name, value);
  return response;
}

describe('reliable provisional responses', () => {
  it('go out again until their PRACK, which the application gets', () => {
    core.receive(request('INVITE', { Supported: '100rel' }, SDP), flow);
    const invite = app.transactionId;
    respond(183, { Require: '100rel' }, SDP);
    vi.advanceTimersByTime(1_600);
    expect(flow.summary).toBe('100 183 183 183');
    const rseq = flow.responses.at(-1)?.headers.get('RSeq') ?? '';
    const to = lastTo();
    core.receive(request('PRACK', { To: to, CSeq: '2 PRACK', RAck: `${Number(rseq) + 1} 1 INVITE` }), flow);
    expect(flow.responses.at(-1)?.status).toBe(481);
    core.receive(request('PRACK', { To: to, CSeq: '3 PRACK', RAck: `${rseq} 1 INVITE` }), flow);
    respond(200);
    expect(app.heard).toEqual(['INVITE', 'PRACK']);
    vi.advanceTimersByTime(100_000);
    expect(flow.summary).toBe('100 183 183 183 481 200');
    expect(core.respond(invite, draft(200, {}, SDP), app).ok).toBe(true);
    core.receive(request('ACK', { To: to }), flow);
  });

  it('without a PRACK end the call with 504', () => {
    core.receive(request('INVITE', { Supported: '100rel' }, SDP), flow);
    respond(180, { Require: '100rel' });
    vi.advanceTimersByTime(32_000);
    expect(flow.responses.at(-1)?.status).toBe(504);
    expect(app.heard).toEqual(['INVITE', 'cancelled']);
  });

  it('are used where the caller demands them, and not where it cannot take them', () => {
    core.receive(request('INVITE', { Require: '100rel' }, SDP), flow);
    respond(180);
    expect(flow.responses.at(-1)?.headers.get('Require')).toBe('100rel');
    expect(flow.responses.at(-1)?.headers.has('RSeq')).toBe(true);
    core.receive(request('INVITE', { 'Call-ID': 'plain' }, SDP), flow);
    respond(180, { Require: '100rel' });
    expect(flow.responses.at(-1)?.headers.has('Require')).toBe(false);
    expect(flow.responses.at(-1)?.headers.has('RSeq')).toBe(false);
  });
});

describe('a call of ours', () => {
  async function calling(): Promise<SipRequest> {
    const result = await core.sendNew(
      { ...request('INVITE', {}, SDP), uri: 'sip:far@127.0.0.1:5070', headers: new HeaderFields() },
      app,
    );
    expect(result.ok).toBe(true);
    const invite = flow.requests[0];
    if (!invite) throw new Error('nothing sent');
    return invite;
  }

  it('that the application never acknowledges is acknowledged and ended after 32 s', async () => {
    const invite = await calling();
    core.receive(answerTo(invite), flow);
    expect(app.heard).toEqual(['200']);
    await vi.advanceTimersByTimeAsync(32_000);
    expect(flow.requests.map((message) => message.method)).toEqual(['INVITE', 'ACK', 'BYE']);
    expect(app.endedBecause).toContain('no ACK');
    expect(dialogs.size).toBe(0);
  });

  it('follows the route set of the answer, and the target of every later one', async () => {
    const invite = await calling();
    const ok = answerTo(invite, {});
    ok.headers.append('Record-Route', '<sip:second@127.0.0.1:5070;lr>, <sip:first@127.0.0.1:5070;lr>');
    core.receive(ok, flow);
    await core.sendInDialog(app.dialogId, request('ACK'), app);
    const ack = flow.requests.at(-1);
    expect(ack?.headers.all('Route')).toEqual([
      '<sip:first@127.0.0.1:5070;lr>',
      '<sip:second@127.0.0.1:5070;lr>',
    ]);
    expect(ack?.uri).toBe('sip:far@127.0.0.1:5070');
    await core.sendInDialog(app.dialogId, request('INVITE', {}, SDP), app);
    const again = flow.requests.at(-1);
    if (!again) throw new Error('nothing sent');
    const moved = createResponse(again, 200, 'far');
    moved.headers.append('Contact', '<sip:moved@127.0.0.1:5070>');
    core.receive(moved, flow);
    await core.sendInDialog(app.dialogId, request('ACK'), app);
    expect(flow.requests.at(-1)?.uri).toBe('sip:moved@127.0.0.1:5070');
    await core.sendInDialog(app.dialogId, request('BYE'), app);
    expect(flow.requests.at(-1)?.uri).toBe('sip:moved@127.0.0.1:5070');
  });

  it('goes over a strict router the old way', async () => {
    const invite = await calling();
    const ok = answerTo(invite);
    ok.headers.append('Record-Route', '<sip:strict@127.0.0.1:5070>');
    core.receive(ok, flow);
    await core.sendInDialog(app.dialogId, request('ACK'), app);
    const ack = flow.requests.at(-1);
    expect(ack?.uri).toBe('sip:strict@127.0.0.1:5070');
    expect(ack?.headers.all('Route')).toEqual(['<sip:far@127.0.0.1:5070>']);
  });

  it('passes a reliable provisional response on once', async () => {
    const invite = await calling();
    const ringing = createResponse(invite, 180, 'far');
    ringing.headers.append('RSeq', '7');
    core.receive(ringing, flow);
    core.receive(ringing, flow);
    expect(app.heard).toEqual(['180']);
    expect((await core.sendInDialog(app.dialogId, request('PRACK'), app)).ok).toBe(true);
  });

  it('whose application is gone is cancelled, and ended if it is answered all the same', async () => {
    const invite = await calling();
    core.receive(createResponse(invite, 180, 'far'), flow);
    core.release(app);
    expect(flow.summary).toBe('INVITE CANCEL');
    core.receive(answerTo(invite), flow);
    await settle();
    expect(flow.summary).toBe('INVITE CANCEL ACK BYE');
    expect(app.heard).toEqual(['180']);
    expect(dialogs.size).toBe(0);
  });

  it('makes no dialogs without end for a far end that invents forks', async () => {
    const invite = await calling();
    for (let fork = 0; fork < 100; fork += 1) core.receive(createResponse(invite, 180, `fork${fork}`), flow);
    expect(dialogs.size).toBeLessThanOrEqual(10);
    core.receive(createResponse(invite, 486, 'x'), flow);
    expect(dialogs.size).toBe(0);
  });

  it('that fails at once is told after it was sent, not before', async () => {
    flow.fails = true;
    const sending = core.sendNew(
      { ...request('OPTIONS'), uri: 'sip:far@127.0.0.1:5070', headers: new HeaderFields() },
      app,
    );
    expect((await sending).ok).toBe(true);
    expect(app.heard).toEqual([]);
    await settle();
    expect(app.heard).toEqual(['503']);
  });

  it('to what is no SIP URI is refused', async () => {
    const result = await core.sendNew({ ...request('INVITE'), uri: 'tel:+1' }, app);
    expect(result).toEqual({ ok: false, reason: 'requested protocol/transport not available' });
  });
});
