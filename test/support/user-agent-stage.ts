/** A user agent core over one recorded flow, with one application that records, on a fake clock. */
import { afterEach, beforeEach, expect, vi } from 'vitest';
import { RecordedFlow } from './recorded-flow.js';
import { noStreams, soleWay } from './sole-way.js';
import { DialogStore } from '../../src/sip-server/dialog/dialog-store.js';
import { HeaderFields } from '../../src/sip-server/message/header-fields.js';
import type { SipRequest, SipResponse } from '../../src/sip-server/message/message.js';
import { systemClock } from '../../src/sip-server/transaction/clock.js';
import { defaultTimerSettings } from '../../src/sip-server/transaction/timers.js';
import { Addressing } from '../../src/sip-server/user-agent/addressing.js';
import type { CallRecord } from '../../src/sip-server/user-agent/call-record.js';
import type { Application, SendResult } from '../../src/sip-server/user-agent/application.js';
import { silentLogger } from '../../src/sip-server/user-agent/environment.js';
import type { UserAgentSettings } from '../../src/sip-server/user-agent/environment.js';
import { createResponse } from '../../src/sip-server/user-agent/responses.js';
import { UserAgentCore, type UserAgentCoreOptions } from '../../src/sip-server/user-agent/user-agent-core.js';

export const sdp = 'v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\n';

export class RecordingApplication implements Application {
  readonly heard: string[] = [];
  /** `kind source detail`. */
  readonly records: string[] = [];
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
  callRecord(record: CallRecord): void {
    this.records.push(`${record.kind} ${record.source} ${record.detail ?? '-'}`);
  }
  dialogEnded(bye: SipRequest): void {
    this.heard.push('ended');
    this.endedBecause = bye.headers.get('Reason') ?? '';
  }
}

export let app: RecordingApplication;
export let flow: RecordedFlow;
export let core: UserAgentCore;
export let dialogs: DialogStore<Application>;
let branches = 0;

/** Gives every test of the file that calls it (at its top) a core of its own; hooks of an import would hold for the first file alone. */
export function useFreshCores(): void {
  beforeEach(() => {
    vi.useFakeTimers();
    app = new RecordingApplication();
    flow = new RecordedFlow();
    wayTo = () => soleWay(flow);
    wayWithin = null;
    core = newCore({});
  });
  afterEach(() => {
    core.close();
    expect(vi.getTimerCount()).toBe(0);
    vi.useRealTimers();
  });
}

function newCore(
  settings: Partial<UserAgentSettings>,
  maxDialogs = 10,
  parts: Partial<Pick<UserAgentCoreOptions, 'guard' | 'scanners' | 'connect'>> = {},
): UserAgentCore {
  (core as UserAgentCore | undefined)?.close();
  dialogs = new DialogStore(maxDialogs);
  return new UserAgentCore({
    clock: systemClock,
    timers: defaultTimerSettings,
    logger: silentLogger,
    guard: null,
    scanners: null,
    connect: () => Promise.resolve(flow),
    ...parts,
    settings: {
      supported: ['100rel', 'timer'],
      maxPendingRequests: 10,
      inviteTimeoutMs: 200_000,
      retryAfterSeconds: 5,
      firstResponseMs: 4_000,
      ...settings,
    },
    addressing: new Addressing({}),
    directory: { choose: () => app, isKnown: () => true, knownMethods: () => [] },
    dialogs,
    maxTransactions: 100,
    wayTo,
    wayWithin: (hop) => (wayWithin ?? (() => soleWay(flow)))(hop),
    streams: noStreams,
    responseFlow: (same) => same,
  });
}

export function request(method: string, fields: Record<string, string> = {}, body = ''): SipRequest {
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

export function draft(status: number, fields: Record<string, string> = {}, body = ''): SipResponse {
  const headers = new HeaderFields(Object.entries(fields));
  return { kind: 'response', status, reason: 'Whatever', headers, body: Buffer.from(body) };
}

export function respond(status: number, fields: Record<string, string> = {}, body = ''): SendResult {
  return respondTo(app.transactionId, draft(status, fields, body));
}

/** What became of the response; what has to wait for a PRACK is said to. */
export function respondTo(
  transactionId: string,
  response: SipResponse,
  owner: Application = app,
): SendResult {
  let known: SendResult = { ok: false, reason: 'it waits' };
  core.respond(transactionId, response, owner, (result) => (known = result));
  return known;
}

export function lastTo(): string {
  return flow.responses.at(-1)?.headers.get('To') ?? '';
}

/** A call that was answered and acknowledged; the response's To. */
export function established(
  inviteFields: Record<string, string> = {},
  okFields: Record<string, string> = {},
): string {
  core.receive(request('INVITE', inviteFields, sdp), flow);
  respond(200, okFields, sdp);
  const to = lastTo();
  core.receive(request('ACK', { To: to }), flow);
  flow.sent.length = 0;
  app.heard.length = 0;
  return to;
}

export const settle = (): Promise<unknown> => vi.advanceTimersByTimeAsync(0);

/** In place of the one that each test begins with. */
export function useFlow(next: RecordedFlow): void {
  flow = next;
}

/** The way of requests outside of dialogs. */
let wayTo: UserAgentCoreOptions['wayTo'];

/** That of what is passed on; null: it leads to the flow. */
let wayWithin: UserAgentCoreOptions['wayWithin'] | null = null;
/** What is passed on goes that way from now on. */
export function useWayWithin(way: UserAgentCoreOptions['wayWithin']): void {
  wayWithin = way;
}

/** New requests go that way from now on, with a core of its own. */
export function useWay(way: UserAgentCoreOptions['wayTo']): void {
  wayTo = way;
  core = newCore({});
}

export function useCore(
  settings: Partial<UserAgentSettings>,
  maxDialogs?: number,
  parts?: Partial<Pick<UserAgentCoreOptions, 'guard' | 'scanners' | 'connect'>>,
): void {
  core = newCore(settings, maxDialogs, parts);
}

/** The name of the only dialog. */
export function publicId(): string {
  return [...dialogs][0]?.publicId ?? '';
}

/** The far end's 200. */
export function answerTo(message: SipRequest, fields: Record<string, string> = {}): SipResponse {
  const response = createResponse(message, 200, 'far');
  response.headers.append('Contact', '<sip:far@127.0.0.1:5070>');
  for (const [name, value] of Object.entries(fields)) response.headers.append(name, value);
  return response;
}
