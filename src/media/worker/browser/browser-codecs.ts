/** The codecs a browser leg negotiates, how descriptions name them, and which payload types our own offers give them. */
import type { Codec } from '../codec/codec.js';
import {
  fmtp,
  parseFmtpParameters,
  rtcpFeedback,
  rtpMaps,
  telephoneEvents,
} from '../../../sdp/attributes.js';
import type { MediaDescription } from '../../../sdp/session-description.js';
import type { TrackKind } from '../source-track.js';

/** A codec under the payload type by which one m-section knows it. */
export interface NegotiatedCodec {
  readonly payloadType: number;
  readonly codec: Codec;
  /** RTCP feedback both sides take: `nack`, `nack pli`, `ccm fir`, `goog-remb`. */
  readonly feedback: readonly string[];
}

/** Key presses in RTP (RFC 4733), at the clock rate of an audio codec. */
export interface TelephoneEventFormat {
  readonly payloadType: number;
  readonly clockRateHz: number;
}

interface KnownCodec extends Codec {
  readonly kind: TrackKind;
  /** Preferred in our own offers; those below 96 are static (RFC 3551 §6). */
  readonly payloadType: number;
}

const videoFeedback: readonly string[] = ['goog-remb', 'ccm fir', 'nack', 'nack pli'];

/** Best first. G.711 is mandatory in browsers (RFC 7874 §3), so a phone's audio needs no transcoding towards them. */
const knownCodecs: readonly KnownCodec[] = [
  {
    kind: 'audio',
    name: 'opus',
    clockRateHz: 48_000,
    channels: 2,
    payloadType: 111,
    parameters: 'minptime=10;useinbandfec=1',
  },
  { kind: 'audio', name: 'PCMU', clockRateHz: 8000, channels: 1, payloadType: 0 },
  { kind: 'audio', name: 'PCMA', clockRateHz: 8000, channels: 1, payloadType: 8 },
  { kind: 'audio', name: 'G722', clockRateHz: 8000, channels: 1, payloadType: 9 },
  { kind: 'video', name: 'VP8', clockRateHz: 90_000, channels: 1, payloadType: 96 },
  {
    kind: 'video',
    name: 'H264',
    clockRateHz: 90_000,
    channels: 1,
    payloadType: 102,
    parameters: 'level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f',
  },
];

/** `opus/48000/2`: what a payload type means, for comparing across m-sections. */
const meaning = (name: string, clockRateHz: number, channels: number): string =>
  `${name.toLowerCase()}/${clockRateHz}/${channels}`;

/** RFC 6184 §8.1: only Constrained Baseline in packetization mode 1, which every browser with H.264 has. */
function isUsableH264(parameters: string | null): boolean {
  const values = parseFmtpParameters(parameters ?? '');
  const profile = (values.get('profile-level-id') ?? '420010').toLowerCase();
  return values.get('packetization-mode') === '1' && /^42[c-f][0-9a-f]/.test(profile);
}

const codecOf = ({ kind: _kind, payloadType: _payloadType, ...codec }: KnownCodec): Codec => codec;

/** What a browser's m-section has in common with us, in our order of preference, under the browser's payload types. */
export function commonCodecs(media: MediaDescription): NegotiatedCodec[] {
  const maps = rtpMaps(media);
  const feedback = rtcpFeedback(media);
  return knownCodecs
    .filter(({ kind }) => kind === media.kind)
    .flatMap((known) => {
      const map = maps.find(
        (m) =>
          meaning(m.encodingName, m.clockRateHz, m.channels) ===
            meaning(known.name, known.clockRateHz, known.channels) &&
          (known.name !== 'H264' || isUsableH264(fmtp(media, m.payloadType))),
      );
      if (map === undefined) return [];
      const wanted = known.kind === 'video' ? videoFeedback : [];
      const common = feedback
        .filter(({ payloadType }) => payloadType === '*' || payloadType === map.payloadType)
        .map(({ type, parameter }) => (parameter === '' ? type : `${type} ${parameter}`));
      return {
        payloadType: map.payloadType,
        codec: codecOf(known),
        feedback: wanted.filter((name) => common.includes(name)),
      };
    });
}

/** The formats in which a browser offers to send key presses: one for each clock rate of its codecs. */
export const telephoneEventFormats = (media: MediaDescription): TelephoneEventFormat[] =>
  telephoneEvents(media).map(({ payloadType, clockRateHz }) => ({ payloadType, clockRateHz }));

/** What each payload type has meant in the browser's descriptions, so that our offers give none a second meaning. */
export type PayloadTypeMeanings = ReadonlyMap<number, string>;

export function learnPayloadTypes(
  known: PayloadTypeMeanings,
  media: readonly MediaDescription[],
): PayloadTypeMeanings {
  const learnt = new Map(known);
  for (const section of media) {
    for (const map of rtpMaps(section))
      learnt.set(map.payloadType, meaning(map.encodingName, map.clockRateHz, map.channels));
  }
  return learnt;
}

/**
 * All codecs of a kind for a section that we offer. A codec keeps the payload type the browser uses for it; one whose
 * payload type the browser uses for something else gets a free dynamic one, or is left out.
 */
export function offeredCodecs(kind: TrackKind, meanings: PayloadTypeMeanings): NegotiatedCodec[] {
  const taken = new Set(meanings.keys());
  return knownCodecs
    .filter((known) => known.kind === kind)
    .flatMap((known) => {
      const own = meaning(known.name, known.clockRateHz, known.channels);
      const isFree = (type: number): boolean => !taken.has(type) || meanings.get(type) === own;
      // Several payload types may share a name, as H.264's profiles do: then only our own number is sure to mean ours.
      const theirs = [...meanings].filter(([, what]) => what === own).map(([type]) => type);
      const candidates = known.name !== 'H264' && theirs[0] !== undefined ? [theirs[0]] : [known.payloadType];
      if (known.payloadType >= 96) for (let type = 96; type <= 127; type++) candidates.push(type);
      const payloadType = candidates.find((type) =>
        known.name === 'H264' ? !taken.has(type) : isFree(type),
      );
      if (payloadType === undefined) return [];
      taken.add(payloadType);
      return {
        payloadType,
        codec: codecOf(known),
        feedback: kind === 'video' ? videoFeedback : [],
      };
    });
}
