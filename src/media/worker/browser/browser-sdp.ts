/**
 * Offer and answer with a browser (RFC 3264, 8829, 9143) as functions from state to new state, which `describe` writes. One BUNDLE over one
 * transport; sections keep their place and mid; what we send takes the browser's own section where that is willing to
 * receive and free, else a section of ours. A refused description throws and so changes nothing.
 */
import { direction, hasAttribute, mid, receives, sends } from '../../../sdp/attributes.js';
import { SdpRefusal } from '../../../sdp/sdp-refusal.js';
import type { SessionDescription } from '../../../sdp/session-description.js';
import type { TrackKind } from '../source-track.js';
import type { Codec } from '../codec/codec.js';
import {
  allVideoCodecs,
  commonCodecs,
  learnPayloadTypes,
  offeredCodecs,
  type NegotiatedCodec,
} from './browser-codecs.js';
import {
  alternatingKind,
  freedSections,
  indexForNewSection,
  placed,
  rejectedSection,
  withoutUnwanted,
  type AlternatingLayout,
  type BrowserSections,
  type Section,
  type WantedTrack,
} from './browser-sections.js';
import {
  assertMidsUnique,
  bundledMids,
  firstUsable,
  readIncoming,
  readOfferedSection,
} from './remote-description.js';

export interface NegotiationContext {
  readonly wanted: readonly WantedTrack[];
  readonly maxSections: number;
  readonly newSsrc: () => number;
  /** Data channels are accepted. */
  readonly dataChannels: boolean;
  /** Those that are negotiated, best first. Default: all. */
  readonly videoCodecs?: readonly Codec['name'][];
  /** How our own offers grow; null: a section where one is needed. */
  readonly alternating: AlternatingLayout | null;
}

/** The state in which a browser's offer, its first or a later one, is answered. Throws SdpRefusal. */
export function answerOffer(
  state: BrowserSections,
  offer: SessionDescription,
  context: NegotiationContext,
): BrowserSections {
  assertMidsUnique(offer);
  if (offer.media.length < state.sections.length)
    throw new SdpRefusal('bad-sdp', 'the offer has fewer m-sections than before');
  if (offer.media.length > context.maxSections)
    throw new SdpRefusal('bad-sdp', `more than ${context.maxSections} m-sections`);
  const bundle = bundledMids(offer);
  const videoCodecs = context.videoCodecs ?? allVideoCodecs;
  const alone = bundle === null ? firstUsable(offer, videoCodecs) : -1;
  const pruned = withoutUnwanted(state, context.wanted);
  const refused = new Set(pruned.refused);
  const sections = offer.media.map((media, index): Section => {
    const before = pruned.sections[index];
    const section = readOfferedSection(media, index, {
      ...{ bundle, alone, videoCodecs },
      dataChannels: context.dataChannels,
    });
    if (before === undefined || before.rejected) return section;
    if (before.kind !== media.kind || (before.mid !== section.mid && !section.rejected))
      throw new SdpRefusal('bad-sdp', `m-section ${index} became another`);
    if (before.outgoing === null) return section;
    if (section.rejected) {
      refused.add(`${before.outgoing.streamId}/${before.kind}`);
      return section;
    }
    return { ...section, outgoing: { ...before.outgoing, active: section.remoteReceives } };
  });
  if (state.sections.length === 0 && sections.every(({ rejected }) => rejected)) {
    const faulty = offer.media.find(({ fault }) => fault !== undefined);
    if (faulty?.fault !== undefined) throw new SdpRefusal('bad-sdp', faulty.fault);
    throw new SdpRefusal('no-common-codec', 'no m-section that can be taken');
  }
  // What we may receive in a section is what the browser offers to send: no invitation in an answer.
  return placed(
    {
      ...pruned,
      version: state.version + 1,
      sections,
      refused,
      payloadTypes: learnPayloadTypes(state.payloadTypes, offer.media),
    },
    state.sections,
    context.wanted,
    context.newSsrc,
  ).state;
}

const ownSection = (kind: TrackKind, name: string, codecs: readonly NegotiatedCodec[]): Section => ({
  ...rejectedSection({ mid: name, kind, protocol: 'UDP/TLS/RTP/SAVPF', formats: [] }),
  formats: codecs.map(({ payloadType }) => String(payloadType)),
  rejected: false,
  codecs,
  reducedSizeRtcp: true,
  remoteReceives: true,
});

/**
 * The state to offer, with what is wanted. It is a proposal: it holds once `acceptAnswer` has read the answer.
 * The very first offer has an audio section in any case, in which a browser may send if `invite` says so.
 */
export function createOffer(
  state: BrowserSections,
  context: NegotiationContext,
  invite: ReadonlySet<TrackKind>,
): BrowserSections {
  const before = state.sections;
  const videoCodecs = context.videoCodecs ?? allVideoCodecs;
  let next: BrowserSections = { ...withoutUnwanted(state, context.wanted), version: state.version + 1 };
  const addInTurn = (): TrackKind | null => {
    const index = next.sections.length;
    if (index >= context.maxSections) return null;
    const kind = alternatingKind(index);
    const section = ownSection(kind, `s${index}`, offeredCodecs(kind, next.payloadTypes, videoCodecs));
    next = { ...next, sections: [...next.sections, section] };
    return kind;
  };
  const addSection = (kind: TrackKind, remoteMaySend: boolean): boolean => {
    if (context.alternating !== null) {
      for (let added = addInTurn(); added !== null; added = addInTurn()) if (added === kind) return true;
      return false;
    }
    const index = indexForNewSection(next.sections, context.maxSections);
    if (index < 0) return false;
    const sections = [...next.sections];
    const section = ownSection(kind, `g${next.nextMid}`, offeredCodecs(kind, next.payloadTypes, videoCodecs));
    sections[index] = { ...section, remoteMaySend };
    next = { ...next, sections, nextMid: next.nextMid + 1 };
    return true;
  };
  if (context.alternating !== null) {
    while (next.sections.length < context.alternating.minSections && addInTurn() !== null);
  } else if (before.length === 0) {
    for (const kind of invite) addSection(kind, true);
    if (next.sections.length === 0 && context.wanted.length === 0) addSection('audio', false);
  }

  const first = placed(next, before, context.wanted, context.newSsrc);
  next = first.state;
  const waiting = {
    audio: freedSections(next.sections, before, 'audio'),
    video: freedSections(next.sections, before, 'video'),
  };
  for (const { kind } of first.homeless) {
    if (waiting[kind] > 0) waiting[kind]--;
    else if (!addSection(kind, false)) break;
  }
  return placed(next, before, context.wanted, context.newSsrc).state;
}

/** Reads the browser's answer to the offer that `proposed` came from. Throws SdpRefusal for one that does not fit it. */
export function acceptAnswer(proposed: BrowserSections, answer: SessionDescription): BrowserSections {
  if (answer.media.length !== proposed.sections.length)
    throw new SdpRefusal('bad-sdp', 'the answer has not as many m-sections as the offer');
  assertMidsUnique(answer);
  const refused = new Set(proposed.refused);
  const sections = proposed.sections.map((section, index): Section => {
    const media = answer.media[index];
    if (media === undefined || media.kind !== section.kind)
      throw new SdpRefusal('bad-sdp', `m-section ${index} is of another kind than offered`);
    if (section.rejected) return section;
    if (section.kind === 'application') return media.port === 0 ? rejectedSection(section) : section;
    const codecs = commonCodecs(
      media,
      section.codecs.map(({ codec }) => codec.name),
    );
    if (media.port === 0 || codecs.length === 0 || !hasAttribute(media, 'rtcp-mux')) {
      if (section.outgoing !== null) refused.add(`${section.outgoing.streamId}/${section.kind}`);
      return rejectedSection(section);
    }
    const answeredMid = mid(media);
    if (answeredMid !== null && answeredMid !== section.mid)
      throw new SdpRefusal('bad-sdp', `m-section ${index} has another mid than offered`);
    const answered = direction(media);
    const incoming =
      section.remoteMaySend && sends(answered) ? readIncoming(media, section.mid ?? String(index)) : null;
    const { outgoing } = section;
    return {
      ...section,
      codecs,
      reducedSizeRtcp: section.reducedSizeRtcp && hasAttribute(media, 'rtcp-rsize'),
      // A section that we offered without sending says nothing about whether the browser would receive.
      remoteReceives: outgoing?.active === true ? receives(answered) : section.remoteReceives,
      incoming,
      outgoing: outgoing === null ? null : { ...outgoing, active: outgoing.active && receives(answered) },
    };
  });
  return {
    ...proposed,
    sections,
    refused,
    payloadTypes: learnPayloadTypes(proposed.payloadTypes, answer.media),
  };
}

/** The state to go on with when our offer is forgotten: as before it, but no version or mid is used twice. */
export const rollback = (state: BrowserSections, proposed: BrowserSections): BrowserSections => ({
  ...state,
  version: proposed.version,
  nextMid: proposed.nextMid,
});
