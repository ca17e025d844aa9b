import { beforeEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../../test/support/manual-clock.js';
import { readCapture } from '../../test/support/read-capture.js';
import { CallTracer, type TraceLimits } from './call-traces.js';
import type { SeenMessage } from './traced-message.js';

const local = { address: '198.51.100.1', port: 5060 };
const limits: TraceLimits = {
  maxTraces: 2,
  maxCalls: 3,
  maxMessagesPerCall: 4,
  maxBytes: 100_000,
  keepMs: 600_000,
};

let clock: ManualClock;
let wanted: boolean[];
let tracer: CallTracer;

function start(more: Partial<TraceLimits> = {}): CallTracer {
  return new CallTracer({
    limits: { ...limits, ...more },
    redact: (bytes) => Buffer.from(bytes.toString().replaceAll('secret', '******')),
    seesPhones: true,
    operatorAccount: 'operator',
    clock,
    nowUs: () => clock.now() * 1000,
    onWanted: (isWanted) => void wanted.push(isWanted),
  });
}

beforeEach(() => {
  clock = new ManualClock();
  wanted = [];
  tracer = start();
});

interface Wanted {
  readonly callId?: string;
  readonly tag?: string;
  readonly toTag?: string;
  readonly from?: string;
  readonly uri?: string;
  readonly direction?: 'in' | 'out';
  readonly start?: string;
}

function message({ callId = 'c1', tag = 'a', toTag, from = '192.0.2.5', ...more }: Wanted = {}): SeenMessage {
  const { uri = 'sip:join@gw', direction = 'in', start: first = `INVITE ${uri} SIP/2.0` } = more;
  const text = [
    first,
    `From: <sip:+1-415-555-0100@a>;tag=${tag}`,
    `t: <sip:join@gw>${toTag === undefined ? '' : `;tag=${toTag}`}`,
    `Call-ID: ${callId}`,
    'X: secret',
    '',
    'body',
  ].join('\r\n');
  return {
    direction,
    protocol: 'udp',
    local,
    remote: { address: from, port: 5070 },
    bytes: Buffer.from(text),
  };
}

const callsOf = async (account: string, name = 't') =>
  (await tracer.calls(account, name)).map(({ callId, messages }) => [callId, messages]);

describe('A trace', () => {
  it.each([
    [{ kind: 'call-id', callId: 'c1' } as const, true],
    [{ kind: 'call-id', callId: 'c2' } as const, false],
    [{ kind: 'source', source: '192.0.2.0/24' } as const, true],
    [{ kind: 'source', source: '192.0.3.1' } as const, false],
    [{ kind: 'number', number: '+14155550100' } as const, true],
    [{ kind: 'number', number: '0014155550100' } as const, true],
    [{ kind: 'number', number: '+14155550199' } as const, false],
  ])('of %j keeps a call or does not', async (match, isKept) => {
    await tracer.put('operator', 't', match, 10);
    tracer.seen(message());
    expect(await callsOf('operator')).toEqual(isKept ? [['c1', 1]] : []);
  });

  it('has the whole call from then on, both ways, whoever speaks, without secrets', async () => {
    await tracer.put('operator', 't', { kind: 'source', source: '192.0.2.5' }, 10);
    tracer.seen(message());
    tracer.seen(message({ direction: 'out', toTag: 'b', start: 'SIP/2.0 200 OK' }));
    tracer.seen(message({ direction: 'out', tag: 'b', toTag: 'a', start: 'BYE sip:a SIP/2.0' }));
    const ladder = await tracer.ladder('operator', 't', null);
    expect(ladder).toContain('192.0.2.5:5070 --UDP--> 198.51.100.1:5060  INVITE sip:join@gw');
    expect(ladder).toContain('192.0.2.5:5070 <--UDP-- 198.51.100.1:5060  200 OK');
    expect(ladder).not.toContain('secret');
    const packets = readCapture(Buffer.from(await tracer.capture('operator', 't', 'c1')));
    expect(packets.map(({ payload }) => payload.split(' ', 1)[0])).toEqual(['INVITE', 'SIP/2.0', 'BYE']);
  });

  it('shows an account the calls that are known for its own, and the operator all', async () => {
    for (const account of ['acme', 'other', 'operator'])
      await tracer.put(account, 't', { kind: 'source', source: '192.0.2.5' }, 10);
    tracer.seen(message());
    expect(await callsOf('acme')).toEqual([]);
    tracer.ownerIs('c1', 'acme');
    expect([await callsOf('acme'), await callsOf('other'), await callsOf('operator')]).toEqual([
      [['c1', 1]],
      [],
      [['c1', 1]],
    ]);
    expect(await tracer.ladder('other', 't', 'c1')).toBe('');
  });

  it('shows no call to an account that borrowed its Call-ID', async () => {
    await tracer.put('acme', 't', { kind: 'call-id', callId: 'c1' }, 10);
    // The victim's, refused and nobody's; then one of the account's own, by the same name.
    tracer.seen(message({ tag: 'victim' }));
    tracer.seen(message({ tag: 'mine', from: '192.0.2.66' }));
    tracer.ownerIs('c1', 'acme');
    expect(await callsOf('acme')).toEqual([]);
  });

  it('shows no call of another account, once it was known for its, to whoever borrows its Call-ID later', async () => {
    await tracer.put('acme', 't', { kind: 'source', source: '192.0.2.5' }, 10);
    tracer.seen(message({ tag: 'victim' }));
    tracer.ownerIs('c1', 'other');
    tracer.seen(message({ tag: 'gw', toTag: 'victim', direction: 'out', start: 'BYE sip:a SIP/2.0' }));
    tracer.ownerIs('c1', 'acme');
    expect(await callsOf('acme')).toEqual([]);
    expect(tracer.size).toEqual({ traces: 1, calls: 0 });
  });

  it('keeps apart two calls of one Call-ID whose owners are known', async () => {
    await tracer.put('acme', 't', { kind: 'call-id', callId: 'c1' }, 10);
    await tracer.put('other', 't', { kind: 'call-id', callId: 'c1' }, 10);
    tracer.seen(message({ tag: 'x' }));
    tracer.ownerIs('c1', 'other');
    tracer.seen(message({ tag: 'mine' }));
    tracer.ownerIs('c1', 'acme');
    tracer.seen(message({ tag: 'mine' }));
    expect([await callsOf('acme'), await callsOf('other')]).toEqual([[['c1', 2]], [['c1', 1]]]);
  });

  it('forgets soon what is nobody’s', async () => {
    await tracer.put('acme', 't', { kind: 'source', source: '192.0.2.5' }, 10);
    tracer.seen(message());
    clock.advance(130_000);
    tracer.ownerIs('c1', 'acme');
    expect(await callsOf('acme')).toEqual([]);
    expect(tracer.size).toEqual({ traces: 1, calls: 0 });
  });

  it('keeps the last messages of a call, and the last calls of an account', async () => {
    await tracer.put('operator', 't', { kind: 'source', source: '192.0.2.5' }, 10);
    for (let at = 0; at < 7; at += 1) tracer.seen(message());
    expect(await tracer.calls('operator', 't')).toMatchObject([{ messages: 4, messagesDropped: 3 }]);
    for (const callId of ['c2', 'c3', 'c4']) tracer.seen(message({ callId }));
    expect((await callsOf('operator')).map(([callId]) => callId)).toEqual(['c2', 'c3', 'c4']);
  });

  it('keeps the calls that are the account’s while strangers send more than there is room for', async () => {
    await tracer.put('acme', 't', { kind: 'source', source: '192.0.2.0/24' }, 10);
    tracer.seen(message({ callId: 'own' }));
    tracer.ownerIs('own', 'acme');
    for (let call = 0; call < 10; call += 1) tracer.seen(message({ callId: `flood-${String(call)}` }));
    expect(await callsOf('acme')).toEqual([['own', 1]]);
    expect(tracer.size.calls).toBe(limits.maxCalls);
  });

  it('keeps no more bytes than it may', async () => {
    tracer = start({ maxBytes: 300, maxMessagesPerCall: 100 });
    await tracer.put('operator', 't', { kind: 'source', source: '192.0.2.5' }, 10);
    for (const callId of ['c1', 'c2', 'c2', 'c2', 'c2']) tracer.seen(message({ callId }));
    const [call, ...others] = await tracer.calls('operator', 't');
    expect([call?.callId, others]).toEqual(['c2', []]);
    expect(call?.messages).toBeLessThan(4);
  });

  it('ends, keeps what it has for a while, and then wants nothing and has no timer', async () => {
    await tracer.put('operator', 't', { kind: 'source', source: '192.0.2.5' }, 1);
    tracer.seen(message());
    expect(wanted).toEqual([true]);
    clock.advance(80_000);
    expect(wanted).toEqual([true, false]);
    tracer.seen(message());
    expect(await callsOf('operator')).toEqual([['c1', 1]]);
    clock.advance(700_000);
    await expect(tracer.calls('operator', 't')).rejects.toMatchObject({ code: 'trace-not-found' });
    expect([tracer.size, clock.pending]).toEqual([{ traces: 0, calls: 0 }, 0]);
  });

  it('is one of a few, and begins anew under its name', async () => {
    const match = { kind: 'source', source: '192.0.2.5' } as const;
    await tracer.put('operator', 't', match, 1);
    tracer.seen(message());
    await tracer.put('operator', 't', match, 1);
    expect(await callsOf('operator')).toEqual([]);
    await tracer.put('operator', 'u', match, 1);
    await expect(tracer.put('operator', 'v', match, 1)).rejects.toMatchObject({ code: 'too-many-traces' });
    await tracer.remove('operator', 't');
    await tracer.remove('operator', 'u');
    expect(wanted).toEqual([true, false]);
    await expect(tracer.remove('operator', 'u')).rejects.toMatchObject({ code: 'trace-not-found' });
  });
});
