import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { account, DomainFixture } from '../../../test/support/domain-fixture.js';
import { openSqliteStores } from '../../store/sqlite/sqlite-stores.js';
import { EventRecorder } from '../facts/event-recorder.js';
import { silentLogger } from '../logger.js';
import { TransferService } from './transfer-service.js';
import type { NewTransfer, TransferStore } from './transfer.js';

let directory: string;
let fixture: DomainFixture;
let store: TransferStore;
let service: TransferService;
let sessionId: string;

function open(secrets: readonly string[] = ['the secret in force']): TransferService {
  return new TransferService({
    transfers: store,
    store: fixture.store,
    sessions: fixture.sessions,
    tokens: fixture.tokens,
    joinCodeSecrets: secrets,
    events: new EventRecorder({ publish: (event) => void fixture.events.push(event) }, fixture.clock),
    clock: fixture.clock,
    logger: silentLogger,
    limits: { maxParticipantsPerSession: 20, ttlSeconds: 60 },
  });
}

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'landbridge-transfers-'));
  const path = join(directory, 'landbridge.db');
  fixture = new DomainFixture({}, openSqliteStores({ path }));
  store = fixture.stores.transfers;
  service = open();
  sessionId = await fixture.session();
});
afterEach(async () => {
  await service.close();
  await fixture.stores.close();
  rmSync(directory, { recursive: true });
});

function create(wanted: Partial<NewTransfer> = {}) {
  return service.create(account, { destination: { sessionId }, ...wanted });
}

/** Tells the service what the fixture's registry has recorded since, as the gateway does. */
let told = 0;
beforeEach(() => {
  told = 0;
});
async function follow(): Promise<void> {
  for (; told < fixture.events.length; told += 1) {
    const event = fixture.events[told];
    if (event !== undefined && !event.type.startsWith('transfer.')) service.factKept(event);
  }
  await service.idle();
}

const facts = () => fixture.types().filter((type) => type.startsWith('transfer.'));
const stateOf = async (id: string) => (await service.get(account, id)).state;

describe('A transfer', () => {
  it('is expired when its call does not come in time, and a hook’s participant goes with it', async () => {
    const kept = await create();
    const own = await create({ removesParticipant: true });
    fixture.clock.advance(59_000);
    await service.sweep();
    expect(await stateOf(own.transfer.id)).toBe('requested');
    fixture.clock.advance(2000);
    await service.sweep();
    expect([await stateOf(kept.transfer.id), await stateOf(own.transfer.id)]).toEqual(['expired', 'expired']);
    expect(facts().filter((type) => type === 'transfer.expired')).toHaveLength(2);
    expect(await fixture.store.findParticipant(kept.participant.id)).not.toBeNull();
    expect(await fixture.store.findParticipant(own.participant.id)).toBeNull();
  });

  // It was told as expired, and its participant stayed for good.
  it('and its participant are found again where the store failed in between', async () => {
    const own = await create({ removesParticipant: true });
    const tried = await create({ removesParticipant: true });
    await (await fixture.admit(tried.token)).end({ endedBy: 'participant', reason: 'canceled' });
    await follow();
    fixture.clock.advance(61_000);
    const failing = vi.spyOn(fixture.store, 'deleteParticipant').mockRejectedValue(new Error('disk full'));
    await service.sweep();
    expect(failing).toHaveBeenCalled();
    failing.mockRestore();
    await service.sweep();
    for (const { participant } of [own, tried])
      expect(await fixture.store.findParticipant(participant.id)).toBeNull();
    expect([await stateOf(own.transfer.id), await stateOf(tried.transfer.id)]).toEqual([
      'expired',
      'completed',
    ]);
    expect(facts().filter((type) => type === 'transfer.expired')).toHaveLength(1);
  });

  it('keeps its participant where its call comes in the moment in which it would have expired', async () => {
    const { transfer, participant, token } = await create({ removesParticipant: true });
    fixture.clock.advance(59_999);
    const leg = await fixture.admit(token);
    // Admitted, and not followed yet.
    fixture.clock.advance(2);
    vi.spyOn(store, 'moveTransfer').mockImplementationOnce(async () => {
      await follow();
      return null;
    });
    await service.sweep();
    expect(await stateOf(transfer.id)).not.toBe('expired');
    expect(await fixture.store.findParticipant(participant.id)).not.toBeNull();
    await leg.end({ endedBy: 'participant', reason: 'hangup' });
  });

  it('is looked after by its own timer, which ends with the service', async () => {
    const { transfer } = await create();
    service.start();
    for (let seconds = 0; seconds < 70; seconds += 10) {
      fixture.clock.advance(10_000);
      await service.idle();
    }
    expect(await stateOf(transfer.id)).toBe('expired');
    await service.close();
    expect(fixture.clock.pending).toBe(0);
  });

  it('is ended or forgotten soon, and not a hundred in ten seconds, where there are many', async () => {
    for (let count = 0; count < 210; count += 1) {
      await create({ destination: { newSession: { tag: null } }, ttlSeconds: 60 });
    }
    const left = async () => (await service.list(account, 500)).length;
    const open = async () => (await store.overdueTransfers(fixture.clock.now(), 500)).length;
    fixture.clock.advance(61_000);
    service.start();
    for (const delayMs of [10_000, 100, 100]) {
      fixture.clock.advance(delayMs);
      await service.idle();
    }
    expect([await open(), await left()]).toEqual([0, 210]);
    fixture.clock.advance(24 * 3600 * 1000);
    await service.idle();
    for (let goes = 0; goes < 2; goes += 1) {
      fixture.clock.advance(100);
      await service.idle();
    }
    expect(await left()).toBe(0);
  });

  it('is told of no session after the session was deleted under its call', async () => {
    const open = await create({ removesParticipant: true });
    await fixture.join(open);
    await follow();
    await fixture.sessions.deleteSession(account, sessionId);
    await follow();
    const of = fixture.events.map(({ type, sessionId: session }) => [type, session] as const);
    const after = of.slice(of.findIndex(([type]) => type === 'session.deleted') + 1);
    expect(after.map(([type]) => type)).toContain('transfer.completed');
    expect(after.filter(([, session]) => session !== null)).toEqual([]);
  });

  it('may be tried again by its platform after a call that was not answered, and not after one that was', async () => {
    const open = await create({ removesParticipant: true });
    const first = await fixture.admit(open.token);
    await follow();
    expect(await stateOf(open.transfer.id)).toBe('arrived');
    await first.end({ endedBy: 'participant', reason: 'canceled' });
    await follow();
    expect(await stateOf(open.transfer.id)).toBe('completed');
    const second = await fixture.join(open);
    await follow();
    expect(await stateOf(open.transfer.id)).toBe('joined');
    await second.end({ endedBy: 'participant', reason: 'hangup' });
    await follow();
    expect(await stateOf(open.transfer.id)).toBe('completed');
    expect(await fixture.store.findParticipant(open.participant.id)).toBeNull();
    expect(facts()).toEqual([
      ...['transfer.requested', 'transfer.arrived', 'transfer.completed'],
      ...['transfer.arrived', 'transfer.answered', 'transfer.joined', 'transfer.left', 'transfer.completed'],
    ]);
  });

  it('removes the participant of a call that was never answered once its token has expired', async () => {
    const open = await create({ removesParticipant: true });
    const leg = await fixture.admit(open.token);
    await leg.end({ endedBy: 'participant', reason: 'canceled' });
    await follow();
    fixture.clock.advance(61_000);
    await service.sweep();
    expect(await fixture.store.findParticipant(open.participant.id)).toBeNull();
    expect(await stateOf(open.transfer.id)).toBe('completed');
  });

  it('is completed by its platform’s word where the call never came, and bears that word where it did', async () => {
    const never = await create({ key: 'a', removesParticipant: true });
    expect(await service.reportCompleted(account, 'a', 'busy')).toBe(true);
    expect(await service.get(account, never.transfer.id)).toMatchObject({
      state: 'completed',
      cause: 'busy',
    });
    expect(await fixture.store.findParticipant(never.participant.id)).toBeNull();
    const came = await create({ key: 'b' });
    const leg = await fixture.join(came);
    await follow();
    await service.reportCompleted(account, 'b', 'answered-elsewhere');
    expect(await stateOf(came.transfer.id)).toBe('joined');
    await leg.end({ endedBy: 'participant', reason: 'hangup' });
    await follow();
    expect(fixture.ofType('transfer.completed').map(({ data }) => data.cause)).toEqual([
      'busy',
      'answered-elsewhere',
    ]);
    expect(await service.reportCompleted(account, 'unknown', null)).toBe(false);
  });

  it('is canceled with its participant, where an application deletes that too', async () => {
    const canceled = await create();
    await service.cancel(account, canceled.transfer.id);
    await service.cancel(account, canceled.transfer.id);
    expect(await stateOf(canceled.transfer.id)).toBe('canceled');
    const deleted = await create();
    await fixture.sessions.deleteParticipant(account, deleted.participant.id);
    await follow();
    expect(await stateOf(deleted.transfer.id)).toBe('canceled');
    expect(facts().filter((type) => type === 'transfer.canceled')).toHaveLength(2);
  });

  it('is looked for once in a call that no transfer brought, and again in the participant’s next call', async () => {
    const lookUps = vi.spyOn(store, 'findTransferByParticipant');
    const created = await fixture.participant(sessionId);
    for (const calls of [1, 2]) {
      const leg = await fixture.join(created);
      await follow();
      await leg.end({ endedBy: 'participant', reason: 'hangup' });
      await follow();
      expect(lookUps).toHaveBeenCalledTimes(calls);
    }
  });

  it('is one for one key, and refused for another request with that key', async () => {
    const wanted = { key: 'k', tag: 'a', attributes: { x: '1', y: '2' } };
    const first = await create(wanted);
    expect(await create({ attributes: { y: '2', x: '1' }, tag: 'a', key: 'k' })).toEqual(first);
    await expect(create({ ...wanted, tag: 'b' })).rejects.toMatchObject({ code: 'transfer-key-reused' });
    expect(await fixture.sessions.listMembers(account, sessionId)).toHaveLength(1);
    await expect(service.create('other', { destination: { sessionId }, key: 'k' })).rejects.toMatchObject({
      code: 'session-not-found',
    });
  });

  it('says the same code again after the secret was changed, as long as the old one is known', async () => {
    const { transfer, joinCode } = await create({ key: 'k' });
    expect(open(['a new secret', 'the secret in force']).credentialsOf(transfer).joinCode).toBe(joinCode);
    expect((await create({ key: 'k' })).joinCode).toBe(joinCode);
  });

  it('leaves nothing behind where the session is full, gone, or another one than its subscriptions name', async () => {
    const other = await fixture.session();
    await expect(create({ subscriptions: { sessionId: other } })).rejects.toMatchObject({
      code: 'invalid-subscriptions',
    });
    for (let count = 0; count < 20; count += 1) await create();
    await expect(create({ key: 'full' })).rejects.toMatchObject({ code: 'session-full' });
    await fixture.sessions.deleteSession(account, sessionId);
    await expect(create({ key: 'gone' })).rejects.toMatchObject({ code: 'session-not-found' });
    expect(await service.findByKey(account, 'full')).toBeNull();
    expect(await service.list(account, 100)).toHaveLength(20);
  });

  it('is forgotten a day after its token has expired', async () => {
    const { transfer } = await create({ key: 'k' });
    fixture.clock.advance(61_000);
    await service.sweep();
    fixture.clock.advance(24 * 3600 * 1000);
    await service.sweep();
    await expect(service.get(account, transfer.id)).rejects.toMatchObject({ code: 'transfer-not-found' });
    expect((await create({ key: 'k' })).transfer.id).not.toBe(transfer.id);
  });
});
