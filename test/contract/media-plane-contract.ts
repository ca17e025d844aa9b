import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { MediaLeg, MediaPlane, OpenLegRequest } from '../../src/domain/media-plane.js';
import { MediaOwner } from '../support/media-owner.js';

export interface MediaPlaneUnderTest {
  readonly plane: MediaPlane;
  /** An offer that a phone could make. */
  readonly phoneOffer: string;
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
        offer: tested.phoneOffer,
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
      expect(leg.localDescription).not.toBe('');
      await owner.until(({ streams }) => streams.length === 1);
      expect(owner.streams[0]).toMatchObject({ alias: 'microphone', mediaTypes: ['AUDIO'] });
      expect(owner.streams[0]?.streamId).toMatch(/^alice\../);
    });

    it('makes an offer where the far end made none, and takes the answer', async () => {
      const leg = await open({ offer: null });
      expect(leg.kind).toBe('phone');
      await leg.accept(tested.answerTo(leg.localDescription));
    });

    it('answers later offers, makes its own, and forgets one that was refused', async () => {
      const leg = await open();
      expect(await leg.answer(tested.phoneOffer)).not.toBe('');
      await leg.offer();
      await leg.rollback();
      await leg.accept(tested.answerTo(await leg.offer()));
    });

    it('takes a set of streams that are not there yet', async () => {
      const leg = await open();
      await leg.receive(['somebody.1', 'somebody.2'], false);
      await leg.receive([], true);
    });

    it('takes a prompt, another in its place, and its end', async () => {
      const leg = await open();
      await leg.receive([], true);
      await leg.prompt('pin', 4000);
      await leg.prompt('quiet', null);
      await leg.prompt(null, null);
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
