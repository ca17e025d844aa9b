import type { G711Law } from '../media/worker/codec/g711.js';
import {
  attribute,
  direction,
  fmtpAttribute,
  receives,
  rtpMapAttribute,
  rtpMaps,
  sends,
} from '../sdp/attributes.js';
import type { Direction, RtpMap } from '../sdp/attributes.js';
import { formatSessionDescription, parseSessionDescription } from '../sdp/session-description.js';
import type { MediaDescription, SessionDescription } from '../sdp/session-description.js';

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

const STATIC_PAYLOAD_TYPE: Readonly<Record<G711Law, number>> = { PCMU: 0, PCMA: 8 };
/** The number most equipment uses for telephone-event, and some insists on. */
const EVENT_PAYLOAD_TYPE = 101;

/** An offer of G.711 and RFC 4733 events in packets of 20 ms. */
export function formatOffer(local: LocalDescription): string {
  const maps = [
    ...local.codecs.map((law) => g711Map(law, STATIC_PAYLOAD_TYPE[law])),
    eventMap(EVENT_PAYLOAD_TYPE),
  ];
  return formatSessionDescription(describe(local, [audioSection(local, local.port, maps)]));
}

/**
 * The first audio section of an offer or answer that we can take part in; of its codecs the first we know, for the
 * answerer's order is the one to follow (RFC 3264 §6.1). Undefined when there is none. Throws when it is no SDP.
 */
export function readAudio(text: string, codecs: readonly G711Law[]): NegotiatedAudio | undefined {
  const description = parseSessionDescription(text);
  const index = usableAudio(description, codecs);
  const section = description.media[index];
  const connection = section?.connection ?? description.connection;
  if (!section || !connection) return undefined;
  const maps = rtpMaps(section);
  const chosen = maps.find((map) => lawOf(map, codecs) !== undefined);
  const codec = chosen && lawOf(chosen, codecs);
  if (!chosen || !codec) return undefined;
  const events = maps.find((map) => isEvents(map));
  const way = direction(section, description);
  // The way of RFC 2543 to say hold: an address to which nothing can be sent.
  const unreachable = connection.address === '0.0.0.0' || connection.address === '::';
  return {
    remoteAddress: connection.address,
    remotePort: section.port,
    codec,
    payloadType: chosen.payloadType,
    ...(events && { eventPayloadType: events.payloadType }),
    remoteReceives: receives(way) && !unreachable,
    remoteSends: sends(way),
  };
}

/** The answer to an offer that `readAudio` could take part in: one audio section, everything else refused. */
export function formatAnswer(local: LocalDescription, offer: string, audio: NegotiatedAudio): string {
  const description = parseSessionDescription(offer);
  const accepted = usableAudio(description, [audio.codec]);
  const maps = [g711Map(audio.codec, audio.payloadType)];
  if (audio.eventPayloadType !== undefined) maps.push(eventMap(audio.eventPayloadType));
  const sections = description.media.map((section, index) =>
    index === accepted
      ? audioSection(local, local.port, maps)
      : { ...section, port: 0, bandwidth: [], attributes: [] },
  );
  return formatSessionDescription(describe(local, sections));
}

function usableAudio(description: SessionDescription, codecs: readonly G711Law[]): number {
  return description.media.findIndex(
    (section) =>
      section.kind === 'audio' &&
      section.port !== 0 &&
      /^RTP\/AVPF?$/i.test(section.protocol) &&
      rtpMaps(section).some((map) => lawOf(map, codecs) !== undefined),
  );
}

function lawOf(map: RtpMap, codecs: readonly G711Law[]): G711Law | undefined {
  if (map.clockRateHz !== 8_000) return undefined;
  return codecs.find((law) => law === map.encodingName.toUpperCase());
}

function isEvents(map: RtpMap): boolean {
  return map.encodingName.toLowerCase() === 'telephone-event' && map.clockRateHz === 8_000;
}

function g711Map(law: G711Law, payloadType: number): RtpMap {
  return { payloadType, encodingName: law, clockRateHz: 8_000, channels: 1 };
}

function eventMap(payloadType: number): RtpMap {
  return { payloadType, encodingName: 'telephone-event', clockRateHz: 8_000, channels: 1 };
}

function audioSection(local: LocalDescription, port: number, maps: readonly RtpMap[]): MediaDescription {
  return {
    kind: 'audio',
    port,
    protocol: 'RTP/AVP',
    formats: maps.map((map) => String(map.payloadType)),
    bandwidth: [],
    attributes: [
      ...maps.map(rtpMapAttribute),
      ...maps.filter(isEvents).map((map) => fmtpAttribute(map.payloadType, '0-15')),
      attribute('ptime', 20),
      attribute(local.direction),
    ],
  };
}

function describe(local: LocalDescription, media: MediaDescription[]): SessionDescription {
  const addressType = local.address.includes(':') ? 'IP6' : 'IP4';
  const { address } = local;
  return {
    origin: {
      username: '-',
      sessionId: local.sessionId,
      sessionVersion: String(local.version),
      addressType,
      address,
    },
    sessionName: '-',
    connection: { addressType, address },
    attributes: [],
    media,
  };
}
