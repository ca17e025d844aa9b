/** The contract of `MediaPlane`, for every implementation of it. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  mainConnection,
  type MediaLeg,
  type MediaPlane,
  type OpenLegRequest,
  type Playback,
  type RecordingFormat,
} from '../../src/domain/media-plane.js';
import { MediaOwner } from '../support/media-owner.js';

export interface MediaPlaneUnderTest {
  readonly plane: MediaPlane;
  /** An offer that a phone could make. */
  readonly phoneOffer: string;
  /** One of a phone that takes telephone events. */
  readonly phoneOfferWithKeys: string;
  /** An answer that a phone could give to `offer`. */
  answerTo(offer: string): string;
}

/** What every media plane does, whatever is behind it. */
export function mediaPlaneContract(name: string, create: () => Promise<MediaPlaneUnderTest>): void {
  describe(`a media plane (${name})`, () => {
    let tested: MediaPlaneUnderTest;
    let owner: MediaOwner;
    let ids = 0;

    const open = (request: Partial<OpenLegRequest> = {}): Promise<MediaLeg> => {
      ids += 1;
      return tested.plane.openLeg({
        legId: `leg-${ids}`,
        participantId: `participant-${ids}`,
        sessionId: 'session',
        ...mainConnection('phone', tested.phoneOffer),
        mayPublish: ['AUDIO'],
        listener: owner,
        ...request,
      });
    };

    beforeEach(async () => {
      tested = await create();
      owner = new MediaOwner();
    });
    afterEach(() => tested.plane.close());

    it('answers a phone, and tells what the phone publishes by an id that begins with its participant', async () => {
      expect(tested.plane.isReady).toBe(true);
      const leg = await open({ legId: 'a', participantId: 'alice' });
      expect(leg).toMatchObject({ legId: 'a', kind: 'phone' });
      expect(leg.connection('main').localDescription).not.toBe('');
      await owner.until(({ streams }) => streams.length === 1);
      expect(owner.streams[0]).toMatchObject({ alias: 'microphone', mediaTypes: ['AUDIO'] });
      expect(owner.streams[0]?.streamId).toMatch(/^alice\../);
    });

    it('makes an offer where the far end made none, and takes the answer', async () => {
      const leg = await open(mainConnection('phone', null));
      expect(leg.kind).toBe('phone');
      const main = leg.connection('main');
      await main.accept(tested.answerTo(main.localDescription));
    });

    it('answers later offers, makes its own, and forgets one that was refused', async () => {
      const leg = await open();
      const main = leg.connection('main');
      expect(await main.answer(tested.phoneOffer)).not.toBe('');
      await main.offer();
      await main.rollback();
      await main.accept(tested.answerTo(await main.offer()));
    });

    it('tells once of each hold, and that the phone takes the call up again', async () => {
      const main = (await open()).connection('main');
      const held = `${tested.phoneOffer.trimEnd()}\r\na=sendonly\r\n`;
      for (const offer of [tested.phoneOffer, held, held, tested.phoneOffer]) await main.answer(offer);
      await owner.until(({ holds }) => holds.length === 2);
      expect(owner.holds).toEqual([true, false]);
    });

    it('has the connections that it was opened with, and no other', async () => {
      const leg = await open();
      expect(leg.connection('main')).toBe(leg.connection('main'));
      expect(() => leg.connection('other')).toThrow(RangeError);
    });

    it('opens a browser without any description, whose connections are described one by one', async () => {
      const leg = await open({
        kind: 'browser',
        connections: [
          { name: 'up', flow: 'publish' },
          { name: 'down', flow: 'receive' },
        ],
      });
      expect(leg.kind).toBe('browser');
      expect(leg.connection('up').localDescription).toBe('');
      await leg.receive({ down: ['somebody.1'] }, false);
      await leg.connection('down').offer();
      await leg.connection('down').rollback();
    });

    it('takes a set of streams that are not there yet', async () => {
      const leg = await open();
      await leg.receive({ main: ['somebody.1', 'somebody.2'] }, false);
      await leg.receive({ main: [] }, true);
    });

    it('takes a prompt, another in its place, and its end', async () => {
      const leg = await open();
      await leg.receive({ main: [] }, true);
      await leg.prompt('pin', 4000);
      await leg.prompt('quiet', null);
      await leg.prompt(null, null);
    });

    const endless = (playbackId: string): Playback => ({
      playbackId,
      sound: { kind: 'tone', frequenciesHz: [440, 480], durationMs: 500, levelDb: -20 },
      times: null,
      mode: 'over',
    });

    it('plays a sound until it is stopped, and tells once that it is over', async () => {
      const leg = await open();
      await leg.play(endless('a'));
      await leg.stopPlaying('b');
      expect(owner.played).toEqual([]);
      await leg.stopPlaying('a');
      await leg.stopPlaying('a');
      await owner.until(({ played }) => played.length > 0);
      expect(owner.played).toEqual(['a stopped']);
    });

    it('replaces the sound that is played by the next, and not by a short tone', async () => {
      const leg = await open();
      await leg.play(endless('a'));
      await leg.tone({ kind: 'tone', frequenciesHz: [600], durationMs: 100, levelDb: -20 });
      await leg.play(endless('b'));
      await owner.until(({ played }) => played.length > 0);
      expect(owner.played).toEqual(['a replaced']);
    });

    it('tells nothing of a sound after the leg was closed', async () => {
      const leg = await open();
      await leg.play(endless('a'));
      await leg.close();
      await expect(leg.play(endless('b'))).rejects.toMatchObject({ name: 'MediaRefusal' });
      expect(owner.played).toEqual([]);
    });

    it('sends keys to a phone that takes telephone events, and none after its end', async () => {
      const leg = await open(mainConnection('phone', tested.phoneOfferWithKeys));
      await Promise.all([leg.sendDtmf('1', 40), leg.sendDtmf('2#', 40)]);
      const cutOff = expect(leg.sendDtmf('3'.repeat(11), 5000)).rejects.toMatchObject({
        name: 'MediaRefusal',
        code: 'overloaded',
      });
      await leg.close();
      await cutOff;
      await expect(leg.sendDtmf('4', 40)).rejects.toMatchObject({ name: 'MediaRefusal' });
    });

    describe.each<RecordingFormat>(['wav', 'ogg'])('records to %s', (format) => {
      let directory: string;
      let ended: number;
      const record = (recordingId = 'recording'): ReturnType<MediaPlane['openRecording']> =>
        tested.plane.openRecording({
          recordingId,
          sessionId: 'session',
          path: join(directory, recordingId),
          format,
          maxBytes: 1_000_000,
          maxDurationMs: 60_000,
          listener: { onEnded: () => void ended++ },
        });

      beforeEach(async () => {
        directory = await mkdtemp(join(tmpdir(), 'landbridge-contract-'));
        ended = 0;
      });
      afterEach(() => rm(directory, { recursive: true }));

      it('what it is told to receive, and says how much', async () => {
        const recording = await record();
        await recording.receive(['somebody.1', 'somebody.2']);
        await recording.receive([]);
        const size = await recording.size();
        const result = await recording.stop();
        expect(result?.durationMs).toBeGreaterThanOrEqual(size?.durationMs ?? Infinity);
        expect(result?.bytes).toBeGreaterThan(0);
      });

      it('until it is stopped, as often as that is asked', async () => {
        const recording = await record();
        const [first, second] = await Promise.all([recording.stop(), recording.stop()]);
        expect(second).toEqual(first);
        expect(await recording.stop()).toEqual(first);
        expect(await recording.size()).toEqual(first);
        await expect(recording.receive([])).rejects.toMatchObject({ name: 'MediaRefusal' });
        expect(ended).toBe(0);
      });

      it('several at once, until the plane is closed', async () => {
        const recordings = await Promise.all([record('a'), record('b')]);
        await tested.plane.close();
        await Promise.all(recordings.map((recording) => recording.stop()));
        expect(ended).toBe(0);
      });
    });

    it('publishes nothing of a leg that may not', async () => {
      await open({ mayPublish: [], listener: owner });
      const other = new MediaOwner();
      await open({ listener: other });
      await other.until(({ streams }) => streams.length === 1);
      expect(owner.streams).toEqual([]);
    });

    it('closes a leg as often as asked, and tells nothing of it afterwards', async () => {
      const leg = await open();
      await Promise.all([leg.close(), leg.close()]);
      await leg.close();
      expect(owner.ended).toEqual([]);
    });

    it('closes as often as asked, with its legs', async () => {
      await open();
      await tested.plane.close();
      await tested.plane.close();
      expect(owner.ended).toEqual([]);
    });
  });
}
