import { beforeEach, describe, expect, it, vi } from 'vitest';
import { RecordedFlow } from '../../../test/support/recorded-flow.js';
import {
  answerTo,
  app,
  core,
  request,
  respond,
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
  passOn(['sip:callee@203.0.113.1']);
  await settle();
  const invite = callee.requests[0];
  if (invite === undefined) throw new Error('was not passed on');
  core.receive(answerTo(invite), callee);
  const ok = caller.responses.at(-1);
  within = { To: ok?.headers.get('To') ?? '', Route: invite.headers.all('Record-Route').join(', ') };
  callee.sent.length = 0;
  caller.sent.length = 0;
});

/** The application passes on what came last, and stays in the call. */
function passOn(destinations: string[]): void {
  const order = {
    ...{ destinations, isSimultaneous: false, remainsInDialog: true, followsRedirects: false },
    ...{ provisionalTimeoutMs: null, finalTimeoutMs: null, fields: new HeaderFields() },
  };
  core.proxy(app.transactionId, order, app, { responded: () => undefined, done: () => undefined });
}

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

describe('a call of a browser that was passed on', () => {
  const contact = 'sip:7f3k@ab12.invalid;transport=ws';
  let browser: RecordedFlow;
  /** A request of the callee within the call. */
  let ofCallee: Record<string, string>;

  beforeEach(async () => {
    browser = new RecordedFlow('wss', '198.51.100.7', 50_000);
    const fields = { 'Call-ID': 'by-browser', Contact: `<${contact}>` };
    core.receive(request('INVITE', fields, sdp), browser);
    passOn(['sip:callee@203.0.113.1']);
    await settle();
    const invite = callee.requests.at(-1);
    if (invite === undefined) throw new Error('was not passed on');
    core.receive(answerTo(invite), callee);
    const ok = browser.responses.at(-1);
    ofCallee = {
      From: ok?.headers.get('To') ?? '',
      To: '<sip:far@127.0.0.1>;tag=far',
      'Call-ID': 'by-browser',
      Route: invite.headers.all('Record-Route').join(', '),
    };
    callee.sent.length = browser.sent.length = 0;
  });

  /** What the callee asks for, sent to the Contact of the browser. */
  const ask = (method: string, cseq: number): void =>
    core.receive(
      { ...request(method, { ...ofCallee, CSeq: `${String(cseq)} ${method}` }), uri: contact },
      callee,
    );

  it('brings it what the callee asks, by its WebSocket (RFC 7118 §5)', async () => {
    ask('INVITE', 1);
    await settle();
    ask('ACK', 1);
    ask('BYE', 2);
    await settle();
    expect(browser.summary).toBe('INVITE ACK BYE');
    expect(browser.requests[2]?.uri).toBe(contact);
    expect(browser.requests[2]?.headers.has('Route')).toBe(false);
  });

  it('is told 430 by us where the WebSocket is gone, and an ACK goes nowhere (RFC 5626 §5.3.1)', async () => {
    browser.close();
    core.flowClosed(browser);
    ask('ACK', 1);
    ask('BYE', 2);
    await settle();
    expect(callee.summary).toBe('430');
  });

  it('is over for the records with its BYE, also where that reaches nobody', async () => {
    browser.close();
    core.flowClosed(browser);
    ask('BYE', 2);
    await settle();
    expect(app.records).toContain('stop network normal-release');
  });

  it('is no way to others who have registered here: whom it asks for, its sender chooses', async () => {
    const other = new RecordedFlow('wss', '198.51.100.9', 50_009);
    const others = 'sip:v2@cd34.invalid;transport=ws';
    core.receive(request('REGISTER', { 'Call-ID': 'other', Contact: `<${others}>` }), other);
    respond(200, { Expires: '600' });
    browser.close();
    core.flowClosed(browser);
    other.sent.length = 0;
    core.receive({ ...request('NOTIFY', { ...ofCallee, CSeq: '2 NOTIFY' }), uri: others }, callee);
    await settle();
    expect(other.summary).toBe('');
    expect(callee.summary).toBe('430');
  });

  it('registers nobody: a REGISTER in it goes nowhere, and no application hears of it', async () => {
    ask('REGISTER', 2);
    await settle();
    expect(browser.summary).toBe('');
    expect(callee.summary).toBe('481');
  });
});

describe('a call to a browser that has registered here', () => {
  const contact = 'sip:7f3k@ab12.invalid;transport=ws';
  let browser: RecordedFlow;

  beforeEach(() => {
    browser = new RecordedFlow('ws', '198.51.100.8', 50_002);
    core.receive(request('REGISTER', { 'Call-ID': 'its-own', Contact: `<${contact}>` }), browser);
    respond(200, { Expires: '600' });
    browser.sent.length = caller.sent.length = 0;
  });

  it('goes down its WebSocket, and so does what follows', async () => {
    core.receive(request('INVITE', { 'Call-ID': 'to-browser' }, sdp), caller);
    passOn([contact]);
    await settle();
    const invite = browser.requests[0];
    if (invite === undefined) throw new Error('was not passed on');
    core.receive(answerTo(invite), browser);
    const to = caller.responses.at(-1)?.headers.get('To') ?? '';
    const Route = invite.headers.all('Record-Route').join(', ').split(', ').reverse().join(', ');
    for (const [method, cseq] of [
      ['ACK', 1],
      ['BYE', 2],
    ] as const)
      core.receive(
        {
          ...request(method, { 'Call-ID': 'to-browser', To: to, Route, CSeq: `${String(cseq)} ${method}` }),
          uri: contact,
        },
        caller,
      );
    await settle();
    expect(browser.summary).toBe('INVITE ACK BYE');
  });

  it('is one of an application, too', async () => {
    const invite = { ...request('INVITE', { 'Call-ID': 'ours' }, sdp), uri: contact };
    await core.sendNew(invite, app);
    expect(browser.summary).toBe('INVITE');
  });

  it('that an application has sent elsewhere, by a proxy of its own, does not go there', async () => {
    useFlow(callee);
    callee.sent.length = 0;
    const invite = { ...request('INVITE', { 'Call-ID': 'by-proxy' }, sdp), uri: contact };
    await core.sendNew(invite, app, 'sip:carrier.example');
    expect(browser.summary).toBe('');
    expect(callee.summary).toBe('INVITE');
  });

  it('is refused where it has left', async () => {
    browser.close();
    core.flowClosed(browser);
    core.receive(request('INVITE', { 'Call-ID': 'too-late' }, sdp), caller);
    useWayWithin(() => null);
    passOn([contact]);
    await settle();
    expect(caller.summary).toBe('100 500');
  });
});

describe('a registration that was passed on', () => {
  it('shows its registrar a path, by which calls come to who registered', async () => {
    const contact = 'sip:7f3k@ab12.invalid;transport=ws';
    const browser = new RecordedFlow('ws', '198.51.100.8', 50_002);
    const fields = { 'Call-ID': 'its-own', Contact: `<${contact}>;reg-id=1`, Supported: 'path, outbound' };
    core.receive(request('REGISTER', fields), browser);
    passOn(['sip:registrar@203.0.113.1']);
    await settle();
    const register = callee.requests.at(-1);
    const path = register?.headers.all('Path').join(', ') ?? '';
    expect(path).toContain(';ob>');
    // The registrar calls.
    const invite = { ...request('INVITE', { 'Call-ID': 'from-there', Route: path }, sdp), uri: contact };
    core.receive(invite, callee);
    passOn([contact]);
    await settle();
    expect(browser.requests.map(({ method, uri, headers }) => [method, uri, headers.has('Route')])).toEqual([
      ['INVITE', contact, false],
    ]);
    browser.close();
    core.flowClosed(browser);
    callee.sent.length = 0;
    const late = { ...request('INVITE', { 'Call-ID': 'late', Route: path }, sdp), uri: contact };
    core.receive(late, callee);
    passOn([contact]);
    await settle();
    expect(callee.responses.map(({ status }) => status)).toContain(430);
    expect(app.records).toContain('stop application call-rejected');
  });

  it('binds its Contact to nothing but the path: who answered it is no registrar of ours', async () => {
    const contact = 'sip:7f3k@ab12.invalid;transport=ws';
    const browser = new RecordedFlow('ws', '198.51.100.8', 50_002);
    core.receive(request('REGISTER', { 'Call-ID': 'its-own', Contact: `<${contact}>` }), browser);
    passOn(['sip:registrar@203.0.113.1']);
    await settle();
    const register = callee.requests.at(-1);
    if (register === undefined) throw new Error('was not passed on');
    core.receive(answerTo(register), callee);
    browser.sent.length = 0;
    useFlow(callee);
    await core.sendNew({ ...request('INVITE', { 'Call-ID': 'ours' }, sdp), uri: contact }, app);
    expect(browser.summary).toBe('');
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
