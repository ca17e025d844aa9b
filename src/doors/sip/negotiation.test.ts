import { EventEmitter } from 'node:events';
import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../../test/support/manual-clock.js';
import { RecordingMediaLeg } from '../../../test/support/recording-media-plane.js';
import { silentLogger } from '../../domain/logger.js';
import { mainConnection, MediaRefusal } from '../../domain/media-plane.js';
import { Negotiation, OfferCollision } from './negotiation.js';
import type { SrfDialog, SrfResponse } from './srf.js';

/** A far end that answers when the test says so. */
class FarEnd extends EventEmitter implements SrfDialog {
  readonly local = { contact: '<sip:gateway@192.0.2.1>' };
  readonly sip = { callId: 'c' };
  readonly connected = true;
  readonly reinvites: { method: string; body?: string; headers?: Record<string, string> }[] = [];
  readonly #callbacks: Parameters<SrfDialog['request']>[1][] = [];

  destroy(): Promise<unknown> {
    return Promise.resolve();
  }

  request(options: { method: string; body?: string }, callback: Parameters<SrfDialog['request']>[1]): void {
    this.reinvites.push(options);
    this.#callbacks.push(callback);
  }

  /** Answers the latest re-INVITE. */
  async answer(status: number, body = '', source_address = '192.0.2.2'): Promise<void> {
    const response = { status, body, source_address, get: () => undefined };
    this.#callbacks.at(-1)?.(null, response as unknown as SrfResponse);
    await settle();
  }

  async fail(error: Error): Promise<void> {
    this.#callbacks.at(-1)?.(error);
    await settle();
  }
}

/** Lets every promise that can go on go on. */
function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function newNegotiation({ isStarted = true } = {}) {
  const clock = new ManualClock();
  const farEnd = new FarEnd();
  const leg = new RecordingMediaLeg({
    legId: 'leg',
    participantId: 'p',
    sessionId: 's',
    ...mainConnection('browser', 'offer'),
    mayPublish: [],
    listener: {
      onConnected: () => undefined,
      onStreams: () => undefined,
      onKeyDown: () => undefined,
      onDtmf: () => undefined,
      onPlayed: () => undefined,
      onHeld: () => undefined,
      onNegotiationNeeded: () => undefined,
      onEnded: () => undefined,
    },
  });
  const media = leg.connection('main');
  const gone: (number | null)[] = [];
  const negotiation = new Negotiation({
    dialog: farEnd,
    media: () => media,
    clock,
    logger: silentLogger,
    onDialogGone: (status) => void gone.push(status),
  });
  if (isStarted) negotiation.start();
  return { clock, farEnd, media, gone, negotiation };
}

describe('our offers', () => {
  it('go out as re-INVITE, and the answer reaches the media', async () => {
    const { farEnd, media, negotiation, clock } = newNegotiation();
    negotiation.request();
    await settle();
    expect(farEnd.reinvites).toEqual([
      {
        method: 'INVITE',
        body: 'offer of ours',
        headers: { Contact: '<sip:gateway@192.0.2.1>', 'Content-Type': 'application/sdp' },
      },
    ]);
    await farEnd.answer(100);
    expect(media.log).toEqual(['offer']);
    await farEnd.answer(200, 'their answer');
    expect(media.log).toEqual(['offer', 'accept their answer']);
    expect(clock.pending).toBe(0);
  });

  it('are accepted by any 2xx', async () => {
    const { farEnd, media, negotiation } = newNegotiation();
    negotiation.request();
    await settle();
    await farEnd.answer(202, 'their answer');
    expect(media.log).toEqual(['offer', 'accept their answer']);
  });

  it('wait for the dialog to be confirmed', async () => {
    const { farEnd, negotiation } = newNegotiation({ isStarted: false });
    negotiation.request();
    negotiation.request();
    await settle();
    expect(farEnd.reinvites).toHaveLength(0);
    negotiation.start();
    await settle();
    expect(farEnd.reinvites).toHaveLength(1);
  });

  it('are one where many were asked for at once', async () => {
    const { farEnd, negotiation } = newNegotiation();
    for (let change = 0; change < 10; change += 1) negotiation.request();
    await settle();
    await farEnd.answer(200, 'a');
    expect(farEnd.reinvites).toHaveLength(1);
  });

  it('are one more, however many were asked for while one was under way', async () => {
    const { farEnd, negotiation } = newNegotiation();
    negotiation.request();
    await settle();
    for (let change = 0; change < 10; change += 1) negotiation.request();
    await settle();
    expect(farEnd.reinvites).toHaveLength(1);
    await farEnd.answer(200, 'a');
    expect(farEnd.reinvites).toHaveLength(2);
    await farEnd.answer(200, 'a');
    expect(farEnd.reinvites).toHaveLength(2);
  });

  it('met by 491 are rolled back and made anew after 0 to 2 s, up to ten times in a row', async () => {
    const { farEnd, media, negotiation, clock } = newNegotiation();
    negotiation.request();
    await settle();
    for (let round = 1; round <= 10; round += 1) {
      await farEnd.answer(491);
      expect(clock.pending).toBe(1);
      expect(clock.nextInMs).toBeLessThan(2000);
      expect(clock.nextInMs! % 10).toBe(0);
      clock.advance(2000);
      await settle();
      expect(farEnd.reinvites).toHaveLength(round + 1);
    }
    await farEnd.answer(200, 'a');
    expect(media.log.slice(0, 3)).toEqual(['offer', 'rollback', 'offer']);
    expect(media.log.at(-1)).toBe('accept a');
    expect(clock.pending).toBe(0);
  });

  it('met by 491 each time are given up, and made at ever longer intervals where the media asks again', async () => {
    const { farEnd, media, negotiation, clock } = newNegotiation();
    negotiation.request();
    await settle();
    for (let round = 1; round <= 10; round += 1) {
      await farEnd.answer(491);
      clock.advance(2000);
      await settle();
    }
    await farEnd.answer(491);
    expect(media.log.slice(-2)).toEqual(['offer', 'rollback']);
    clock.advance(60_000);
    await settle();
    expect(farEnd.reinvites).toHaveLength(11);
    expect(clock.pending).toBe(0);
    const pauses: (number | null)[] = [];
    for (let round = 1; round <= 3; round += 1) {
      negotiation.request();
      await settle();
      await farEnd.answer(491);
      pauses.push(clock.nextInMs);
      clock.advance(clock.nextInMs ?? 0);
      await settle();
    }
    expect(pauses).toEqual([2000, 4000, 8000]);
    await negotiation.answer('their offer', 'INVITE');
    negotiation.request();
    await settle();
    await farEnd.answer(491);
    expect(clock.nextInMs).toBeLessThan(2000);
  });

  it('asked for while one met 491 wait for the same retry', async () => {
    const { farEnd, negotiation, clock } = newNegotiation();
    negotiation.request();
    await settle();
    negotiation.request();
    await farEnd.answer(491);
    negotiation.request();
    await settle();
    expect(farEnd.reinvites).toHaveLength(1);
    clock.advance(2000);
    await settle();
    expect(farEnd.reinvites).toHaveLength(2);
    await farEnd.answer(200, 'a');
    expect(farEnd.reinvites).toHaveLength(2);
    expect(clock.pending).toBe(0);
  });

  it.each([488, 500, 606])('refused with %i are rolled back and not repeated', async (status) => {
    const { farEnd, media, gone, negotiation, clock } = newNegotiation();
    negotiation.request();
    await settle();
    await farEnd.answer(status);
    expect(media.log).toEqual(['offer', 'rollback']);
    expect(gone).toEqual([]);
    clock.advance(60_000);
    await settle();
    expect(clock.pending).toBe(0);
    expect(farEnd.reinvites).toHaveLength(1);
    negotiation.request();
    await settle();
    expect(farEnd.reinvites).toHaveLength(2);
  });

  it('that come to nothing each time are made at ever longer intervals, though the media asks again at once', async () => {
    const { farEnd, media, negotiation, clock } = newNegotiation();
    const rollback = media.rollback.bind(media);
    media.rollback = async () => {
      await rollback();
      negotiation.request();
    };
    negotiation.request();
    await settle();
    const pauses: (number | null)[] = [];
    for (let round = 1; round <= 9; round += 1) {
      await (round % 2 === 0 ? farEnd.answer(488) : farEnd.fail(new Error('transport not available')));
      expect(farEnd.reinvites).toHaveLength(round);
      pauses.push(clock.nextInMs);
      clock.advance(clock.nextInMs ?? 0);
      await settle();
    }
    expect(pauses).toEqual([1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000, 60_000]);
    await farEnd.answer(200, 'a');
    negotiation.request();
    await settle();
    await farEnd.answer(488);
    expect(clock.nextInMs).toBe(1000);
  });

  it('wait no longer once the far end, out of reach before, makes an offer of its own', async () => {
    const { farEnd, media, negotiation, clock } = newNegotiation();
    negotiation.request();
    await settle();
    await farEnd.fail(new Error('transport not available'));
    negotiation.request();
    await settle();
    expect(farEnd.reinvites).toHaveLength(1);
    await negotiation.answer('their offer', 'INVITE');
    await settle();
    expect(media.log.slice(-2)).toEqual(['answer their offer', 'offer']);
    expect(farEnd.reinvites).toHaveLength(2);
    expect(clock.nextInMs).toBeGreaterThan(1000);
  });

  it.each([
    [481, '192.0.2.2', 481],
    [408, '192.0.2.2', 408],
    // Nothing came, and our SIP server says so.
    [408, '', null],
  ])('met by %i from "%s" say that the dialog is gone, by whose word', async (status, source, said) => {
    const { farEnd, gone, negotiation } = newNegotiation();
    negotiation.request();
    await settle();
    await farEnd.answer(status, '', source);
    expect(gone).toEqual([said]);
  });

  it('that cannot be sent are rolled back, so that later ones can', async () => {
    const { farEnd, media, negotiation, clock } = newNegotiation();
    negotiation.request();
    await settle();
    await farEnd.fail(new Error('unable to find dialog'));
    expect(media.log).toEqual(['offer', 'rollback']);
    negotiation.request();
    clock.advance(1000);
    await settle();
    await farEnd.answer(200, 'a');
    expect(media.log.slice(2)).toEqual(['offer', 'accept a']);
  });

  it('whose answer cannot be used are rolled back', async () => {
    const { farEnd, media, negotiation } = newNegotiation();
    media.accept = () => Promise.reject(new MediaRefusal('bad-sdp', 'no v='));
    negotiation.request();
    await settle();
    await farEnd.answer(200, 'rubbish');
    expect(media.log).toEqual(['offer', 'rollback']);
  });

  it('without any answer are given up after 40 s', async () => {
    const { farEnd, media, negotiation, clock } = newNegotiation();
    negotiation.request();
    await settle();
    clock.advance(40_000);
    await settle();
    expect(media.log).toEqual(['offer', 'rollback']);
    await farEnd.answer(200, 'late');
    expect(media.log).toEqual(['offer', 'rollback']);
  });
});

describe('the far end’s offers', () => {
  it('are answered', async () => {
    const { negotiation } = newNegotiation();
    expect(await negotiation.answer('theirs', 'INVITE')).toBe('answer to theirs');
  });

  it.each(['INVITE', 'UPDATE'] as const)('collide with ours that is open, at once: %s', async (method) => {
    const { farEnd, media, negotiation } = newNegotiation();
    negotiation.request();
    await settle();
    await expect(negotiation.answer('theirs', method)).rejects.toBeInstanceOf(OfferCollision);
    if (method === 'INVITE')
      await expect(negotiation.answer(null, method)).rejects.toBeInstanceOf(OfferCollision);
    expect(media.log).toEqual(['offer']);
    await farEnd.answer(200, 'a');
    expect(await negotiation.answer('theirs', method)).toBe('answer to theirs');
    expect(media.log).toEqual(['offer', 'accept a', 'answer theirs']);
  });

  it('wait until the media has our answer, and ours until theirs is settled', async () => {
    const { farEnd, media, negotiation } = newNegotiation();
    let accepted = (): void => undefined;
    const accept = media.accept.bind(media);
    media.accept = async (answer) => {
      await new Promise<void>((resolve) => (accepted = resolve));
      await accept(answer);
    };
    negotiation.request();
    await settle();
    await farEnd.answer(200, 'a');
    const answered = negotiation.answer('theirs', 'UPDATE');
    negotiation.request();
    await settle();
    expect(media.log).toEqual(['offer']);
    accepted();
    expect(await answered).toBe('answer to theirs');
    await settle();
    await farEnd.answer(200, 'b');
    accepted();
    await settle();
    expect(media.log).toEqual(['offer', 'accept a', 'answer theirs', 'offer', 'accept b']);
  });

  it('that the media refuses are refused, and leave the queue open', async () => {
    const { media, negotiation } = newNegotiation();
    const answer = media.answer.bind(media);
    media.answer = () => Promise.reject(new MediaRefusal('no-common-codec', ''));
    await expect(negotiation.answer('theirs', 'INVITE')).rejects.toMatchObject({ code: 'no-common-codec' });
    media.answer = answer;
    expect(await negotiation.answer('better', 'INVITE')).toBe('answer to better');
  });
});

describe('a re-INVITE without offer', () => {
  it('is answered with ours, and the ACK brings the answer before anything else goes on', async () => {
    const { farEnd, media, negotiation, clock } = newNegotiation();
    expect(await negotiation.answer(null, 'INVITE')).toBe('offer of ours');
    negotiation.request();
    await settle();
    expect(farEnd.reinvites).toHaveLength(0);
    negotiation.acknowledged('their answer');
    await settle();
    expect(media.log).toEqual(['offer', 'accept their answer', 'offer']);
    await farEnd.answer(200, 'a');
    expect(clock.pending).toBe(0);
  });

  it.each([
    ['an ACK without answer', (negotiation: Negotiation) => negotiation.acknowledged(null)],
    ['no ACK in 40 s', (_: Negotiation, clock: ManualClock) => clock.advance(40_000)],
  ])('is rolled back by %s', async (_, happen) => {
    const { media, negotiation, clock } = newNegotiation();
    await negotiation.answer(null, 'INVITE');
    happen(negotiation, clock);
    await settle();
    expect(media.log).toEqual(['offer', 'rollback']);
    expect(await negotiation.answer('next', 'INVITE')).toBe('answer to next');
  });

  it.each(['their offer', null])(
    'whose ACK was lost gives way to the next at once, with offer %s',
    async (offer) => {
      const { media, negotiation, clock } = newNegotiation();
      await negotiation.answer(null, 'INVITE');
      // Was answered after 40 s, when the wait for the ACK was over.
      const next = negotiation.answer(offer, 'INVITE');
      await settle();
      expect(media.log.slice(0, 3)).toEqual([
        'offer',
        'rollback',
        offer === null ? 'offer' : 'answer their offer',
      ]);
      expect(await next).toBe(offer === null ? 'offer of ours' : 'answer to their offer');
      negotiation.acknowledged('their answer');
      await settle();
      expect(media.log).toHaveLength(offer === null ? 4 : 3);
      expect(clock.pending).toBe(0);
    },
  );

  it('whose ACK was lost gives way before an offer of ours that waits', async () => {
    const { farEnd, media, negotiation } = newNegotiation();
    await negotiation.answer(null, 'INVITE');
    negotiation.request();
    expect(await negotiation.answer('theirs', 'INVITE')).toBe('answer to theirs');
    await settle();
    expect(media.log).toEqual(['offer', 'rollback', 'answer theirs', 'offer']);
    expect(farEnd.reinvites).toHaveLength(1);
  });

  it('collides with an UPDATE that has one, at once', async () => {
    const { media, negotiation } = newNegotiation();
    await negotiation.answer(null, 'INVITE');
    await expect(negotiation.answer('theirs', 'UPDATE')).rejects.toBeInstanceOf(OfferCollision);
    negotiation.acknowledged('their answer');
    await settle();
    expect(await negotiation.answer('theirs', 'UPDATE')).toBe('answer to theirs');
    expect(media.log).toEqual(['offer', 'accept their answer', 'answer theirs']);
  });

  it('waits no longer for a pause after an offer of ours that was refused', async () => {
    const { farEnd, negotiation, clock } = newNegotiation();
    negotiation.request();
    await settle();
    await farEnd.answer(488);
    await negotiation.answer(null, 'INVITE');
    negotiation.acknowledged('their answer');
    await settle();
    expect(clock.pending).toBe(0);
    negotiation.request();
    await settle();
    expect(farEnd.reinvites).toHaveLength(2);
  });

  it('is rolled back where the answer in the ACK cannot be used', async () => {
    const { media, negotiation } = newNegotiation();
    media.accept = () => Promise.reject(new MediaRefusal('bad-sdp', ''));
    await negotiation.answer(null, 'INVITE');
    negotiation.acknowledged('rubbish');
    await settle();
    expect(media.log).toEqual(['offer', 'rollback']);
  });

  it('is refused where no offer can be made', async () => {
    const { media, negotiation } = newNegotiation();
    media.offer = () => Promise.reject(new MediaRefusal('overloaded', ''));
    await expect(negotiation.answer(null, 'INVITE')).rejects.toMatchObject({ code: 'overloaded' });
  });

  it('is no business of an ACK that comes unasked', () => {
    const { media, negotiation } = newNegotiation();
    negotiation.acknowledged('surprise');
    expect(media.log).toEqual([]);
  });
});

describe('closing', () => {
  it('while a re-INVITE is under way ends the waiting, and no more is sent', async () => {
    const { farEnd, media, negotiation, clock, gone } = newNegotiation();
    negotiation.request();
    await settle();
    negotiation.request();
    negotiation.close();
    await settle();
    await farEnd.answer(200, 'late');
    expect(farEnd.reinvites).toHaveLength(1);
    expect(media.log).toEqual(['offer']);
    expect(clock.pending).toBe(0);
    expect(gone).toEqual([]);
  });

  it('while a retry is due cancels it', async () => {
    const { farEnd, negotiation, clock } = newNegotiation();
    negotiation.request();
    await settle();
    await farEnd.answer(491);
    negotiation.close();
    expect(clock.pending).toBe(0);
    negotiation.request();
    await settle();
    expect(farEnd.reinvites).toHaveLength(1);
  });

  it('while the ACK is awaited leaves no timer', async () => {
    const { negotiation, clock } = newNegotiation();
    await negotiation.answer(null, 'INVITE');
    negotiation.close();
    negotiation.close();
    await settle();
    expect(clock.pending).toBe(0);
  });
});
