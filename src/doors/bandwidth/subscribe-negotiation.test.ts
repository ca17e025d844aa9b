import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../../test/support/manual-clock.js';
import { silentLogger } from '../../domain/logger.js';
import { MediaRefusal, type MediaConnection } from '../../domain/media-plane.js';
import { SubscribeNegotiation, type SubscribeOffer } from './subscribe-negotiation.js';

/** Lets every promise that can go on go on. */
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

const answerOf = (sections: number): string =>
  `v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\n${'m=audio 9 X 0\r\n'.repeat(sections)}`;

/** A connection that makes offers of `sections` sections, and refuses what it is told to. */
class Media implements MediaConnection {
  readonly localDescription = '';
  readonly log: string[] = [];
  sections = 1;
  refusal: Error | null = null;

  #done(what: string): Promise<void> {
    this.log.push(what);
    const { refusal } = this;
    this.refusal = null;
    return refusal === null ? Promise.resolve() : Promise.reject(refusal);
  }

  async offer(): Promise<string> {
    await this.#done('offer');
    return answerOf(this.sections);
  }

  answer(): Promise<string> {
    return Promise.reject(new Error('a device offers nothing here'));
  }

  accept(): Promise<void> {
    return this.#done('accept');
  }

  rollback(): Promise<void> {
    return this.#done('rollback');
  }
}

function begin({ isAttached = true } = {}) {
  const clock = new ManualClock();
  const media = new Media();
  const sent: SubscribeOffer[] = [];
  const negotiation = new SubscribeNegotiation({
    connection: media,
    endpointId: 'leg.subscribe',
    clock,
    logger: silentLogger,
    send: (offer) => void sent.push(offer),
  });
  if (isAttached) negotiation.attach();
  return { clock, media, sent, negotiation };
}

describe('offering a device what it receives', () => {
  it('waits for the answer before the next offer, however many changes there were', async () => {
    const { media, sent, negotiation } = begin();
    negotiation.request();
    negotiation.request();
    await settle();
    negotiation.request();
    await settle();
    expect(sent).toHaveLength(1);
    await negotiation.answer(answerOf(1));
    await settle();
    expect(media.log).toEqual(['offer', 'accept', 'offer']);
    expect(sent).toHaveLength(2);
    await negotiation.answer(answerOf(1));
    await settle();
    expect(sent).toHaveLength(2);
  });

  it('gives every offer a higher revision, begun at the clock’s time', async () => {
    const { clock, sent, negotiation } = begin();
    for (let n = 0; n < 3; n++) {
      negotiation.request();
      await settle();
      await negotiation.answer(answerOf(1));
    }
    const now = clock.now();
    expect(sent.map(({ sdpRevision }) => sdpRevision)).toEqual([now, now + 1, now + 2]);
    clock.advance(60_000);
    negotiation.request();
    await settle();
    expect(sent.at(-1)?.sdpRevision).toBe(now + 60_000);
  });

  it('takes an unanswered offer back and makes it anew, ever less often', async () => {
    const { clock, media, sent, negotiation } = begin();
    negotiation.request();
    await settle();
    for (const waitMs of [5000, 10_000, 20_000, 40_000, 60_000, 60_000]) {
      clock.advance(waitMs - 1);
      await settle();
      const before = sent.length;
      clock.advance(1);
      await settle();
      expect(sent).toHaveLength(before + 1);
    }
    expect(media.log.slice(0, 3)).toEqual(['offer', 'rollback', 'offer']);
    await negotiation.answer(answerOf(1));
    negotiation.request();
    await settle();
    expect(clock.nextInMs).toBe(5000);
  });

  it('takes no answer to an offer before the one that is out', async () => {
    const { clock, media, sent, negotiation } = begin();
    negotiation.request();
    await settle();
    media.sections = 64;
    clock.advance(5000);
    await settle();
    expect(sent).toHaveLength(2);
    await negotiation.answer(answerOf(1));
    expect(media.log).not.toContain('accept');
    await negotiation.answer(answerOf(64));
    expect(media.log.at(-1)).toBe('accept');
    await expect(negotiation.answer(answerOf(64))).rejects.toThrow('no offer is outstanding');
  });

  it('lets the media refuse an answer that is no session description', async () => {
    const { media, negotiation } = begin();
    negotiation.request();
    await settle();
    media.refusal = new MediaRefusal('bad-sdp', 'does not begin with v=0');
    await expect(negotiation.answer('hello')).rejects.toThrow('does not begin with v=0');
  });

  it('makes the offer again, after a while, when the answer cannot be used', async () => {
    const { clock, media, sent, negotiation } = begin();
    negotiation.request();
    await settle();
    media.refusal = new MediaRefusal('bad-sdp', 'no fingerprint');
    await expect(negotiation.answer(answerOf(1))).rejects.toThrow('no fingerprint');
    await settle();
    expect(sent).toHaveLength(1);
    clock.advance(1000);
    await settle();
    expect(media.log).toEqual(['offer', 'accept', 'rollback', 'offer']);
    expect(sent).toHaveLength(2);
  });

  it('tries again when the media plane fails', async () => {
    const { clock, media, sent, negotiation } = begin();
    media.refusal = new Error('worker is busy');
    negotiation.request();
    await settle();
    expect(sent).toHaveLength(0);
    clock.advance(1000);
    await settle();
    expect(sent).toHaveLength(1);
  });
});

describe('a device that is away', () => {
  it('is offered what changed when it comes, and nothing where nothing is to be received', async () => {
    const { sent, negotiation } = begin({ isAttached: false });
    negotiation.request();
    await settle();
    expect(sent).toHaveLength(0);
    negotiation.attach();
    await settle();
    expect(sent).toHaveLength(1);
    const idle = begin();
    await settle();
    expect(idle.media.log).toEqual([]);
  });

  it('is offered everything again when it comes back, with a higher revision', async () => {
    const { clock, media, sent, negotiation } = begin();
    negotiation.request();
    await settle();
    await negotiation.answer(answerOf(1));
    negotiation.detach();
    negotiation.attach();
    await settle();
    expect(sent).toHaveLength(2);
    expect(sent[1]?.sdpRevision).toBeGreaterThan(sent[0]?.sdpRevision ?? 0);
    // Its answer was lost with the socket.
    negotiation.detach();
    expect(clock.pending).toBe(0);
    await expect(negotiation.answer(answerOf(1))).rejects.toThrow('no offer is outstanding');
    negotiation.attach();
    await settle();
    expect(media.log).toEqual(['offer', 'accept', 'offer', 'rollback', 'offer']);
  });

  it('is offered everything at once over a new socket, whatever it was asked over the one before', async () => {
    const { clock, media, sent, negotiation } = begin();
    negotiation.request();
    await settle();
    negotiation.attach();
    await settle();
    expect(sent).toHaveLength(2);
    expect(media.log).toEqual(['offer', 'rollback', 'offer']);
    media.refusal = new MediaRefusal('bad-sdp', 'no fingerprint');
    await expect(negotiation.answer(answerOf(1))).rejects.toThrow();
    expect(negotiation.state).toBe('pausing');
    negotiation.attach();
    await settle();
    expect(sent).toHaveLength(3);
    expect(clock.pending).toBe(1);
  });

  it('is sent what was made for it while it was away for a moment', async () => {
    const { media, sent, negotiation } = begin();
    negotiation.request();
    negotiation.detach();
    negotiation.attach();
    await settle();
    expect(sent).toHaveLength(1);
    expect(media.log).toEqual(['offer']);
  });

  it('may go, and come back, while its answer is taken', async () => {
    const { media, sent, negotiation } = begin();
    negotiation.request();
    await settle();
    const taken = negotiation.answer(answerOf(1));
    negotiation.detach();
    expect(negotiation.state).toBe('accepting-away');
    await taken;
    expect(negotiation.state).toBe('away');
    negotiation.attach();
    await settle();
    // Nothing is taken back: the answer was.
    expect(media.log).toEqual(['offer', 'accept', 'offer']);
    expect(sent).toHaveLength(2);
  });

  it('waits for nothing when it comes back after the media plane has failed', async () => {
    const { clock, media, sent, negotiation } = begin();
    media.refusal = new Error('worker is busy');
    negotiation.request();
    negotiation.detach();
    await settle();
    expect([negotiation.state, clock.pending]).toEqual(['away', 0]);
    negotiation.attach();
    await settle();
    expect(sent).toHaveLength(1);
  });

  it('gets no offer that was still being made when it went', async () => {
    const { media, sent, negotiation } = begin();
    negotiation.request();
    negotiation.detach();
    await settle();
    expect(sent).toHaveLength(0);
    negotiation.attach();
    await settle();
    expect(sent).toHaveLength(1);
    expect(media.log).toEqual(['offer', 'rollback', 'offer']);
  });

  it('gets nothing, and leaves no timer, when it is closed', async () => {
    const { clock, sent, negotiation } = begin();
    negotiation.request();
    await settle();
    negotiation.close();
    negotiation.request();
    negotiation.attach();
    await settle();
    expect(sent).toHaveLength(1);
    expect(clock.pending).toBe(0);
    expect(negotiation.state).toBe('closed');
  });

  it('gets nothing either when it is closed while the media plane is at work', async () => {
    for (const refusal of [null, new Error('the leg has ended')]) {
      const { clock, media, sent, negotiation } = begin();
      media.refusal = refusal;
      negotiation.request();
      negotiation.close();
      await settle();
      expect([sent.length, clock.pending, negotiation.state]).toEqual([0, 0, 'closed']);
    }
  });
});
