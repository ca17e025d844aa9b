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
  /** Under which what was lost is sent again (RFC 4588); null: it is sent again as it was. */
  readonly rtxPayloadType: number | null;
  /** RTCP feedback both sides take: `nack`, `nack pli`, `ccm fir`, `goog-remb`, `transport-cc`. */
  readonly feedback: readonly string[];
}

/** Key presses in RTP (RFC 4733), at the clock rate of an audio codec. */
export interface TelephoneEventFormat {
  readonly payloadType: number;
  readonly clockRateHz: number;
}

interface KnownCodec extends Codec {
  readonly kind: TrackKind;
  /** Preferred in our own offers for what is sent again. */
  readonly rtxPayloadType?: number;
  /** Preferred in our own offers; those below 35 are static (RFC 3551 §6). */
  readonly payloadType: number;
}

/** A video codec that browsers' legs know. */
export type VideoCodecName = (typeof allVideoCodecs)[number];

/** In the order of preference that holds where none is given: every browser has the first two (RFC 7742 §5). */
export const allVideoCodecs = ['VP8', 'H264', 'VP9', 'AV1'] as const satisfies readonly Codec['name'][];

const videoFeedback: readonly string[] = ['goog-remb', 'transport-cc', 'ccm fir', 'nack', 'nack pli'];

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
  { kind: 'video', name: 'VP8', clockRateHz: 90_000, channels: 1, payloadType: 96, rtxPayloadType: 97 },
  {
    kind: 'video',
    name: 'H264',
    clockRateHz: 90_000,
    channels: 1,
    payloadType: 102,
    rtxPayloadType: 103,
    parameters: 'level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f',
  },
  {
    kind: 'video',
    name: 'VP9',
    clockRateHz: 90_000,
    channels: 1,
    payloadType: 98,
    rtxPayloadType: 99,
    parameters: 'profile-id=0',
  },
  {
    kind: 'video',
    name: 'AV1',
    clockRateHz: 90_000,
    channels: 1,
    payloadType: 45,
    rtxPayloadType: 46,
    parameters: 'level-idx=5;profile=0;tier=0',
  },
];

/** Those of a kind, best first; of video those that are named, in that order. */
const codecsOfKind = (kind: string, videoCodecs: readonly Codec['name'][]): KnownCodec[] =>
  kind === 'video'
    ? videoCodecs.flatMap((name) => knownCodecs.find((known) => known.name === name) ?? [])
    : knownCodecs.filter((known) => known.kind === kind);

interface Format {
  readonly encodingName: string;
  readonly clockRateHz: number;
  readonly channels: number;
  readonly parameters: string | null;
}

/** `opus/48000/2`, `vp9/90000/1/0`: what a payload type means, for comparing across m-sections. */
const meaningOf = ({ encodingName, clockRateHz, channels, parameters }: Format): string =>
  [encodingName.toLowerCase(), clockRateHz, channels, ...variantOf(encodingName, parameters)].join('/');

/** Which codec it is, where one name stands for several that cannot be taken for each other. */
function variantOf(encodingName: string, parameters: string | null): readonly string[] {
  const values = parseFmtpParameters(parameters ?? '');
  switch (encodingName.toLowerCase()) {
    case 'h264': {
      // RFC 6184 §8.1. Browsers with H.264 have Constrained Baseline in packetization mode 1; levels are each side's own.
      const profile = (values.get('profile-level-id') ?? '420010').toLowerCase();
      const isConstrainedBaseline = /^42[c-f][0-9a-f]/.test(profile);
      return [
        values.get('packetization-mode') ?? '0',
        isConstrainedBaseline ? 'constrained-baseline' : profile.slice(0, 4),
      ];
    }
    case 'vp9': // RFC 9628 §6.1
      return [values.get('profile-id') ?? '0'];
    case 'av1': // the RTP payload format of AV1, §7.2.1
      return [values.get('profile') ?? '0'];
    case 'rtx': // RFC 4588 §8.6
      return [values.get('apt') ?? ''];
    default:
      return [];
  }
}

const ownMeaning = ({ name, parameters, ...known }: KnownCodec): string =>
  meaningOf({ ...known, encodingName: name, parameters: parameters ?? null });

/** RFC 3551 §6, and those below 64 that browsers use beside it; 64 to 95 would look like RTCP (RFC 5761 §4). */
const firstDynamic = 35;
const dynamicPayloadTypes: readonly number[] = [
  ...Array.from({ length: 32 }, (_, n) => 96 + n),
  ...Array.from({ length: 29 }, (_, n) => 35 + n),
];

const codecOf = ({
  kind: _kind,
  payloadType: _payloadType,
  rtxPayloadType: _rtxPayloadType,
  ...codec
}: KnownCodec): Codec => codec;

const rtxMeaning = (payloadType: number, clockRateHz: number): string =>
  meaningOf({ encodingName: 'rtx', clockRateHz, channels: 1, parameters: `apt=${payloadType}` });

/** What a browser's m-section has in common with us, in our order of preference, under the browser's payload types. */
export function commonCodecs(
  media: MediaDescription,
  videoCodecs: readonly Codec['name'][],
): NegotiatedCodec[] {
  const formats = formatsOf(media);
  const feedback = rtcpFeedback(media);
  return codecsOfKind(media.kind, videoCodecs).flatMap((known) => {
    const own = ownMeaning(known);
    const format = formats.find((f) => meaningOf(f) === own);
    if (format === undefined) return [];
    const wanted = known.kind === 'video' ? videoFeedback : [];
    const common = feedback
      .filter(({ payloadType }) => payloadType === '*' || payloadType === format.payloadType)
      .map(({ type, parameter }) => (parameter === '' ? type : `${type} ${parameter}`));
    const rtx = rtxMeaning(format.payloadType, known.clockRateHz);
    const retransmits = known.rtxPayloadType !== undefined && common.includes('nack');
    return {
      payloadType: format.payloadType,
      rtxPayloadType: retransmits ? (formats.find((f) => meaningOf(f) === rtx)?.payloadType ?? null) : null,
      codec: codecOf(known),
      feedback: wanted.filter((name) => common.includes(name)),
    };
  });
}

const formatsOf = (media: MediaDescription): (Format & { readonly payloadType: number })[] =>
  rtpMaps(media).map((map) => ({ ...map, parameters: fmtp(media, map.payloadType) }));

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
    for (const format of formatsOf(section)) learnt.set(format.payloadType, meaningOf(format));
  }
  return learnt;
}

/**
 * All codecs of a kind for a section that we offer. A codec keeps the payload type the browser uses for it; one whose
 * payload type the browser uses for something else gets a free dynamic one, or is left out.
 */
export function offeredCodecs(
  kind: TrackKind,
  meanings: PayloadTypeMeanings,
  videoCodecs: readonly Codec['name'][],
): NegotiatedCodec[] {
  const taken = new Set<number>();
  const take = (meaning: string, preferred: number): number | null => {
    const theirs = [...meanings].find(([, known]) => known === meaning)?.[0];
    const candidates = [theirs ?? preferred];
    if (preferred >= firstDynamic) candidates.push(...dynamicPayloadTypes);
    const payloadType = candidates.find(
      (type) => !taken.has(type) && (meanings.get(type) ?? meaning) === meaning,
    );
    if (payloadType === undefined) return null;
    taken.add(payloadType);
    return payloadType;
  };
  return codecsOfKind(kind, videoCodecs).flatMap((known) => {
    const payloadType = take(ownMeaning(known), known.payloadType);
    if (payloadType === null) return [];
    const { rtxPayloadType } = known;
    return {
      payloadType,
      rtxPayloadType:
        rtxPayloadType === undefined
          ? null
          : take(rtxMeaning(payloadType, known.clockRateHz), rtxPayloadType),
      codec: codecOf(known),
      feedback: kind === 'video' ? videoFeedback : [],
    };
  });
}
