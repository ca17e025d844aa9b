import { beforeEach, describe, expect, it, vi } from 'vitest';
import { RecordedFlow } from '../../../test/support/recorded-flow.js';
import {
  answerTo,
  app,
  core,
  dialogs,
  request,
  sdp,
  settle,
  useWay,
  useFreshCores,
} from '../../../test/support/user-agent-stage.js';
import { HeaderFields } from '../message/header-fields.js';
import type { SipRequest } from '../message/message.js';
import type { Flow } from '../transport/flow.js';
import type { SendResult } from './application.js';
import { createResponse } from './responses.js';
import type { TargetFault, Way } from './way.js';

useFreshCores();

const firstResponseMs = 4_000;

/** The servers of a name, in order; what became of them in `told`. */
class ListedWay implements Way {
  readonly isSole = false;
  readonly nowhere = new RecordedFlow('udp', 'trunk.example', 5060);
  readonly told: string[] = [];
  readonly #flows: Flow[];

  constructor(...flows: Flow[]) {
    this.#flows = flows;
    this.nowhere.isOpen = false;
  }
  next(): Promise<Flow | null> {
    return Promise.resolve(this.#flows.shift() ?? null);
  }
  streamBeside(): Promise<Flow | null> {
    return Promise.resolve(null);
  }
  answered({ remoteAddress }: Flow): void {
    this.told.push(`${remoteAddress} answered`);
  }
  failed({ remoteAddress }: Flow, fault: TargetFault): void {
    this.told.push(`${remoteAddress} ${fault}`);
  }
}

let first: RecordedFlow;
let second: RecordedFlow;
let way: ListedWay;

beforeEach(() => {
  first = new RecordedFlow('udp', '192.0.2.1', 5060);
  second = new RecordedFlow('udp', '192.0.2.2', 5060);
  way = new ListedWay(first, second);
  useWay(() => way);
});

function send(method: string, fields: Record<string, string> = {}): Promise<SendResult> {
  const headers = new HeaderFields(Object.entries(fields));
  return core.sendNew(
    {
      kind: 'request',
      method,
      uri: 'sip:x@trunk.example',
      headers,
      body: Buffer.from(method === 'INVITE' ? sdp : ''),
    },
    app,
  );
}

function sentBy(flow: RecordedFlow, method: string): SipRequest {
  const found = flow.requests.findLast((message) => message.method === method);
  if (found === undefined) throw new Error(`no ${method} in ${flow.summary}`);
  return found;
}

const fieldsOf = ({ headers }: SipRequest) =>
  ['From', 'To', 'Call-ID', 'CSeq'].map((name) => headers.get(name));

describe('a server that answers 503', () => {
  it('gets its ACK; the next gets the same request in another transaction, and the application hears of that one alone', async () => {
    const sent = await send('INVITE');
    const invite = sentBy(first, 'INVITE');
    core.receive(createResponse(invite, 503, 'far'), first);
    await settle();
    expect(first.summary).toBe('INVITE ACK');
    const again = sentBy(second, 'INVITE');
    expect(fieldsOf(again)).toEqual(fieldsOf(invite));
    expect(again.headers.get('Via')).not.toBe(invite.headers.get('Via'));
    expect(again.body.toString()).toBe(sdp);
    expect(app.heard).toEqual([]);
    core.receive(answerTo(again), second);
    expect(app.heard).toEqual(['200']);
    await core.sendInDialog(app.dialogId, request('ACK'), app);
    expect(sent.ok && sent.transactionId).toBe([...dialogs][0]?.inviteId);
  });

  it('says for how long, and is told by its answer where there is no other', async () => {
    way = new ListedWay(first);
    await send('REGISTER');
    const response = createResponse(sentBy(first, 'REGISTER'), 503, 'far');
    response.headers.append('Retry-After', '20 (in a moment);duration=3600');
    core.receive(response, first);
    await settle();
    expect(app.heard).toEqual(['503']);
    expect(app.lastResponse?.headers.get('Retry-After')).toBe('20 (in a moment);duration=3600');
    expect(way.told).toEqual(['192.0.2.1 20000']);
  });

  it.each([400, 403, 404, 408, 486, 500, 504, 600, 603])(
    'is another than one that answers %i, which counts',
    async (status) => {
      await send('INVITE');
      core.receive(createResponse(sentBy(first, 'INVITE'), status, 'far'), first);
      await settle();
      expect(app.heard).toEqual([String(status)]);
      expect(second.sent).toHaveLength(0);
      expect(way.told).toEqual(['192.0.2.1 answered']);
    },
  );

  it('after it rang is the outcome', async () => {
    await send('INVITE');
    const invite = sentBy(first, 'INVITE');
    core.receive(createResponse(invite, 180, 'far'), first);
    core.receive(createResponse(invite, 503, 'far'), first);
    await settle();
    expect(app.heard).toEqual(['180', '503']);
    expect(second.sent).toHaveLength(0);
  });

  it('to a call that was cancelled meanwhile is the end of it', async () => {
    const sent = await send('INVITE');
    const invite = sentBy(first, 'INVITE');
    core.receive(createResponse(invite, 503, 'far'), first);
    core.cancel(sent.ok ? sent.transactionId : '', request('CANCEL'), app);
    await settle();
    expect(app.heard).toEqual(['487']);
    expect(second.sent).toHaveLength(0);
  });

  it('to a call whose application is gone is the end of it', async () => {
    await send('INVITE');
    core.receive(createResponse(sentBy(first, 'INVITE'), 503, 'far'), first);
    core.release(app);
    await settle();
    expect(second.sent).toHaveLength(0);
    expect(core.pendingCount).toBe(0);
  });
});

describe('a server that says nothing', () => {
  it('is left for the next, and hears no more of it', async () => {
    await send('OPTIONS');
    await vi.advanceTimersByTimeAsync(firstResponseMs);
    const count = first.sent.length;
    core.receive(createResponse(sentBy(second, 'OPTIONS'), 200, 'far'), second);
    expect(app.heard).toEqual(['200']);
    expect(way.told).toEqual(['192.0.2.1 silent', '192.0.2.2 answered']);
    await vi.advanceTimersByTimeAsync(64_000);
    expect(first.sent).toHaveLength(count);
    expect(core.transactions.size).toBe(0);
  });

  it.each([
    ['fails for good', () => vi.advanceTimersByTimeAsync(32_000)],
    [
      'answers 503 after all',
      () => Promise.resolve(core.receive(createResponse(sentBy(first, 'OPTIONS'), 503, 'far'), first)),
    ],
  ])('and %s while the next is still looked up does not speak for that one', async (_, fail) => {
    let found: (flow: Flow) => void = () => undefined;
    vi.spyOn(way, 'next')
      .mockResolvedValueOnce(first)
      .mockReturnValueOnce(new Promise((resolve) => (found = resolve)));
    await send('OPTIONS');
    await vi.advanceTimersByTimeAsync(firstResponseMs);
    await fail();
    expect(app.heard).toEqual([]);
    found(second);
    await settle();
    core.receive(createResponse(sentBy(second, 'OPTIONS'), 200, 'far'), second);
    expect(app.heard).toEqual(['200']);
    expect(core.pendingCount).toBe(0);
  });

  it('and fails for good while the next is looked up in vain is told', async () => {
    let found: (flow: null) => void = () => undefined;
    vi.spyOn(way, 'next')
      .mockResolvedValueOnce(first)
      .mockReturnValueOnce(new Promise((resolve) => (found = resolve)));
    await send('OPTIONS');
    await vi.advanceTimersByTimeAsync(firstResponseMs + 32_000);
    expect(app.heard).toEqual([]);
    found(null);
    await settle();
    expect(app.heard).toEqual(['408']);
    expect(core.pendingCount).toBe(0);
  });

  it('and rings at last is cancelled', async () => {
    await send('INVITE');
    await vi.advanceTimersByTimeAsync(firstResponseMs);
    const invite = sentBy(first, 'INVITE');
    core.receive(createResponse(invite, 180, 'late'), first);
    const cancel = sentBy(first, 'CANCEL');
    expect(cancel.headers.get('Via')).toBe(invite.headers.get('Via'));
    core.receive(createResponse(sentBy(second, 'INVITE'), 180, 'far'), second);
    expect(app.heard).toEqual(['180']);
    core.receive(createResponse(cancel, 200, 'late'), first);
    core.receive(createResponse(invite, 487, 'late'), first);
    core.receive(createResponse(sentBy(second, 'INVITE'), 486, 'far'), second);
    expect(app.heard).toEqual(['180', '486']);
    expect(dialogs.size).toBe(0);
    // One call, which had one end.
    expect(app.records).toEqual(['attempt application -', 'stop network call-rejected']);
  });

  it('and answers at last is acknowledged, and hung up', async () => {
    await send('INVITE');
    await vi.advanceTimersByTimeAsync(firstResponseMs);
    core.receive(answerTo(sentBy(first, 'INVITE')), first);
    await settle();
    expect(first.requests.filter(({ method }) => method !== 'INVITE').map(({ method }) => method)).toEqual([
      'ACK',
      'BYE',
    ]);
    expect(app.heard).toEqual([]);
    core.receive(createResponse(sentBy(second, 'INVITE'), 486, 'far'), second);
    expect(app.heard).toEqual(['486']);
    expect(app.records).toEqual(['attempt application -', 'stop network call-rejected']);
  });

  it('but 100 has all the time that it needs', async () => {
    await send('INVITE');
    core.receive(createResponse(sentBy(first, 'INVITE'), 100, ''), first);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(second.sent).toHaveLength(0);
    expect(app.heard).toEqual(['100']);
  });

  it('is waited for as long as the RFC says where there is no other', async () => {
    way = new ListedWay(first);
    await send('INVITE');
    await vi.advanceTimersByTimeAsync(31_999);
    expect(app.heard).toEqual([]);
    await vi.advanceTimersByTimeAsync(2);
    expect(app.heard).toEqual(['408']);
  });

  it('is not left where the call was cancelled: no other server is to hear of it', async () => {
    const sent = await send('INVITE');
    core.cancel(sent.ok ? sent.transactionId : '', request('CANCEL'), app);
    await vi.advanceTimersByTimeAsync(32_001);
    expect(second.sent).toHaveLength(0);
    expect(app.heard).toEqual(['408']);
  });
});

describe('a CANCEL', () => {
  it('goes where the INVITE went', async () => {
    const sent = await send('INVITE');
    core.receive(createResponse(sentBy(first, 'INVITE'), 503, 'far'), first);
    await settle();
    const invite = sentBy(second, 'INVITE');
    core.receive(createResponse(invite, 100, ''), second);
    expect(core.cancel(sent.ok ? sent.transactionId : '', request('CANCEL'), app).ok).toBe(true);
    expect(sentBy(second, 'CANCEL').headers.get('Via')).toBe(invite.headers.get('Via'));
    expect(first.summary).toBe('INVITE ACK');
  });
});

describe('a connection that breaks', () => {
  it('before anything came by it is replaced by the next server', async () => {
    first = new RecordedFlow('tcp', '192.0.2.1', 5060);
    way = new ListedWay(first, second);
    await send('INVITE');
    first.close();
    core.flowClosed(first);
    await settle();
    await settle();
    expect(second.summary).toBe('INVITE');
    expect(sentBy(second, 'INVITE').headers.get('Contact')).not.toContain('transport=tcp');
    expect(way.told).toEqual(['192.0.2.1 unreachable']);
  });
});

describe('a name that leads nowhere', () => {
  it('is told as 503, after the request that nobody got', async () => {
    way = new ListedWay();
    const sent = await send('INVITE', { From: '<sip:me@localhost>' });
    expect(sent.ok).toBe(true);
    expect(app.heard).toEqual([]);
    await settle();
    await settle();
    expect(app.heard).toEqual(['503']);
    expect(core.pendingCount).toBe(0);
  });
});

describe('the end of everything', () => {
  it.each([
    ['of its application', () => core.release(app)],
    ['of the whole', () => core.close()],
  ])('(%s) while its first server is looked for is the end of a request', async (_whose, end) => {
    let found: (next: Flow) => void = () => undefined;
    way.next = () => new Promise<Flow>((resolve) => (found = resolve));
    const sending = send('INVITE');
    end();
    found(first);
    expect(await sending).toMatchObject({ ok: false });
    expect(first.sent).toHaveLength(0);
    expect(app.records).toEqual([]);
    expect(core.pendingCount).toBe(0);
  });

  it('while the next server is looked for sends nothing more', async () => {
    await send('INVITE');
    core.receive(createResponse(sentBy(first, 'INVITE'), 503, 'far'), first);
    core.close();
    await settle();
    expect(second.sent).toHaveLength(0);
  });
});
