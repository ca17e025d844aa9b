/** What every bundle of stores does: each of its stores by itself, and all of them together. */
import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { OutboxEntry } from '../../src/domain/facts/outbox.js';
import { describeJournal } from './journal-contract.js';
import { useStores, type OpenedPlace } from './opened-place.js';
import { describeParticipantStore, newParticipant, newSession } from './participant-store-contract.js';
import { describeRecordingStore } from './recording-store-contract.js';
import { describeRefusedCalls } from './refused-calls-contract.js';
import { describeTrunkStore } from './trunk-store-contract.js';
import { describeVoiceStores } from './voice-store-contract.js';

const account = 'acme';
const now = 1_700_000_000_000;

export function describeStores(name: string, prepare: () => Promise<OpenedPlace>): void {
  describeParticipantStore(`${name}: sessions and participants`, prepare);
  describeJournal(`${name}: the journal`, prepare);
  describeVoiceStores(`${name}: transfers and numbers`, prepare);
  describeRecordingStore(`${name}: recordings`, prepare);
  describeTrunkStore(`${name}: trunks`, prepare);
  describeRefusedCalls(`${name}: refused calls`, prepare);

  describe(`${name}: all together`, () => {
    const { stores, reopen } = useStores(prepare);

    const entry = (eventId: string): OutboxEntry => ({
      ...{ eventId, accountId: account, receiver: 'a', lane: 's', body: '{}', createdAt: now },
    });

    it('a write that breaks a rule takes nothing with it that others wrote at the same time', async () => {
      const full = newParticipant({
        attributes: Object.fromEntries(Array.from({ length: 32 }, (_, i) => [`a${i}`, 'x'])),
      });
      await stores().participants.createParticipant(full, 'hash', now);
      const session = newSession();
      const webhook = {
        ...{ id: randomUUID(), accountId: account, url: 'https://a.example/', fallbackUrl: null },
        ...{ events: null, secret: 's', createdAt: now },
      };
      const results = await Promise.allSettled([
        stores().participants.createSession(session),
        stores().outbox.append([entry('1')], []),
        stores().participants.updateParticipant(account, full.id, { attributes: { more: 'x' } }),
        stores().webhooks.createWebhook(webhook, 10),
        stores().outbox.append([entry('2')], []),
        stores().participants.claimSlot(full.id, {
          ...{ legId: 'leg', nodeId: 'node', now, maxLegsInSession: 20 },
        }),
      ]);
      expect(results.map(({ status }) => status)).toEqual(
        results.map((_, index) => (index === 2 ? 'rejected' : 'fulfilled')),
      );
      expect(results[2]).toMatchObject({ reason: { code: 'too-many-attributes' } });
      await reopen();
      expect(await stores().participants.getSession(account, session.id)).toEqual(session);
      expect(await stores().webhooks.listWebhooks()).toEqual([webhook]);
      expect((await stores().participants.findParticipant(full.id))?.legId).toBe('leg');
      expect(stores().outbox.size).toBe(2);
      const first = await stores().outbox.next({ receiver: 'a', lane: 's' });
      expect(first?.eventId).toBe('1');
    });

    it('each store sees what another has written', async () => {
      const session = newSession();
      await stores().participants.createSession(session);
      const claim = () =>
        stores().recordings.claimRecording(
          {
            ...{
              id: randomUUID(),
              accountId: account,
              sessionId: session.id,
              participantId: null,
              tag: null,
            },
            ...{ format: 'ogg', state: 'recording', reason: null, durationMs: null, bytes: 0 },
            ...{ startedAt: now, endedAt: null, key: null },
          },
          'node',
          10,
        );
      expect(await claim()).toEqual({ result: 'claimed' });
      await stores().participants.deleteSession(account, session.id);
      expect(await claim()).toEqual({ result: 'no-session' });
    });

    it('what was written without waiting is settled when it says so, and kept', async () => {
      const sessions = Array.from({ length: 20 }, () => newSession());
      const writes = sessions.map((session) => stores().participants.createSession(session));
      const appended = stores().outbox.append([entry('1')], []);
      await Promise.all([...writes, appended]);
      await stores().settled();
      await stores().checkWritable();
      await reopen();
      expect(await stores().participants.listSessions(account, 100)).toHaveLength(sessions.length);
      expect(stores().outbox.size).toBe(1);
    });

    it('what waits to be written is written when they are closed', async () => {
      const session = newSession();
      const writes = [stores().participants.createSession(session), stores().outbox.append([entry('1')], [])];
      await stores().close();
      await Promise.all(writes);
      await reopen();
      expect(await stores().participants.getSession(account, session.id)).toEqual(session);
      expect(stores().outbox.size).toBe(1);
    });

    it('are unavailable, not wrong, once they are closed, and close twice without complaint', async () => {
      await stores().close();
      await stores().close();
      const session = newSession();
      const calls = [
        stores().participants.createSession(session),
        stores().participants.listSessions(account, 1),
        stores().participants.releaseSlot(randomUUID(), 'leg', true),
        stores().outbox.append([], []),
        stores().outbox.remove(1),
        stores().webhooks.listWebhooks(),
        stores().records.listOpenRecords(),
        stores().abandonment.abandonedSessions(now, 1),
        stores().transfers.listTransfers(account, 1),
        stores().numbers.listNumbers(account, 1),
        stores().recordings.recordedBytes(account),
        stores().checkWritable(),
      ];
      for (const call of calls) await expect(call).rejects.toMatchObject({ code: 'store-unavailable' });
      await reopen();
      expect(await stores().participants.getSession(account, session.id)).toBeNull();
    });
  });
}
