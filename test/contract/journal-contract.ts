/** What every outbox, webhook store and store of call records does, and how abandonment is found. */
import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { CallRecordChange } from '../../src/domain/facts/call-record.js';
import type { Activity, OutboxEntry } from '../../src/domain/facts/outbox.js';
import type { Webhook } from '../../src/domain/facts/webhook.js';
import { newParticipant, newSession } from './participant-store-contract.js';
import { useStores, type OpenedPlace } from './opened-place.js';

const account = 'acme';
const start = 1_700_000_000_000;
const note = (changes: Partial<Activity> & Pick<Activity, 'id' | 'of'>): Activity => ({
  sequence: 0,
  changedAt: start,
  isGone: false,
  ...changes,
});

export function describeJournal(name: string, prepare: () => Promise<OpenedPlace>): void {
  describe(name, () => {
    const { place, stores, reopen } = useStores(prepare);

    describe('the outbox', () => {
      const entry = (receiver: string, lane: string, eventId: string): OutboxEntry => ({
        eventId,
        accountId: account,
        receiver,
        lane,
        body: `{"ü":"${eventId}"}`,
        createdAt: start,
      });
      const drain = async (receiver: string, lane: string): Promise<string[]> => {
        const ids: string[] = [];
        for (;;) {
          const next = await stores().outbox.next({ receiver, lane });
          if (next === null) return ids;
          ids.push(next.eventId);
          await stores().outbox.remove(next.position);
        }
      };

      it('gives each lane its entries back in order, as they were, also in another life', async () => {
        const entries = [
          entry('a', 's1', '1'),
          entry('b', 's1', '1'),
          entry('a', 's2', '2'),
          entry('a', 's1', '3'),
        ];
        expect(await stores().outbox.append(entries, [])).toBe(0);
        await reopen();
        expect(stores().outbox.size).toBe(4);
        expect(await stores().outbox.next({ receiver: 'a', lane: 's1' })).toMatchObject({
          ...entries[0],
          attempts: 0,
        });
        const lanes = [...(await stores().outbox.lanes())].map(({ receiver, lane }) => `${receiver} ${lane}`);
        expect(lanes).toEqual(['a s1', 'b s1', 'a s2']);
        expect(await drain('a', 's1')).toEqual(['1', '3']);
        expect(await drain('a', 's2')).toEqual(['2']);
        expect(stores().outbox.size).toBe(1);
      });

      it('remembers tries, removes once, and forgets a receiver whole', async () => {
        await stores().outbox.append([entry('a', 's', '1'), entry('a', 't', '2'), entry('b', 's', '3')], []);
        const first = await stores().outbox.next({ receiver: 'a', lane: 's' });
        await stores().outbox.failed(first?.position ?? 0);
        await stores().outbox.failed(first?.position ?? 0);
        await reopen();
        expect(await stores().outbox.next({ receiver: 'a', lane: 's' })).toMatchObject({ attempts: 2 });
        await stores().outbox.remove(first?.position ?? 0);
        await stores().outbox.remove(first?.position ?? 0);
        expect(stores().outbox.size).toBe(2);
        expect(await stores().outbox.removeReceiver('a')).toBe(1);
        expect(stores().outbox.size).toBe(1);
      });

      it('counts right when several entries are removed at once', async () => {
        const ids = Array.from({ length: 5 }, (_, index) => String(index));
        await stores().outbox.append(
          ids.map((id) => entry('a', id, id)),
          [],
        );
        const next = await Promise.all(ids.map((lane) => stores().outbox.next({ receiver: 'a', lane })));
        await Promise.all(next.map((one) => stores().outbox.remove(one?.position ?? 0)));
        expect(stores().outbox.size).toBe(0);
      });

      it('makes room by dropping the oldest of the receiver that has failed for longest', async () => {
        const maxEntries = place().maxOutboxEntries;
        const half = Math.floor(maxEntries / 2);
        const fill = (receiver: string, from: number, entries: number) =>
          stores().outbox.append(
            Array.from({ length: entries }, (_, index) => entry(receiver, 's', `${receiver}${from + index}`)),
            [],
          );
        await fill('slow', 0, half);
        await fill('dead', 0, maxEntries - half);
        const head = await stores().outbox.next({ receiver: 'dead', lane: 's' });
        await stores().outbox.failed(head?.position ?? 0);
        expect(await fill('new', 0, 2)).toBe(2);
        expect(stores().outbox.size).toBe(maxEntries);
        expect((await drain('dead', 's'))[0]).toBe('dead2');
        expect(await drain('slow', 's')).toHaveLength(half);
        expect(await drain('new', 's')).toEqual(['new0', 'new1']);
        // Where nobody fails the oldest of all go.
        await fill('old', 0, maxEntries);
        expect(await fill('new', 2, 3)).toBe(3);
        expect((await drain('old', 's'))[0]).toBe('old3');
        expect(await drain('new', 's')).toEqual(['new2', 'new3', 'new4']);
      });

      it('keeps how far sessions and accounts are numbered, until they are gone', async () => {
        const session = randomUUID();
        await stores().outbox.append(
          [],
          [
            note({ id: session, of: 'session', sequence: 7 }),
            note({ id: account, of: 'account', sequence: 3 }),
            note({ id: randomUUID(), of: 'participant' }),
          ],
        );
        await stores().outbox.append([], [note({ id: session, of: 'session', sequence: 8 })]);
        await reopen();
        expect(await stores().outbox.sequences()).toEqual(
          new Map([
            [session, 8],
            [account, 3],
          ]),
        );
        await stores().outbox.append([], [note({ id: session, of: 'session', sequence: 9, isGone: true })]);
        expect(await stores().outbox.sequences()).toEqual(new Map([[account, 3]]));
      });
    });

    describe('webhooks', () => {
      const webhook = (changes: Partial<Webhook> = {}): Webhook => ({
        id: randomUUID(),
        accountId: account,
        url: 'https://example.com/ü?a=1',
        fallbackUrl: null,
        events: null,
        secret: 'a secret',
        createdAt: start,
        ...changes,
      });

      it('come back as they were stored, oldest first', async () => {
        const plain = webhook();
        const full = webhook({ fallbackUrl: 'https://b/', events: ['call.ended'], createdAt: start + 1 });
        expect(await stores().webhooks.createWebhook(full, 10)).toBe(true);
        expect(await stores().webhooks.createWebhook(plain, 10)).toBe(true);
        await reopen();
        expect(await stores().webhooks.listWebhooks()).toEqual([plain, full]);
      });

      it('are limited per account, and deleted by their account only', async () => {
        const [one, two, other] = [webhook(), webhook(), webhook({ accountId: 'other' })];
        expect(await stores().webhooks.createWebhook(one, 1)).toBe(true);
        expect(await stores().webhooks.createWebhook(two, 1)).toBe(false);
        expect(await stores().webhooks.createWebhook(other, 1)).toBe(true);
        expect(await stores().webhooks.deleteWebhook('other', one.id)).toBe(false);
        expect(await stores().webhooks.deleteWebhook(account, one.id)).toBe(true);
        expect(await stores().webhooks.deleteWebhook(account, one.id)).toBe(false);
        expect(await stores().webhooks.listWebhooks()).toEqual([other]);
      });
    });

    describe('call records', () => {
      const started = (legId: string, at: number, changes: object = {}): CallRecordChange => ({
        change: 'started',
        legId,
        accountId: account,
        sessionId: null,
        participantId: 'p1',
        participantTag: 'tag',
        door: 'sip',
        callId: `call of ${legId}`,
        clientId: null,
        voiceCallId: null,
        trunkId: null,
        stir: { verification: 'passed', attestation: 'A', originationId: 'o', by: 'gateway', reason: null },
        headers: { 'X-Account': '7' },
        caller: { number: '+*******142', name: null },
        at,
        ...changes,
      });
      const ended = (legId: string, at: number): CallRecordChange => ({
        change: 'ended',
        legId,
        at,
        durationMs: 5,
        outcome: { endedBy: 'participant', reason: 'hangup', q850Cause: 16 },
      });
      const list = async (query: object = {}) =>
        stores().records.listRecords({ accountId: account, limit: 100, ...query });

      it('grow with what happens, and every change counts once', async () => {
        const session = newSession({ tag: 'of the session' });
        await stores().participants.createSession(session);
        const statistics = {
          packetsReceived: 3,
          packetsSent: 2,
          packetsLost: 1,
          packetsFromStrangers: 0,
          jitterMs: 1.5,
        };
        const changes: CallRecordChange[] = [
          started('l1', start),
          { change: 'answered', legId: 'l1', kind: 'phone', at: start + 1 },
          { change: 'established', legId: 'l1', at: start + 2 },
          { change: 'joined', legId: 'l1', sessionId: session.id, at: start + 3 },
          ended('l1', start + 9),
          { change: 'measured', legId: 'l1', statistics },
        ];
        await stores().records.applyRecordChanges(changes);
        await reopen();
        await stores().records.applyRecordChanges(changes);
        await stores().records.applyRecordChanges([ended('l1', start + 99), ended('unknown', start)]);
        expect(await list()).toEqual({
          next: null,
          records: [
            {
              legId: 'l1',
              accountId: account,
              sessionId: session.id,
              sessionTag: 'of the session',
              participantId: 'p1',
              participantTag: 'tag',
              door: 'sip',
              kind: 'phone',
              callId: 'call of l1',
              clientId: null,
              voiceCallId: null,
              trunkId: null,
              stir: {
                verification: 'passed',
                attestation: 'A',
                originationId: 'o',
                by: 'gateway',
                reason: null,
              },
              headers: { 'X-Account': '7' },
              caller: { number: '+*******142', name: null },
              startedAt: start,
              answeredAt: start + 1,
              establishedAt: start + 2,
              joinedAt: start + 3,
              endedAt: start + 9,
              durationMs: 5,
              outcome: { endedBy: 'participant', reason: 'hangup', q850Cause: 16 },
              refusal: null,
              statistics,
            },
          ],
        });
      });

      it('are found by leg, Call-ID, the voice platform’s id of the call and the number of the caller', async () => {
        const caller = { number: '+14158675309', name: 'Jenny' };
        await stores().records.applyRecordChanges([
          started('l1', start, { callId: 'a@b', voiceCallId: 'v-1', caller }),
          started('l2', start + 1, { callId: 'a@b', voiceCallId: 'v-2', caller: null }),
          started('l3', start + 2, { voiceCallId: 'v-1', caller: { number: null, name: 'Jenny' } }),
          started('theirs', start + 3, { accountId: 'other', callId: 'a@b', voiceCallId: 'v-1', caller }),
        ]);
        await reopen();
        const legs = async (query: object) => (await list(query)).records.map(({ legId }) => legId);
        expect(await legs({ callId: 'a@b' })).toEqual(['l2', 'l1']);
        expect(await legs({ callId: 'A@b' })).toEqual([]);
        expect(await legs({ voiceCallId: 'v-1' })).toEqual(['l3', 'l1']);
        expect(await legs({ callerNumbers: ['+*******5309', '+14158675309'] })).toEqual(['l1']);
        expect(await legs({ callerNumbers: [] })).toEqual([]);
        expect(await legs({ legId: 'l2' })).toEqual(['l2']);
        expect(await legs({ legId: 'theirs' })).toEqual([]);
        expect(await legs({ callId: 'a@b', voiceCallId: 'v-2' })).toEqual(['l2']);
        expect(await legs({ callId: 'a@b', limit: 1 })).toEqual(['l2']);
      });

      it('are listed newest first, page by page, by account, session, participant and time', async () => {
        await stores().records.applyRecordChanges([
          ...[1, 2, 3, 4, 5].map((n) => started(`l${n}`, start + n)),
          started('other', start, { accountId: 'other' }),
          started('mine', start + 6, { participantId: 'p2', sessionId: 's2' }),
        ]);
        const legs = async (query: object) => (await list(query)).records.map(({ legId }) => legId);
        const first = await list({ limit: 2 });
        expect(first.records.map(({ legId }) => legId)).toEqual(['mine', 'l5']);
        await stores().records.applyRecordChanges([started('later', start + 7)]);
        const after = first.next ?? 0;
        expect(await legs({ limit: 4, after })).toEqual(['l4', 'l3', 'l2', 'l1']);
        expect((await list({ limit: 4, after })).next).toBeNull();
        expect(await legs({ participantId: 'p2' })).toEqual(['mine']);
        expect(await legs({ sessionId: 's2' })).toEqual(['mine']);
        expect(await legs({ from: start + 2, to: start + 4 })).toEqual(['l3', 'l2']);
        expect(await legs({ participantId: 'p3' })).toEqual([]);
      });

      it('that have no end are known, and those that ended long ago are removed in steps', async () => {
        await stores().records.applyRecordChanges([
          ...['l1', 'l2', 'l3', 'open'].map((id) => started(id, start)),
          ...['l1', 'l2'].map((id) => ended(id, start + 10)),
          ended('l3', start + 1000),
        ]);
        expect((await stores().records.listOpenRecords()).map(({ legId }) => legId)).toEqual(['open']);
        expect(await stores().records.pruneRecords(start + 11, 1)).toBe(1);
        expect(await stores().records.pruneRecords(start + 11, 10)).toBe(1);
        expect(await stores().records.pruneRecords(start + 11, 10)).toBe(0);
        expect((await list()).records.map(({ legId }) => legId)).toEqual(['open', 'l3']);
      });
    });

    describe('abandonment', () => {
      it('is found by the last change, not where a leg is live', async () => {
        const { participants: store, outbox, abandonment } = stores();
        const [old, busy, fresh] = [newSession(), newSession(), newSession()];
        for (const session of [old, busy, fresh]) await store.createSession(session);
        const [idle, caller, member] = [newParticipant(), newParticipant(), newParticipant()];
        for (const participant of [idle, caller, member]) {
          await store.createParticipant(participant, `hash ${participant.id}`, start * 2);
        }
        await store.addMember(account, busy.id, caller.id, { subscriptions: {}, limit: 20 });
        await store.addMember(account, old.id, member.id, { subscriptions: {}, limit: 20 });
        await store.claimSlot(caller.id, {
          legId: 'leg',
          nodeId: 'node',
          now: start,
          maxLegsInSession: 20,
        });
        const ids = [old, busy].map(({ id }) => note({ id, of: 'session' }));
        await outbox.append(
          [],
          [
            ...ids,
            note({ id: fresh.id, of: 'session', changedAt: start + 100 }),
            ...[idle, caller, member].map(({ id }) => note({ id, of: 'participant' })),
          ],
        );
        const found = async (before: number) => ({
          sessions: (await abandonment.abandonedSessions(before, 10)).map(({ id }) => id),
          participants: (await abandonment.abandonedParticipants(before, 10)).map(({ id }) => id),
        });
        expect(await found(start)).toEqual({ sessions: [], participants: [] });
        expect(await found(start + 1)).toEqual({ sessions: [old.id], participants: [idle.id] });
        await outbox.append([], [note({ id: old.id, of: 'session', changedAt: start + 50 })]);
        expect((await found(start + 1)).sessions).toEqual([]);
        expect((await found(start + 200)).sessions).toEqual([old.id, fresh.id]);
        expect(await abandonment.abandonedSessions(start + 200, 1)).toEqual([
          { accountId: account, id: old.id },
        ]);
        await store.releaseSlot(caller.id, 'leg', true);
        expect((await found(start + 1)).sessions).toEqual([busy.id]);
      });

      it('forgets what was deleted, and no account', async () => {
        const { participants: store, outbox, abandonment } = stores();
        const session = newSession();
        await store.createSession(session);
        const gone = randomUUID();
        await outbox.append(
          [],
          [
            note({ id: session.id, of: 'session', sequence: 2 }),
            note({ id: gone, of: 'session', sequence: 5 }),
            note({ id: account, of: 'account', sequence: 9 }),
          ],
        );
        await abandonment.forgetDeleted(start + 1, 10);
        expect(await outbox.sequences()).toEqual(
          new Map([
            [session.id, 2],
            [account, 9],
          ]),
        );
      });
    });
  });
}
