import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { RecordedFlow } from '../../../test/support/recorded-flow.js';
import { HeaderFields } from '../message/header-fields.js';
import type { SipRequest, SipResponse } from '../message/message.js';
import { systemClock } from '../transaction/clock.js';
import type { DatagramPings, Flow } from '../transport/flow.js';
import { KeptRegistrations } from './kept-registrations.js';

const body = Buffer.alloc(0);
const everyMs = 25_000;

let kept: KeptRegistrations;
let lost: string[];
let sent: string[];
/** What STUN says; null: nothing. An error: nothing can be sent. */
let seenAs: string | null | Error;

beforeEach(() => {
  vi.useFakeTimers();
  [lost, sent, seenAs] = [[], [], 'one'];
  kept = keeper(everyMs);
});

afterEach(() => {
  kept.close();
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

function keeper(every: number): KeptRegistrations {
  return new KeptRegistrations({
    ...{ clock: systemClock, everyMs: every, random: () => 0.5 },
    onLost: (callId) => lost.push(callId),
  });
}

function pings(name: string): DatagramPings {
  const said = () => (seenAs instanceof Error ? Promise.reject(seenAs) : Promise.resolve(seenAs));
  return {
    async sendBreaks() {
      sent.push(`breaks ${name}`);
      await said();
    },
    ask() {
      sent.push(`stun ${name}`);
      return said();
    },
  };
}

const flowTo = (remoteAddress: string): Flow =>
  Object.assign(new RecordedFlow('udp', remoteAddress), { pings: pings(remoteAddress) });

function register(flow: Flow, callId: string, answer: Record<string, string>, expires = '600'): void {
  const fields = (all: Record<string, string>): HeaderFields => new HeaderFields(Object.entries(all));
  const request: SipRequest = {
    ...{ kind: 'request', method: 'REGISTER', uri: 'sip:carrier.example', body },
    headers: fields({ 'Call-ID': callId, Expires: expires }),
  };
  const response: SipResponse = {
    ...{ kind: 'response', status: 200, reason: 'OK', body },
    headers: fields({
      Via: 'SIP/2.0/UDP 192.0.2.9:5060;branch=z9hG4bKa;keep',
      Contact: '<sip:gw@192.0.2.9>;expires=600',
      ...answer,
    }),
  };
  kept.registered(flow, request, response);
}

const pass = (ms: number): Promise<unknown> => vi.advanceTimersByTimeAsync(ms);
const takesStun = { Via: 'SIP/2.0/UDP 192.0.2.9:5060;branch=z9hG4bKa;keep=20' };

describe('a registration over UDP', () => {
  it('is pinged with line breaks after 80 to 100 % of the time, for as long as it lasts', async () => {
    register(flowTo('one'), 'a', {});
    await pass(everyMs * 0.9 - 1);
    expect(sent).toEqual([]);
    await pass(1);
    await pass(everyMs * 0.9);
    expect(sent).toEqual(['breaks one', 'breaks one']);
    await pass(600_000);
    const { length } = sent;
    await pass(600_000);
    expect(sent).toHaveLength(length);
    expect(lost).toEqual([]);
  });

  it('is pinged by STUN where the registrar says so, and no less often than it wants', async () => {
    register(flowTo('one'), 'a', takesStun);
    await pass(20_000 * 0.9);
    expect(sent).toEqual(['stun one']);
  });

  it('is pinged by STUN where the registrar names a Flow-Timer', async () => {
    register(flowTo('one'), 'a', { 'Flow-Timer': '10' });
    await pass(10_000 * 0.9);
    expect(sent).toEqual(['stun one']);
  });

  it('is pinged no more often than every few seconds, whatever the registrar wants', async () => {
    register(flowTo('one'), 'a', { 'Flow-Timer': '1' });
    await pass(4_000);
    expect(sent).toEqual([]);
  });

  it('is pinged once for several by the same way, until the last of them has ended', async () => {
    const flow = flowTo('one');
    register(flow, 'a', {});
    register(flow, 'b', {});
    await pass(everyMs);
    expect(sent).toEqual(['breaks one']);
    register(flow, 'a', {}, '0');
    await pass(everyMs);
    expect(sent).toHaveLength(2);
    register(flow, 'b', { Contact: '<sip:other@192.0.2.9>;expires=600' }, '0');
    await pass(10 * everyMs);
    expect(sent).toHaveLength(2);
  });

  it('is pinged by the way that it went by last', async () => {
    register(flowTo('one'), 'a', {});
    register(flowTo('two'), 'a', {});
    await pass(everyMs);
    expect(sent).toEqual(['breaks two']);
  });

  it('is lost where nothing can be sent, all of that way and none of another', async () => {
    const flow = flowTo('one');
    register(flow, 'a', {});
    register(flow, 'b', {});
    seenAs = new Error('ENETUNREACH');
    await pass(everyMs);
    expect(lost).toEqual(['a', 'b']);
    await pass(everyMs);
    expect(sent).toHaveLength(1);
  });

  it('is lost where the peer sees us at another address than before', async () => {
    register(flowTo('one'), 'a', takesStun);
    await pass(20_000);
    await pass(20_000);
    expect(lost).toEqual([]);
    seenAs = 'other';
    await pass(20_000);
    expect(lost).toEqual(['a']);
  });

  it('is lost where one that answered before no longer does', async () => {
    register(flowTo('one'), 'a', takesStun);
    await pass(20_000);
    seenAs = null;
    await pass(20_000);
    expect(lost).toEqual(['a']);
  });

  it('is pinged with line breaks where the registrar does not answer what it said it would', async () => {
    seenAs = null;
    register(flowTo('one'), 'a', takesStun);
    await pass(20_000);
    await pass(20_000);
    expect(sent).toEqual(['stun one', 'breaks one']);
    expect(lost).toEqual([]);
  });
});

it('a registration over a connection, and any where nobody is to be pinged, is left alone', async () => {
  register(new RecordedFlow('tcp'), 'a', takesStun);
  kept.close();
  kept = keeper(0);
  register(flowTo('one'), 'b', takesStun);
  await pass(600_000);
  expect(sent).toEqual([]);
});

it.each([
  [{ 'Flow-Timer': '40' }, '600', [40_000]],
  [{ Via: 'SIP/2.0/TLS 192.0.2.9;branch=z9hG4bKa;keep=30' }, '600', [30_000]],
  [{ 'Flow-Timer': '1' }, '600', [5_000]],
  [{}, '600', []],
  [{ 'Flow-Timer': '40' }, '0', []],
])(
  'a registrar that answers %j to %s seconds has its connection pinged within %j ms',
  (answer, expires, wanted) => {
    const asked: number[] = [];
    const flow = Object.assign(new RecordedFlow('tls', '192.0.2.1'), {
      keepAliveWithin: (ms: number) => void asked.push(ms),
    });
    register(flow, 'a', answer, expires);
    expect(asked).toEqual(wanted);
  },
);
