/** The clean-up of what nobody uses any more, over the real store, with a clock of the test's. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AbandonmentCleaner } from './abandonment.js';
import { silentLogger } from '../logger.js';
import type { CreatedParticipant } from './session-service.js';
import { EventJournal } from '../../events/event-journal.js';
import { Receivers } from '../../events/receivers.js';
import { openSqliteStores } from '../../store/sqlite/sqlite-stores.js';
import type { Stores } from '../../store/stores.js';
import { account, DomainFixture } from '../../../test/support/domain-fixture.js';

const hourMs = 3_600_000;
/** The store commits once in a turn of the event loop, and a step of the clean-up takes several turns. */
async function calm(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

describe('The clean-up after nine hours', () => {
  let directory: string;
  let stores: Stores;
  let domain: DomainFixture;
  let journal: EventJournal;
  let cleaner: AbandonmentCleaner;
  let noted: number;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'landbridge-abandonment-'));
    const path = join(directory, 'landbridge.db');
    stores = openSqliteStores({ path });
    domain = new DomainFixture({}, stores);
    noted = 0;
    journal = new EventJournal({
      outbox: stores.outbox,
      receivers: new Receivers({ webhooks: [], configured: null, callbackSecret: null }),
      onAppended: () => undefined,
      onDropped: () => undefined,
      clock: domain.clock,
      logger: silentLogger,
    });
    cleaner = new AbandonmentCleaner({
      store: stores.abandonment,
      sessions: domain.sessions,
      clock: domain.clock,
      logger: silentLogger,
      abandonedAfterMs: 9 * hourMs,
      stepSize: 2,
    });
    cleaner.start();
  });

  afterEach(async () => {
    await cleaner.close();
    await domain.legs.endAll({ endedBy: 'gateway', reason: 'gateway-stopping' });
    expect(domain.clock.pending).toBe(0);
    await stores.close();
    await rm(directory, { recursive: true });
  });

  /** What happened so far is noted, as the gateway does it with each fact. */
  async function note(): Promise<void> {
    for (const event of domain.events.slice(noted)) journal.publish(event);
    noted = domain.events.length;
    await journal.settled();
  }

  async function pass(ms: number): Promise<void> {
    await note();
    for (let left = ms; left > 0; left -= 60_000) {
      domain.clock.advance(Math.min(left, 60_000));
      await calm();
    }
    await note();
  }

  const sessions = async () => (await domain.store.listSessions(account, 100)).map(({ id }) => id);
  const isThere = async ({ participant }: CreatedParticipant) =>
    (await domain.store.findParticipant(participant.id)) !== null;

  it('deletes sessions and participants that nobody touched, with their events', async () => {
    const sessionId = await domain.session();
    const member = await domain.participant(sessionId);
    const alone = await domain.participant();
    await pass(9 * hourMs - 60_000);
    expect(await sessions()).toEqual([sessionId]);
    await pass(3 * 60_000);
    expect(await sessions()).toEqual([]);
    expect([await isThere(member), await isThere(alone)]).toEqual([false, false]);
    expect(domain.ofType('session.deleted')).toMatchObject([{ sessionId }]);
    const deleted = domain.ofType('participant.deleted').map(({ participantId }) => participantId);
    expect(deleted.sort()).toEqual([member.participant.id, alone.participant.id].sort());
    expect(await stores.outbox.sequences()).toEqual(new Map([[account, expect.any(Number) as number]]));
  });

  it('spares what has a live leg, and counts nine hours from its end', async () => {
    const sessionId = await domain.session();
    const caller = await domain.participant(sessionId);
    const silent = await domain.participant(sessionId);
    const leg = await domain.join(caller);
    await pass(30 * hourMs);
    expect(await sessions()).toEqual([sessionId]);
    expect([await isThere(caller), await isThere(silent)]).toEqual([true, true]);
    await leg.end({ endedBy: 'participant', reason: 'hangup' });
    await pass(9 * hourMs - 60_000);
    expect(await sessions()).toEqual([sessionId]);
    await pass(3 * 60_000);
    expect(await sessions()).toEqual([]);
    expect([await isThere(caller), await isThere(silent)]).toEqual([false, false]);
  });

  it('counts from the last change', async () => {
    const sessionId = await domain.session();
    const { participant } = await domain.participant(sessionId);
    await pass(8 * hourMs);
    await domain.sessions.setSubscriptions(account, sessionId, participant.id, {});
    await pass(8 * hourMs);
    expect(await sessions()).toEqual([sessionId]);
    await pass(2 * hourMs);
    expect(await sessions()).toEqual([]);
  });

  it('goes in small steps', async () => {
    for (let i = 0; i < 5; i += 1) await domain.session();
    await note();
    domain.clock.advance(9 * hourMs - 60_000);
    await calm();
    expect(await sessions()).toHaveLength(5);
    for (let minute = 0; minute < 2; minute += 1) {
      domain.clock.advance(60_000);
      await calm();
    }
    expect(await sessions()).toHaveLength(3);
    for (const left of [1, 0]) {
      domain.clock.advance(50);
      await calm();
      expect(await sessions()).toHaveLength(left);
    }
  });

  it('goes on when the store was away', async () => {
    await domain.session();
    await note();
    const { abandonment } = stores;
    const find = abandonment.abandonedSessions.bind(abandonment);
    abandonment.abandonedSessions = () => Promise.reject(new Error('away'));
    await pass(10 * hourMs);
    expect(await sessions()).toHaveLength(1);
    abandonment.abandonedSessions = find;
    await pass(2 * 60_000);
    expect(await sessions()).toEqual([]);
  });
});
