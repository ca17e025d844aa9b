/** The softphone's session descriptions: one audio section and key presses. */
import {
  audioAlone,
  chooseAudio,
  farSideOf,
  formatAudioDescription,
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
  usualEventPayloadType,
  type PhoneCodecName,
} from '../sdp/phone-codecs.js';
import { SdpRefusal } from '../sdp/sdp-refusal.js';
import { parseSessionDescription } from '../sdp/session-description.js';

/** Our side of the session, as it is to be described. */
export interface LocalDescription {
  readonly address: string;
  readonly port: number;
  readonly sessionId: string;
  /** Grows by one with every description that differs (RFC 3264 §8). */
  readonly version: number;
  readonly codecs: readonly PhoneCodecName[];
  readonly direction: Direction;
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
  return format(local, audioAlone, [...codecs, ...events]);
}

/**
 * The first audio section of an offer or answer that we can take part in; of its codecs the first we know, for the
 * answerer's order is the one to follow (RFC 3264 §6.1). Null when there is none. Throws when it is no SDP.
 */
export function readAudio(text: string, codecs: readonly PhoneCodecName[]): NegotiatedAudio | null {
  const session = parseSessionDescription(text);
  try {
    const { media, codecs: uses } = chooseAudio(session, plainAudio(codecs), null);
    const { host, direction } = farSideOf(session, media);
    const [{ codec, payloadType, parameters }] = uses;
    const events = telephoneEventAt(media, clockRateOf(codec));
    return {
      remoteAddress: host,
      remotePort: media.port,
      codec,
      payloadType,
      parameters,
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
  const layout = chooseAudio(parseSessionDescription(offer), plainAudio([audio.codec]), null);
  const formats = [codecFormat(audio.codec, audio.payloadType)];
  if (audio.eventPayloadType !== undefined)
    formats.push(telephoneEventFormat(audio.eventPayloadType, audio.eventClockRateHz));
  return format(local, layout, formats);
}

function format(
  { sessionId, version, address, port, direction }: LocalDescription,
  layout: AudioLayout,
  formats: readonly PayloadFormat[],
): string {
  return formatAudioDescription({
    identity: { sessionId, version },
    layout,
    at: { address, port },
    formats,
    attributes: [attribute('ptime', 20), attribute(direction)],
  });
}
