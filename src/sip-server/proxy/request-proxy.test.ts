import { beforeEach, describe, expect, it } from 'vitest';
import { RecordedFlow } from '../../../test/support/recorded-flow.js';
import {
  answerTo,
  app,
  core,
  request,
  sdp,
  settle,
  useFlow,
  useFreshCores,
} from '../../../test/support/user-agent-stage.js';
import { HeaderFields } from '../message/header-fields.js';

useFreshCores();

let caller: RecordedFlow;
let callee: RecordedFlow;
/** Fields of a request of the caller within the call. */
let within: Record<string, string>;

beforeEach(async () => {
  caller = new RecordedFlow('udp', '198.51.100.1', 5060);
  callee = new RecordedFlow('udp', '203.0.113.1', 5060);
  useFlow(callee);
  core.receive(request('INVITE', {}, sdp), caller);
  core.proxy(
    app.transactionId,
    {
      destinations: ['sip:callee@203.0.113.1'],
      isSimultaneous: false,
      remainsInDialog: true,
      followsRedirects: false,
      provisionalTimeoutMs: null,
      finalTimeoutMs: null,
      fields: new HeaderFields(),
    },
    app,
    { responded: () => undefined, done: () => undefined },
  );
  await settle();
  const invite = callee.requests[0];
  if (invite === undefined) throw new Error('was not passed on');
  core.receive(answerTo(invite), callee);
  const ok = caller.responses.at(-1);
  within = { To: ok?.headers.get('To') ?? '', Route: invite.headers.all('Record-Route').join(', ') };
  callee.sent.length = 0;
  caller.sent.length = 0;
});

describe('a request in a call that was passed on', () => {
  it('is passed on, too', async () => {
    core.receive(request('ACK', within), caller);
    core.receive(request('BYE', { ...within, CSeq: '2 BYE' }), caller);
    await settle();
    expect(callee.summary).toBe('ACK BYE');
  });

  it('that has come too far goes no further: it is answered 483, an ACK with nothing', async () => {
    core.receive(request('ACK', { ...within, 'Max-Forwards': '0' }), caller);
    core.receive(request('BYE', { ...within, CSeq: '2 BYE', 'Max-Forwards': '0' }), caller);
    await settle();
    expect(callee.summary).toBe('');
    expect(caller.summary).toBe('483');
    expect(app.records).not.toContain('stop network normal-release');
  });

  it('goes to no address inside, where neither side of the call is', async () => {
    const inside = new RecordedFlow('udp', '10.0.0.9', 5060);
    // Where the caller's next name leads.
    callee = inside;
    useFlow(inside);
    core.receive(request('ACK', within), caller);
    core.receive(request('BYE', { ...within, CSeq: '2 BYE' }), caller);
    await settle();
    expect(inside.summary).toBe('');
    expect(caller.summary).toBe('500');
  });
});
