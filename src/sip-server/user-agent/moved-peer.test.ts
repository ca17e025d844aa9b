import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { RecordedFlow } from '../../../test/support/recorded-flow.js';
import { noStreams } from '../../../test/support/sole-way.js';
import { DialogStore } from '../dialog/dialog-store.js';
import { HeaderFields } from '../message/header-fields.js';
import type { SipRequest, SipResponse } from '../message/message.js';
import { systemClock } from '../transaction/clock.js';
import { defaultTimerSettings } from '../transaction/timers.js';
import { Addressing } from './addressing.js';
import type { Application } from './application.js';
import { silentLogger } from './environment.js';
import { UserAgentCore } from './user-agent-core.js';

const sdp = 'v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\n';

let heard: string[];
let transactionId: string;
let dialogs: DialogStore<Application>;
let core: UserAgentCore;
let first: RecordedFlow;
let second: RecordedFlow;
let branches = 0;

const app: Application = {
  request: (request, _flow, id) => {
    heard.push(request.method);
    transactionId = id;
  },
  acknowledged: () => void heard.push('ACK'),
  cancelled: () => void heard.push('cancelled'),
  response: ({ status }) => void heard.push(String(status)),
  dialogEnded: () => void heard.push('ended'),
  callRecord: () => undefined,
};

beforeEach(() => {
  vi.useFakeTimers();
  heard = [];
  first = new RecordedFlow('ws', '192.0.2.1', 40_001);
  second = new RecordedFlow('ws', '198.51.100.1', 40_002);
  dialogs = new DialogStore(10);
  core = new UserAgentCore({
    clock: systemClock,
    timers: defaultTimerSettings,
    logger: silentLogger,
    guard: null,
    scanners: null,
    settings: {
      supported: [],
      maxPendingRequests: 10,
      inviteTimeoutMs: 200_000,
      retryAfterSeconds: 5,
      firstResponseMs: 4_000,
    },
    addressing: new Addressing({}),
    directory: { choose: () => app, isKnown: () => true, knownMethods: () => [] },
    dialogs,
    maxTransactions: 100,
    connect: () => Promise.reject(new Error('a browser cannot be dialled')),
    wayTo: () => null,
    wayWithin: () => null,
    streams: noStreams,
    responseFlow: (same) => same,
  });
  receive('INVITE', 1, first);
  answer();
  receive('ACK', 1, first);
  first.sent.length = 0;
  heard = [];
});
afterEach(() => {
  core.close();
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

function receive(method: string, cseq: number, flow: RecordedFlow): void {
  branches += 1;
  core.receive(request(method, cseq), flow);
}

function request(method: string, cseq: number): SipRequest {
  const [dialog] = dialogs;
  const headers = new HeaderFields(
    Object.entries({
      Via: `SIP/2.0/WS x.invalid;branch=z9hG4bKmoved${branches}`,
      From: '<sip:far@x.invalid>;tag=far',
      To: dialog === undefined ? '<sip:near@127.0.0.1>' : dialog.local,
      'Call-ID': 'call',
      CSeq: `${cseq} ${method}`,
      Contact: '<sip:far@x.invalid;transport=ws>',
    }),
  );
  return { kind: 'request', method, uri: 'sip:near@127.0.0.1', headers, body: Buffer.from(sdp) };
}

function answer(): void {
  const ok: SipResponse = {
    kind: 'response',
    status: 200,
    reason: 'OK',
    headers: new HeaderFields([]),
    body: Buffer.from(sdp),
  };
  core.respond(transactionId, ok, app);
}

function reinvite(): Promise<unknown> {
  return core.sendInDialog([...dialogs][0]?.publicId ?? '', request('INVITE', 1), app);
}

function closeFlow(flow: RecordedFlow): void {
  flow.close();
  core.flowClosed(flow);
}

const settle = (): Promise<unknown> => vi.advanceTimersByTimeAsync(0);

describe('a WebSocket client whose connection is gone', () => {
  it('stays in its call, and is reached by the connection with which its re-INVITE comes', async () => {
    closeFlow(first);
    expect(await reinvite()).toMatchObject({ ok: false });
    receive('INVITE', 2, second);
    answer();
    receive('ACK', 2, second);
    expect(second.summary).toBe('100 200');
    expect(await reinvite()).toMatchObject({ ok: true });
    expect(second.summary).toBe('100 200 INVITE');
    closeFlow(second);
    await settle();
  });

  it('may come back although it has not acknowledged the answer to its re-INVITE', async () => {
    receive('INVITE', 2, first);
    answer();
    closeFlow(first);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(heard).toEqual(['INVITE']);
    receive('INVITE', 3, second);
    answer();
    receive('ACK', 3, second);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(heard).toEqual(['INVITE', 'INVITE', 'ACK']);
    expect(dialogs.size).toBe(1);
  });

  it('loses its call when it does not come back in the time for the ACK', async () => {
    receive('INVITE', 2, first);
    answer();
    closeFlow(first);
    await vi.advanceTimersByTimeAsync(33_000);
    expect(heard).toEqual(['INVITE', 'ended']);
    expect(dialogs.size).toBe(0);
  });
});

describe('a WebSocket client that comes by another connection before the old one is known to be dead', () => {
  it('finds no re-INVITE of ours in its way', async () => {
    await reinvite();
    expect(first.summary).toBe('INVITE');
    receive('INVITE', 2, second);
    await settle();
    expect(heard).toEqual(['INVITE', '503']);
    answer();
    receive('ACK', 2, second);
    expect(second.summary).toBe('100 200');
  });

  it('finds no re-INVITE of its own in its way', () => {
    receive('INVITE', 2, first);
    receive('INVITE', 3, second);
    expect(heard).toEqual(['INVITE', 'cancelled', 'INVITE']);
    answer();
    receive('ACK', 3, second);
    expect(second.summary).toBe('100 200');
  });
});
