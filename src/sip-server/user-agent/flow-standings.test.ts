/** Registrations of ours over one connection. */
import { expect, it } from 'vitest';
import { RecordedFlow } from '../../../test/support/recorded-flow.js';
import { HeaderFields } from '../message/header-fields.js';
import type { SipRequest, SipResponse } from '../message/message.js';
import type { Clock } from '../transaction/clock.js';
import { FlowStandings } from './flow-standings.js';

let nowMs = 0;
const clock: Clock = { nowMs: () => nowMs, setTimer: () => undefined, clearTimer: () => undefined };
const body = Buffer.alloc(0);

function register(callId: string): SipRequest {
  return {
    ...{ kind: 'request', method: 'REGISTER', uri: 'sip:carrier.example', body },
    headers: new HeaderFields([['Call-ID', callId]]),
  };
}

/** The registrar's answer; null: no binding is left. */
function answer(seconds: number | null): SipResponse {
  const contact = ['Contact', `<sip:gw@192.0.2.9>;expires=${String(seconds)}`] as const;
  return {
    ...{ kind: 'response', status: 200, reason: 'OK', body },
    headers: new HeaderFields(seconds === null ? [] : [contact]),
  };
}

it('one that ends takes none of the others over the same connection with it', () => {
  const standings = new FlowStandings(clock);
  const flow = new RecordedFlow('tcp');
  standings.registered(flow, register('one'), answer(3600));
  standings.registered(flow, register('other'), answer(3600));
  standings.registered(flow, register('one'), answer(null));
  expect(standings.isRegistered(flow)).toBe(true);
  expect(standings.flowClosed(flow)).toEqual(['other']);
  expect([standings.isRegistered(flow), standings.isKnown(flow)]).toEqual([false, false]);
});

it('a short one does not end a long one, which lasts for its time', () => {
  const standings = new FlowStandings(clock);
  const flow = new RecordedFlow('tcp');
  standings.registered(flow, register('long'), answer(3600));
  standings.registered(flow, register('short'), answer(60));
  nowMs += 3_599_000;
  expect(standings.isRegistered(flow)).toBe(true);
  nowMs += 1000;
  expect([standings.isRegistered(flow), standings.isKnown(flow)]).toEqual([false, true]);
});
