/** The codecs of phones as descriptions name them: G.711, G.722 (RFC 3551 §4.5.2, §4.5.14) and Opus (RFC 7587). */
import { isPlainRtp, unsupportedProtocol, type AudioAbility } from './audio-section.js';
import { fmtp, parseFmtpParameters, rtpMaps, type PayloadFormat } from './attributes.js';
import type { MediaDescription } from './session-description.js';

export type G711Law = 'PCMU' | 'PCMA';
export type PhoneCodecName = G711Law | 'G722' | 'opus';

export const isG711 = (codec: string): codec is G711Law => codec === 'PCMU' || codec === 'PCMA';

interface Naming {
  /** The static number, or that which offers of ours use. */
  readonly payloadType: number;
  readonly clockRateHz: number;
  readonly channels: number;
  /** What our descriptions say of what we receive. */
  readonly parameters: string;
}

/** G.722's clock is half its sampling rate, by an old mistake; Opus always has 48 kHz and two channels here, whatever it carries. */
const namings: Readonly<Record<PhoneCodecName, Naming>> = {
  PCMU: { payloadType: 0, clockRateHz: 8000, channels: 1, parameters: '' },
  PCMA: { payloadType: 8, clockRateHz: 8000, channels: 1, parameters: '' },
  G722: { payloadType: 9, clockRateHz: 8000, channels: 1, parameters: '' },
  opus: { payloadType: 111, clockRateHz: 48_000, channels: 2, parameters: 'useinbandfec=1' },
};

export const phoneCodecNames = Object.keys(namings) as readonly PhoneCodecName[];

/** By its name in any case; null: there is no such codec. */
export const phoneCodecNamed = (text: string): PhoneCodecName | null =>
  phoneCodecNames.find((name) => name.toUpperCase() === text.toUpperCase()) ?? null;

/** The clock of a codec's RTP timestamps. */
export const clockRateOf = (codec: PhoneCodecName): number => namings[codec].clockRateHz;

/** What our offers call telephone events at a codec's clock; much equipment uses 101 at 8 kHz, and some insists on it. */
export const usualEventPayloadType = (clockRateHz: number): number => (clockRateHz === 8000 ? 101 : 110);

/** A codec under the number that it has in one section. */
export interface CodecUse {
  readonly codec: PhoneCodecName;
  readonly payloadType: number;
  /** What its receiver asks for, by names in lower case (`a=fmtp`). */
  readonly parameters: ReadonlyMap<string, string>;
}

const noParameters: ReadonlyMap<string, string> = new Map();

/** As an offer of ours names it first. */
export const usualUse = (codec: PhoneCodecName): CodecUse => ({
  codec,
  payloadType: namings[codec].payloadType,
  parameters: noParameters,
});

export const codecFormat = (
  codec: PhoneCodecName,
  payloadType = namings[codec].payloadType,
): PayloadFormat => {
  const { clockRateHz, channels, parameters } = namings[codec];
  return { payloadType, encodingName: codec, clockRateHz, channels, parameters };
};

/** Those of the codecs that a section names, in its own order. */
export const codecsIn = (media: MediaDescription, codecs: readonly PhoneCodecName[]): CodecUse[] =>
  rtpMaps(media).flatMap(({ encodingName, clockRateHz, payloadType, channels }) => {
    const codec = phoneCodecNamed(encodingName);
    if (codec === null || !codecs.includes(codec)) return [];
    const naming = namings[codec];
    if (clockRateHz !== naming.clockRateHz || channels !== naming.channels) return [];
    const written = codec === 'opus' ? fmtp(media, payloadType) : null;
    const parameters = written === null ? noParameters : parseFmtpParameters(written);
    return [{ codec, payloadType, parameters }];
  });

/** Can take any of these codecs, over RTP without encryption. */
export const plainAudio = (codecs: readonly PhoneCodecName[]): AudioAbility<CodecUse> => ({
  obstacleIn: (media) => (isPlainRtp(media) ? null : unsupportedProtocol(media)),
  codecsIn: (media) => codecsIn(media, codecs),
});
