/** Calls by SIPp, a SIP implementation that is not ours. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { EventFollower } from '../support/events.js';
import { describeWithSipp, expectSipp, type SippRun } from '../support/sipp.js';
import { isBesideDrachtio } from '../support/servers-beside.js';
import { TestGateway } from '../support/start-gateway.js';
import type { Newcomer } from '../support/rest-client.js';
import { waitFor } from '../support/wait-for.js';

describeWithSipp('a call by SIPp', () => {
  let gateway: TestGateway;
  let events: EventFollower;
  let sessionId: string;
  let caller: Newcomer;

  beforeAll(async () => {
    gateway = await TestGateway.start();
    events = await gateway.follow();
  });
  beforeEach(async () => {
    sessionId = await gateway.rest.createSession();
    caller = await gateway.rest.newcomer(sessionId);
  });
  afterAll(async () => {
    await events.close();
    await gateway.stop();
  });

  function call(scenario: string, values: SippRun['values'], transport: 'udp' | 'tcp' = 'udp') {
    const target = `127.0.0.1:${gateway.sipPort}`;
    return expectSipp(scenario, { target, transport, values: { ...values } });
  }

  /** The call's three facts, in the caller's session. */
  async function expectJoinedAndLeft(outcome: object): Promise<void> {
    const { id } = caller;
    const ofCaller = ({ participantId }: { participantId: string | null }) => participantId === id;
    await events.wait('participant.joined', ofCaller);
    const left = await events.wait('participant.left', ofCaller);
    expect(left).toMatchObject({ sessionId, data: { legKind: 'phone', outcome } });
    expect(events.ofType('participant.joined').filter(ofCaller)).toHaveLength(1);
    expect(events.ofType('participant.left').filter(ofCaller)).toHaveLength(1);
    await gateway.idle();
  }

  const hangup = { endedBy: 'participant', reason: 'hangup', q850Cause: 16, text: 'Normal call clearing' };
  const voiceCallId = 'c15ac29f1b2d4e7aa9a31c15ac29f1b2d4e7aa9a';
  const hex = (text: string) => Buffer.from(text).toString('hex');
  const base64 = (text: string) => Buffer.from(text).toString('base64');

  describe.each(['udp', 'tcp'] as const)('over %s', (transport) => {
    it('with a JWT in User-to-User is answered, joined, and ended by the phone', async () => {
      await call('call', { headers: `User-to-User: ${caller.token};encoding=jwt` }, transport);
      await expectJoinedAndLeft(hangup);
    });

    it('is held and resumed by re-INVITE, and survives an offer that cannot be taken', async () => {
      await call('hold', { headers: `User-to-User: ${caller.token};encoding=jwt` }, transport);
      await expectJoinedAndLeft({ endedBy: 'participant', reason: 'hangup' });
      const trail = events.seen
        .filter((event) => event.participantId === caller.id)
        .map(({ type }) => type)
        .filter((type) => type === 'call.held' || type === 'call.resumed');
      expect(trail).toEqual(['call.held', 'call.resumed']);
    });

    it('without offer gets one and answers it in the ACK', async () => {
      await call('offerless', { headers: `User-to-User: ${caller.token};encoding=jwt` }, transport);
      await expectJoinedAndLeft({ endedBy: 'participant', reason: 'hangup' });
    });
  });

  it.each<[string, (newcomer: Newcomer) => Record<string, string>]>([
    [
      'behind Bandwidth’s voice call id',
      ({ token }) => ({ headers: `User-to-User: ${voiceCallId};encoding=base64,${token};encoding=jwt` }),
    ],
    [
      'in a second header field',
      ({ token }) => ({
        headers: `User-to-User: ${voiceCallId};encoding=base64\nUser-to-User: ${token};encoding=jwt`,
      }),
    ],
    ['in base64', ({ token }) => ({ headers: `User-to-User: ${base64(token)};encoding=base64` })],
    ['in hex', ({ token }) => ({ headers: `User-to-User: ${hex(token)};encoding=hex` })],
    ['in X-Landbridge-Token', ({ token }) => ({ headers: `X-Landbridge-Token: ${token}` })],
    ['in X-PH-Token as a join code', ({ joinCode }) => ({ headers: `X-PH-Token: ${joinCode}` })],
    ['in the URI', ({ token }) => ({ headers: 'X-None: 1', uri: `sip:join@gateway.example;token=${token}` })],
    [
      'as a join code in the URI',
      ({ joinCode }) => ({ headers: 'X-None: 1', uri: `sip:${joinCode}@gateway.example` }),
    ],
    [
      'as a join code in groups and lower case',
      ({ joinCode }) => ({
        headers: 'X-None: 1',
        uri: `sip:${joinCode.toLowerCase().replace(/(.{4})(.{4})/, '$1-$2-')}@gateway.example`,
      }),
    ],
  ])('may show its token %s', async (_, values) => {
    await call('call', { talkMs: 50, ...values(caller) });
    await expectJoinedAndLeft(hangup);
  });

  it('keeps Bandwidth’s voice call id in its events', async () => {
    const headers = `User-to-User: ${voiceCallId.toUpperCase()};encoding=base64,${caller.token};encoding=jwt`;
    await call('call', { headers, talkMs: 50 });
    const ended = await events.wait('call.ended', (event) => event.participantId === caller.id);
    expect(ended.data).toMatchObject({ voiceCallId, door: 'sip' });
    await gateway.idle();
  });

  it('in A-law is answered in A-law', async () => {
    await call('call', { headers: `User-to-User: ${caller.token}`, codec: 8, talkMs: 50 });
    await expectJoinedAndLeft(hangup);
  });

  it('can be made again with the same token, one after another', async () => {
    for (let round = 0; round < 3; round += 1) {
      await call('call', { headers: `User-to-User: ${caller.token};encoding=jwt`, talkMs: 20 });
      await gateway.idle();
    }
    const ofCaller = (type: 'call.ended' | 'participant.joined') =>
      events.ofType(type).filter(({ participantId }) => participantId === caller.id);
    await waitFor('the ends of the three calls', () => ofCaller('call.ended').length === 3);
    expect(ofCaller('participant.joined')).toHaveLength(3);
  });

  it('that says ACK and BYE in one breath leaves nothing behind', async () => {
    await call('call', { headers: `User-to-User: ${caller.token};encoding=jwt`, talkMs: 0 });
    await gateway.idle();
  });

  it.each<[string, string, (id: string) => [string, string]]>([
    ['deletes the participant', 'participant-deleted', (id) => ['DELETE', `/participants/${id}`]],
    ['deletes the session', 'session-deleted', () => ['DELETE', `/sessions/${sessionId}`]],
  ])('is hung up when the application %s', async (_, reason, request) => {
    const called = call('hung-up', {
      headers: `User-to-User: ${caller.token};encoding=jwt`,
      reason: `Q.850;cause=16;text="${reason}"`.replaceAll('"', '&quot;'),
    });
    await events.wait('participant.joined', ({ participantId }) => participantId === caller.id);
    const [method, path] = request(caller.id);
    await gateway.rest.done(method, path);
    await called;
    await expectJoinedAndLeft({ endedBy: 'application', reason });
  });

  it('is hung up by DELETE /legs, and the participant stays', async () => {
    const called = call('hung-up', {
      headers: `User-to-User: ${caller.token};encoding=jwt`,
      reason: 'Q.850',
    });
    await events.wait('participant.joined', ({ participantId }) => participantId === caller.id);
    const [leg] = await gateway.rest.legs();
    await gateway.rest.done('DELETE', `/legs/${leg!.id}`);
    await called;
    await expectJoinedAndLeft({ endedBy: 'application' });
    expect((await gateway.rest.request('GET', `/participants/${caller.id}`)).status).toBe(200);
  });
});

describeWithSipp('requests by SIPp out of any dialog', () => {
  let gateway: TestGateway;
  beforeAll(async () => {
    gateway = await TestGateway.start();
  });
  afterAll(() => gateway.stop());

  it.each([
    ['OPTIONS is answered 200', { method: 'OPTIONS', status: 200, header: 'Allow', match: 'INVITE' }],
    [
      'BYE of an unknown dialog is answered 481',
      { method: 'BYE', status: 481, header: 'CSeq', match: 'BYE', toTag: ';tag=nobody' },
    ],
    [
      'INFO of an unknown dialog is answered 481',
      { method: 'INFO', status: 481, header: 'CSeq', match: 'INFO', toTag: ';tag=nobody' },
    ],
    [
      'REGISTER is answered 405 with Allow',
      { method: 'REGISTER', status: 405, header: 'Allow', match: 'INVITE' },
    ],
    [
      'Require of what we cannot do is answered 420 with Unsupported',
      {
        method: 'OPTIONS',
        status: 420,
        header: 'Unsupported',
        match: 'teleportation',
        headers: 'Require: teleportation',
      },
    ],
  ])('%s', (_, values) => request(values));

  // drachtio-server passes no method to us that it does not know, and answers it itself or, as 0.8.6 and 0.9.10 do, not at all.
  it.skipIf(isBesideDrachtio)('a method that nobody knows is answered 405 with Allow', () =>
    request({ method: 'DANCE', status: 405, header: 'Allow', match: 'INVITE' }),
  );

  async function request(values: SippRun['values']): Promise<void> {
    for (const transport of ['udp', 'tcp'] as const) {
      await expectSipp('request', {
        target: `127.0.0.1:${gateway.sipPort}`,
        transport,
        values: { headers: 'X-None: 1', uri: 'sip:gateway.example', ...values },
      });
    }
  }
});
