import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { DomainEvent, EventData, EventType } from '../domain/facts/event.js';
import { silentLogger } from '../domain/logger.js';
import { openSqliteStores } from '../store/sqlite/sqlite-stores.js';
import type { Stores } from '../store/stores.js';
import { ManualClock } from '../../test/support/manual-clock.js';
import { CallRecorder } from './call-recorder.js';

const dayMs = 86_400_000;
const calm = () => new Promise((resolve) => setImmediate(resolve));

describe('Call records', () => {
  let stores: Stores;
  let clock: ManualClock;
  let recorder: CallRecorder;
  let sequence = 0;

  beforeEach(() => {
    stores = openSqliteStores({ path: ':memory:' });
    clock = new ManualClock();
    recorder = new CallRecorder({
      store: stores.records,
      clock,
      logger: silentLogger,
      keepMs: 30 * dayMs,
      pruneStep: 2,
    });
  });
  afterEach(async () => {
    await recorder.close();
    await stores.close();
    expect(clock.pending).toBe(0);
  });

  function publish<T extends EventType>(type: T, data: EventData[T], sessionId: string | null = null): void {
    sequence += 1;
    const event = { id: `e${sequence}`, type, accountId: 'acme', sessionId, participantId: 'p1' };
    recorder.publish({ ...event, tag: 'mine', sequence, time: clock.now(), data } as DomainEvent);
  }

  function call(legId: string): void {
    const leg = { legId, door: 'sip', callId: `call ${legId}`, clientId: null };
    publish('call.arrived', {
      ...leg,
      voiceCallId: 'v1',
      trunkId: null,
      stir: null,
      headers: null,
      caller: null,
    });
    clock.advance(10);
    publish('call.answered', { ...leg, legKind: 'phone' });
    publish('call.established', { ...leg, legKind: 'phone' });
    publish('dtmf.received', { legId, digit: '1', durationMs: 100 });
    clock.advance(500);
    publish('call.ended', {
      ...leg,
      legKind: 'phone',
      voiceCallId: 'v1',
      trunkId: null,
      stir: null,
      headers: null,
      caller: null,
      durationMs: 500,
      wasEstablished: true,
      outcome: { endedBy: 'participant', reason: 'hangup' },
    });
  }

  const list = async () => (await stores.records.listRecords({ accountId: 'acme', limit: 100 })).records;

  it('are made of the facts, and completed by what the media counted', async () => {
    const start = clock.now();
    call('l1');
    const statistics = {
      packetsReceived: 25,
      packetsSent: 25,
      packetsLost: 0,
      packetsFromStrangers: 0,
      jitterMs: 0.5,
    };
    recorder.measured('l1', statistics);
    await recorder.settled();
    expect(await list()).toMatchObject([
      {
        legId: 'l1',
        participantTag: 'mine',
        startedAt: start,
        answeredAt: start + 10,
        joinedAt: null,
        endedAt: start + 510,
        durationMs: 500,
        outcome: { reason: 'hangup' },
        statistics,
      },
    ]);
  });

  it('go after thirty days, in small steps', async () => {
    for (const legId of ['l1', 'l2', 'l3']) call(legId);
    await recorder.settled();
    recorder.start();
    clock.advance(0);
    await calm();
    expect(await list()).toHaveLength(3);
    clock.advance(30 * dayMs - 3_600_000);
    await calm();
    for (const left of [1, 0, 0]) {
      clock.advance(left === 1 ? 3_600_000 : 100);
      await calm();
      expect(await list()).toHaveLength(left);
    }
  });
});
