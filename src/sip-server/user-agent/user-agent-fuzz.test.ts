import fc from 'fast-check';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { RecordedFlow } from '../../../test/support/recorded-flow.js';
import { noStreams, soleWay } from '../../../test/support/sole-way.js';
import { DialogStore } from '../dialog/dialog-store.js';
import { HeaderFields } from '../message/header-fields.js';
import type { SipMessage } from '../message/message.js';
import { systemClock } from '../transaction/clock.js';
import { defaultTimerSettings } from '../transaction/timers.js';
import { Addressing } from './addressing.js';
import type { Application } from './application.js';
import { silentLogger } from './environment.js';
import { UserAgentCore } from './user-agent-core.js';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const methods = [
  'INVITE',
  'INVITE',
  'INVITE',
  'ACK',
  'ACK',
  'BYE',
  'CANCEL',
  'UPDATE',
  'PRACK',
  'INFO',
  'OPTIONS',
  'REGISTER',
];
const statuses = [100, 180, 183, 200, 200, 200, 200, 202, 302, 403, 422, 481, 487, 491, 503];

const step = fc.oneof(
  fc.record({
    kind: fc.constant('receive' as const),
    method: fc.constantFrom(...methods),
    status: fc.option(fc.constantFrom(...statuses), { nil: 0, freq: 2 }),
    copy: fc.nat(7),
    branch: fc.nat(2),
    call: fc.nat(2),
    cseq: fc.constantFrom(0, 1, 1, 1, 1),
    toTag: fc.nat(3),
    extra: fc.constantFrom(
      '',
      'Require: 100rel',
      'Session-Expires: 90',
      'Session-Expires: 9',
      'RSeq: 1',
      'RAck: 1 1 INVITE',
    ),
    body: fc.constantFrom('', 'v=0\r\n'),
  }),
  fc.record({
    kind: fc.constant('act' as const),
    method: fc.constantFrom(...methods),
    status: fc.option(fc.constantFrom(...statuses), { nil: 0, freq: 2 }),
    pick: fc.constantFrom(0, 0, 0, 0, 1, 2, 3),
    extra: fc.constantFrom('', 'Require: 100rel', 'Session-Expires: 90'),
  }),
  fc.record({
    kind: fc.constant('wait' as const),
    ms: fc.constantFrom(1, 1, 500, 500, 4_000, 32_000, 200_000),
  }),
  fc.record({
    kind: fc.constant('break' as const),
    what: fc.constantFrom('flow', 'application', 'mend', 'mend', 'mend'),
  }),
);

/** Tags that our side chose in responses and requests, so that some random messages hit a dialog. */
function knownTags(flow: RecordedFlow): string[] {
  const tags = flow.sent.map(
    (bytes) => /\r\n(?:To|From): .*;tag=([0-9a-f]{16})/.exec(bytes.toString())?.[1] ?? '',
  );
  return [...new Set(tags)];
}

it('survives any order of messages, answers, pauses and losses, and leaves nothing behind', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 30, maxLength: 60 }), async (steps) => {
      const flow = new RecordedFlow('ws');
      const transactions: string[] = [];
      let branch = 0;
      let cseq = 0;
      const seenDialogs: string[] = [];
      const note = (transactionId: string, dialogId: string): void => {
        transactions.push(transactionId);
        if (dialogId !== '') seenDialogs.push(dialogId);
      };
      const app: Application = {
        request: (_request, _flow, transactionId, dialogId) => note(transactionId, dialogId),
        acknowledged: (_ack, _flow, transactionId, dialogId) => note(transactionId, dialogId),
        cancelled: () => undefined,
        response: (_response, _flow, transactionId, dialogId) => note(transactionId, dialogId),
        dialogEnded: () => undefined,
        callRecord: () => undefined,
      };
      const dialogs = new DialogStore<Application>(20);
      const core = new UserAgentCore({
        clock: systemClock,
        timers: defaultTimerSettings,
        logger: silentLogger,
        guard: null,
        scanners: null,
        settings: {
          supported: ['100rel', 'timer'],
          maxPendingRequests: 20,
          inviteTimeoutMs: 100_000,
          retryAfterSeconds: 1,
          firstResponseMs: 4_000,
        },
        addressing: new Addressing({}),
        directory: { choose: () => app, isKnown: () => true, knownMethods: () => [] },
        dialogs,
        maxTransactions: 50,
        connect: () => (flow.isOpen ? Promise.resolve(flow) : Promise.reject(new Error('gone'))),
        wayTo: () => soleWay(flow),
        wayWithin: () => soleWay(flow),
        streams: noStreams,
        responseFlow: (same) => same,
      });
      const field = (text: string): [string, string][] => {
        const [name = '', value = ''] = text.split(': ');
        return name === '' ? [] : [[name, value]];
      };
      for (const one of steps) {
        if (one.kind === 'wait') await vi.advanceTimersByTimeAsync(one.ms);
        else if (one.kind === 'break') {
          if (one.what === 'application') core.release(app);
          else if (one.what === 'mend') flow.isOpen = true;
          else {
            flow.close();
            core.flowClosed(flow);
          }
        } else if (one.kind === 'receive') {
          const ours = knownTags(flow).at(-one.toTag) ?? '';
          branch += one.copy === 0 ? 0 : 1;
          cseq += one.method === 'ACK' || one.method === 'CANCEL' ? 0 : one.cseq;
          const isRequest = one.status === 0;
          const near = `<sip:near@x>${one.toTag === 0 || ours === '' ? '' : `;tag=${ours}`}`;
          const far = `<sip:far@x>;tag=far`;
          const headers = new HeaderFields([
            ['Via', `SIP/2.0/WS x.invalid;branch=z9hG4bK${branch}`],
            ['From', isRequest ? far : near],
            ['To', isRequest ? near : far],
            ['Call-ID', `call${one.call}`],
            ['CSeq', `${cseq} ${one.method}`],
            ['Contact', '<sip:far@x.invalid;transport=ws>'],
            ['Supported', 'timer, 100rel'],
            ...field(one.extra),
          ]);
          const body = Buffer.from(one.body);
          const message: SipMessage = isRequest
            ? { kind: 'request', method: one.method, uri: 'sip:near@x', headers, body }
            : { kind: 'response', status: one.status, reason: 'x', headers, body };
          // A response that belongs to something we sent is more interesting than one that does not.
          const sent = flow.requests.at(-1 - one.branch);
          if (!isRequest && sent) {
            headers.set('Via', sent.headers.get('Via') ?? '');
            headers.set('From', sent.headers.get('From') ?? '');
            headers.set('CSeq', sent.headers.get('CSeq') ?? '');
            headers.set('Call-ID', sent.headers.get('Call-ID') ?? '');
          }
          core.receive(message, flow);
        } else {
          const headers = new HeaderFields(field(one.extra));
          const body = Buffer.from('v=0\r\n');
          const transactionId = transactions.at(-1 - one.pick) ?? '';
          const dialogId = seenDialogs.at(-1 - one.pick) ?? '';
          const request = {
            kind: 'request' as const,
            method: one.method,
            uri: 'sip:far@127.0.0.1',
            headers,
            body,
          };
          if (one.status !== 0) {
            core.respond(
              transactionId,
              { kind: 'response', status: one.status, reason: 'x', headers, body },
              app,
            );
          } else if (one.method === 'CANCEL') core.cancel(transactionId, request, app);
          else if (one.pick % 3 === 0 && one.method !== 'ACK') {
            const result = await core.sendNew(request, app);
            if (result.ok) transactions.push(result.transactionId);
          } else await core.sendInDialog(dialogId, request, app);
        }
        expect(core.transactions.size).toBeLessThanOrEqual(60);
        expect(dialogs.size).toBeLessThanOrEqual(40);
      }
      // Whatever happened: once the application is gone and all timers are over, nothing is left.
      core.release(app);
      await vi.advanceTimersByTimeAsync(1_000_000);
      expect({
        transactions: core.transactions.size,
        dialogs: dialogs.size,
        pending: core.pendingCount,
      }).toEqual({
        transactions: 0,
        dialogs: 0,
        pending: 0,
      });
      expect(vi.getTimerCount()).toBe(0);
      core.close();
    }),
    { numRuns: 150 },
  );
}, 60_000);
