/** The negotiated state of a browser leg as a value: a table of m-sections, their order and mids fixed for life. */
import type { TrackKind } from '../source-track.js';
import type { NegotiatedCodec, PayloadTypeMeanings, TelephoneEventFormat } from './browser-codecs.js';

/** What the browser sends in a section. */
export interface IncomingMedia {
  /** The browser's MediaStream id, or one made of the mid for a track without stream: sections that share it are one stream. */
  readonly streamKey: string;
  /** The alias our SDK writes as `a=label` (RFC 4574), decoded. */
  readonly label: string | null;
  /** Announced SSRCs, without those of retransmissions. May be empty. */
  readonly ssrcs: readonly number[];
  /** What SSRCs of retransmissions repair, as far as they are announced (RFC 4588 §8.8). */
  readonly repairs: ReadonlyMap<number, number>;
}

/** What we send in a section. */
export interface OutgoingMedia {
  readonly streamId: string;
  readonly alias: string;
  readonly ssrc: number;
  /** The source of what is sent again; null where that is never asked for. */
  readonly rtxSsrc: number | null;
  /** False while the browser does not take it: it holds, or answered without receiving. */
  readonly active: boolean;
}

export interface Section {
  /** Null in the description of a peer that does not bundle. */
  readonly mid: string | null;
  readonly kind: string;
  readonly protocol: string;
  /** As the browser wrote them, to be repeated when the section is refused. */
  readonly formats: readonly string[];
  /** Port 0 on either side: only the line stays, to be used again for another section (RFC 8829 §5.2.2). */
  readonly rejected: boolean;
  /** In both directions, best first. */
  readonly codecs: readonly NegotiatedCodec[];
  /** Under which payload types the browser may send key presses (RFC 4733) beside its audio. */
  readonly telephoneEvents: readonly TelephoneEventFormat[];
  /** The id of the mid header extension (RFC 9143 §15) in what the browser sends; 0: none. */
  readonly midExtensionId: number;
  /** That of the number which counts all packets of the transport, in what the browser sends; 0: none. */
  readonly transportSequenceId: number;
  readonly reducedSizeRtcp: boolean;
  /** The browser takes media in this section. */
  readonly remoteReceives: boolean;
  /** We offer to receive in this section: the browser made it for sending, or we invited it to send. */
  readonly remoteMaySend: boolean;
  readonly incoming: IncomingMedia | null;
  readonly outgoing: OutgoingMedia | null;
}

export interface BrowserSections {
  readonly sessionId: string;
  /** The version of our last description, as in `o=`; grows with each, rolled back ones included. */
  readonly version: number;
  readonly sections: readonly Section[];
  /** `<streamId>/<kind>` that the browser answered with port 0: it does not receive those, and is not asked again. */
  readonly refused: ReadonlySet<string>;
  readonly payloadTypes: PayloadTypeMeanings;
  readonly nextMid: number;
}

/** One track the leg should receive; earlier ones get the sections when there are too few. */
export interface WantedTrack {
  readonly streamId: string;
  readonly alias: string;
  readonly kind: TrackKind;
}

export const wantedKey = (wanted: Pick<WantedTrack, 'streamId' | 'kind'>): string =>
  `${wanted.streamId}/${wanted.kind}`;

export const newBrowserSections = (sessionId: string): BrowserSections => ({
  sessionId,
  version: 0,
  sections: [],
  refused: new Set(),
  payloadTypes: new Map(),
  nextMid: 0,
});

export const isMediaKind = (kind: string): kind is TrackKind => kind === 'audio' || kind === 'video';

export const rejectedSection = (of: Pick<Section, 'mid' | 'kind' | 'protocol' | 'formats'>): Section => ({
  mid: of.mid,
  kind: of.kind,
  protocol: of.protocol,
  formats: of.formats,
  rejected: true,
  codecs: [],
  telephoneEvents: [],
  midExtensionId: 0,
  transportSequenceId: 0,
  reducedSizeRtcp: false,
  remoteReceives: false,
  remoteMaySend: false,
  incoming: null,
  outgoing: null,
});

const carries = (section: Section, wanted: WantedTrack): boolean =>
  section.kind === wanted.kind && section.outgoing?.streamId === wanted.streamId;

const isFreeFor = (section: Section, kind: TrackKind): boolean =>
  !section.rejected && section.kind === kind && section.remoteReceives && section.outgoing === null;

/** Takes out of the table what is no longer wanted, and forgets refusals of what is no longer wanted. */
export function withoutUnwanted(state: BrowserSections, wanted: readonly WantedTrack[]): BrowserSections {
  const keys = new Set(wanted.map(wantedKey));
  return {
    ...state,
    refused: new Set([...state.refused].filter((key) => keys.has(key))),
    sections: state.sections.map((section) =>
      section.outgoing !== null && !wanted.some((w) => carries(section, w))
        ? { ...section, outgoing: null }
        : section,
    ),
  };
}

/**
 * Puts wanted tracks into free sections. A section freed in this very negotiation is not given away again, so that the
 * browser sees a track end before another begins; who would need it waits for the next negotiation.
 * `before` is the table as negotiated; returns the table and what found no place.
 */
export function placed(
  state: BrowserSections,
  before: readonly Section[],
  wanted: readonly WantedTrack[],
  newSsrc: () => number,
): { readonly state: BrowserSections; readonly homeless: readonly WantedTrack[] } {
  const sections = [...state.sections];
  const homeless: WantedTrack[] = [];
  for (const track of wanted) {
    if (sections.some((s) => carries(s, track)) || state.refused.has(wantedKey(track))) continue;
    const index = sections.findIndex(
      (s, i) => isFreeFor(s, track.kind) && (before[i]?.outgoing ?? null) === null,
    );
    const section = sections[index];
    if (section === undefined) homeless.push(track);
    else {
      const { streamId, alias } = track;
      sections[index] = {
        ...section,
        outgoing: {
          ...{ streamId, alias, active: true },
          ssrc: newSsrc(),
          rtxSsrc: track.kind === 'video' ? newSsrc() : null,
        },
      };
    }
  }
  return { state: { ...state, sections }, homeless };
}

/** How many wanted tracks of a kind can wait for sections that this negotiation frees. */
export const freedSections = (
  after: readonly Section[],
  before: readonly Section[],
  kind: TrackKind,
): number => after.filter((s, i) => isFreeFor(s, kind) && (before[i]?.outgoing ?? null) !== null).length;

/**
 * Sections that stand in a fixed order of kinds, audio and video in turns, each with the mid of its place, none used a
 * second time: whoever has an offer of an earlier, forgotten table can take one of a new table that is as long.
 */
export interface AlternatingLayout {
  /** So many sections are offered at least. */
  readonly minSections: number;
}

export const alternatingKind = (index: number): TrackKind => (index % 2 === 0 ? 'audio' : 'video');

/** The index where a new section may stand: a rejected one's, else the end; -1 when the table is full. */
export function indexForNewSection(sections: readonly Section[], maxSections: number): number {
  // A section cannot be added beside one that is not bundled.
  if (sections.some((s) => !s.rejected && s.mid === null)) return -1;
  const rejected = sections.findIndex((s) => s.rejected && isMediaKind(s.kind));
  if (rejected >= 0) return rejected;
  return sections.length < maxSections ? sections.length : -1;
}

/** True when an offer of ours would change what the browser receives. */
export function needsOffer(
  state: BrowserSections,
  wanted: readonly WantedTrack[],
  maxSections: number,
  alternating: AlternatingLayout | null = null,
): boolean {
  if (state.sections.some((s) => s.outgoing !== null && !wanted.some((w) => carries(s, w)))) return true;
  const count = state.sections.length;
  const hasRoomFor = (kind: TrackKind): boolean =>
    alternating === null
      ? indexForNewSection(state.sections, maxSections) >= 0
      : (alternatingKind(count) === kind ? count : count + 1) < maxSections;
  return wanted.some(
    (w) =>
      !state.refused.has(wantedKey(w)) &&
      !state.sections.some((s) => carries(s, w)) &&
      (hasRoomFor(w.kind) || state.sections.some((s) => isFreeFor(s, w.kind))),
  );
}
