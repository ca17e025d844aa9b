/**
 * Offer and answer for phone legs (RFC 3264, RFC 8866): one audio section of G.711 and telephone events, every other
 * section refused in its place. Pure: descriptions in, descriptions and decisions out.
 */
import {
  answeredAudio,
  audioAlone,
  chooseAudio,
  farSideOf,
  formatAudioDescription,
  type AudioAbility,
  type AudioLayout,
  type ChosenAudio,
  type Identity,
} from '../../../sdp/audio-section.js';
import {
  attribute,
  directionOf,
  hasAttribute,
  maxPtimeMs,
  receives,
  rtcpAddress,
  sends,
  telephoneEventAt,
  telephoneEventFormat,
  type Direction,
  type PayloadFormat,
} from '../../../sdp/attributes.js';
import { g711Format, plainG711, staticPayloadTypes, type G711Law, type LawUse } from '../../../sdp/g711.js';
import { usableDestination, type MediaAddress } from '../../../sdp/media-address.js';
import {
  parseSessionDescription,
  type AddressType,
  type MediaDescription,
  type SessionDescription,
} from '../../../sdp/session-description.js';
import type { PhoneTerms } from './phone-terms.js';

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
  /** Telephone events are offered and taken. Default true. */
  readonly telephoneEvents?: boolean;
}

export function preferencesOf({ codecs, telephoneEvents }: PhoneTerms): CodecPreferences {
  return codecs === null
    ? { codecs: ['PCMU', 'PCMA'], order: 'offerer', telephoneEvents }
    : { codecs, order: 'own', telephoneEvents };
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
  /** The family that the peer's media is in; null where it does not say. */
  readonly addressType: AddressType | null;
  readonly rtcpMux: boolean;
  /** The longest packet that the peer takes (RFC 8866 §6.4); null: any. */
  readonly maxPacketMs: number | null;
  /** Whether the peer wants RTP (it holds us otherwise), and whether it sends any that is meant for the session. */
  readonly peerReceives: boolean;
  readonly peerSends: boolean;
  readonly layout: AudioLayout;
}

/** The direction of our side that answers the agreement's. */
export const localDirection = (agreement: PhoneAgreement): Direction =>
  directionOf(agreement.peerReceives, agreement.peerSends);

const defaultEventPayloadType = 101;

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
  const chosen = chooseAudio(session, abilityOf(preferences), previous?.layout ?? null);
  const { law, payloadType } = chosen.codecs.find((use) => use.law === previous?.law) ?? chosen.codecs[0];
  const eventPayloadType = eventPayloadTypeOf(chosen.media, preferences);
  return {
    ...remoteSide(session, chosen, previous),
    law,
    payloadType,
    // The answer names one law, so nothing else may come (RFC 3264 §6.1).
    receivable: new Map([[payloadType, law]]),
    eventPayloadType,
    ownEventPayloadType: eventPayloadType,
  };
}

/** The answer to the offer that `agreement` came of. */
export function formatAnswer(agreement: PhoneAgreement, local: LocalEndpoint, version: number): string {
  const { law, payloadType, eventPayloadType, layout, rtcpMux } = agreement;
  const formats = [g711Format(law, payloadType)];
  if (eventPayloadType !== null) formats.push(telephoneEventFormat(eventPayloadType));
  return format({ local, version, layout, formats, rtcpMux, direction: localDirection(agreement) });
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
  return format({
    local,
    version,
    layout: previous?.layout ?? audioAlone,
    formats: [
      ...offeredLaws(preferences, previous).map(({ law, payloadType }) => g711Format(law, payloadType)),
      ...(preferences.telephoneEvents === false
        ? []
        : [telephoneEventFormat(ownEventPayloadTypeOf(previous))]),
    ],
    rtcpMux: previous === null || previous.rtcpMux,
    direction: 'sendrecv',
  });
}

/** Decides on the peer's answer to an offer of ours. Throws SdpRefusal like `negotiateOffer`. */
export function negotiateAnswer(
  answer: string,
  preferences: CodecPreferences,
  previous: PhoneAgreement | null,
): PhoneAgreement {
  const session = parseSessionDescription(answer);
  const chosen = answeredAudio(session, plainG711(preferences.codecs), previous?.layout ?? audioAlone);
  const [{ law, payloadType }] = chosen.codecs;
  const eventPayloadType = eventPayloadTypeOf(chosen.media, preferences);
  return {
    ...remoteSide(session, chosen, previous),
    law,
    payloadType,
    // Payload types are the receiver's choice: what the peer sends bears the numbers of our offer (RFC 3264 §6.1).
    receivable: new Map(offeredLaws(preferences, previous).map((use) => [use.payloadType, use.law])),
    eventPayloadType,
    ownEventPayloadType: eventPayloadType === null ? null : ownEventPayloadTypeOf(previous),
  };
}

function abilityOf({ codecs, order }: CodecPreferences): AudioAbility<LawUse> {
  const ability = plainG711(codecs);
  if (order === 'offerer') return ability;
  const inOwnOrder = (a: LawUse, b: LawUse): number => codecs.indexOf(a.law) - codecs.indexOf(b.law);
  return { ...ability, codecsIn: (media) => [...ability.codecsIn(media)].sort(inOwnOrder) };
}

const eventPayloadTypeOf = (
  media: MediaDescription,
  { telephoneEvents = true }: CodecPreferences,
): number | null => (telephoneEvents ? (telephoneEventAt(media, 8000)?.payloadType ?? null) : null);

function remoteSide(
  session: SessionDescription,
  { media, sections, audioIndex }: ChosenAudio<LawUse>,
  previous: PhoneAgreement | null,
): Pick<
  PhoneAgreement,
  | 'remoteRtp'
  | 'remoteRtcp'
  | 'addressType'
  | 'rtcpMux'
  | 'maxPacketMs'
  | 'peerReceives'
  | 'peerSends'
  | 'layout'
> {
  const { destination, holdsOldWay, addressType, direction, host } = farSideOf(session, media);
  const rtcp = rtcpAddress(media);
  return {
    remoteRtp: holdsOldWay ? (previous?.remoteRtp ?? null) : destination,
    remoteRtcp: holdsOldWay
      ? (previous?.remoteRtcp ?? null)
      : usableDestination(rtcp?.connection?.address ?? host, rtcp?.port ?? media.port + 1),
    addressType,
    rtcpMux: hasAttribute(media, 'rtcp-mux'),
    maxPacketMs: maxPtimeMs(media),
    peerReceives: receives(direction),
    peerSends: sends(direction),
    layout: { sections, audioIndex },
  };
}

/** The laws of our offers: under the numbers agreed on, the one agreed on first. */
function offeredLaws({ codecs }: CodecPreferences, previous: PhoneAgreement | null): LawUse[] {
  const agreed = new Map([...(previous?.receivable ?? [])].map(([payloadType, law]) => [law, payloadType]));
  return codecs
    .map((law) => ({ law, payloadType: agreed.get(law) ?? staticPayloadTypes[law] }))
    .sort((a, b) => Number(b.law === previous?.law) - Number(a.law === previous?.law));
}

/** What our offers say. */
const ownEventPayloadTypeOf = (previous: PhoneAgreement | null): number =>
  previous?.ownEventPayloadType ?? defaultEventPayloadType;

interface OwnDescription {
  readonly local: LocalEndpoint;
  readonly version: number;
  readonly layout: AudioLayout;
  readonly formats: readonly PayloadFormat[];
  readonly rtcpMux: boolean;
  readonly direction: Direction;
}

function format({ local, version, layout, formats, rtcpMux, direction }: OwnDescription): string {
  const identity: Identity = { sessionId: local.sessionId, version };
  return formatAudioDescription({
    identity,
    layout,
    at: { address: local.address, port: local.rtpPort },
    formats,
    attributes: [attribute('ptime', 20), ...(rtcpMux ? [attribute('rtcp-mux')] : []), attribute(direction)],
  });
}
