import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { RecordedFlow } from '../../../test/support/recorded-flow.js';
import { formatMessage } from '../message/format-message.js';
import { HeaderFields } from '../message/header-fields.js';
import type { SipRequest, SipResponse } from '../message/message.js';
import { createResponse } from '../user-agent/responses.js';
import { systemClock } from './clock.js';
import type { ServerTransaction } from './server-transaction.js';
import { defaultTimerSettings } from './timers.js';
import { TransactionLayer } from './transaction-layer.js';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const heard: string[] = [];
let transaction: ServerTransaction | undefined;

function layerOf(maxTransactions = 100, maxTransactionsPerAddress = maxTransactions): TransactionLayer {
  heard.length = 0;
  transaction = undefined;
  return new TransactionLayer(
    {
      request: (request, _identity, made) => {
        transaction = made;
        heard.push(request.method);
      },
      ack: () => heard.push('stray ACK'),
      strayResponse: (response) => heard.push(`stray ${response.status}`),
      isInDialog: ({ toTag }) => toTag === 'ours',
      overloaded: (request) => heard.push(`overloaded ${request.method}`),
    },
    {
      ...{ clock: systemClock, timers: defaultTimerSettings, maxTransactions, maxTransactionsPerAddress },
      maxTransactionsPerDialog: 200,
      responseFlow: (flow) => flow,
    },
  );
}

function request(method: string, fields: Record<string, string> = {}): SipRequest {
  const headers = new HeaderFields(
    Object.entries({
      Via: 'SIP/2.0/UDP 127.0.0.1:5070;branch=z9hG4bK1',
      From: '<sip:a@b>;tag=from',
      To: '<sip:c@d>',
      'Call-ID': 'call',
      Contact: '<sip:a@127.0.0.1:5070>',
      CSeq: `1 ${method === 'ACK' ? 'ACK' : method}`,
      ...fields,
    }),
  );
  return { kind: 'request', method, uri: 'sip:c@d', headers, body: Buffer.alloc(0) };
}

function respond(to: SipRequest, status: number): void {
  const response = createResponse(to, status, status === 100 ? '' : 'tag');
  if (transaction) transaction.toTag = 'tag';
  transaction?.respond(status, formatMessage(response));
}

describe('an INVITE that is refused', () => {
  it('over UDP is answered at 0.5, 1.5, 3.5, 7.5, 11.5, … s until its ACK, and forgotten T4 later', () => {
    const layer = layerOf();
    const flow = new RecordedFlow();
    const invite = request('INVITE');
    layer.receive(invite, flow);
    respond(invite, 486);
    const at: number[] = [];
    for (let second = 0; second < 24; second += 1) {
      vi.advanceTimersByTime(500);
      if (flow.sent.length > at.length + 1) at.push(0.5 * (second + 1));
    }
    expect(at).toEqual([0.5, 1.5, 3.5, 7.5, 11.5]);
    layer.receive(invite, flow);
    expect(flow.sent).toHaveLength(7);
    layer.receive(request('ACK', { To: '<sip:c@d>;tag=tag' }), flow);
    expect(transaction?.state).toBe('confirmed');
    layer.receive(invite, flow);
    vi.advanceTimersByTime(4_999);
    expect(flow.sent).toHaveLength(7);
    expect(layer.size).toBe(1);
    vi.advanceTimersByTime(1);
    expect(layer.size).toBe(0);
    expect(heard).toEqual(['INVITE']);
  });

  it('and never acknowledged is given up after 32 s', () => {
    const layer = layerOf();
    const invite = request('INVITE');
    layer.receive(invite, new RecordedFlow());
    respond(invite, 486);
    vi.advanceTimersByTime(31_999);
    expect(layer.size).toBe(1);
    vi.advanceTimersByTime(1);
    expect(layer.size).toBe(0);
    expect(layer.counters.transactionTimeouts).toBe(1);
  });

  it('over a connection is answered once and forgotten with its ACK', () => {
    const layer = layerOf();
    const flow = new RecordedFlow('tcp');
    const invite = request('INVITE');
    layer.receive(invite, flow);
    respond(invite, 486);
    vi.advanceTimersByTime(31_000);
    expect(flow.sent).toHaveLength(1);
    layer.receive(request('ACK', { To: '<sip:c@d>;tag=tag' }), flow);
    expect(layer.size).toBe(0);
  });
});

describe('an INVITE that is accepted', () => {
  it('absorbs its copies for 32 s, and a second refusal is impossible', () => {
    const layer = layerOf();
    const flow = new RecordedFlow();
    const invite = request('INVITE');
    layer.receive(invite, flow);
    respond(invite, 100);
    layer.receive(invite, flow);
    respond(invite, 200);
    layer.receive(invite, flow);
    expect(flow.summary).toBe('100 100 200');
    expect(transaction?.respond(486, Buffer.from('x'))).toBe(false);
    vi.advanceTimersByTime(32_000);
    expect(layer.size).toBe(0);
    layer.receive(request('ACK', { Via: 'SIP/2.0/UDP 127.0.0.1:5070;branch=z9hG4bKother' }), flow);
    expect(heard).toEqual(['INVITE', 'stray ACK']);
  });

  it('hands over an ACK that wrongly bears its branch', () => {
    const layer = layerOf();
    const invite = request('INVITE');
    layer.receive(invite, new RecordedFlow());
    respond(invite, 200);
    let acknowledged = 0;
    if (transaction) {
      transaction.user = {
        acknowledged: () => (acknowledged += 1),
        transactionFailed: () => undefined,
        transactionEnded: () => undefined,
      };
    }
    layer.receive(request('ACK', { To: '<sip:c@d>;tag=tag' }), new RecordedFlow());
    expect(acknowledged).toBe(1);
  });
});

describe('matching', () => {
  it('tells requests apart by branch, sent-by and method', () => {
    const layer = layerOf();
    const flow = new RecordedFlow();
    layer.receive(request('OPTIONS'), flow);
    layer.receive(request('OPTIONS', { Via: 'SIP/2.0/UDP 127.0.0.1:5070;branch=z9hG4bK2' }), flow);
    layer.receive(request('OPTIONS', { Via: 'SIP/2.0/UDP 127.0.0.2:5070;branch=z9hG4bK1' }), flow);
    layer.receive(request('INFO'), flow);
    layer.receive(request('OPTIONS', { Via: 'SIP/2.0/UDP 127.0.0.1:5070;branch=z9hG4bK1' }), flow);
    expect(heard).toEqual(['OPTIONS', 'OPTIONS', 'OPTIONS', 'INFO']);
  });

  it('falls back on RFC 2543 for a branch without the magic cookie, with the To tag for ACK', () => {
    const layer = layerOf();
    const flow = new RecordedFlow();
    const old = { Via: 'SIP/2.0/UDP 127.0.0.1:5070;branch=1' };
    const invite = request('INVITE', old);
    layer.receive(invite, flow);
    layer.receive(request('INVITE', old), flow);
    layer.receive(request('INVITE', { ...old, CSeq: '2 INVITE' }), flow);
    expect(heard).toEqual(['INVITE', 'INVITE']);
    respond(invite, 486);
    layer.receive(request('ACK', { ...old, CSeq: '2 ACK', To: '<sip:c@d>;tag=somebody else' }), flow);
    expect(transaction?.state).toBe('completed');
    layer.receive(request('ACK', { ...old, CSeq: '2 ACK', To: '<sip:c@d>;tag=tag' }), flow);
    expect(transaction?.state).toBe('confirmed');
  });

  it('knows a request that came by another way again', () => {
    const layer = layerOf();
    const flow = new RecordedFlow();
    layer.receive(request('INVITE'), flow);
    const first = transaction;
    layer.receive(request('INVITE', { Via: 'SIP/2.0/UDP 127.0.0.1:5070;branch=z9hG4bK2' }), flow);
    expect(transaction && layer.findMerged(transaction)).toBe(first);
    expect(first && layer.findMerged(first)).toBeNull();
  });

  it('takes no more than it has room for', () => {
    const layer = layerOf(2);
    const flow = new RecordedFlow();
    for (const branch of ['a', 'b', 'c', 'a']) {
      layer.receive(request('INVITE', { Via: `SIP/2.0/UDP 127.0.0.1;branch=z9hG4bK${branch}` }), flow);
    }
    expect(heard).toEqual(['INVITE', 'INVITE', 'overloaded INVITE']);
    expect(layer.size).toBe(2);
  });

  const numbered = (method: string, branch: string, to = '<sip:c@d>') =>
    request(method, { Via: `SIP/2.0/UDP 127.0.0.1;branch=z9hG4bK${branch}`, To: to, 'Call-ID': branch });

  const flow = new RecordedFlow();

  it('takes requests within dialogs where it is full, as many again', () => {
    const layer = layerOf(2);
    for (const branch of ['a', 'b', 'c']) layer.receive(numbered('INVITE', branch), flow);
    for (const branch of ['d', 'e', 'f']) layer.receive(numbered('BYE', branch, '<sip:c@d>;tag=ours'), flow);
    layer.receive(numbered('BYE', 'g', '<sip:c@d>;tag=nobody'), flow);
    expect(heard).toEqual([
      ...['INVITE', 'INVITE', 'overloaded INVITE'],
      ...['BYE', 'BYE', 'overloaded BYE', 'overloaded BYE'],
    ]);
  });

  // One call, or who knew its tags, took the room of all calls: their BYEs were answered 503.
  it('keeps 200 requests of one dialog: the oldest answered one gives its place up', () => {
    const layer = layerOf(1000);
    const within = (method: string, at: number) =>
      request(method, {
        Via: `SIP/2.0/UDP 127.0.0.1;branch=z9hG4bK${String(at)}`,
        To: '<sip:c@d>;tag=ours',
        CSeq: `${String(at)} ${method}`,
      });
    for (let at = 1; at <= 300; at += 1) {
      layer.receive(within('OPTIONS', at), flow);
      respond(within('OPTIONS', at), 200);
    }
    expect(layer.size).toBe(200);
    layer.receive(within('OPTIONS', 300), flow);
    expect(heard).toHaveLength(300);
    layer.receive(within('OPTIONS', 1), flow);
    expect(heard).toHaveLength(301);
    expect(layer.size).toBe(200);
  });

  it('refuses what comes in a dialog with 200 unanswered requests, but no BYE, and nothing of others', () => {
    const layer = layerOf(1000);
    const within = (method: string, at: number, callId = 'call') =>
      request(method, {
        Via: `SIP/2.0/UDP 127.0.0.1;branch=z9hG4bK${String(at)}`,
        To: '<sip:c@d>;tag=ours',
        'Call-ID': callId,
      });
    for (let at = 1; at <= 200; at += 1) layer.receive(within('UPDATE', at), flow);
    heard.length = 0;
    layer.receive(within('UPDATE', 201), flow);
    layer.receive(within('UPDATE', 202, 'other'), flow);
    layer.receive(within('BYE', 203), flow);
    expect(heard).toEqual(['overloaded UPDATE', 'UPDATE', 'BYE']);
  });

  it('gives the places of refusals up for new requests, the oldest first', () => {
    const layer = layerOf(2);
    for (const branch of ['a', 'b']) {
      layer.receive(numbered('INVITE', branch), flow);
      respond(numbered('INVITE', branch), 403);
    }
    layer.receive(numbered('INVITE', 'c'), flow);
    layer.receive(numbered('INVITE', 'b'), flow);
    layer.receive(numbered('INVITE', 'a'), flow);
    layer.receive(numbered('INVITE', 'd'), flow);
    // `b` was known still when its copy came, and is the next to go.
    expect(heard).toEqual(['INVITE', 'INVITE', 'INVITE', 'INVITE', 'overloaded INVITE']);
    expect(layer.size).toBe(2);
  });

  it('keeps no refusal that is over with its answer, and still gives up the places of others', () => {
    const layer = layerOf(2);
    const connection = new RecordedFlow('tcp');
    layer.receive(numbered('REGISTER', 'a'), connection);
    respond(numbered('REGISTER', 'a'), 401);
    expect(layer.size).toBe(0);
    for (const branch of ['b', 'c']) {
      layer.receive(numbered('INVITE', branch), flow);
      respond(numbered('INVITE', branch), 403);
    }
    layer.receive(numbered('INVITE', 'd'), flow);
    expect(heard).toEqual(['REGISTER', 'INVITE', 'INVITE', 'INVITE']);
  });

  it('keeps what one address may have from the others, and counts down what is over', () => {
    const layer = layerOf(4, 2);
    const other = new RecordedFlow('udp', '192.0.2.9');
    for (const branch of ['a', 'b', 'c']) layer.receive(numbered('INVITE', branch), flow);
    layer.receive(numbered('INVITE', 'd'), other);
    layer.receive(numbered('BYE', 'e', '<sip:c@d>;tag=ours'), flow);
    transaction?.abandon();
    expect(heard).toEqual(['INVITE', 'INVITE', 'overloaded INVITE', 'INVITE', 'BYE']);
    layer.receive(numbered('MESSAGE', 'f'), other);
    transaction?.abandon();
    layer.receive(numbered('MESSAGE', 'g'), other);
    layer.receive(numbered('MESSAGE', 'h'), other);
    expect(heard.slice(5)).toEqual(['MESSAGE', 'MESSAGE', 'overloaded MESSAGE']);
  });

  it('drops a response with a Via that is not ours', () => {
    const layer = layerOf();
    const response = createResponse(request('INVITE'), 200, 'tag');
    response.headers.append('Via', 'SIP/2.0/UDP elsewhere;branch=z9hG4bK9');
    layer.receive(response, new RecordedFlow());
    layer.receive(createResponse(request('INVITE'), 200, 'tag'), new RecordedFlow());
    expect(heard).toEqual(['stray 200']);
  });
});

describe('a request that goes out', () => {
  const log: string[] = [];

  function send(layer: TransactionLayer, method: string, flow: RecordedFlow): SipRequest {
    log.length = 0;
    const message = request(method);
    layer.send(
      { request: message, branch: 'z9hG4bK1', bytes: formatMessage(message), flow },
      {
        responded: (response) => log.push(String(response.status)),
        requestFailed: (why) => log.push(why),
        giveUp: () => log.push('give up'),
      },
    );
    return message;
  }

  function answer(layer: TransactionLayer, flow: RecordedFlow, to: SipRequest, status: number): SipResponse {
    const response = createResponse(to, status, 'tag');
    layer.receive(response, flow);
    return response;
  }

  it('INVITE over UDP is sent at 0, 0.5, 1.5, 3.5, 7.5, 15.5 and 31.5 s, and fails at 32 s', () => {
    const layer = layerOf();
    const flow = new RecordedFlow();
    send(layer, 'INVITE', flow);
    const counts = [0, 500, 1500, 3500, 7500, 15_500, 31_500].map((at, index, all) => {
      vi.advanceTimersByTime(at - (all[index - 1] ?? 0));
      return flow.sent.length;
    });
    expect(counts).toEqual([1, 2, 3, 4, 5, 6, 7]);
    vi.advanceTimersByTime(500);
    expect(log).toEqual(['timeout']);
    expect(layer.size).toBe(0);
  });

  it('other requests are sent up to every 4 s, every 4 s after a 1xx, and fail at 32 s', () => {
    const layer = layerOf();
    const flow = new RecordedFlow();
    const message = send(layer, 'OPTIONS', flow);
    vi.advanceTimersByTime(3_500);
    expect(flow.sent).toHaveLength(4);
    answer(layer, flow, message, 100);
    vi.advanceTimersByTime(28_499);
    // At 7.5 s (set before the 1xx), then at 11.5, 15.5, 19.5, 23.5, 27.5, 31.5 s.
    expect(flow.sent).toHaveLength(11);
    vi.advanceTimersByTime(1);
    expect(log).toEqual(['100', 'timeout']);
  });

  it('is sent once over a connection, and fails with it', async () => {
    const layer = layerOf();
    const flow = new RecordedFlow('tcp');
    send(layer, 'INVITE', flow);
    vi.advanceTimersByTime(31_000);
    expect(flow.sent).toHaveLength(1);
    layer.flowClosed(flow);
    expect(log).toEqual(['transport error']);
    const broken = new RecordedFlow('tcp');
    broken.fails = true;
    send(layer, 'OPTIONS', broken);
    await vi.advanceTimersByTimeAsync(0);
    expect(log).toEqual(['transport error']);
    expect(layer.size).toBe(0);
  });

  it('INVITE that is refused is acknowledged, every time the refusal comes, but told once', () => {
    const layer = layerOf();
    const flow = new RecordedFlow();
    const invite = send(layer, 'INVITE', flow);
    answer(layer, flow, invite, 180);
    vi.advanceTimersByTime(20_000);
    answer(layer, flow, invite, 486);
    answer(layer, flow, invite, 486);
    expect(flow.summary).toBe('INVITE ACK ACK');
    const ack = flow.requests[1];
    expect(ack?.headers.get('CSeq')).toBe('1 ACK');
    expect(ack?.headers.get('To')).toBe('<sip:c@d>;tag=tag');
    expect(ack?.headers.get('Via')).toBe(invite.headers.get('Via'));
    expect(log).toEqual(['180', '486']);
    vi.advanceTimersByTime(32_000);
    expect(layer.size).toBe(0);
  });

  it('INVITE that is accepted is told every 2xx for 32 s, and a stray one after that', () => {
    const layer = layerOf();
    const flow = new RecordedFlow();
    const invite = send(layer, 'INVITE', flow);
    answer(layer, flow, invite, 200);
    answer(layer, flow, invite, 200);
    expect(log).toEqual(['200', '200']);
    vi.advanceTimersByTime(32_000);
    answer(layer, flow, invite, 200);
    expect(heard).toEqual(['stray 200']);
  });

  it('INVITE that rings for more than three minutes is given up, and fails 32 s after its CANCEL', () => {
    const layer = layerOf();
    const flow = new RecordedFlow();
    const invite = request('INVITE');
    log.length = 0;
    const made = layer.send(
      { request: invite, branch: 'z9hG4bK1', bytes: formatMessage(invite), flow },
      {
        responded: (response) => log.push(String(response.status)),
        requestFailed: (why) => log.push(why),
        giveUp: () => {
          log.push('give up');
          made.cancelled();
        },
      },
    );
    answer(layer, flow, invite, 180);
    vi.advanceTimersByTime(100_000);
    answer(layer, flow, invite, 180);
    vi.advanceTimersByTime(191_999);
    expect(log).toEqual(['180', '180']);
    vi.advanceTimersByTime(1);
    expect(log).toEqual(['180', '180', 'give up']);
    vi.advanceTimersByTime(32_000);
    expect(log).toEqual(['180', '180', 'give up', 'timeout']);
    expect(layer.size).toBe(0);
  });

  it('leaves no timer behind when the layer closes', () => {
    const layer = layerOf();
    const flow = new RecordedFlow();
    send(layer, 'INVITE', flow);
    layer.receive(request('INVITE', { Via: 'SIP/2.0/UDP 127.0.0.1;branch=z9hG4bKx' }), flow);
    respond(request('INVITE'), 486);
    layer.close();
    layer.close();
    expect(vi.getTimerCount()).toBe(0);
  });
});
