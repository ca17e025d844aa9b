/** What every store of recordings does. */
import { randomUUID } from 'node:crypto';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Recording } from '../../src/domain/recordings/recording.js';
import { useStores, type OpenedPlace } from './opened-place.js';

const accountId = 'acme';
const now = 1_700_000_000_000;

export function describeRecordingStore(name: string, prepare: () => Promise<OpenedPlace>): void {
  describe(name, () => {
    const { stores, reopen } = useStores(prepare);
    let sessionId: string;
    beforeEach(async () => {
      sessionId = randomUUID();
      await stores().participants.createSession({ id: sessionId, accountId, tag: null, createdAt: now });
    });

    function recording(changes: Partial<Recording> = {}): Recording {
      return {
        ...{ id: randomUUID(), accountId, sessionId, participantId: null, tag: null, format: 'ogg' },
        ...{ state: 'recording', reason: null, durationMs: null, bytes: 0, startedAt: now, endedAt: null },
        ...{ key: null },
        ...changes,
      };
    }

    async function claimed(changes: Partial<Recording> = {}): Promise<Recording> {
      const wanted = recording(changes);
      const claim = await stores().recordings.claimRecording(wanted, 'node', 100);
      expect(claim).toEqual({ result: 'claimed' });
      return wanted;
    }

    const stopped = { reason: 'stopped', durationMs: 5000, bytes: 700, endedAt: now + 5000 } as const;

    it('keeps what it claimed, field by field, also over its own end', async () => {
      const wanted = await claimed({ participantId: randomUUID(), tag: 'a tag', format: 'wav', key: 'k 1' });
      await reopen();
      expect(await stores().recordings.getRecording(accountId, wanted.id)).toEqual(wanted);
      expect(await stores().recordings.findRecordingByKey(accountId, 'k 1')).toEqual(wanted);
    });

    it('shows an account nothing of another', async () => {
      const { id } = await claimed({ key: 'k' });
      const { recordings } = stores();
      expect(await recordings.getRecording('other', id)).toBeNull();
      expect(await recordings.findRecordingByKey('other', 'k')).toBeNull();
      expect(await recordings.deleteRecording('other', id)).toBeNull();
      expect(await recordings.listRecordings({ accountId: 'other', limit: 10 })).toEqual({
        recordings: [],
        next: null,
      });
      expect(await recordings.listRecordings({ accountId: 'other', sessionId, limit: 10 })).toEqual({
        recordings: [],
        next: null,
      });
      expect(await recordings.getRecording(accountId, id)).not.toBeNull();
    });

    it('claims none for a session that is not there, is another account’s, or was deleted', async () => {
      const { recordings, participants: store } = stores();
      const none = { result: 'no-session' };
      expect(await recordings.claimRecording(recording({ sessionId: randomUUID() }), 'node', 9)).toEqual(
        none,
      );
      expect(await recordings.claimRecording(recording({ accountId: 'other' }), 'node', 9)).toEqual(none);
      const kept = await claimed();
      await store.deleteSession(accountId, sessionId);
      expect(await recordings.claimRecording(recording(), 'node', 9)).toEqual(none);
      expect(await recordings.getRecording(accountId, kept.id)).toEqual(kept);
    });

    it('claims one for a key, however many ask at once, and no more than the limit', async () => {
      const { recordings } = stores();
      const wanted = Array.from({ length: 5 }, () => recording({ key: 'same' }));
      const claims = await Promise.all(wanted.map((one) => recordings.claimRecording(one, 'node', 3)));
      expect(claims.map(({ result }) => result).sort()).toEqual(
        ['claimed', 'existing', 'existing', 'existing', 'existing'].sort(),
      );
      const others = Array.from({ length: 5 }, () => recording());
      const more = await Promise.all(others.map((one) => recordings.claimRecording(one, 'node', 3)));
      expect(more.filter(({ result }) => result === 'claimed')).toHaveLength(2);
      expect(more.filter(({ result }) => result === 'too-many')).toHaveLength(3);
    });

    it('keeps the first end, unless the file is lost afterwards', async () => {
      const { recordings } = stores();
      const { id } = await claimed();
      const ended = await recordings.endRecording(id, stopped);
      expect(ended).toMatchObject({ ...stopped, state: 'completed' });
      const again = { reason: 'media-lost', durationMs: 1, bytes: 1, endedAt: now + 6000 } as const;
      expect(await recordings.endRecording(id, again)).toEqual(ended);
      const lost = { reason: 'file-lost', durationMs: 0, bytes: 0, endedAt: now + 7000 } as const;
      expect(await recordings.endRecording(id, lost)).toMatchObject({ ...lost, state: 'failed' });
      expect(await recordings.endRecording(randomUUID(), stopped)).toBeNull();
    });

    it('sums up what an account has recorded, and forgets what is deleted', async () => {
      const { recordings } = stores();
      expect(await recordings.recordedBytes(accountId)).toBe(0);
      const one = await claimed();
      const two = await claimed({ key: 'k' });
      await recordings.endRecording(one.id, stopped);
      await recordings.endRecording(two.id, stopped);
      expect(await recordings.recordedBytes(accountId)).toBe(1400);
      expect(await recordings.deleteRecording(accountId, two.id)).toMatchObject({ id: two.id });
      expect(await recordings.deleteRecording(accountId, two.id)).toBeNull();
      expect(await recordings.recordedBytes(accountId)).toBe(700);
      expect(await recordings.findRecordingByKey(accountId, 'k')).toBeNull();
    });

    it('lists page by page, the newest first, of all sessions or of one', async () => {
      const { recordings, participants: store } = stores();
      const other = randomUUID();
      await store.createSession({ id: other, accountId, tag: null, createdAt: now });
      const ids: string[] = [];
      for (const of of [sessionId, other, sessionId]) ids.push((await claimed({ sessionId: of })).id);
      const first = await recordings.listRecordings({ accountId, limit: 2 });
      expect(first.recordings.map(({ id }) => id)).toEqual([ids[2], ids[1]]);
      const second = await recordings.listRecordings({ accountId, limit: 2, after: first.next ?? 0 });
      expect(second.recordings.map(({ id }) => id)).toEqual([ids[0]]);
      expect(second.next).toBeNull();
      const ofOne = await recordings.listRecordings({ accountId, sessionId, limit: 5 });
      expect(ofOne.recordings.map(({ id }) => id)).toEqual([ids[2], ids[0]]);
    });

    it('knows what a node left going on, what is old, and everything in the order of ids', async () => {
      const { recordings } = stores();
      const running = await claimed();
      const elsewhere = recording();
      await recordings.claimRecording(elsewhere, 'other node', 100);
      const ended = await claimed();
      await recordings.endRecording(ended.id, stopped);
      expect((await recordings.listRunningRecordings('node')).map(({ id }) => id)).toEqual([running.id]);
      expect(await recordings.listRecordingsEndedBefore(stopped.endedAt, 10)).toEqual([]);
      const old = await recordings.listRecordingsEndedBefore(stopped.endedAt + 1, 10);
      expect(old.map(({ id }) => id)).toEqual([ended.id]);
      const sorted = [running.id, elsewhere.id, ended.id].sort();
      const page = await recordings.scanRecordings('', 2);
      expect(page.map(({ id }) => id)).toEqual(sorted.slice(0, 2));
      expect((await recordings.scanRecordings(sorted[1] ?? '', 2)).map(({ id }) => id)).toEqual(
        sorted.slice(2),
      );
    });

    it('says that it cannot be reached once it is closed', async () => {
      const { recordings } = stores();
      await stores().close();
      await expect(recordings.getRecording(accountId, randomUUID())).rejects.toMatchObject({
        code: 'store-unavailable',
      });
    });
  });
}
