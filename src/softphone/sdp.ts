/** The softphone's session descriptions: one audio section and key presses. */
import {
  audioAlone,
  chooseAudio,
  farSideOf,
  formatAudioDescription,
  type AudioAbility,
  type AudioLayout,
} from '../sdp/audio-section.js';
import {
  attribute,
  receives,
  sends,
  telephoneEventAt,
  telephoneEventFormat,
  type Direction,
  type PayloadFormat,
} from '../sdp/attributes.js';
import {
  clockRateOf,
  codecFormat,
  plainAudio,
  type CodecUse,
  usualEventPayloadType,
  type PhoneCodecName,
} from '../sdp/phone-codecs.js';
import {
  answerLines,
  offerLines,
  srtpIn,
  srtpObstacle,
  type AgreedSrtp,
  type SrtpKeys,
  type SrtpPolicy,
} from '../media/worker/srtp/srtp-negotiation.js';
import type { SrtpSuite } from '../media/worker/srtp/srtp-suite.js';
import { SdpRefusal } from '../sdp/sdp-refusal.js';
import { parseSessionDescription, type Attribute } from '../sdp/session-description.js';

/** Our side of the session, as it is to be described. */
export interface LocalDescription {
  readonly address: string;
  readonly port: number;
  readonly sessionId: string;
  /** Grows by one with every description that differs (RFC 3264 §8). */
  readonly version: number;
  readonly codecs: readonly PhoneCodecName[];
  readonly direction: Direction;
  /** Absent: it speaks plain RTP alone. */
  readonly srtp?: LocalSrtp;
}

/** How the phone encrypts (RFC 4568). */
export interface LocalSrtp {
  /** `named`: offers `RTP/SAVP`, and nothing else will do. `beside`: keys beside `RTP/AVP` (RFC 8643), plain RTP will do too. */
  readonly mode: 'named' | 'beside';
  /** Those that are offered and taken. */
  readonly suites: readonly SrtpSuite[];
  readonly keys: SrtpKeys;
}

/** What both sides agreed on. */
export interface NegotiatedAudio {
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly codec: PhoneCodecName;
  readonly payloadType: number;
  /** What the far end asks for, by names in lower case (`a=fmtp`). */
  readonly parameters: ReadonlyMap<string, string>;
  /** Payload type of RFC 4733 events, and their clock; absent when the far end does not take them. */
  readonly eventPayloadType?: number;
  readonly eventClockRateHz?: number;
  /** Null: nothing is encrypted. */
  readonly srtp: AgreedSrtp | null;
  /** The far end wants to hear us. */
  readonly remoteReceives: boolean;
  /** The far end will send. */
  readonly remoteSends: boolean;
}

/** An offer of codecs and RFC 4733 events in packets of 20 ms. */
export function formatOffer(local: LocalDescription): string {
  const codecs = local.codecs.map((codec) => codecFormat(codec));
  const clocks = new Set(local.codecs.map(clockRateOf));
  const events = [...clocks].map((clockRateHz) =>
    telephoneEventFormat(usualEventPayloadType(clockRateHz), clockRateHz),
  );
  const { srtp } = local;
  const protocol = srtp?.mode === 'named' ? 'RTP/SAVP' : 'RTP/AVP';
  const sections = audioAlone.sections.map((section) => ({ ...section, protocol }));
  const crypto = srtp === undefined ? [] : offerLines(srtp.suites, srtp.keys);
  return format(local, { ...audioAlone, sections }, [...codecs, ...events], crypto);
}

/**
 * The first audio section of an offer or answer that we can take part in; of its codecs the first we know, for the
 * answerer's order is the one to follow (RFC 3264 §6.1). Null when there is none. Throws when it is no SDP.
 */
export function readAudio(
  text: string,
  codecs: readonly PhoneCodecName[],
  srtp?: LocalSrtp,
): NegotiatedAudio | null {
  const session = parseSessionDescription(text);
  try {
    const { media, codecs: uses } = chooseAudio(session, abilityOf(codecs, srtp), null);
    const { host, direction } = farSideOf(session, media);
    const [{ codec, payloadType, parameters }] = uses;
    const events = telephoneEventAt(media, clockRateOf(codec));
    return {
      remoteAddress: host,
      remotePort: media.port,
      codec,
      payloadType,
      parameters,
      srtp: srtp === undefined ? null : srtpIn(media, policyOf(srtp)),
      ...(events && { eventPayloadType: events.payloadType, eventClockRateHz: events.clockRateHz }),
      remoteReceives: receives(direction),
      remoteSends: sends(direction),
    };
  } catch (error) {
    if (error instanceof SdpRefusal) return null;
    throw error;
  }
}

/** The answer to an offer that `readAudio` could take part in: one audio section, everything else refused. */
export function formatAnswer(local: LocalDescription, offer: string, audio: NegotiatedAudio): string {
  const layout = chooseAudio(parseSessionDescription(offer), abilityOf([audio.codec], local.srtp), null);
  const formats = [codecFormat(audio.codec, audio.payloadType)];
  if (audio.eventPayloadType !== undefined)
    formats.push(telephoneEventFormat(audio.eventPayloadType, audio.eventClockRateHz));
  const crypto = local.srtp === undefined ? [] : answerLines(audio.srtp, local.srtp.keys);
  return format(local, layout, formats, crypto);
}

const policyOf = (srtp: LocalSrtp | undefined): SrtpPolicy =>
  srtp === undefined ? 'off' : srtp.mode === 'named' ? 'require' : 'allow';

const abilityOf = (
  codecs: readonly PhoneCodecName[],
  srtp: LocalSrtp | undefined,
): AudioAbility<CodecUse> => ({
  ...plainAudio(codecs),
  obstacleIn: (media) => srtpObstacle(media, policyOf(srtp)),
});

function format(
  { sessionId, version, address, port, direction }: LocalDescription,
  layout: AudioLayout,
  formats: readonly PayloadFormat[],
  crypto: readonly Attribute[],
): string {
  return formatAudioDescription({
    identity: { sessionId, version },
    layout,
    at: { address, port },
    formats,
    attributes: [attribute('ptime', 20), ...crypto, attribute(direction)],
  });
}
