import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  answerTo,
  audioLines,
  context,
  parsed,
  section,
  start,
  want,
  written,
} from '../../../../test/support/browser-descriptions.js';
import { attributeValue, direction, label, mid, msids } from '../../../sdp/attributes.js';
import { SdpRefusal } from '../../../sdp/sdp-refusal.js';
import type { TrackKind } from '../source-track.js';
import { acceptAnswer, answerOffer, createOffer, rollback } from './browser-sdp.js';
import { needsOffer } from './browser-sections.js';

describe('offering to a browser', () => {
  const joined = () => answerOffer(start(), parsed(section(audioLines, '0', 'recvonly')), context());

  it('names stream, track and alias, and gives audio and video of a stream one msid and one cname', () => {
    const wanted = [want('p.1'), want('p.1', 'video')];
    const offer = written(createOffer(joined(), context(wanted), new Set()));
    expect(offer.media.map((m) => [mid(m), direction(m), msids(m)[0], label(m)])).toEqual([
      ['0', 'sendonly', { streamId: 'p.1', trackId: 'p.1-a' }, 'alias%20of%20p.1'],
      ['g0', 'sendonly', { streamId: 'p.1', trackId: 'p.1-v' }, 'alias%20of%20p.1'],
    ]);
    expect(offer.media.map((m) => /cname:(.*)/.exec(attributeValue(m, 'ssrc') ?? '')?.[1])).toEqual([
      'p.1',
      'p.1',
    ]);
    expect(offer.origin.sessionVersion).toBe('2');
  });

  it('ends a stream before its section is another stream', () => {
    const one = [want('p.1')];
    const sending = acceptAnswer(
      createOffer(joined(), context(one), new Set()),
      answerTo(createOffer(joined(), context(one), new Set())),
    );
    const two = [want('p.2')];
    expect(needsOffer(sending, two, 64)).toBe(true);
    const ending = createOffer(sending, context(two), new Set());
    expect(written(ending).media.map((m) => direction(m))).toEqual(['inactive']);
    const ended = acceptAnswer(ending, answerTo(ending));
    expect(needsOffer(ended, two, 64)).toBe(true);
    const again = createOffer(ended, context(two), new Set());
    expect(written(again).media.map((m) => [direction(m), msids(m)[0]?.streamId])).toEqual([
      ['sendonly', 'p.2'],
    ]);
    expect(needsOffer(acceptAnswer(again, answerTo(again)), two, 64)).toBe(false);
  });

  it('takes a port 0 as "does not receive that", does not ask again, and uses the line for another kind', () => {
    const wanted = [want('p.1'), want('p.1', 'video')];
    const proposed = createOffer(joined(), context(wanted), new Set());
    const state = acceptAnswer(proposed, answerTo(proposed, { g0: 'reject' }));
    expect(needsOffer(state, wanted, 64)).toBe(false);
    const more = [...wanted, want('p.2')];
    const next = createOffer(state, context(more), new Set());
    expect(next.sections.map((s) => [s.mid, s.kind, s.outgoing?.streamId])).toEqual([
      ['0', 'audio', 'p.1'],
      ['g1', 'audio', 'p.2'],
    ]);
    // Wanted anew after it was gone, it is offered again.
    expect(needsOffer(createOffer(state, context([]), new Set()), wanted, 64)).toBe(true);
  });

  it('never has more sections than allowed: what finds no place is left out', () => {
    const wanted = [want('p.1'), want('p.2'), want('p.3'), want('p.4')];
    const proposed = createOffer(joined(), context(wanted, 3), new Set());
    expect(proposed.sections.map((s) => s.outgoing?.streamId)).toEqual(['p.1', 'p.2', 'p.3']);
    expect(needsOffer(acceptAnswer(proposed, answerTo(proposed)), wanted, 3)).toBe(false);
  });

  it('offers first to a far end that waits: audio both ways where it may publish, else what there is to hear', () => {
    const both = createOffer(start(), context([want('p.1')]), new Set<TrackKind>(['audio']));
    expect(written(both).media.map((m) => [m.kind, direction(m)])).toEqual([['audio', 'sendrecv']]);
    const state = acceptAnswer(both, answerTo(both));
    expect(state.sections[0]).toMatchObject({
      incoming: { streamKey: 'mid:g0' },
      outgoing: { active: true },
    });
    expect(written(createOffer(start(), context(), new Set())).media.map((m) => direction(m))).toEqual([
      'inactive',
    ]);
    expect(
      written(createOffer(start(), context([want('p.1')]), new Set())).media.map((m) => direction(m)),
    ).toEqual(['sendonly']);
  });

  it('uses no version and no mid twice after a rollback', () => {
    const state = joined();
    const proposed = createOffer(state, context([want('p.1'), want('p.2')]), new Set());
    const back = rollback(state, proposed);
    expect(back.sections).toBe(state.sections);
    const again = createOffer(back, context([want('p.1'), want('p.2')]), new Set());
    expect([again.version, again.sections[1]?.mid]).toEqual([proposed.version + 1, 'g1']);
  });

  it('refuses an answer that does not fit the offer', () => {
    const proposed = createOffer(joined(), context([want('p.1'), want('p.2')]), new Set());
    const answer = answerTo(proposed);
    expect(() => acceptAnswer(proposed, { ...answer, media: answer.media.slice(1) })).toThrow(SdpRefusal);
    expect(() => acceptAnswer(proposed, { ...answer, media: [...answer.media].reverse() })).toThrow(
      SdpRefusal,
    );
  });
});

it('stays in order whatever is wanted and answered: places, mids and SSRCs are kept and never shared', () => {
  const wish = fc.uniqueArray(
    fc.record({
      n: fc.integer({ min: 1, max: 6 }),
      kind: fc.constantFrom('audio' as const, 'video' as const),
    }),
    { selector: ({ n, kind }) => `${n}${kind}`, maxLength: 8 },
  );
  const step = fc.record({ wish, refuses: fc.boolean() });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
      let state = answerOffer(start(), parsed(section(audioLines, '0', 'recvonly')), context());
      let ssrc = 1;
      for (const { wish: wishes, refuses } of steps) {
        const wanted = wishes.map(({ n, kind }) => want(`p.${n}`, kind));
        for (let round = 0; round < 4 && needsOffer(state, wanted, 16); round++) {
          const limits = { ...context(wanted, 16), newSsrc: () => ssrc++ };
          const proposed = createOffer(state, limits, new Set());
          const victim = refuses ? proposed.sections.find((s) => s.mid?.startsWith('g'))?.mid : undefined;
          const directions = victim === undefined || victim === null ? {} : { [victim]: 'reject' };
          const next = acceptAnswer(proposed, answerTo(proposed, directions));
          expect(next.sections.length).toBeGreaterThanOrEqual(state.sections.length);
          state = next;
        }
        expect(needsOffer(state, wanted, 16)).toBe(false);
        const carried = state.sections.flatMap((s) =>
          s.outgoing ? [`${s.outgoing.streamId}${s.kind}`] : [],
        );
        expect(new Set(carried).size).toBe(carried.length);
        const ssrcs = state.sections.flatMap((s) => s.outgoing?.ssrc ?? []);
        expect(new Set(ssrcs).size).toBe(ssrcs.length);
        const mids = state.sections.map((s) => s.mid);
        expect(new Set(mids).size).toBe(mids.length);
      }
      expect(state.sections.length).toBeLessThanOrEqual(14);
    }),
    { numRuns: 60 },
  );
});
