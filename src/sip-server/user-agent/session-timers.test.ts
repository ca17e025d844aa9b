import { describe, expect, it, vi } from 'vitest';
import { RecordedFlow } from '../../../test/support/recorded-flow.js';
import {
  sdp,
  answerTo,
  app,
  core,
  established,
  flow,
  request,
  respond,
  settle,
  useCore,
  useFlow,
  useFreshCores,
} from '../../../test/support/user-agent-stage.js';
import type { SipRequest, SipResponse } from '../message/message.js';
import { createResponse } from './responses.js';

useFreshCores();

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

  it('refresh by re-INVITE with an offer of the application, which gets the answer as that of its own', async () => {
    established({ 'Session-Expires': '100' });
    await vi.advanceTimersByTimeAsync(50_000);
    expect(app.heard).toEqual(['INVITE']);
    expect(respond(200, { 'Content-Type': 'application/sdp' }, 'v=0\r\no=our offer')).toMatchObject({
      ok: true,
    });
    await settle();
    const invite = flow.requests[0];
    expect(invite?.method).toBe('INVITE');
    expect(invite?.headers.get('Session-Expires')).toBe('100;refresher=uac');
    expect(invite?.body.toString()).toBe('v=0\r\no=our offer');
    const ok = answerTo(invite ?? request('INVITE'), { 'Session-Expires': '100;refresher=uac' });
    // Was thrown away: an answer from another address, with another codec, or that holds.
    ok.headers.append('Content-Type', 'application/sdp');
    ok.body = Buffer.from(`${sdp}a=sendonly\r\n`);
    core.receive(ok, flow);
    await settle();
    expect(flow.summary).toBe('INVITE ACK');
    expect(app.heard).toEqual(['INVITE', `ACK ${ok.body.length}`]);
    await vi.advanceTimersByTimeAsync(50_000);
    expect(app.heard.at(-1)).toBe('INVITE');
  });

  it('refresh with our last description where the application makes no offer, acknowledged without it', async () => {
    established({ 'Session-Expires': '100' });
    await vi.advanceTimersByTimeAsync(55_000);
    const invite = flow.requests[0];
    expect(invite?.method).toBe('INVITE');
    expect(invite?.body.toString()).toBe(sdp);
    if (invite) core.receive(answerTo(invite, { 'Session-Expires': '100;refresher=uac' }), flow);
    await settle();
    expect(flow.summary).toBe('INVITE ACK');
    expect(app.heard).toEqual(['INVITE']);
    // Too late.
    expect(respond(200, {}, sdp)).toMatchObject({ ok: false });
  });

  it('refresh a little later where an exchange of the application is under way', async () => {
    established({ 'Session-Expires': '100' });
    await vi.advanceTimersByTimeAsync(50_000);
    respond(491);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(flow.summary).toBe('');
    expect(app.heard).toEqual(['INVITE', 'INVITE']);
    respond(200, {}, sdp);
    await settle();
    expect(flow.summary).toBe('INVITE');
  });

  it('tell the application where its offer for a refresh came to nothing', async () => {
    established({ 'Session-Expires': '100' });
    await vi.advanceTimersByTimeAsync(50_000);
    respond(200, {}, sdp);
    await settle();
    const invite = flow.requests[0];
    if (invite) core.receive(createResponse(invite, 488, 'far'), flow);
    await settle();
    expect(app.heard).toEqual(['INVITE', 'ACK 0']);
    expect(flow.summary).toBe('INVITE ACK');
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

/** Answers each refresh of ours as soon as it goes out, for as long as the time lasts; how many there were. */
async function refreshesWithin(
  ms: number,
  answer: (refresh: SipRequest, nth: number) => SipResponse,
): Promise<number> {
  let answered = 0;
  // Beyond these it is without end.
  for (let passed = 0; passed < ms && answered < 50; passed += 500) {
    await vi.advanceTimersByTimeAsync(500);
    for (let turn = 0; turn < 10; turn += 1) {
      const refresh = flow.requests.filter(({ method }) => method === 'UPDATE')[answered];
      if (refresh === undefined) break;
      answered += 1;
      core.receive(answer(refresh, answered), flow);
      await settle();
    }
  }
  return answered;
}

const tooShort = (refresh: SipRequest, minSeconds: string): SipResponse => {
  const response = createResponse(refresh, 422, 'far');
  response.headers.append('Min-SE', minSeconds);
  return response;
};

describe('a far end that would have us refresh without end', () => {
  const refreshed = { 'Session-Expires': '100;refresher=uas', Supported: 'timer', Allow: 'INVITE, UPDATE' };

  it.each(['0', '1', '89', '0;refresher=uac'])(
    'is asked no more often by Session-Expires: %s',
    async (value) => {
      established(refreshed);
      const answer = (refresh: SipRequest) => answerTo(refresh, { 'Session-Expires': value });
      // After 50 s, and 45 s after each answer.
      expect(await refreshesWithin(141_000, answer)).toBe(3);
      expect(app.heard).toEqual([]);
    },
  );

  it('is given the longer interval that it takes at once, twice, and then every ten seconds', async () => {
    established(refreshed);
    await vi.advanceTimersByTimeAsync(49_500);
    const longer = (refresh: SipRequest, nth: number) => tooShort(refresh, String(100 + nth));
    expect(await refreshesWithin(9_000, longer)).toBe(3);
    expect(flow.requests.map(({ headers }) => headers.get('Session-Expires'))).toEqual([
      '100;refresher=uac',
      '101;refresher=uac',
      '102;refresher=uac',
    ]);
    await vi.advanceTimersByTimeAsync(1_500);
    const last = flow.requests[3];
    expect(last?.headers.get('Session-Expires')).toBe('103;refresher=uac');
    if (last) core.receive(answerTo(last, { 'Session-Expires': '103;refresher=uac' }), flow);
    await vi.advanceTimersByTimeAsync(51_000);
    expect(flow.requests).toHaveLength(4);
    await vi.advanceTimersByTimeAsync(500);
    expect(flow.requests).toHaveLength(5);
  });

  it.each(['', '0', '100', '90.5', '1e3', '-1', '1814401', 'soon'])(
    'is asked again after ten seconds where it takes none with Min-SE: %s',
    async (value) => {
      established(refreshed);
      await vi.advanceTimersByTimeAsync(49_500);
      expect(await refreshesWithin(9_000, (refresh) => tooShort(refresh, value))).toBe(1);
      expect(flow.requests[0]?.headers.get('Session-Expires')).toBe('100;refresher=uac');
      await vi.advanceTimersByTimeAsync(3_000);
      expect(flow.requests[1]?.headers.get('Session-Expires')).toBe('100;refresher=uac');
    },
  );

  it('is hung up on when the time is over, however often it refused', async () => {
    established(refreshed);
    const longer = (refresh: SipRequest, nth: number) => tooShort(refresh, String(100 + nth));
    expect(await refreshesWithin(101_000, longer)).toBeLessThan(10);
    expect(flow.summary).toMatch(/UPDATE(?: BYE)+$/);
    expect(app.endedBecause).toContain('session expired');
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
    useFlow(new RecordedFlow(protocol));
    useCore({ sessionSeconds: 1800 });
    core.receive(request('INVITE', headers), flow);
    respond(200, {}, sdp);
    expect(offered()).toBe(expected);
    expect(flow.responses.at(-1)?.headers.has('Require')).toBe(expected === '600;refresher=uac');
  });

  it('goes on where the phone answers refreshes without a word of it, and ends the call of one that is gone', async () => {
    useCore({ sessionSeconds: 1800 });
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
    useCore({ sessionSeconds: 1800 });
    established(phone);
    await vi.advanceTimersByTimeAsync(900_000);
    const update = flow.requests[0];
    if (update) core.receive(createResponse(update, 501, ''), flow);
    respond(200, {}, sdp);
    await settle();
    expect(flow.summary).toBe('UPDATE INVITE');
    const invite = flow.requests[1];
    if (invite) core.receive(answerTo(invite), flow);
    await vi.advanceTimersByTimeAsync(900_000);
    respond(200, {}, sdp);
    await settle();
    expect(flow.summary).toBe('UPDATE INVITE ACK INVITE');
  });
});
