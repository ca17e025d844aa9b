import { describe, expect, it, vi } from 'vitest';
import { RecordedFlow } from '../../../test/support/recorded-flow.js';
import {
  RecordingApplication,
  sdp,
  answerTo,
  app,
  core,
  dialogs,
  draft,
  established,
  flow,
  lastTo,
  publicId,
  request,
  respond,
  respondTo,
  settle,
  useCore,
  useFlow,
  useFreshCores,
} from '../../../test/support/user-agent-stage.js';
import { HeaderFields } from '../message/header-fields.js';
import type { SipRequest } from '../message/message.js';
import { refusals } from './application.js';
import { createResponse } from './responses.js';

useFreshCores();

describe('the answer to a call', () => {
  it('goes out at 0, 0.5, 1.5, 3.5, 7.5, 11.5, … s until its ACK', () => {
    core.receive(request('INVITE', {}, sdp), flow);
    respond(200, {}, sdp);
    vi.advanceTimersByTime(12_000);
    expect(flow.summary).toBe('200 200 200 200 200 200');
    core.receive(request('ACK', { To: lastTo() }), flow);
    core.receive(request('ACK', { To: lastTo() }), flow);
    vi.advanceTimersByTime(60_000);
    expect(flow.sent).toHaveLength(6);
    expect(app.heard).toEqual(['INVITE', 'ACK 0']);
  });

  it('without an ACK ends in a BYE after 32 s, also over TCP', async () => {
    useFlow(new RecordedFlow('tcp'));
    core.receive(request('INVITE', {}, sdp), flow);
    respond(200, {}, sdp);
    await vi.advanceTimersByTimeAsync(31_999);
    expect(flow.requests).toHaveLength(0);
    await vi.advanceTimersByTimeAsync(1);
    expect(flow.requests.map((message) => message.method)).toEqual(['BYE']);
    expect(app.endedBecause).toBe('SIP;cause=408;text="no ACK received"');
    expect(dialogs.size).toBe(0);
  });

  it('is 408 when the application has none', () => {
    useCore({ inviteTimeoutMs: 1_000 });
    core.receive(request('INVITE', {}, sdp), flow);
    respond(180);
    vi.advanceTimersByTime(1_000);
    expect(flow.responses.at(-1)?.status).toBe(408);
    expect(app.heard).toEqual(['INVITE', 'cancelled']);
    expect(dialogs.size).toBe(0);
    expect(respond(200)).toEqual({ ok: false, reason: refusals.unknownTransaction });
  });

  it('cannot come from another application', () => {
    core.receive(request('INVITE', {}, sdp), flow);
    expect(respondTo(app.transactionId, draft(200), new RecordingApplication()).ok).toBe(false);
  });

  it('has Record-Route and no hop-by-hop field of the application', () => {
    core.receive(request('INVITE', { 'Record-Route': '<sip:proxy;lr>' }, sdp), flow);
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
    useCore({}, 1);
    established();
    core.receive(request('INVITE', { 'Call-ID': 'second' }, sdp), flow);
    expect(flow.summary).toBe('503');
    useCore({ maxPendingRequests: 1 });
    core.receive(request('INVITE', { 'Call-ID': 'a' }, sdp), flow);
    core.receive(request('OPTIONS', { 'Call-ID': 'b' }), flow);
    expect(flow.summary).toBe('503 503');
  });
});

describe('an INVITE', () => {
  it('is answered 100 over UDP where there is no other answer for 200 ms, over a connection at once', () => {
    core.receive(request('INVITE', {}, sdp), flow);
    vi.advanceTimersByTime(199);
    expect(flow.summary).toBe('');
    vi.advanceTimersByTime(1);
    expect(flow.summary).toBe('100');
    respond(180);
    vi.advanceTimersByTime(10_000);
    expect(flow.summary).toBe('100 180');
    useFlow(new RecordedFlow('tcp'));
    core.receive(request('INVITE', { 'Call-ID': 'second' }, sdp), flow);
    expect(flow.summary).toBe('100');
  });

  // Its 403 went out eleven times, and the 100 before it: seventeen times what a forger of addresses had sent.
  it('that is refused at once over UDP is refused once for each time that it comes', () => {
    const via = { Via: 'SIP/2.0/UDP 127.0.0.1:5070;branch=z9hG4bKsame' };
    core.receive(request('INVITE', via, sdp), flow);
    expect(respond(403).ok).toBe(true);
    const to = lastTo();
    vi.advanceTimersByTime(20_000);
    expect(flow.summary).toBe('403');
    core.receive(request('INVITE', via, sdp), flow);
    expect(flow.summary).toBe('403 403');
    expect(lastTo()).toBe(to);
    core.receive(request('ACK', { ...via, To: to, CSeq: '1 ACK' }), flow);
    vi.advanceTimersByTime(60_000);
    expect(flow.summary).toBe('403 403');
    expect(app.heard).toEqual(['INVITE']);
    expect(core.transactions.size).toBe(0);
  });

  it.each([
    ['after its 100', () => vi.advanceTimersByTime(200), '100'],
    ['after it rang', () => respond(180), '180'],
  ])(
    'that is refused %s is refused again until its ACK: it does not come again',
    (_what, announce, first) => {
      core.receive(request('INVITE', {}, sdp), flow);
      announce();
      respond(486);
      vi.advanceTimersByTime(3499);
      expect(flow.summary).toBe(`${first} 486 486 486`);
    },
  );

  it('that is canceled before any answer is answered 487 once, and nothing of it is left', () => {
    const via = { Via: 'SIP/2.0/UDP 127.0.0.1:5070;branch=z9hG4bKcancel' };
    core.receive(request('INVITE', via, sdp), flow);
    core.receive(request('CANCEL', via), flow);
    vi.advanceTimersByTime(20_000);
    expect(flow.summary).toBe('200 487');
    expect(app.heard).toEqual(['INVITE', 'cancelled']);
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
    core.receive(request('INVITE', {}, sdp), flow);
    respond(180);
    core.receive(request('BYE', { To: lastTo(), CSeq: '2 BYE' }), flow);
    expect(flow.summary).toBe('180 487 200');
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
    core.receive(request('INVITE', {}, sdp), flow);
    respond(200, {}, sdp);
    const to = lastTo();
    expect((await core.sendInDialog(publicId(), request('BYE'), app)).ok).toBe(true);
    expect(flow.summary).toBe('200');
    expect((await core.sendInDialog(publicId(), request('BYE'), app)).ok).toBe(false);
    core.receive(request('BYE', { To: to, CSeq: '2 BYE' }), flow);
    expect(flow.requests.map((message) => message.method)).toEqual(['BYE']);
    expect(app.heard).toEqual(['INVITE', 'BYE']);
    respond(200);
    expect(dialogs.size).toBe(0);
  });

  it('comes for every call of an application that is gone, at once', async () => {
    established();
    core.receive(request('INVITE', { 'Call-ID': 'second' }, sdp), flow);
    respond(180);
    core.release(app);
    await settle();
    expect(flow.summary).toBe('180 503 BYE');
    expect(dialogs.size).toBe(0);
  });

  it('is a BYE over a connection that is gone: told as failed, and nothing stays', async () => {
    useFlow(new RecordedFlow('ws', '127.0.0.1', 40_000));
    established({ Contact: '<sip:far@x.invalid;transport=ws>' });
    flow.close();
    const result = await core.sendInDialog(publicId(), request('BYE'), app);
    await settle();
    expect(result).toEqual({ ok: false, reason: refusals.noTransport });
    expect(dialogs.size).toBe(0);
  });
});

describe('reliable provisional responses', () => {
  it('go out again until their PRACK, which the application gets', () => {
    core.receive(request('INVITE', { Supported: '100rel' }, sdp), flow);
    const invite = app.transactionId;
    respond(183, { Require: '100rel' }, sdp);
    vi.advanceTimersByTime(1_600);
    expect(flow.summary).toBe('183 183 183');
    const rseq = flow.responses.at(-1)?.headers.get('RSeq') ?? '';
    const to = lastTo();
    core.receive(request('PRACK', { To: to, CSeq: '2 PRACK', RAck: `${Number(rseq) + 1} 1 INVITE` }), flow);
    expect(flow.responses.at(-1)?.status).toBe(481);
    core.receive(request('PRACK', { To: to, CSeq: '3 PRACK', RAck: `${rseq} 1 INVITE` }), flow);
    respond(200);
    expect(app.heard).toEqual(['INVITE', 'PRACK']);
    vi.advanceTimersByTime(100_000);
    expect(flow.summary).toBe('183 183 183 481 200');
    expect(respondTo(invite, draft(200, {}, sdp)).ok).toBe(true);
    core.receive(request('ACK', { To: to }), flow);
  });

  const rseqs = () => flow.responses.flatMap(({ headers }) => headers.get('RSeq') ?? []);
  const prack = (cseq: number, rseq = rseqs().at(-1) ?? '') =>
    core.receive(request('PRACK', { To: lastTo(), CSeq: `${cseq} PRACK`, RAck: `${rseq} 1 INVITE` }), flow);

  it('go out one at a time: the next one when the PRACK of the one before is here (RFC 3262 §3)', () => {
    core.receive(request('INVITE', { Supported: '100rel' }, sdp), flow);
    const invite = app.transactionId;
    const told: string[] = [];
    const tell = (status: number) => (result: { readonly ok: boolean }) =>
      void told.push(`${status} ${result.ok}`);
    const reliable = { Require: '100rel' };
    for (const status of [180, 181, 183]) core.respond(invite, draft(status, reliable), app, tell(status));
    // What need not arrive waits for nothing.
    respondTo(invite, draft(182));
    expect(flow.summary).toBe('180 182');
    expect(told).toEqual(['180 true']);
    prack(2, rseqs()[0]);
    expect(flow.summary).toBe('180 182 181');
    prack(3);
    expect(told).toEqual(['180 true', '181 true', '183 true']);
    const [first = 0, second, third] = rseqs().map(Number);
    expect([second, third]).toEqual([first + 1, first + 2]);
    // Without a session description in one that waits for its PRACK, the answer need not wait.
    expect(respondTo(invite, draft(200, {}, sdp)).ok).toBe(true);
    core.receive(request('ACK', { To: lastTo() }), flow);
  });

  it('with a session description hold the answer back until their PRACK, and a refusal not', () => {
    for (const status of [200, 486]) {
      core.receive(request('INVITE', { Supported: '100rel', 'Call-ID': String(status) }, sdp), flow);
      const invite = app.transactionId;
      const told: boolean[] = [];
      respondTo(invite, draft(183, { Require: '100rel' }, sdp));
      core.respond(invite, draft(183, { Require: '100rel' }), app, ({ ok }) => told.push(ok));
      core.respond(invite, draft(status, {}, sdp), app, ({ ok }) => told.push(ok));
      if (status === 200) {
        expect(respondTo(invite, draft(486)).ok).toBe(true);
        expect(told).toEqual([false, false]);
      } else expect(told).toEqual([false, true]);
      expect(flow.responses.at(-1)?.status).toBe(486);
    }
    flow.sent.length = 0;
    core.receive(request('INVITE', { Supported: '100rel' }, sdp), flow);
    const invite = app.transactionId;
    respondTo(invite, draft(183, { Require: '100rel' }, sdp));
    const told: boolean[] = [];
    core.respond(invite, draft(200, {}, sdp), app, ({ ok }) => told.push(ok));
    core.respond(invite, draft(200, {}, sdp), app, ({ ok }) => told.push(ok));
    expect(flow.summary).toBe('183');
    prack(2);
    expect(flow.summary).toBe('183 200');
    expect(told).toEqual([false, true]);
    core.receive(request('ACK', { To: lastTo() }), flow);
  });

  it('whose PRACK never comes take the answer with them that waits', () => {
    core.receive(request('INVITE', { Supported: '100rel' }, sdp), flow);
    const invite = app.transactionId;
    respondTo(invite, draft(183, { Require: '100rel' }, sdp));
    const told: boolean[] = [];
    core.respond(invite, draft(200, {}, sdp), app, ({ ok }) => told.push(ok));
    vi.advanceTimersByTime(32_000);
    expect(flow.responses.at(-1)?.status).toBe(504);
    expect(told).toEqual([false]);
    expect(app.heard).toEqual(['INVITE', 'cancelled']);
    expect(dialogs.size).toBe(0);
  });

  it('of a re-INVITE are acknowledged, too', () => {
    const to = established();
    core.receive(request('INVITE', { To: to, CSeq: '2 INVITE', Supported: '100rel' }, sdp), flow);
    const invite = app.transactionId;
    respondTo(invite, draft(183, { Require: '100rel' }));
    const rack = `${rseqs().at(-1)} 2 INVITE`;
    core.receive(request('PRACK', { To: to, CSeq: '3 PRACK', RAck: rack }), flow);
    respond(200);
    respondTo(invite, draft(200, {}, sdp));
    expect(flow.summary).toBe('100 183 200 200');
    core.receive(request('ACK', { To: to, CSeq: '2 ACK' }), flow);
  });

  it('without a PRACK end the call with 504', () => {
    core.receive(request('INVITE', { Supported: '100rel' }, sdp), flow);
    respond(180, { Require: '100rel' });
    vi.advanceTimersByTime(32_000);
    expect(flow.responses.at(-1)?.status).toBe(504);
    expect(app.heard).toEqual(['INVITE', 'cancelled']);
  });

  it('are used where the caller demands them, and not where it cannot take them', () => {
    core.receive(request('INVITE', { Require: '100rel' }, sdp), flow);
    respond(180);
    expect(flow.responses.at(-1)?.headers.get('Require')).toBe('100rel');
    expect(flow.responses.at(-1)?.headers.has('RSeq')).toBe(true);
    core.receive(request('INVITE', { 'Call-ID': 'plain' }, sdp), flow);
    respond(180, { Require: '100rel' });
    expect(flow.responses.at(-1)?.headers.has('Require')).toBe(false);
    expect(flow.responses.at(-1)?.headers.has('RSeq')).toBe(false);
  });
});

describe('a call of ours', () => {
  async function calling(): Promise<SipRequest> {
    const result = await core.sendNew(
      { ...request('INVITE', {}, sdp), uri: 'sip:far@127.0.0.1:5070', headers: new HeaderFields() },
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
    await core.sendInDialog(app.dialogId, request('INVITE', {}, sdp), app);
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

  it.each(['tel:+4930123', 'h323:far@192.0.2.9', 'urn:service:x'])(
    'goes on over the flow where the answer’s only Contact is %s, which stands in its requests',
    async (uri) => {
      const invite = await calling();
      const ok = answerTo(invite);
      ok.headers.set('Contact', `<${uri}>`);
      core.receive(ok, flow);
      expect((await core.sendInDialog(app.dialogId, request('ACK'), app)).ok).toBe(true);
      expect((await core.sendInDialog(app.dialogId, request('BYE'), app)).ok).toBe(true);
      expect(flow.summary).toBe('INVITE ACK BYE');
      expect(flow.requests.map((one) => one.uri)).toEqual(['sip:far@127.0.0.1:5070', uri, uri]);
    },
  );

  it('that nobody answers is told as ours, and so is its record', async () => {
    await calling();
    await vi.advanceTimersByTimeAsync(33_000);
    expect(app.heard).toEqual(['408']);
    expect(app.lastResponse?.isLocal).toBe(true);
    expect(app.records).toEqual(['attempt application -', 'stop application call-rejected']);
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
