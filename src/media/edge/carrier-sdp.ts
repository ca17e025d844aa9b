/**
 * What passes between a carrier and FreeSWITCH. Each description is read, reduced to what is known here, and written anew:
 * FreeSWITCH dies of some that it does not understand, and its own say more than a carrier should know. FreeSWITCH always
 * hears `sendrecv`: a hold is the media worker's business.
 */
import { isIPv4, isIPv6 } from 'node:net';
import { MediaRefusal } from '../../domain/media-plane.js';
import {
  attribute,
  attributeValue,
  connectionOf,
  direction,
  fmtp,
  fmtpAttribute,
  ptimeMs,
  rtpMapAttribute,
  rtpMaps,
  type Direction,
} from '../../sdp/attributes.js';
import { SdpRefusal } from '../../sdp/sdp-refusal.js';
import {
  formatSessionDescription,
  parseSessionDescription,
  type Attribute,
  type MediaDescription,
  type SessionDescription,
} from '../../sdp/session-description.js';
import { codecOf, ownCodec, type CodecUse, type EdgeCodecName } from './edge-codecs.js';
import { readSrtpKey, srtpKeyAttribute, type SrtpKey } from './srtp-key.js';

export interface MediaAddress {
  /** Literal. */
  readonly address: string;
  readonly port: number;
}

/** Telephone events (RFC 4733). */
export interface EventUse {
  readonly payloadType: number;
  readonly clockRateHz: number;
}

/** One m-section as the carrier has it: its place, and what must be repeated. */
interface Section {
  readonly kind: string;
  readonly protocol: string;
  readonly formats: readonly string[];
  readonly mid: string | null;
}

/** What a carrier's description says, as far as it is taken. */
export interface CarrierTerms {
  readonly sections: readonly Section[];
  readonly audioIndex: number;
  readonly codec: CodecUse;
  readonly events: EventUse | null;
  /** Whether events may be sent to it, too. */
  readonly takesEvents: boolean;
  /** Where its RTP is wanted; null where it does not say so in a way that can be used. */
  readonly peer: MediaAddress | null;
  readonly srtp: SrtpKey | null;
  /** As the carrier sees it; `inactive` where it holds in the old way (RFC 3264 §8.4). */
  readonly direction: Direction;
  readonly ptimeMs: number;
}

/** As far as FreeSWITCH needs to know. */
type CarrierAudio = Pick<CarrierTerms, 'codec' | 'events' | 'srtp' | 'peer' | 'ptimeMs'>;

/** FreeSWITCH's end, out of a description of its own. */
export interface FreeSwitchEnd extends MediaAddress {
  readonly codec: CodecUse | null;
  readonly events: EventUse | null;
  readonly srtp: SrtpKey | null;
}

/** What is ours in every description for one far end. */
export interface Identity {
  /** For `o=`: decimal digits. */
  readonly sessionId: string;
  readonly version: number;
}

/** An offer of ours, which an answer refers to. */
export interface OwnOffer {
  readonly sections: readonly Section[];
  readonly audioIndex: number;
  readonly codecs: readonly CodecUse[];
  readonly events: EventUse;
  readonly srtp: SrtpKey | null;
}

const eventName = 'telephone-event';
/** Usual for events at 8 kHz, as carriers have them. */
const ownEvents: EventUse = { payloadType: 101, clockRateHz: 8000 };
/** Lengths of packets that FreeSWITCH makes of all these codecs. */
const usualPtimesMs: readonly number[] = [10, 20, 30, 40, 60];
/** Nobody is there: the discard service of FreeSWITCH's own machine. It turns to whoever sends. */
const nowhere: MediaAddress = { address: '127.0.0.1', port: 9 };

/** Decides on the carrier's offer. Throws MediaRefusal `bad-sdp` or `no-common-codec`. */
export function readCarrierOffer(
  offer: string,
  codecs: ReadonlySet<EdgeCodecName>,
  previous: CarrierTerms | null,
): CarrierTerms {
  const session = parse(offer);
  const candidates = session.media
    .map((media, index) => ({ media, index, codecs: usableCodecs(media, codecs) }))
    .filter((candidate) => candidate.codecs.length > 0);
  const chosen = candidates.find(({ index }) => index === previous?.audioIndex) ?? candidates[0];
  if (chosen === undefined) throw new MediaRefusal('no-common-codec', whyNot(session));
  const kept = chosen.codecs.find(({ name }) => name === previous?.codec.name);
  const codec = kept ?? chosen.codecs[0]!;
  const events = eventsOf(chosen.media, codec);
  return {
    ...farSide(session, chosen.media),
    sections: session.media.map(sectionOf),
    audioIndex: chosen.index,
    codec,
    events,
    takesEvents: events !== null,
  };
}

/** Decides on the carrier's answer to `offer`. Throws MediaRefusal like `readCarrierOffer`. */
export function readCarrierAnswer(answer: string, offer: OwnOffer): CarrierTerms {
  const session = parse(answer);
  const media = session.media[offer.audioIndex];
  if (media === undefined) throw new MediaRefusal('bad-sdp', 'the answer has fewer m= lines than the offer');
  const known = new Set(offer.codecs.map(({ name }) => name));
  // FreeSWITCH listens to the number that it sends: one that the carrier has chosen by itself cannot be used.
  const codec = usableCodecs(media, known).find(({ name, payloadType }) =>
    offer.codecs.some((offered) => offered.name === name && offered.payloadType === payloadType),
  );
  const far = codec === undefined ? null : farSide(session, media);
  if (codec === undefined || far === null || (far.srtp === null) !== (offer.srtp === null))
    throw new MediaRefusal('no-common-codec', whyNot(session));
  const { sections, audioIndex } = offer;
  const wanted = eventsOf(media, codec);
  // Key presses come under the number of our offer (RFC 3264 §6.1). FreeSWITCH sends under the same, so none go to a carrier
  // that wants another.
  const events = wanted === null ? null : offer.events;
  const takesEvents = wanted?.payloadType === offer.events.payloadType;
  return { ...far, sections, audioIndex, codec, events, takesEvents };
}

/** An offer of ours: of all these codecs, or to go on with what was agreed on. */
export function makeOffer(
  codecs: ReadonlySet<EdgeCodecName>,
  previous: CarrierTerms | null,
  end: FreeSwitchEnd,
): OwnOffer {
  const events = previous?.events ?? ownEvents;
  const uses = previous === null ? [] : [previous.codec];
  for (const name of codecs) {
    if (uses.some((use) => use.name === name)) continue;
    const use = ownCodec(name, new Set([events.payloadType, ...uses.map(({ payloadType }) => payloadType)]));
    if (use !== null) uses.push(use);
  }
  return {
    sections: previous?.sections ?? [{ kind: 'audio', protocol: 'RTP/AVP', formats: [], mid: null }],
    audioIndex: previous?.audioIndex ?? 0,
    codecs: uses,
    events,
    srtp: previous === null || previous.srtp === null ? null : end.srtp,
  };
}

export function formatOwnOffer(offer: OwnOffer, at: MediaAddress, identity: Identity): string {
  return formatForCarrier(offer, at, identity, [
    ...offer.codecs.flatMap(codecAttributes),
    ...eventAttributes(offer.events),
    attribute('ptime', 20),
    ...(offer.srtp === null ? [] : [srtpKeyAttribute(offer.srtp)]),
    attribute('sendrecv'),
  ]);
}

/** Our answer to the offer that `terms` came of: FreeSWITCH's end `at` an address that the carrier reaches. */
export function formatOwnAnswer(
  terms: CarrierTerms,
  end: FreeSwitchEnd,
  at: MediaAddress,
  identity: Identity,
  ownDirection: Direction,
): string {
  const events = end.events === null ? null : terms.events;
  const codec = { ...terms.codec, parameters: end.codec?.parameters ?? '' };
  return formatForCarrier({ ...terms, codecs: [codec], events }, at, identity, [
    ...codecAttributes(codec),
    ...eventAttributes(events),
    attribute('ptime', terms.ptimeMs),
    ...(end.srtp === null ? [] : [srtpKeyAttribute(end.srtp)]),
    attribute(ownDirection),
  ]);
}

/** The carrier as FreeSWITCH gets to know it. Two that are alike but for the version need no second offer. */
export function formatForFreeSwitch(
  { codec, events, srtp, peer, ptimeMs }: CarrierAudio,
  identity: Identity,
): string {
  const { address, port } = peer ?? nowhere;
  return describe(identity, address, [
    {
      kind: 'audio',
      port,
      protocol: srtp === null ? 'RTP/AVP' : 'RTP/SAVP',
      formats: formatsOf([codec], events),
      bandwidth: [],
      attributes: [
        ...codecAttributes(codec),
        ...eventAttributes(events),
        attribute('ptime', ptimeMs),
        ...(srtp === null ? [] : [srtpKeyAttribute(srtp)]),
        attribute('sendrecv'),
      ],
    },
  ]);
}

/** A far end that is not known yet. */
export function placeholderTerms(): CarrierAudio {
  return { codec: ownCodec('PCMU', new Set())!, events: ownEvents, srtp: null, peer: null, ptimeMs: 20 };
}

/** FreeSWITCH's answer to what it was told of a carrier. Throws an error where it cannot be one. */
export function readFreeSwitchEnd(answer: string, carrier: Pick<CarrierTerms, 'srtp'>): FreeSwitchEnd {
  const session = parseSessionDescription(answer);
  const media = session.media.find(({ kind, port }) => kind === 'audio' && port !== 0);
  const connection = media === undefined ? null : connectionOf(media, session);
  const at = media === undefined || connection === null ? null : usable(connection.address, media.port);
  if (media === undefined || at === null) throw new Error('FreeSWITCH’s answer has no audio');
  const [codec = null] = rtpMaps(media).flatMap((map) => codecOf(map, fmtp(media, map.payloadType)) ?? []);
  const srtp = isSecure(media) ? readSrtpKey(media) : null;
  if ((srtp === null) !== (carrier.srtp === null)) throw new Error('FreeSWITCH’s answer has SRTP otherwise');
  return { ...at, codec, events: eventsOf(media, codec), srtp };
}

function parse(text: string): SessionDescription {
  try {
    return parseSessionDescription(text);
  } catch (error) {
    throw error instanceof SdpRefusal ? new MediaRefusal('bad-sdp', error.message) : error;
  }
}

const isSecure = (media: MediaDescription): boolean => /^RTP\/SAVPF?$/.test(media.protocol);

function usableCodecs(media: MediaDescription, codecs: ReadonlySet<EdgeCodecName>): CodecUse[] {
  const isUsable = isSecure(media) ? readSrtpKey(media) !== null : /^RTP\/AVPF?$/.test(media.protocol);
  if (media.kind !== 'audio' || media.port === 0 || !isUsable) return [];
  return rtpMaps(media)
    .flatMap((map) => codecOf(map, fmtp(media, map.payloadType)) ?? [])
    .filter(({ name }) => codecs.has(name));
}

function whyNot(session: SessionDescription): string {
  const audio = session.media.find(({ kind, port }) => kind === 'audio' && port !== 0);
  if (audio === undefined) return 'no audio section is in use';
  if (isSecure(audio) && readSrtpKey(audio) === null) return 'no a=crypto line can be used';
  if (!/^RTP\/S?AVPF?$/.test(audio.protocol)) return `${audio.protocol} is not supported`;
  return 'none of the audio codecs is supported';
}

function farSide(
  session: SessionDescription,
  media: MediaDescription,
): Pick<CarrierTerms, 'peer' | 'srtp' | 'direction' | 'ptimeMs'> {
  const connection = connectionOf(media, session);
  if (connection === null) throw new MediaRefusal('bad-sdp', 'the audio section has no c= line');
  const isOldHold = connection.address === '0.0.0.0';
  const wanted = ptimeMs(media);
  return {
    peer: isOldHold ? null : usable(connection.address, media.port),
    srtp: isSecure(media) ? readSrtpKey(media) : null,
    direction: isOldHold ? 'inactive' : direction(media, session),
    ptimeMs: wanted !== null && usualPtimesMs.includes(wanted) ? wanted : 20,
  };
}

/** Only literal unicast addresses are sent to, and none with a zone, which means something on the carrier’s machine only. */
function usable(address: string, port: number): MediaAddress | null {
  const isLiteral = isIPv4(address) || (isIPv6(address) && !address.includes('%'));
  const isNobody = /^(?:0\.|22[4-9]\.|23\d\.|255\.|ff)|^::$/i.test(address);
  return !isLiteral || isNobody || port < 1 || port > 65_535 ? null : { address, port };
}

/** At the codec's clock where there are such, as RFC 4733 §2.1 wants it, else at 8 kHz. */
function eventsOf(media: MediaDescription, codec: CodecUse | null): EventUse | null {
  const maps = rtpMaps(media).filter(({ encodingName }) => encodingName.toLowerCase() === eventName);
  const map =
    maps.find(({ clockRateHz }) => clockRateHz === codec?.clockRateHz) ??
    maps.find(({ clockRateHz }) => clockRateHz === 8000);
  return map === undefined ? null : { payloadType: map.payloadType, clockRateHz: map.clockRateHz };
}

function sectionOf(media: MediaDescription): Section {
  const { kind, protocol, formats } = media;
  return { kind, protocol, formats, mid: attributeValue(media, 'mid') };
}

function codecAttributes({ name, payloadType, clockRateHz, channels, parameters }: CodecUse): Attribute[] {
  const map = rtpMapAttribute({ payloadType, encodingName: name, clockRateHz, channels });
  return parameters === '' ? [map] : [map, fmtpAttribute(payloadType, parameters)];
}

function eventAttributes(events: EventUse | null): Attribute[] {
  if (events === null) return [];
  return [
    rtpMapAttribute({ ...events, encodingName: eventName, channels: 1 }),
    fmtpAttribute(events.payloadType, '0-15'),
  ];
}

const formatsOf = (codecs: readonly CodecUse[], events: EventUse | null): string[] =>
  [...codecs.map(({ payloadType }) => payloadType), ...(events === null ? [] : [events.payloadType])].map(
    String,
  );

/** All sections in their places: the audio one ours, every other refused. */
function formatForCarrier(
  {
    sections,
    audioIndex,
    codecs,
    events,
  }: Pick<OwnOffer, 'sections' | 'audioIndex' | 'codecs'> & { readonly events: EventUse | null },
  at: MediaAddress,
  identity: Identity,
  attributes: readonly Attribute[],
): string {
  const media = sections.map(({ kind, protocol, formats, mid }, index) => {
    const isAudio = index === audioIndex;
    return {
      kind,
      port: isAudio ? at.port : 0,
      protocol,
      formats: isAudio ? formatsOf(codecs, events) : formats,
      bandwidth: [],
      attributes: [...(mid === null ? [] : [attribute('mid', mid)]), ...(isAudio ? attributes : [])],
    };
  });
  return describe(identity, at.address, media);
}

function describe(
  { sessionId, version }: Identity,
  address: string,
  media: readonly MediaDescription[],
): string {
  const addressType = isIPv6(address) ? 'IP6' : 'IP4';
  return formatSessionDescription({
    origin: { username: '-', sessionId, sessionVersion: String(version), addressType, address },
    sessionName: '-',
    connection: { addressType, address },
    attributes: [],
    media,
  });
}
