import { beforeEach, describe, expect, it } from 'vitest';
import { account, DomainFixture } from '../../../test/support/domain-fixture.js';
import { MemorySoundFiles } from '../../../test/support/memory-files.js';
import { MediaRefusal } from '../media-plane.js';
import { PlaybackService, type NewPlayback } from './playback-service.js';
import { SoundService } from './sound-service.js';

let fixture: DomainFixture;
let playbacks: PlaybackService;
let sessionId: string;

beforeEach(async () => {
  fixture = new DomainFixture();
  const files = new MemorySoundFiles();
  files.names.add('welcome');
  playbacks = new PlaybackService({
    ...{ sessions: fixture.sessions, legs: fixture.legs, events: fixture.recorder, clock: fixture.clock },
    sounds: new SoundService({ files, limits: { maxSeconds: 300, maxPerAccount: 100, minFreeBytes: 0 } }),
    maxPlaybacks: 3,
  });
  fixture.legs.observe(playbacks);
  sessionId = await fixture.session();
});

const welcome: NewPlayback = { sound: 'welcome', times: 1, mode: 'over' };
const beep: NewPlayback = {
  sound: { frequenciesHz: [440, 480], durationMs: 500, levelDb: -10 },
  times: null,
  mode: 'instead',
};

/** A phone in the session. */
async function phone() {
  const created = await fixture.participant(sessionId);
  const leg = await fixture.join(created);
  return { id: created.participant.id, leg, media: fixture.mediaOf(created) };
}

const ends = () => fixture.ofType('playback.ended').map(({ data }) => data.how);

describe('A playback', () => {
  it('is of an uploaded sound or a tone, and is told when it begins and when it is over', async () => {
    const { id, leg, media } = await phone();
    const played = await playbacks.play(account, id, welcome);
    expect(media.playing).toEqual({
      playbackId: played.id,
      sound: { kind: 'file', path: '/sounds/acme/welcome.wav' },
      times: 1,
      mode: 'over',
    });
    expect(await playbacks.list(account, id)).toEqual([played]);
    media.finishPlaying();
    expect(await playbacks.list(account, id)).toEqual([]);

    const tone = await playbacks.play(account, id, beep);
    expect(media.playing).toMatchObject({ sound: { kind: 'tone', frequenciesHz: [440, 480] }, times: null });
    const started = fixture.ofType('playback.started');
    expect(started.map(({ data }) => data)).toEqual([
      { legId: leg.legId, playbackId: played.id, sound: 'welcome', times: 1, mode: 'over' },
      { legId: leg.legId, playbackId: tone.id, sound: null, times: null, mode: 'instead' },
    ]);
    expect(started[0]).toMatchObject({ sessionId, participantId: id });
  });

  it('is stopped by its id or whatever it is, and another takes its place', async () => {
    const { id, media } = await phone();
    const first = await playbacks.play(account, id, welcome);
    const second = await playbacks.play(account, id, beep);
    expect(ends()).toEqual(['replaced']);
    await expect(playbacks.stop(account, id, first.id)).rejects.toMatchObject({ code: 'playback-not-found' });
    await playbacks.stop(account, id, second.id);
    expect(media.playing).toBeNull();
    await playbacks.play(account, id, beep);
    await playbacks.stop(account, id, null);
    await playbacks.stop(account, id, null);
    expect(ends()).toEqual(['replaced', 'stopped', 'stopped']);
    expect(playbacks.size).toBe(0);
  });

  it('ends with its leg, before the leg is told as ended', async () => {
    const { id, leg } = await phone();
    await playbacks.play(account, id, beep);
    await leg.end({ endedBy: 'participant', reason: 'hangup' });
    expect(ends()).toEqual(['leg-ended']);
    const types = fixture.types();
    expect(types.indexOf('playback.ended')).toBeLessThan(types.indexOf('call.ended'));
    expect(playbacks.size).toBe(0);
  });

  it('that is over before its beginning is known is told in order all the same', async () => {
    const { id, media } = await phone();
    const play = media.play.bind(media);
    media.play = async (playback) => {
      await play(playback);
      media.finishPlaying();
    };
    await playbacks.play(account, id, welcome);
    expect(fixture.types().slice(-2)).toEqual(['playback.started', 'playback.ended']);
    expect(playbacks.size).toBe(0);
  });

  it('that its session’s end overtakes is told of no more', async () => {
    const { id, media } = await phone();
    const play = media.play.bind(media);
    media.play = async (playback) => {
      await play(playback);
      await fixture.sessions.deleteSession(account, sessionId);
    };
    await expect(playbacks.play(account, id, welcome)).rejects.toMatchObject({
      code: 'participant-not-connected',
    });
    const facts = fixture.events.filter((event) => event.sessionId === sessionId);
    expect(facts.at(-1)?.type).toBe('session.deleted');
    expect(playbacks.size).toBe(0);
  });

  it('needs a connected phone of the account and a sound that is there and can be played', async () => {
    const absent = (await fixture.participant(sessionId)).participant.id;
    const created = await fixture.participant(sessionId);
    await fixture.join(created, 'browser');
    const { id, media } = await phone();
    const refused = async (participantId: string, wanted = welcome, of = account) =>
      playbacks.play(of, participantId, wanted).then(
        () => 'played',
        (error: { code: string }) => error.code,
      );
    expect(await refused(absent)).toBe('participant-not-connected');
    expect(await refused(created.participant.id)).toBe('not-a-phone');
    expect(await refused(id, { ...welcome, sound: 'unknown' })).toBe('sound-not-found');
    expect(await refused(id, { ...welcome, sound: '../x' })).toBe('sound-not-found');
    expect(await refused(id, welcome, 'other')).toBe('participant-not-found');
    media.refuseNextPlay(new MediaRefusal('bad-sound', 'no sound'));
    expect(await refused(id)).toBe('sound-unusable');
    media.refuseNextPlay(new MediaRefusal('overloaded', 'no memory'));
    expect(await refused(id)).toBe('media-overloaded');
    expect(fixture.ofType('playback.started')).toEqual([]);
    expect(playbacks.size).toBe(0);
  });

  it('is refused where there are too many, and not begun in part', async () => {
    const phones = [await phone(), await phone()];
    await playbacks.play(account, phones[0]?.id ?? '', beep);
    const played = await playbacks.playToSession(account, sessionId, beep);
    expect(played.map(({ participantId }) => participantId)).toEqual(phones.map(({ id }) => id));
    await playbacks.play(account, phones[0]?.id ?? '', beep);
    await expect(playbacks.playToSession(account, sessionId, beep)).rejects.toMatchObject({
      code: 'too-many-playbacks',
    });
    expect(playbacks.size).toBe(2);
  });

  it('to a session is to all of its phones or to none', async () => {
    await phone();
    const { media } = await phone();
    media.refuseNextPlay(new MediaRefusal('overloaded', 'no memory'));
    await expect(playbacks.playToSession(account, sessionId, beep)).rejects.toMatchObject({
      code: 'media-overloaded',
    });
    expect(fixture.ofType('playback.started')).toHaveLength(1);
    expect(fixture.ofType('playback.ended')).toMatchObject([{ data: { how: 'stopped' } }]);
    expect(playbacks.size).toBe(0);
  });

  it('to a session is for its phones alone', async () => {
    const { id } = await phone();
    await fixture.join(await fixture.participant(sessionId), 'browser');
    const elsewhere = await fixture.session();
    await fixture.join(await fixture.participant(elsewhere));
    const played = await playbacks.playToSession(account, sessionId, welcome);
    expect(played.map(({ participantId }) => participantId)).toEqual([id]);
    await expect(playbacks.playToSession('other', sessionId, welcome)).rejects.toMatchObject({
      code: 'session-not-found',
    });
  });
});
