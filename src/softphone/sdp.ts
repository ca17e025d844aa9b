/** The softphone's session descriptions: one audio section of G.711 and key presses. */
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
import { g711Format, plainG711, type G711Law } from '../sdp/g711.js';
import { SdpRefusal } from '../sdp/sdp-refusal.js';
import { parseSessionDescription } from '../sdp/session-description.js';

/** Our side of the session, as it is to be described. */
export interface LocalDescription {
  readonly address: string;
  readonly port: number;
  readonly sessionId: string;
  /** Grows by one with every description that differs (RFC 3264 §8). */
  readonly version: number;
  readonly codecs: readonly G711Law[];
  readonly direction: Direction;
}

/** What both sides agreed on. */
export interface NegotiatedAudio {
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly codec: G711Law;
  readonly payloadType: number;
  /** Payload type of RFC 4733 events at 8 kHz; absent when the far end does not take them. */
  readonly eventPayloadType?: number;
  /** The far end wants to hear us. */
  readonly remoteReceives: boolean;
  /** The far end will send. */
  readonly remoteSends: boolean;
}

/** The number most equipment uses for telephone-event, and some insists on. */
const usualEventPayloadType = 101;

/** An offer of G.711 and RFC 4733 events in packets of 20 ms. */
export function formatOffer(local: LocalDescription): string {
  const laws = local.codecs.map((law) => g711Format(law));
  return format(local, audioAlone, [...laws, telephoneEventFormat(usualEventPayloadType)]);
}

/**
 * The first audio section of an offer or answer that we can take part in; of its codecs the first we know, for the
 * answerer's order is the one to follow (RFC 3264 §6.1). Null when there is none. Throws when it is no SDP.
 */
export function readAudio(text: string, codecs: readonly G711Law[]): NegotiatedAudio | null {
  const session = parseSessionDescription(text);
  try {
    const { media, codecs: uses } = chooseAudio(session, plainG711(codecs), null);
    const { host, direction } = farSideOf(session, media);
    const events = telephoneEventAt(media, 8000);
    return {
      remoteAddress: host,
      remotePort: media.port,
      codec: uses[0].law,
      payloadType: uses[0].payloadType,
      ...(events && { eventPayloadType: events.payloadType }),
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
  const layout = chooseAudio(parseSessionDescription(offer), plainG711([audio.codec]), null);
  const formats = [g711Format(audio.codec, audio.payloadType)];
  if (audio.eventPayloadType !== undefined) formats.push(telephoneEventFormat(audio.eventPayloadType));
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
