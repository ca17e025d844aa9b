/**
 * Offer and answer for phone legs (RFC 3264, RFC 8866): one audio section of G.711 and telephone events, every other
 * section refused in its place. Pure: descriptions in, descriptions and decisions out.
 */
import { isIP, isIPv6 } from 'node:net';
import type { G711Law } from '../codec/g711.js';
import {
  attribute,
  attributeValue,
  connectionOf,
  direction,
  directionOf,
  hasAttribute,
  receives,
  rtcpAddress,
  rtpMapAttribute,
  rtpMaps,
  sends,
  type Direction,
  type RtpMap,
} from '../../../sdp/attributes.js';
import { SdpRefusal } from '../../../sdp/sdp-refusal.js';
import {
  formatSessionDescription,
  parseSessionDescription,
  type Attribute,
  type MediaDescription,
  type SessionDescription,
} from '../../../sdp/session-description.js';

/** What is ours in every description of one leg. */
export interface LocalEndpoint {
  /** Literal address the peer can reach. */
  readonly address: string;
  readonly rtpPort: number;
  /** For `o=`: decimal digits, unique to the leg. */
  readonly sessionId: string;
}

export interface CodecPreferences {
  /** What may be negotiated; in our own offers in this order. */
  readonly codecs: readonly G711Law[];
  /** Whose order decides in our answers. */
  readonly order: 'offerer' | 'own';
}

/** A destination of packets; the address is always literal. */
export interface MediaAddress {
  readonly address: string;
  readonly port: number;
}

/** One m-section as the last description had it: its place, and what must be repeated. */
interface Section {
  readonly kind: string;
  readonly protocol: string;
  readonly formats: readonly string[];
  readonly mid: string | null;
}

/** What both sides agreed on, and what later descriptions must stay consistent with. */
export interface PhoneAgreement {
  readonly law: G711Law;
  readonly payloadType: number;
  /** Laws by the payload types the peer may send. */
  readonly receivable: ReadonlyMap<number, G711Law>;
  /** Payload type of telephone events that the peer is sent, or null when it takes none. */
  readonly eventPayloadType: number | null;
  /** The one that it was told to send: another where it answered our offer with its own (RFC 3264 §6.1). */
  readonly ownEventPayloadType: number | null;
  /** Where RTP goes according to the SDP; null when the peer gives no usable address (then the latch decides). */
  readonly remoteRtp: MediaAddress | null;
  readonly remoteRtcp: MediaAddress | null;
  readonly rtcpMux: boolean;
  /** Whether the peer wants RTP (it holds us otherwise), and whether it sends any that is meant for the session. */
  readonly peerReceives: boolean;
  readonly peerSends: boolean;
  readonly sections: readonly Section[];
  readonly audioIndex: number;
}

/** The direction of our side that answers the agreement's. */
export const localDirection = (agreement: PhoneAgreement): Direction =>
  directionOf(agreement.peerReceives, agreement.peerSends);

const eventEncoding = 'telephone-event';
const defaultEventPayloadType = 101;
const staticPayloadTypes: Readonly<Record<G711Law, number>> = { PCMU: 0, PCMA: 8 };
const supportedProtocols: readonly string[] = ['RTP/AVP', 'RTP/AVPF'];

/**
 * Decides on the peer's offer. The first audio section in use that has a law in common is taken; a codec already agreed
 * on is kept as long as it is offered. Throws SdpRefusal `bad-sdp` or `no-common-codec`.
 */
export function negotiateOffer(
  offer: string,
  preferences: CodecPreferences,
  previous: PhoneAgreement | null,
): PhoneAgreement {
  const session = parseSessionDescription(offer);
  const candidates = session.media
    .map((media, index) => ({ media, index, laws: isUsable(media) ? lawsOf(media, preferences) : [] }))
    .filter(({ laws }) => laws.length > 0);
  const chosen = candidates.find(({ index }) => index === previous?.audioIndex) ?? candidates[0];
  if (chosen === undefined) throw new SdpRefusal('no-common-codec', whyNot(session));
  const kept = chosen.laws.find(({ law }) => law === previous?.law);
  const { law, payloadType } = kept ?? chosen.laws[0]!;
  return {
    ...remoteSide(session, chosen.media, previous),
    law,
    payloadType,
    // The answer names one law, so nothing else may come (RFC 3264 §6.1).
    receivable: new Map([[payloadType, law]]),
    eventPayloadType: eventPayloadTypeOf(chosen.media),
    ownEventPayloadType: eventPayloadTypeOf(chosen.media),
    rtcpMux: hasAttribute(chosen.media, 'rtcp-mux'),
    sections: session.media.map(sectionOf),
    audioIndex: chosen.index,
  };
}

/** The answer to the offer that `agreement` came of. */
export function formatAnswer(agreement: PhoneAgreement, local: LocalEndpoint, version: number): string {
  const { law, payloadType, eventPayloadType } = agreement;
  const maps: RtpMap[] = [{ payloadType, encodingName: law, clockRateHz: 8000, channels: 1 }];
  if (eventPayloadType !== null) maps.push(eventMap(eventPayloadType));
  return formatDescription(
    agreement.sections,
    agreement.audioIndex,
    local,
    version,
    [
      ...formatAttributes(maps),
      attribute('ptime', 20),
      ...(agreement.rtcpMux ? [attribute('rtcp-mux')] : []),
      attribute(localDirection(agreement)),
    ],
    maps,
  );
}

/**
 * Our own offer: for an INVITE that came without one, or to refresh what `previous` agreed on (same sections, payload
 * types and order).
 */
export function formatOffer(
  preferences: CodecPreferences,
  previous: PhoneAgreement | null,
  local: LocalEndpoint,
  version: number,
): string {
  const maps = offeredMaps(preferences, previous);
  const sections = previous?.sections ?? [{ kind: 'audio', protocol: 'RTP/AVP', formats: [], mid: null }];
  return formatDescription(
    sections,
    previous?.audioIndex ?? 0,
    local,
    version,
    [
      ...formatAttributes(maps),
      attribute('ptime', 20),
      ...(previous === null || previous.rtcpMux ? [attribute('rtcp-mux')] : []),
      attribute('sendrecv'),
    ],
    maps,
  );
}

/** Decides on the peer's answer to an offer of ours. Throws SdpRefusal like `negotiateOffer`. */
export function negotiateAnswer(
  answer: string,
  preferences: CodecPreferences,
  previous: PhoneAgreement | null,
): PhoneAgreement {
  const session = parseSessionDescription(answer);
  const audioIndex = previous?.audioIndex ?? 0;
  const media = session.media[audioIndex];
  if (media === undefined) throw new SdpRefusal('bad-sdp', 'the answer has fewer m= lines than the offer');
  const laws = isUsable(media) ? lawsOf(media, { ...preferences, order: 'offerer' }) : [];
  const first = laws[0];
  if (first === undefined) throw new SdpRefusal('no-common-codec', whyNot(session));
  const offered = offeredMaps(preferences, previous);
  const eventPayloadType = eventPayloadTypeOf(media);
  // Payload types are the receiver's choice: what the peer sends bears the numbers of our offer (RFC 3264 §6.1).
  const receivable = new Map<number, G711Law>();
  for (const { payloadType, encodingName } of offered) {
    if (encodingName === 'PCMU' || encodingName === 'PCMA') receivable.set(payloadType, encodingName);
  }
  return {
    ...remoteSide(session, media, previous),
    law: first.law,
    payloadType: first.payloadType,
    receivable,
    eventPayloadType,
    ownEventPayloadType: eventPayloadType === null ? null : ownEventPayloadTypeOf(previous),
    rtcpMux: hasAttribute(media, 'rtcp-mux'),
    sections: previous?.sections ?? [sectionOf(media)],
    audioIndex,
  };
}

function isUsable(media: MediaDescription): boolean {
  return media.kind === 'audio' && media.port !== 0 && supportedProtocols.includes(media.protocol);
}

function whyNot(session: SessionDescription): string {
  const audio = session.media.find(({ kind, port }) => kind === 'audio' && port !== 0);
  if (audio === undefined) return 'no audio section is in use';
  if (!supportedProtocols.includes(audio.protocol)) return `${audio.protocol} is not supported`;
  return 'none of the audio codecs is supported';
}

function lawsOf(
  media: MediaDescription,
  { codecs, order }: CodecPreferences,
): { law: G711Law; payloadType: number }[] {
  const laws = rtpMaps(media).flatMap(({ encodingName, clockRateHz, payloadType, channels }) => {
    const law = codecs.find((name) => name === encodingName.toUpperCase());
    return law !== undefined && clockRateHz === 8000 && channels === 1 ? [{ law, payloadType }] : [];
  });
  return order === 'offerer' ? laws : laws.sort((a, b) => codecs.indexOf(a.law) - codecs.indexOf(b.law));
}

function eventPayloadTypeOf(media: MediaDescription): number | null {
  const map = rtpMaps(media).find(
    ({ encodingName, clockRateHz }) => encodingName.toLowerCase() === eventEncoding && clockRateHz === 8000,
  );
  return map?.payloadType ?? null;
}

function remoteSide(
  session: SessionDescription,
  media: MediaDescription,
  previous: PhoneAgreement | null,
): Pick<PhoneAgreement, 'remoteRtp' | 'remoteRtcp' | 'peerReceives' | 'peerSends'> {
  const connection = connectionOf(media, session);
  if (connection === null) throw new SdpRefusal('bad-sdp', 'the audio section has no c= line');
  const remote = direction(media, session);
  // RFC 3264 §8.4: the old way to hold. It is not an address, so the one known stays.
  if (connection.address === '0.0.0.0') {
    return {
      remoteRtp: previous?.remoteRtp ?? null,
      remoteRtcp: previous?.remoteRtcp ?? null,
      peerReceives: false,
      // Whoever holds the old way and sends still, sends hold music.
      peerSends: false,
    };
  }
  const rtcp = rtcpAddress(media);
  return {
    remoteRtp: usable(connection.address, media.port),
    remoteRtcp: usable(rtcp?.connection?.address ?? connection.address, rtcp?.port ?? media.port + 1),
    peerReceives: receives(remote),
    peerSends: sends(remote),
  };
}

/** Only literal unicast addresses are sent to: names would need a resolver, and groups were never asked for. */
function usable(address: string, port: number): MediaAddress | null {
  const isGroup = /^(22[4-9]|23\d|255)\.|^ff/i.test(address);
  return isIP(address) === 0 || isGroup || port < 1 || port > 65_535 ? null : { address, port };
}

function sectionOf(media: MediaDescription): Section {
  const { kind, protocol, formats } = media;
  return { kind, protocol, formats, mid: attributeValue(media, 'mid') };
}

function offeredMaps(preferences: CodecPreferences, previous: PhoneAgreement | null): RtpMap[] {
  const numbers = new Map<G711Law, number>(preferences.codecs.map((law) => [law, staticPayloadTypes[law]]));
  const order = [...preferences.codecs];
  if (previous !== null) {
    for (const [payloadType, law] of previous.receivable) numbers.set(law, payloadType);
    order.sort((a, b) => Number(b === previous.law) - Number(a === previous.law));
  }
  const maps = order.map((law) => ({
    payloadType: numbers.get(law)!,
    encodingName: law,
    clockRateHz: 8000,
    channels: 1,
  }));
  return [...maps, eventMap(ownEventPayloadTypeOf(previous))];
}

/** What our offers say. */
const ownEventPayloadTypeOf = (previous: PhoneAgreement | null): number =>
  previous?.ownEventPayloadType ?? defaultEventPayloadType;

const eventMap = (payloadType: number): RtpMap => ({
  payloadType,
  encodingName: eventEncoding,
  clockRateHz: 8000,
  channels: 1,
});

function formatAttributes(maps: readonly RtpMap[]): Attribute[] {
  return maps.flatMap((map) =>
    map.encodingName === eventEncoding
      ? [rtpMapAttribute(map), attribute('fmtp', `${map.payloadType} 0-15`)]
      : [rtpMapAttribute(map)],
  );
}

function formatDescription(
  sections: readonly Section[],
  audioIndex: number,
  local: LocalEndpoint,
  version: number,
  audioAttributes: readonly Attribute[],
  maps: readonly RtpMap[],
): string {
  const addressType = isIPv6(local.address) ? 'IP6' : 'IP4';
  const { address, sessionId } = local;
  return formatSessionDescription({
    origin: { username: '-', sessionId, sessionVersion: String(version), addressType, address },
    sessionName: '-',
    connection: { addressType, address },
    attributes: [],
    media: sections.map(({ kind, protocol, formats, mid }, index) => {
      const identity = mid === null ? [] : [attribute('mid', mid)];
      return index === audioIndex
        ? {
            kind,
            port: local.rtpPort,
            protocol,
            formats: maps.map(({ payloadType }) => String(payloadType)),
            bandwidth: [],
            attributes: [...identity, ...audioAttributes],
          }
        : { kind, port: 0, protocol, formats, bandwidth: [], attributes: identity };
    }),
  });
}
