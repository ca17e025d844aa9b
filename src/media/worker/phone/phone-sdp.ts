/**
 * Offer and answer for phone legs (RFC 3264, RFC 8866): one audio section and telephone events, every other
 * section refused in its place. Pure: descriptions in, descriptions and decisions out.
 */
import {
  answeredAudio,
  audioAlone,
  chooseAudio,
  farSideOf,
  formatAudioDescription,
  layoutOf,
  type AudioAbility,
  type AudioLayout,
  type ChosenAudio,
  type Identity,
} from '../../../sdp/audio-section.js';
import {
  attribute,
  connectionOf,
  directionOf,
  hasAttribute,
  maxPtimeMs,
  receives,
  rtcpAddress,
  sends,
  telephoneEventAt,
  telephoneEventFormat,
  telephoneEvents,
  type Direction,
  type PayloadFormat,
} from '../../../sdp/attributes.js';
import { usableDestination, type MediaAddress } from '../../../sdp/media-address.js';
import {
  codecFormat,
  codecsIn,
  phoneCodecNames,
  plainAudio,
  usualEventPayloadType,
  usualUse,
  clockRateOf,
  isG711,
  type CodecUse,
  type PhoneCodecName,
} from '../../../sdp/phone-codecs.js';
import { cryptoAttributes } from '../../../sdp/crypto-attributes.js';
import { SdpRefusal } from '../../../sdp/sdp-refusal.js';
import {
  parseSessionDescription,
  type AddressType,
  type Attribute,
  type MediaDescription,
  type SessionDescription,
} from '../../../sdp/session-description.js';
import { phoneCodec, type PhoneCodec } from '../codec/phone-codec.js';
import {
  answerLines,
  isSrtp,
  offeredSuites,
  offerLines,
  srtpIn,
  srtpObstacle,
  type AgreedSrtp,
  type SrtpKeys,
  type SrtpPolicy,
} from '../srtp/srtp-negotiation.js';
import type { SrtpSuite } from '../srtp/srtp-suite.js';
import type { PhoneTerms } from './phone-terms.js';

/** What is ours in every description of one leg. */
export interface LocalEndpoint {
  /** Literal address the peer can reach. */
  readonly address: string;
  readonly rtpPort: number;
  /** For `o=`: decimal digits, unique to the leg. */
  readonly sessionId: string;
  readonly srtpKeys: SrtpKeys;
}

export interface CodecPreferences {
  /** What may be negotiated; in our own offers in this order. */
  readonly codecs: readonly PhoneCodecName[];
  /** Whose order decides in our answers. */
  readonly order: 'offerer' | 'own';
  /** Telephone events are offered and taken. Default true. */
  readonly telephoneEvents?: boolean;
  /** Default `allow`. */
  readonly srtp?: SrtpPolicy;
}

export function preferencesOf({ codecs, telephoneEvents, srtp }: PhoneTerms): CodecPreferences {
  const others = { telephoneEvents, srtp: srtp ?? 'allow' };
  return codecs === null
    ? { codecs: ['opus', 'G722', 'PCMU', 'PCMA'], order: 'offerer', ...others }
    : { codecs, order: 'own', ...others };
}

/** Telephone events under a number, at one clock (RFC 4733 §2.1). */
export interface EventFormat {
  readonly payloadType: number;
  readonly clockRateHz: number;
}

/** What both sides agreed on, and what later descriptions must stay consistent with. */
export interface PhoneAgreement {
  readonly codec: PhoneCodec;
  readonly payloadType: number;
  /** Codecs by the payload types the peer may send. */
  readonly receivable: ReadonlyMap<number, PhoneCodec>;
  /** The telephone events that the peer is sent, or null when it takes none. */
  readonly events: EventFormat | null;
  /** Those that it was told to send: other numbers where it answered our offer with its own (RFC 3264 §6.1). */
  readonly ownEvents: readonly EventFormat[];
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
  /** Null: nothing is encrypted. */
  readonly srtp: AgreedSrtp | null;
  /** Our next offer has keys for every suite, whatever was agreed on. Default false. */
  readonly offersKeys?: boolean;
}

/** The direction of our side that answers the agreement's. */
export const localDirection = (agreement: PhoneAgreement): Direction =>
  directionOf(agreement.peerReceives, agreement.peerSends);

/**
 * Decides on the peer's offer. The first audio section in use that has a codec in common is taken, one with SRTP before others;
 * a section and a codec already agreed on are kept as long as they are offered. Throws SdpRefusal `bad-sdp` or `no-common-codec`.
 */
export function negotiateOffer(
  offer: string,
  preferences: CodecPreferences,
  previous: PhoneAgreement | null,
): PhoneAgreement {
  const session = parseSessionDescription(offer);
  const chosen = choose(session, preferences, previous);
  const use = chosen.codecs.find(({ codec }) => codec === previous?.codec.name) ?? chosen.codecs[0];
  const codec = phoneCodec(use);
  const events = eventsIn(chosen.media, codec, preferences);
  return {
    ...remoteSide(session, chosen, previous),
    codec,
    payloadType: use.payloadType,
    // The answer names one codec, so nothing else may come (RFC 3264 §6.1).
    receivable: new Map([[use.payloadType, codec]]),
    events,
    ownEvents: events === null ? [] : [events],
    srtp: srtpIn(chosen.media, preferences.srtp ?? 'allow'),
  };
}

/** Many offer the same audio twice, with SRTP and without, in either order. */
function choose(
  session: SessionDescription,
  preferences: CodecPreferences,
  previous: PhoneAgreement | null,
): ChosenAudio<CodecUse> {
  const policy = preferences.srtp ?? 'allow';
  const ability = abilityOf(preferences, policy);
  if (policy !== 'allow' || previous !== null) return chooseAudio(session, ability, previous?.layout ?? null);
  const hasKey = session.media.some((media) => srtpIn(media, policy) !== null);
  try {
    return chooseAudio(session, hasKey ? abilityOf(preferences, 'require') : ability, null);
  } catch (error) {
    if (!hasKey || !(error instanceof SdpRefusal)) throw error;
    return chooseAudio(session, ability, null);
  }
}

/** The answer to the offer that `agreement` came of. */
export function formatAnswer(agreement: PhoneAgreement, local: LocalEndpoint, version: number): string {
  const { codec, payloadType, events, layout, rtcpMux, srtp } = agreement;
  const formats = [codecFormat(codec.name, payloadType)];
  if (events !== null) formats.push(telephoneEventFormat(events.payloadType, events.clockRateHz));
  const crypto = answerLines(srtp, local.srtpKeys);
  return format({ local, version, layout, formats, rtcpMux, crypto, direction: localDirection(agreement) });
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
  const policy = preferences.srtp ?? 'allow';
  const suites = offeredSuites(policy, previous);
  return format({
    local,
    version,
    layout: previous?.layout ?? firstLayout(policy),
    crypto: offerLines(suites, local.srtpKeys),
    formats: [
      ...offeredUses(preferences, previous).map(({ codec, payloadType }) => codecFormat(codec, payloadType)),
      ...offeredEvents(preferences, previous).map(({ payloadType, clockRateHz }) =>
        telephoneEventFormat(payloadType, clockRateHz),
      ),
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
  const policy = preferences.srtp ?? 'allow';
  const layout = previous?.layout ?? firstLayout(policy);
  const suites = offeredSuites(policy, previous);
  const chosen = answeredAudio(session, answerAbility(preferences, layout, suites), layout);
  const [use] = chosen.codecs;
  const codec = phoneCodec(use);
  const events = eventsIn(chosen.media, codec, preferences);
  return {
    ...remoteSide(session, chosen, previous),
    codec,
    payloadType: use.payloadType,
    // Payload types are the receiver's choice: what the peer sends bears the numbers of our offer (RFC 3264 §6.1).
    receivable: new Map(offeredUses(preferences, previous).map((own) => [own.payloadType, phoneCodec(own)])),
    events,
    ownEvents: events === null ? [] : offeredEvents(preferences, previous),
    srtp: srtpIn(chosen.media, policy, suites),
  };
}

/** A description of ours, and what the next one of the same call must go on from. */
export interface OwnPast {
  readonly identity: Identity;
  readonly agreement: PhoneAgreement;
}

/** Reads the last description of a leg that is lost. Throws SdpRefusal where it is none of a phone's. */
export function ownPastOf(description: string): OwnPast {
  const session = parseSessionDescription(description);
  const layout = layoutOf(session);
  const media = layout === null ? undefined : session.media[layout.audioIndex];
  const uses = media === undefined ? [] : codecsIn(media, phoneCodecNames);
  const [use] = uses;
  if (layout === null || media === undefined || use === undefined)
    throw new SdpRefusal('bad-sdp', 'the description of before has no audio');
  const { sessionId, sessionVersion } = session.origin;
  const keys = cryptoAttributes(media).length;
  return {
    identity: { sessionId, version: Number(sessionVersion) },
    agreement: {
      codec: phoneCodec(use),
      payloadType: use.payloadType,
      receivable: new Map(uses.map((own) => [own.payloadType, phoneCodec(own)])),
      events: null,
      ownEvents: telephoneEvents(media).map(({ payloadType, clockRateHz }) => ({ payloadType, clockRateHz })),
      remoteRtp: null,
      remoteRtcp: null,
      addressType: connectionOf(media, session)?.addressType ?? null,
      rtcpMux: hasAttribute(media, 'rtcp-mux'),
      maxPacketMs: null,
      peerReceives: true,
      peerSends: true,
      layout,
      // Which of them was taken is not said.
      srtp: null,
      offersKeys: keys > 0,
    },
  };
}

/** SRTP that must be is called so; that which may be is offered beside plain RTP (RFC 8643). */
const firstLayout = (policy: SrtpPolicy): AudioLayout => (policy === 'require' ? srtpAlone : audioAlone);

const srtpAlone: AudioLayout = {
  ...audioAlone,
  sections: audioAlone.sections.map((section) => ({ ...section, protocol: 'RTP/SAVP' })),
};

/** Where SRTP was offered by its name, nothing else is an answer. */
function answerAbility(
  { codecs, srtp = 'allow' }: CodecPreferences,
  { sections, audioIndex }: AudioLayout,
  suites: readonly SrtpSuite[],
): AudioAbility<CodecUse> {
  const section = sections[audioIndex];
  const policy = section !== undefined && isSrtp(section) ? 'require' : srtp;
  return { ...plainAudio(codecs), obstacleIn: (media) => srtpObstacle(media, policy, suites) };
}

function abilityOf({ codecs, order }: CodecPreferences, policy: SrtpPolicy): AudioAbility<CodecUse> {
  const ability: AudioAbility<CodecUse> = {
    ...plainAudio(codecs),
    obstacleIn: (media) => srtpObstacle(media, policy),
  };
  if (order === 'offerer') return ability;
  const inOwnOrder = (a: CodecUse, b: CodecUse): number => codecs.indexOf(a.codec) - codecs.indexOf(b.codec);
  return { ...ability, codecsIn: (media) => [...ability.codecsIn(media)].sort(inOwnOrder) };
}

/** The events at the codec's clock, else at 8 kHz. */
function eventsIn(
  media: MediaDescription,
  codec: PhoneCodec,
  { telephoneEvents = true }: CodecPreferences,
): EventFormat | null {
  const events = telephoneEvents ? telephoneEventAt(media, codec.clockRateHz) : null;
  return events === null ? null : { payloadType: events.payloadType, clockRateHz: events.clockRateHz };
}

function remoteSide(
  session: SessionDescription,
  { media, sections, audioIndex }: ChosenAudio<CodecUse>,
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

/**
 * The codecs of our offers: under the numbers agreed on, the one agreed on first. A call goes on in what was agreed on, or in
 * G.711: to refresh it is no reason to change its sound.
 */
function offeredUses({ codecs }: CodecPreferences, previous: PhoneAgreement | null): CodecUse[] {
  if (previous === null) return codecs.map(usualUse);
  const agreed = new Map([...previous.receivable].map(([number, codec]) => [codec.name, number]));
  const taken = new Set([...agreed.values(), ...previous.ownEvents.map(({ payloadType }) => payloadType)]);
  return codecs
    .flatMap((codec) => {
      const usual = usualUse(codec);
      const payloadType = agreed.get(codec);
      if (payloadType !== undefined) return { ...usual, payloadType };
      // A number means one codec for as long as the call lasts (RFC 3264 §8.3.2).
      const isOffered = isG711(codec) && !taken.has(usual.payloadType);
      return isOffered ? usual : [];
    })
    .sort((a, b) => Number(b.codec === previous.codec.name) - Number(a.codec === previous.codec.name));
}

/** The telephone events of our offers: at the clock of each codec (RFC 4733 §2.1), under the numbers agreed on. */
function offeredEvents(preferences: CodecPreferences, previous: PhoneAgreement | null): EventFormat[] {
  if (preferences.telephoneEvents === false) return [];
  const uses = offeredUses(preferences, previous);
  const taken = new Set(uses.map(({ payloadType }) => payloadType));
  const agreed = new Map((previous?.ownEvents ?? []).map((event) => [event.clockRateHz, event.payloadType]));
  const clocks = new Set([8000, ...uses.map(({ codec }) => clockRateOf(codec))]);
  return [...clocks].flatMap((clockRateHz) => {
    const payloadType = agreed.get(clockRateHz) ?? usualEventPayloadType(clockRateHz);
    const isFree =
      agreed.has(clockRateHz) || (!taken.has(payloadType) && ![...agreed.values()].includes(payloadType));
    return isFree ? [{ payloadType, clockRateHz }] : [];
  });
}

interface OwnDescription {
  readonly local: LocalEndpoint;
  readonly version: number;
  readonly layout: AudioLayout;
  readonly formats: readonly PayloadFormat[];
  readonly rtcpMux: boolean;
  readonly crypto: readonly Attribute[];
  readonly direction: Direction;
}

function format({ local, version, layout, formats, rtcpMux, crypto, direction }: OwnDescription): string {
  const identity: Identity = { sessionId: local.sessionId, version };
  return formatAudioDescription({
    identity,
    layout,
    at: { address: local.address, port: local.rtpPort },
    formats,
    attributes: [
      attribute('ptime', 20),
      ...crypto,
      ...(rtcpMux ? [attribute('rtcp-mux')] : []),
      attribute(direction),
    ],
  });
}
