import { beforeEach, describe, expect, it, vi } from 'vitest';
import { RecordedFlow } from '../../../test/support/recorded-flow.js';
import {
  answerTo,
  app,
  core,
  request,
  sdp,
  settle,
  useFlow,
  useWayWithin,
  useFreshCores,
} from '../../../test/support/user-agent-stage.js';
import { HeaderFields } from '../message/header-fields.js';
import type { Flow } from '../transport/flow.js';
import { createResponse } from '../user-agent/responses.js';
import type { Way } from '../user-agent/way.js';

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

describe('an INVITE that is passed on to the servers of a name', () => {
  const firstResponseMs = 4_000;
  let first: RecordedFlow;
  let second: RecordedFlow;
  /** Ends the look-up of the second server. */
  let found: () => void;
  let faults: string[];

  beforeEach(async () => {
    first = new RecordedFlow('udp', '203.0.113.11', 5060);
    second = new RecordedFlow('udp', '203.0.113.12', 5060);
    faults = [];
    const lookedUp = new Promise<void>((resolve) => (found = resolve));
    const answers: Promise<Flow | null>[] = [
      Promise.resolve(first),
      lookedUp.then(() => second),
      Promise.resolve(null),
    ];
    const way: Way = {
      isSole: false,
      nowhere: new RecordedFlow(),
      next: () => answers.shift() ?? Promise.resolve(null),
      streamBeside: () => Promise.resolve(null),
      answered: ({ remoteAddress }) => void faults.push(`${remoteAddress} answered`),
      failed: ({ remoteAddress }, fault) => void faults.push(`${remoteAddress} ${fault}`),
    };
    useWayWithin(() => way);
    core.receive(request('INVITE', { 'Call-ID': 'named' }, sdp), caller);
    core.proxy(
      app.transactionId,
      {
        ...{ destinations: ['sip:callee@trunk.example'], isSimultaneous: false, remainsInDialog: false },
        ...{ followsRedirects: false, provisionalTimeoutMs: null, finalTimeoutMs: null },
        fields: new HeaderFields(),
      },
      app,
      { responded: () => undefined, done: () => undefined },
    );
    await settle();
  });

  const say = (flow: RecordedFlow, status: number): void => {
    const invite = flow.requests.find(({ method }) => method === 'INVITE');
    if (invite === undefined) throw new Error('was not asked');
    core.receive(createResponse(invite, status, status === 100 ? '' : 'far'), flow);
  };
  const cancel = (): void => {
    const [invite] = [...first.requests];
    const via = invite?.headers.all('Via')[1] ?? '';
    core.receive(request('CANCEL', { Via: via, 'Call-ID': 'named', CSeq: '1 CANCEL' }), caller);
  };

  it('stays with the one that answers while the next is looked for', async () => {
    await vi.advanceTimersByTimeAsync(firstResponseMs);
    say(first, 100);
    found();
    await settle();
    expect(second.summary).toBe('');
    say(first, 180);
    say(first, 486);
    await settle();
    expect(caller.summary).toMatch(/180 486$/);
    expect(faults).toEqual(['203.0.113.11 silent', '203.0.113.11 answered']);
  });

  it('goes to the next where one refuses while that is looked for, and to nobody twice', async () => {
    await vi.advanceTimersByTimeAsync(firstResponseMs);
    say(first, 503);
    await settle();
    found();
    await settle();
    expect(second.summary).toBe('INVITE');
    say(second, 503);
    await settle();
    // RFC 3261 §16.7: a 503 is about one server, not us.
    expect(caller.summary).toMatch(/ 500$/);
  });

  it('that the caller cancels while the next is looked for goes nowhere any more', async () => {
    say(first, 503);
    await settle();
    cancel();
    found();
    await settle();
    expect(second.summary).toBe('');
    expect(first.summary).toBe('INVITE ACK');
    expect(caller.responses.map(({ status }) => status)).toContain(487);
  });

  it('that the caller cancels before anybody was heard is cancelled where somebody is heard after all', async () => {
    cancel();
    await vi.advanceTimersByTimeAsync(firstResponseMs);
    found();
    await settle();
    expect(second.summary).toBe('');
    say(first, 100);
    await settle();
    expect(first.requests.at(-1)?.method).toBe('CANCEL');
    say(first, 487);
    await settle();
    expect(caller.responses.map(({ status }) => status)).toContain(487);
  });
});
