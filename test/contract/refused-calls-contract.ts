/** What every store of call records does with calls that were refused. */
import { describe, expect, it } from 'vitest';
import type { CallRecordChange, RecordedRefusal } from '../../src/domain/facts/call-record.js';
import { useStores, type OpenedPlace } from './opened-place.js';
import { newSession } from './participant-store-contract.js';

const account = 'acme';
const start = 1_700_000_000_000;

export function describeRefusedCalls(name: string, prepare: () => Promise<OpenedPlace>): void {
  describe(name, () => {
    const { place, stores, reopen } = useStores(prepare);

    const refusal: RecordedRefusal = {
      ...{ code: 'token-expired', detail: 'why', source: '192.0.2.1', dialled: '+14155550100', calls: 1 },
    };
    const turnedAway = (legId: string, changes: object = {}): CallRecordChange => ({
      ...{ change: 'turned-away', legId, accountId: account, sessionId: null, participantId: null },
      ...{ participantTag: null, door: 'sip', callId: `call of ${legId}`, voiceCallId: null, caller: null },
      outcome: { endedBy: 'gateway', reason: 'refused', sipStatus: 403 },
      ...{ trunkId: null, refusal, at: start, lastAt: start },
      ...changes,
    });
    const started = (legId: string): CallRecordChange => ({
      ...{ change: 'started', legId, accountId: account, sessionId: null, participantId: 'p1' },
      ...{ participantTag: null, door: 'sip', callId: `call of ${legId}`, clientId: null, voiceCallId: null },
      ...{ trunkId: null, caller: null, stir: null, headers: null, at: start },
    });
    const apply = (...changes: CallRecordChange[]) => stores().records.applyRecordChanges(changes);
    const list = async (query: object = {}) =>
      stores().records.listRecords({ accountId: account, limit: 100, ...query });
    const legs = async (query: object = {}) => (await list(query)).records.map(({ legId }) => legId);

    it('have a record, also in another life, that every change of it leaves one', async () => {
      const session = newSession({ tag: 'of the session' });
      await stores().participants.createSession(session);
      const change = turnedAway('r1', {
        ...{
          sessionId: session.id,
          participantId: 'p1',
          participantTag: 'tag',
          voiceCallId: 'v1',
          trunkId: 't1',
        },
        caller: { number: '+14155550199', name: null },
      });
      await apply(change);
      await apply(change, {
        ...change,
        lastAt: start + 9,
        refusal: { ...refusal, calls: 7 },
      } as CallRecordChange);
      await reopen();
      expect(await list()).toEqual({
        next: null,
        records: [
          {
            ...{ legId: 'r1', accountId: account, sessionId: session.id, sessionTag: 'of the session' },
            ...{ participantId: 'p1', participantTag: 'tag', door: 'sip', kind: null, callId: 'call of r1' },
            ...{ clientId: null, voiceCallId: 'v1', trunkId: 't1', stir: null, headers: null },
            caller: { number: '+14155550199', name: null },
            ...{ startedAt: start, answeredAt: null, establishedAt: null, joinedAt: null },
            ...{ endedAt: start + 9, durationMs: 0, statistics: null },
            outcome: { endedBy: 'gateway', reason: 'refused', sipStatus: 403 },
            refusal: { ...refusal, calls: 7 },
          },
        ],
      });
      expect(await stores().records.listOpenRecords()).toEqual([]);
    });

    it('that had a leg are told in the leg’s record', async () => {
      const ended: CallRecordChange = {
        ...{ change: 'ended', legId: 'l1', at: start + 5, durationMs: 0 },
        outcome: { endedBy: 'gateway', reason: 'refused' },
      };
      const refused = (legId: string): CallRecordChange => ({
        change: 'refused',
        legId,
        sipStatus: 488,
        refusal,
      });
      await apply(started('l1'), ended, refused('l1'), refused('unknown'));
      expect((await list()).records).toMatchObject([
        { legId: 'l1', outcome: { endedBy: 'gateway', reason: 'refused', sipStatus: 488 }, refusal },
      ]);
    });

    it('are found by how they ended, beside those that were not refused', async () => {
      const ended: CallRecordChange = {
        ...{ change: 'ended', legId: 'l1', at: start + 5, durationMs: 1 },
        outcome: { endedBy: 'participant', reason: 'hangup' },
      };
      const theirs = turnedAway('theirs', { accountId: 'other' });
      await apply(started('l1'), ended, turnedAway('r1'), started('live'), theirs);
      expect(await legs()).toEqual(['live', 'r1', 'l1']);
      expect(await legs({ outcome: 'refused' })).toEqual(['r1']);
      expect(await legs({ outcome: 'hangup' })).toEqual(['l1']);
      expect(await legs({ outcome: 'canceled' })).toEqual([]);
      expect(await legs({ outcome: 'refused', callId: 'call of r1' })).toEqual(['r1']);
    });

    it('that are nobody’s are told to whom is asked for them, page by page among their own', async () => {
      const nobodys = (legId: string) => turnedAway(legId, { accountId: null });
      await apply(
        started('l1'),
        nobodys('n1'),
        turnedAway('r1'),
        nobodys('n2'),
        started('l2'),
        nobodys('n3'),
      );
      expect(await legs()).toEqual(['l2', 'r1', 'l1']);
      expect(await legs({ accountId: 'other' })).toEqual([]);
      expect(await legs({ accountId: 'other', withNobodys: true })).toEqual(['n3', 'n2', 'n1']);
      expect(await legs({ withNobodys: true })).toEqual(['n3', 'l2', 'n2', 'r1', 'n1', 'l1']);
      expect(await legs({ withNobodys: true, callId: 'call of n2' })).toEqual(['n2']);
      const pages: string[][] = [];
      for (let after: number | null | undefined = undefined; after !== null;) {
        const page: Awaited<ReturnType<typeof list>> = await list({ withNobodys: true, limit: 4, after });
        pages.push(page.records.map(({ legId }) => legId));
        after = page.next;
      }
      expect(pages).toEqual([
        ['n3', 'l2', 'n2', 'r1'],
        ['n1', 'l1'],
      ]);
    });

    it('are as many as there may be of each account, and no leg goes for them', async () => {
      const { maxRefusedCalls } = place();
      await apply(started('l1'), ...Array.from({ length: maxRefusedCalls }, (_, at) => turnedAway(`r${at}`)));
      await apply(turnedAway('theirs', { accountId: 'other' }), turnedAway('n1', { accountId: null }));
      expect(await legs()).toHaveLength(maxRefusedCalls + 1);
      await apply(turnedAway('one more'));
      await apply(...Array.from({ length: 9 }, (_, at) => turnedAway(`n${at}`, { accountId: null })));
      expect(await legs()).toEqual(['one more', 'r2', 'r1', 'l1']);
      expect(await legs({ accountId: 'other', withNobodys: true })).toEqual(['n8', 'n7', 'n6', 'theirs']);
    });

    it('go with all other records when they are old', async () => {
      await apply(
        turnedAway('r1', { accountId: null }),
        turnedAway('r2', { at: start + 10, lastAt: start + 10 }),
      );
      expect(await stores().records.pruneRecords(start + 5, 10)).toBe(1);
      expect(await legs({ withNobodys: true })).toEqual(['r2']);
    });

    it('of a participant that was deleted are known by its earlier legs', async () => {
      await apply(started('l1'), turnedAway('n1', { accountId: null, participantId: 'p2' }));
      await reopen();
      expect(await stores().records.formerAccount('p1')).toBe(account);
      expect(await stores().records.formerAccount('p2')).toBeNull();
    });
  });
}
