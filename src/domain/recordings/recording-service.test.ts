import { randomUUID } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import { account } from '../../../test/support/domain-fixture.js';
import { RecordingStage } from '../../../test/support/recording-stage.js';
import { MediaRefusal } from '../media-plane.js';

let stage: RecordingStage;
afterEach(() => stage.close());

async function prepare(...options: ConstructorParameters<typeof RecordingStage>) {
  stage = new RecordingStage(...options);
  const { fixture } = stage;
  const sessionId = await fixture.session();
  const join = async (of = sessionId) => {
    const created = await fixture.participant(of);
    const leg = await fixture.join(created);
    const { id } = created.participant;
    return { id, leg, stream: `${id}.microphone` };
  };
  return { fixture, sessionId, join };
}

const refusal = (attempt: Promise<unknown>): Promise<string> =>
  attempt.then(
    () => 'accepted',
    (error: { code?: string }) => error.code ?? String(error),
  );

describe('A recording of a session', () => {
  it('holds whatever can be heard there, as people come, are muted and go', async () => {
    const { fixture, sessionId, join } = await prepare();
    const first = await join();
    const recording = await stage.start(sessionId);
    const media = stage.media(recording.id);
    expect(media.received).toEqual([first.stream]);
    const second = await join();
    await join(await fixture.session());
    expect(media.received).toEqual([first.stream, second.stream]);
    await fixture.sessions.setMuted(account, sessionId, second.id, { stream: 'microphone', isMuted: true });
    expect(media.received).toEqual([first.stream]);
    await fixture.sessions.setMuted(account, sessionId, second.id, { stream: 'microphone', isMuted: false });
    await first.leg.end({ endedBy: 'participant', reason: 'hangup' });
    expect(media.received).toEqual([second.stream]);
    await second.leg.end({ endedBy: 'participant', reason: 'hangup' });
    expect(media.received).toEqual([]);
    expect((await stage.get(recording.id)).state).toBe('recording');
  });

  it('does not hold pictures', async () => {
    const { fixture, sessionId } = await prepare();
    const created = await fixture.participant(sessionId);
    await fixture.join(created, 'browser');
    const { id: recordingId } = await stage.start(sessionId);
    fixture.mediaOf(created).listener.onStreams([
      { streamId: 'p.screenShare', alias: 'screenShare', mediaTypes: ['VIDEO'] },
      { streamId: 'p.camera', alias: 'camera', mediaTypes: ['AUDIO', 'VIDEO'] },
    ]);
    expect(stage.media(recordingId).received).toEqual(['p.camera']);
  });

  it('is stopped once, with the figures of its file, and a file that was asked for by its id', async () => {
    const { fixture, sessionId } = await prepare();
    const recording = await stage.start(sessionId, { format: 'wav', tag: 'a tag' });
    const media = stage.media(recording.id);
    expect(media.request).toMatchObject({
      ...{ path: `/recordings/${recording.id}.wav`, format: 'wav', sessionId },
      ...{ maxBytes: 1000, maxDurationMs: 600_000 },
    });
    media.result = { durationMs: 5000, bytes: 700 };
    fixture.clock.advance(5000);
    const [one, other] = await Promise.all([
      stage.service.stop(account, recording.id),
      stage.service.stop(account, recording.id),
    ]);
    expect(one).toMatchObject({
      ...{ state: 'completed', reason: 'stopped', durationMs: 5000, bytes: 700, tag: 'a tag' },
      endedAt: recording.startedAt + 5000,
    });
    expect(other).toEqual(one);
    expect(await stage.service.stop(account, recording.id)).toEqual(one);
    expect(media.stops).toBe(1);
    expect(stage.facts()).toEqual(['recording.started', 'recording.stopped stopped']);
    expect(fixture.ofType('recording.stopped')[0]).toMatchObject({
      ...{ sessionId, participantId: null, tag: 'a tag' },
      data: { recordingId: recording.id, sessionId, format: 'wav', durationMs: 5000, bytes: 700 },
    });
    expect(stage.service.bytesWritten).toBe(700);
  });

  it('is complete when its session is deleted, and tells so before; later facts are the account’s', async () => {
    const { fixture, sessionId, join } = await prepare();
    await join();
    const { id } = await stage.start(sessionId);
    await fixture.sessions.deleteSession(account, sessionId);
    expect(await stage.get(id)).toMatchObject({ state: 'completed', reason: 'session-deleted' });
    const types = fixture.types();
    expect(types.indexOf('recording.stopped')).toBeLessThan(types.indexOf('participant.left'));
    await stage.service.delete(account, id);
    expect(fixture.ofType('recording.deleted')[0]).toMatchObject({ sessionId: null, data: { sessionId } });
  });

  it('that was begun while its session was being deleted ends too', async () => {
    const { fixture, sessionId } = await prepare();
    const { store } = fixture;
    const deleteSession = store.deleteSession.bind(store);
    let begun = '';
    store.deleteSession = async (...which) => {
      begun = (await stage.start(sessionId)).id;
      return deleteSession(...which);
    };
    await fixture.sessions.deleteSession(account, sessionId);
    expect(await stage.get(begun)).toMatchObject({ state: 'completed', reason: 'session-deleted' });
    expect(await refusal(stage.start(sessionId))).toBe('session-not-found');
  });
});

describe('A recording of one participant', () => {
  it('holds what it says and what it hears', async () => {
    const { fixture, sessionId, join } = await prepare();
    const one = await join();
    const other = await join();
    const third = await join();
    const subscriptions = { participants: [{ participantId: other.id }] };
    await fixture.sessions.setSubscriptions(account, sessionId, one.id, subscriptions);
    const { id } = await stage.start(sessionId, { participantId: one.id });
    const media = stage.media(id);
    expect(media.received).toEqual([one.stream, other.stream]);
    await fixture.sessions.setSubscriptions(account, sessionId, one.id, { sessionId });
    expect(media.received).toEqual([one.stream, other.stream, third.stream]);
    await fixture.sessions.setMuted(account, sessionId, one.id, { stream: 'microphone', isMuted: true });
    expect(media.received).toEqual([other.stream, third.stream]);
  });

  it('ends with its leg, and when it leaves the session', async () => {
    const { fixture, sessionId, join } = await prepare();
    const [one, other] = [await join(), await join()];
    const ofOne = await stage.start(sessionId, { participantId: one.id });
    const ofOther = await stage.start(sessionId, { participantId: other.id });
    await one.leg.end({ endedBy: 'participant', reason: 'hangup' });
    await fixture.sessions.removeParticipant(account, sessionId, other.id);
    for (const { id } of [ofOne, ofOther]) {
      expect(await stage.ended(id)).toMatchObject({ state: 'completed', reason: 'participant-left' });
    }
  });

  it('is refused for one who is not connected, not in the session, or nobody', async () => {
    const { fixture, sessionId, join } = await prepare();
    const absent = (await fixture.participant(sessionId)).participant.id;
    const elsewhere = await join(await fixture.session());
    const of = (participantId: string) => refusal(stage.start(sessionId, { participantId }));
    expect(await of(absent)).toBe('participant-not-connected');
    expect(await of(elsewhere.id)).toBe('participant-not-in-session');
    expect(await of(randomUUID())).toBe('participant-not-found');
    expect(stage.facts()).toEqual([]);
  });
});

describe('Beginning a recording', () => {
  it('is one for one idempotency key, and refused where the key was another’s', async () => {
    const { sessionId } = await prepare();
    const first = await stage.start(sessionId, { key: 'k' });
    const again = await Promise.all([
      stage.start(sessionId, { key: 'k' }),
      stage.start(sessionId, { key: 'k' }),
    ]);
    expect(again.map(({ id }) => id)).toEqual([first.id, first.id]);
    expect(await refusal(stage.start(sessionId, { key: 'k', format: 'wav' }))).toBe('recording-key-reused');
    expect(stage.facts()).toEqual(['recording.started']);
    expect(stage.service.running).toHaveLength(1);
  });

  it('that a first request could not begin is the second’s to begin', async () => {
    const { fixture, sessionId } = await prepare();
    fixture.media.refuseNextRecording(new MediaRefusal('overloaded', 'no'));
    const [first, second] = await Promise.allSettled([
      stage.start(sessionId, { key: 'k' }),
      stage.start(sessionId, { key: 'k' }),
    ]);
    expect(first).toMatchObject({ status: 'rejected', reason: { code: 'media-overloaded' } });
    if (second.status === 'rejected') throw second.reason;
    expect(await stage.get(second.value.id)).toMatchObject({ state: 'recording' });
    expect(stage.service.running).toHaveLength(1);
  });

  it('that has ended is shown so to who asks for it again by its key', async () => {
    const { sessionId } = await prepare();
    const { id } = await stage.start(sessionId, { key: 'k' });
    stage.media(id).result = { durationMs: 1000, bytes: 900 };
    await stage.watch.check();
    expect(await stage.start(sessionId, { key: 'k' })).toMatchObject({ id, durationMs: 1000, bytes: 900 });
    await stage.service.stop(account, id);
    expect(await stage.start(sessionId, { key: 'k' })).toMatchObject({ id, state: 'completed' });
  });

  it('keeps every limit', async () => {
    const { fixture, sessionId } = await prepare({ maxAtOnce: 2, maxPerAccount: 3 });
    await stage.start(sessionId);
    const attempts = await Promise.all([1, 2, 3].map(() => refusal(stage.start(sessionId))));
    expect(attempts.sort()).toEqual(['accepted', 'too-many-recordings', 'too-many-recordings']);
    await fixture.sessions.deleteSession(account, sessionId);
    const next = await fixture.session();
    await stage.start(next);
    expect(await refusal(stage.start(next))).toBe('recording-limit');
    stage.files.free = 99;
    expect(await refusal(stage.start(next))).toBe('disk-full');
    expect(await refusal(stage.service.start('other', next, wanted))).toBe('session-not-found');
    expect(stage.service.running).toHaveLength(1);
  });

  const wanted = { format: 'ogg', participantId: null, tag: null, key: null } as const;

  it('is refused where the account has no room, and gets no more than there is', async () => {
    const { sessionId } = await prepare({ maxBytesPerAccount: 1500 });
    const first = await stage.start(sessionId);
    stage.media(first.id).result = { durationMs: 1000, bytes: 900 };
    await stage.service.stop(account, first.id);
    const second = await stage.start(sessionId);
    const media = stage.media(second.id);
    expect(media.request.maxBytes).toBe(600);
    media.result = { durationMs: 1000, bytes: 600 };
    media.end('too-large');
    expect(await stage.ended(second.id)).toMatchObject({ state: 'completed', reason: 'quota-exceeded' });
    expect(await refusal(stage.start(sessionId))).toBe('recording-quota');
    await stage.service.delete(account, first.id);
    expect(await refusal(stage.start(sessionId))).toBe('accepted');
  });

  it('is refused where nobody can record', async () => {
    const { sessionId } = await prepare({ maxAtOnce: 0 });
    expect(await refusal(stage.start(sessionId))).toBe('recording-off');
  });

  it('leaves nothing where the media cannot', async () => {
    const { fixture, sessionId } = await prepare();
    const codes = { overloaded: 'media-overloaded', 'disk-full': 'disk-full' } as const;
    for (const [code, expected] of Object.entries(codes)) {
      fixture.media.refuseNextRecording(new MediaRefusal(code as 'overloaded', 'no'));
      expect(await refusal(stage.start(sessionId, { key: 'k' }))).toBe(expected);
    }
    expect(await stage.service.list({ accountId: account, limit: 10 })).toEqual({
      recordings: [],
      next: null,
    });
    expect(stage.files.removed).toHaveLength(2);
    expect(stage.service.running).toEqual([]);
    expect(stage.facts()).toEqual([]);
    expect(await refusal(stage.start(sessionId, { key: 'k' }))).toBe('accepted');
  });
});

describe('A recording that ends by itself', () => {
  it.each([
    ['too-long', 'completed', 'too-long'],
    ['too-large', 'completed', 'too-large'],
    ['disk-full', 'failed', 'disk-full'],
    ['failed', 'failed', 'internal-error'],
    ['media-lost', 'failed', 'media-lost'],
  ] as const)('for it was %s is %s', async (why, state, reason) => {
    const { sessionId } = await prepare();
    const { id } = await stage.start(sessionId);
    stage.files.held.set(`/recordings/${id}.ogg`, { durationMs: 40, bytes: 44 });
    stage.media(id).end(why);
    const ended = await stage.ended(id);
    expect(ended).toMatchObject({ state, reason, bytes: 44 });
    expect(stage.media(id).stops).toBe(0);
    const fact = state === 'completed' ? 'recording.stopped' : 'recording.failed';
    expect(stage.facts()).toEqual(['recording.started', `${fact} ${reason}`]);
  });

  it('and whose worker is gone when it is stopped has failed, with what its file holds', async () => {
    const { sessionId } = await prepare();
    const { id } = await stage.start(sessionId);
    stage.media(id).result = null;
    stage.files.held.set(`/recordings/${id}.ogg`, { durationMs: null, bytes: 300 });
    const stopped = await stage.service.stop(account, id);
    expect(stopped).toMatchObject({ state: 'failed', reason: 'media-lost', durationMs: null, bytes: 300 });
  });
});

describe('Deleting a recording', () => {
  it('stops it, and takes record and file', async () => {
    const { sessionId } = await prepare();
    const { id } = await stage.start(sessionId);
    expect(await refusal(stage.service.find(account, id))).toBe('recording-running');
    expect(await refusal(stage.service.delete('other', id))).toBe('recording-not-found');
    await stage.service.delete(account, id);
    expect(stage.files.removed).toEqual([id]);
    expect(await refusal(stage.get(id))).toBe('recording-not-found');
    expect(await refusal(stage.service.delete(account, id))).toBe('recording-not-found');
    expect(stage.facts()).toEqual(['recording.started', 'recording.stopped stopped', 'recording.deleted']);
  });

  it('is done also where the file cannot be removed yet: the next start does', async () => {
    const { sessionId } = await prepare();
    const { id } = await stage.start(sessionId);
    await stage.service.stop(account, id);
    stage.files.held.set(`/recordings/${id}.ogg`, { durationMs: 40, bytes: 44 });
    stage.files.failNextRemoval(new Error('EIO'));
    await stage.service.delete(account, id);
    expect(stage.files.held.size).toBe(1);
    await stage.recover();
    expect(stage.files.held.size).toBe(0);
  });
});

describe('Looking after recordings', () => {
  it('shows how far they are, and ends those of an account above its quota', async () => {
    const { fixture, sessionId } = await prepare({ maxBytes: 4000 });
    stage.watch.start();
    const [one, two] = [await stage.start(sessionId), await stage.start(sessionId)];
    stage.media(one.id).result = { durationMs: 2000, bytes: 2400 };
    stage.media(two.id).result = { durationMs: 2000, bytes: 2400 };
    await stage.watch.check();
    expect(await stage.get(one.id)).toMatchObject({ state: 'recording', durationMs: 2000, bytes: 2400 });
    expect(stage.service.bytesWritten).toBe(4800);
    stage.media(two.id).result = { durationMs: 3000, bytes: 2600 };
    await stage.watch.check();
    for (const { id } of [one, two]) {
      expect(await stage.get(id)).toMatchObject({ state: 'completed', reason: 'quota-exceeded' });
    }
    expect(fixture.clock.pending).toBe(1);
  });

  it('ends them where the disk has too little left', async () => {
    const { sessionId } = await prepare();
    const { id } = await stage.start(sessionId);
    stage.files.free = 99;
    await stage.watch.check();
    expect(await stage.get(id)).toMatchObject({ state: 'completed', reason: 'disk-low' });
  });

  it('writes the end of one into the store when that can be reached again', async () => {
    const { sessionId } = await prepare();
    const { id } = await stage.start(sessionId);
    const { store } = stage;
    const endRecording = store.endRecording.bind(store);
    store.endRecording = () => Promise.reject(new Error('the disk is full'));
    await stage.service.stop(account, id);
    expect(await store.getRecording(account, id)).toMatchObject({ state: 'recording' });
    expect(await stage.get(id)).toMatchObject({ state: 'completed', reason: 'stopped' });
    await stage.watch.check();
    store.endRecording = endRecording;
    await stage.watch.check();
    expect(await store.getRecording(account, id)).toMatchObject({ state: 'completed', bytes: 44 });
    expect(stage.service.running).toEqual([]);
    expect(stage.facts()).toEqual(['recording.started', 'recording.stopped stopped']);
  });

  it('looks at the disk though the store is away, and at the store though the disk is', async () => {
    const { sessionId } = await prepare();
    const { store, files } = stage;
    const [one, other] = [await stage.start(sessionId), await stage.start(sessionId)];
    const endRecording = store.endRecording.bind(store);
    store.endRecording = () => Promise.reject(new Error('the store is away'));
    await stage.service.stop(account, one.id);
    store.endRecording = endRecording;
    files.free = NaN;
    await stage.watch.check();
    expect(await store.getRecording(account, one.id)).toMatchObject({ state: 'completed' });
    files.free = 0;
    store.recordedBytes = () => Promise.reject(new Error('the store is away'));
    await stage.watch.check();
    expect(await stage.get(other.id)).toMatchObject({ reason: 'disk-low' });
  });

  it('deletes those that are old', async () => {
    const { fixture, sessionId } = await prepare({}, 86_400_000);
    const old = await stage.start(sessionId);
    await stage.service.stop(account, old.id);
    const running = await stage.start(sessionId);
    fixture.clock.advance(86_400_000);
    await stage.watch.prune();
    expect(await refusal(stage.get(old.id))).toBe('accepted');
    fixture.clock.advance(1);
    await stage.watch.prune();
    expect(await refusal(stage.get(old.id))).toBe('recording-not-found');
    expect(await refusal(stage.get(running.id))).toBe('accepted');
  });
});

describe('A start', () => {
  it('finds what an earlier life left: running ones have failed, lost files are told, strangers’ go', async () => {
    const { sessionId } = await prepare();
    const ids = [];
    for (let count = 0; count < 4; count += 1) ids.push((await stage.start(sessionId)).id);
    const [whole = '', cut = '', lost = '', never = ''] = ids;
    const path = (id: string) => `/recordings/${id}.ogg`;
    await stage.service.stop(account, whole);
    await stage.service.stop(account, lost);
    const stranger = randomUUID();
    stage.files.held.set(path(whole), { durationMs: 40, bytes: 44 });
    stage.files.held.set(path(cut), { durationMs: 3000, bytes: 900 });
    stage.files.held.set(path(stranger), { durationMs: 1, bytes: 1 });
    const before = stage.facts().length;

    await stage.recover();
    expect(await stage.store.getRecording(account, whole)).toMatchObject({ state: 'completed', bytes: 44 });
    expect(await stage.store.getRecording(account, cut)).toMatchObject({
      ...{ state: 'failed', reason: 'gateway-restarted', durationMs: 3000, bytes: 900 },
    });
    expect(await stage.store.getRecording(account, never)).toMatchObject({
      ...{ state: 'failed', reason: 'gateway-restarted', bytes: 0 },
    });
    expect(await stage.store.getRecording(account, lost)).toMatchObject({
      ...{ state: 'failed', reason: 'file-lost', bytes: 0 },
    });
    expect(stage.files.removed).toEqual([stranger]);
    expect(stage.facts().slice(before).sort()).toEqual([
      'recording.failed file-lost',
      'recording.failed gateway-restarted',
      'recording.failed gateway-restarted',
    ]);
    const told = stage.facts().length;
    await stage.recover();
    expect(stage.facts()).toHaveLength(told);
  });
});

it('A start goes on where a file cannot be read, or not be removed', async () => {
  const { sessionId } = await prepare();
  const { id } = await stage.start(sessionId);
  stage.files.unreadable.add(id);
  stage.files.held.set(`/recordings/${randomUUID()}.ogg`, { durationMs: 1, bytes: 1 });
  stage.files.failNextRemoval(new Error('EACCES'));
  await stage.recover();
  expect(await stage.store.getRecording(account, id)).toMatchObject({
    ...{ state: 'failed', reason: 'gateway-restarted', durationMs: null, bytes: 0 },
  });
});

it('A gateway that stops completes what it records, and begins no more', async () => {
  const { sessionId } = await prepare();
  const { id } = await stage.start(sessionId);
  await stage.service.close();
  expect(await stage.get(id)).toMatchObject({ state: 'completed', reason: 'gateway-stopping' });
  expect(await refusal(stage.start(sessionId))).toBe('too-many-recordings');
});
