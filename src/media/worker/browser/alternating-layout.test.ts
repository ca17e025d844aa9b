import { describe, expect, it } from 'vitest';
import { direction } from '../../../sdp/attributes.js';
import {
  formatSessionDescription,
  parseSessionDescription,
  type SessionDescription,
} from '../../../sdp/session-description.js';
import type { TrackKind } from '../source-track.js';
import { acceptAnswer, createOffer, rollback } from './browser-sdp.js';
import {
  needsOffer,
  newBrowserSections,
  type BrowserSections,
  type WantedTrack,
} from './browser-sections.js';
import { describe as describeState } from './local-description.js';

const start = (): BrowserSections => newBrowserSections('1');
const want = (streamId: string, kind: TrackKind = 'audio'): WantedTrack => ({ streamId, alias: 'x', kind });
const inTurns = (wanted: readonly WantedTrack[], minSections = 0, maxSections = 64) => {
  let ssrc = 1;
  return {
    wanted,
    maxSections,
    newSsrc: () => ssrc++,
    dataChannels: false,
    alternating: { minSections },
  };
};
const written = (state: BrowserSections): SessionDescription =>
  parseSessionDescription(
    formatSessionDescription(
      describeState(state, {
        credentials: { usernameFragment: 'abcd', password: 'abcdefghijklmnopqrstuv' },
        fingerprint: { algorithm: 'sha-256', value: 'AA:BB' },
        setup: 'actpass',
        candidates: [],
      }),
    ),
  );
/** A browser that receives whatever it is sent, except in one section. */
const answerTo = (state: BrowserSections, refusedIndex = -1): SessionDescription => {
  const offer = written(state);
  const media = offer.media.map((section, index) => ({
    ...section,
    port: index === refusedIndex ? 0 : 9,
    attributes: section.attributes.map((a) => (a.name === 'sendonly' ? { ...a, name: 'recvonly' } : a)),
  }));
  return { ...offer, media };
};
const layout = ({ sections }: BrowserSections): string =>
  sections
    .map(({ kind, mid, outgoing }) => `${mid}:${kind}${outgoing === null ? '' : ` ${outgoing.streamId}`}`)
    .join(', ');
const agreed = (state: BrowserSections, wishes: ReturnType<typeof inTurns>): BrowserSections => {
  const proposed = createOffer(state, wishes, new Set());
  return acceptAnswer(proposed, answerTo(proposed));
};

describe('an offer whose sections alternate', () => {
  it('begins with what there is to receive, each kind in its own places', () => {
    const audio = createOffer(start(), inTurns([want('p.1')]), new Set());
    expect(layout(audio)).toBe('s0:audio p.1');
    const video = createOffer(start(), inTurns([want('p.1', 'video')]), new Set());
    expect(layout(video)).toBe('s0:audio, s1:video p.1');
    expect(written(video).media.map((media) => direction(media))).toEqual(['inactive', 'sendonly']);
    const two = createOffer(start(), inTurns([want('p.1'), want('p.2')]), new Set());
    expect(layout(two)).toBe('s0:audio p.1, s1:video, s2:audio p.2');
  });

  it('ends a stream by making its place inactive, and fills free places before it adds any', () => {
    const none = agreed(agreed(start(), inTurns([want('p.1')])), inTurns([]));
    expect(layout(none)).toBe('s0:audio');
    expect(written(none).media.map((media) => direction(media))).toEqual(['inactive']);
    const wishes = inTurns([want('p.2')]);
    expect(needsOffer(none, wishes.wanted, 64, wishes.alternating)).toBe(true);
    expect(layout(agreed(none, wishes))).toBe('s0:audio p.2');
  });

  it('keeps the mids after a rollback, and is as long as it is told to be', () => {
    const unanswered = createOffer(start(), inTurns([want('p.1')]), new Set());
    const longer = createOffer(rollback(start(), unanswered), inTurns([want('p.1')], 3), new Set());
    expect(layout(longer)).toBe('s0:audio p.1, s1:video, s2:audio');
    expect(longer.version).toBeGreaterThan(unanswered.version);
    expect(createOffer(start(), inTurns([], 100, 8), new Set()).sections).toHaveLength(8);
  });

  it('never fills a place again that was refused, and asks for no offer when there is no other', () => {
    const proposed = createOffer(start(), inTurns([want('p.1')], 0, 2), new Set());
    const refused = acceptAnswer(proposed, answerTo(proposed, 0));
    const others = inTurns([want('p.2')], 0, 2);
    expect(needsOffer(refused, others.wanted, 2, others.alternating)).toBe(false);
    expect(layout(createOffer(refused, others, new Set()))).toBe('s0:audio, s1:video');
    const wider = inTurns([want('p.2')], 0, 3);
    expect(needsOffer(refused, wider.wanted, 3, wider.alternating)).toBe(true);
    expect(layout(createOffer(refused, wider, new Set()))).toBe('s0:audio, s1:video, s2:audio p.2');
  });
});
