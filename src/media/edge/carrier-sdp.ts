/**
 * What passes between a carrier and FreeSWITCH. Each description is read, reduced to what is known here, and written anew:
 * FreeSWITCH dies of some that it does not understand, and its own say more than a carrier should know. FreeSWITCH always
 * hears `sendrecv`: a hold is the media worker's business.
 */
import { MediaRefusal, type SrtpPolicy } from '../../domain/media-plane.js';
import {
  answeredAudio,
  audioAlone,
  chooseAudio,
  farSideOf,
  formatAudioDescription,
  isPlainRtp,
  unsupportedProtocol,
  type AudioAbility,
  type AudioLayout,
  type Identity,
} from '../../sdp/audio-section.js';
import {
  attribute,
  fmtp,
  maxPtimeMs,
  ptimeMs,
  rtpMaps,
  telephoneEventAt,
  telephoneEventFormat,
  type Direction,
  type PayloadFormat,
  type RtpMap,
} from '../../sdp/attributes.js';
import type { MediaAddress } from '../../sdp/media-address.js';
import { SdpRefusal } from '../../sdp/sdp-refusal.js';
import {
  parseSessionDescription,
  type AddressType,
  type MediaDescription,
  type SessionDescription,
} from '../../sdp/session-description.js';
import { codecOf, ownCodec, type CodecUse, type EdgeCodecName } from './edge-codecs.js';
import { readSrtpKey, srtpKeyAttribute, type SrtpKey } from './srtp-key.js';

/** Telephone events (RFC 4733). */
export interface EventUse {
  readonly payloadType: number;
  readonly clockRateHz: number;
}

/** What a carrier's description says, as far as it is taken. */
export interface CarrierTerms {
  readonly layout: AudioLayout;
  readonly codec: CodecUse;
  readonly events: EventUse | null;
  /** Whether events may be sent to it, too. */
  readonly takesEvents: boolean;
  /** Where its RTP is wanted; null where it does not say so in a way that can be used. */
  readonly peer: MediaAddress | null;
  /** The family of its address; null where it does not say. */
  readonly addressType: AddressType | null;
  readonly srtp: SrtpKey | null;
  /** As the carrier sees it; `inactive` where it holds in the old way (RFC 3264 §8.4). */
  readonly direction: Direction;
  readonly ptimeMs: number;
  /** The longest packet that it takes; null: any. */
  readonly maxPtimeMs: number | null;
}

/** As far as FreeSWITCH needs to know. */
type CarrierAudio = Pick<CarrierTerms, 'codec' | 'events' | 'srtp' | 'peer' | 'ptimeMs'>;

/** FreeSWITCH's end, out of a description of its own. */
export interface FreeSwitchEnd extends MediaAddress {
  readonly codec: CodecUse | null;
  readonly events: EventUse | null;
  readonly srtp: SrtpKey | null;
}

/** An offer of ours, which an answer refers to. */
export interface OwnOffer {
  readonly layout: AudioLayout;
  readonly codecs: readonly CodecUse[];
  readonly events: EventUse | null;
  readonly srtp: SrtpKey | null;
}

/** Usual for events at 8 kHz, as carriers have them. */
const ownEvents: EventUse = { payloadType: 101, clockRateHz: 8000 };
/** Lengths of packets that FreeSWITCH makes of all these codecs. */
const usualPtimesMs: readonly number[] = [10, 20, 30, 40, 60];
/** Nobody is there: the discard service of FreeSWITCH's own machine. It turns to whoever sends. */
const nowhere: MediaAddress = { address: '127.0.0.1', port: 9 };

/** How a leg's descriptions are made. */
export interface CarrierPreferences {
  /** Whose order of codecs decides in our answers. */
  readonly order: 'offerer' | 'own';
  /** Telephone events are offered and taken. */
  readonly telephoneEvents: boolean;
  readonly srtp: SrtpPolicy;
}

const anything: CarrierPreferences = { order: 'offerer', telephoneEvents: true, srtp: 'allow' };

/** Decides on the carrier's offer. Throws MediaRefusal `bad-sdp` or `no-common-codec`. */
export function readCarrierOffer(
  offer: string,
  codecs: ReadonlySet<EdgeCodecName>,
  previous: CarrierTerms | null,
  { order, telephoneEvents, srtp }: CarrierPreferences = anything,
): CarrierTerms {
  return orMediaRefusal(() => {
    const session = parseSessionDescription(offer);
    const ability = order === 'own' ? inOwnOrder(codecs, srtp) : abilityOf(codecs, srtp);
    const chosen = chooseAudio(session, ability, previous?.layout ?? null);
    const { media, sections, audioIndex } = chosen;
    const codec = chosen.codecs.find(({ name }) => name === previous?.codec.name) ?? chosen.codecs[0];
    const events = telephoneEvents ? eventsOf(media, codec) : null;
    return {
      ...farSide(session, media, srtp),
      layout: { sections, audioIndex },
      codec,
      events,
      takesEvents: events !== null,
    };
  });
}

/** Decides on the carrier's answer to `offer`. Throws MediaRefusal like `readCarrierOffer`. */
export function readCarrierAnswer(answer: string, offer: OwnOffer): CarrierTerms {
  return orMediaRefusal(() => {
    const session = parseSessionDescription(answer);
    // A key is taken where one was offered.
    const policy = offer.srtp === null ? 'off' : 'require';
    const able = abilityOf(new Set(offer.codecs.map(({ name }) => name)), policy);
    const { media, codecs } = answeredAudio(session, able, offer.layout);
    // FreeSWITCH listens to the number that it sends: one that the carrier has chosen by itself cannot be used.
    const codec = codecs.find(({ name, payloadType }) =>
      offer.codecs.some((offered) => offered.name === name && offered.payloadType === payloadType),
    );
    if (codec === undefined)
      throw new SdpRefusal(
        'no-common-codec',
        'the answer has no codec by the number that it was offered under',
      );
    const far = farSide(session, media, policy);
    const wanted = eventsOf(media, codec);
    // Key presses come under the number of our offer (RFC 3264 §6.1). FreeSWITCH sends under the same, so none go to a carrier
    // that wants another.
    const events = wanted === null ? null : offer.events;
    const takesEvents = events !== null && wanted?.payloadType === events.payloadType;
    return { ...far, layout: offer.layout, codec, events, takesEvents };
  });
}

/** An offer of ours: of all these codecs, or to go on with what was agreed on. */
export function makeOffer(
  codecs: ReadonlySet<EdgeCodecName>,
  previous: CarrierTerms | null,
  end: FreeSwitchEnd,
  { telephoneEvents }: Pick<CarrierPreferences, 'telephoneEvents'> = anything,
): OwnOffer {
  const events = telephoneEvents ? (previous?.events ?? ownEvents) : null;
  const taken = events === null ? [] : [events.payloadType];
  const uses = previous === null ? [] : [previous.codec];
  for (const name of codecs) {
    if (uses.some((use) => use.name === name)) continue;
    const use = ownCodec(name, new Set([...taken, ...uses.map(({ payloadType }) => payloadType)]));
    if (use !== null) uses.push(use);
  }
  return {
    layout: previous?.layout ?? audioAlone,
    codecs: uses,
    events,
    srtp: previous === null || previous.srtp === null ? null : end.srtp,
  };
}

export function formatOwnOffer(offer: OwnOffer, at: MediaAddress, identity: Identity): string {
  const { layout, codecs, events, srtp } = offer;
  const attributes = [attribute('ptime', 20), ...keyAttributes(srtp), attribute('sendrecv')];
  return formatAudioDescription({ identity, layout, at, formats: formatsOf(codecs, events), attributes });
}

/** What our answer says of us. */
export interface OwnAnswer {
  /** FreeSWITCH's end, as it answered. */
  readonly end: FreeSwitchEnd;
  /** The same at an address that the carrier reaches. */
  readonly at: MediaAddress;
  readonly direction: Direction;
}

/** Our answer to the offer that `terms` came of. */
export function formatOwnAnswer(terms: CarrierTerms, own: OwnAnswer, identity: Identity): string {
  const { end, at, direction } = own;
  const codec = { ...terms.codec, parameters: end.codec?.parameters ?? '' };
  return formatAudioDescription({
    identity,
    layout: terms.layout,
    at,
    formats: formatsOf([codec], end.events === null ? null : terms.events),
    attributes: [attribute('ptime', terms.ptimeMs), ...keyAttributes(end.srtp), attribute(direction)],
  });
}

/**
 * The carrier as FreeSWITCH gets to know it, always `sendrecv`. Two that are alike but for the version need no second
 * offer.
 */
export function formatForFreeSwitch(carrier: CarrierAudio, identity: Identity): string {
  const { codec, events, srtp, peer, ptimeMs } = carrier;
  const protocol = srtp === null ? 'RTP/AVP' : 'RTP/SAVP';
  return formatAudioDescription({
    identity,
    layout: { sections: [{ kind: 'audio', protocol, formats: [], mid: null }], audioIndex: 0 },
    at: peer ?? nowhere,
    formats: formatsOf([codec], events),
    attributes: [attribute('ptime', ptimeMs), ...keyAttributes(srtp), attribute('sendrecv')],
  });
}

/** A far end that is not known yet. */
export function placeholderTerms(): CarrierAudio {
  const codec: CodecUse = { name: 'PCMU', payloadType: 0, clockRateHz: 8000, channels: 1, parameters: '' };
  return { codec, events: ownEvents, srtp: null, peer: null, ptimeMs: 20 };
}

/** The longest of the usual lengths up to the one wanted that the carrier takes; the shortest where it takes none. */
const usualPtime = (wantedMs: number, longestMs: number): number =>
  usualPtimesMs.findLast((ms) => ms <= Math.min(wantedMs, longestMs)) ?? usualPtimesMs[0] ?? 20;

/** FreeSWITCH's answer to what it was told of a carrier. Throws an error where it cannot be one. */
export function readFreeSwitchEnd(answer: string, carrier: Pick<CarrierTerms, 'srtp'>): FreeSwitchEnd {
  const session = parseSessionDescription(answer);
  const media = session.media.find(({ kind, port }) => kind === 'audio' && port !== 0);
  const at = media === undefined ? null : farSideOf(session, media).destination;
  if (media === undefined || at === null) throw new Error('FreeSWITCH’s answer has no audio');
  const [codec = null] = rtpMaps(media).flatMap((map) => codecOf(map, fmtp(media, map.payloadType)) ?? []);
  const srtp = isSecure(media) ? readSrtpKey(media) : null;
  if ((srtp === null) !== (carrier.srtp === null)) throw new Error('FreeSWITCH’s answer has SRTP otherwise');
  return { ...at, codec, events: eventsOf(media, codec), srtp };
}

/** What the media plane's callers know: a refusal of src/sdp as one of theirs. */
function orMediaRefusal<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw error instanceof SdpRefusal ? new MediaRefusal(error.code, error.message) : error;
  }
}

const isSecure = (media: MediaDescription): boolean => /^RTP\/SAVPF?$/.test(media.protocol);

const abilityOf = (codecs: ReadonlySet<EdgeCodecName>, srtp: SrtpPolicy): AudioAbility<CodecUse> => ({
  obstacleIn: (media) => {
    if (!isSecure(media) && !isPlainRtp(media)) return unsupportedProtocol(media);
    if (isSecure(media) && srtp === 'off') return `${media.protocol}: SRTP is switched off for this call`;
    if (readSrtpKey(media) !== null) return null;
    if (isSecure(media)) return 'no a=crypto line can be used';
    return srtp === 'require' ? `${media.protocol}: the call must be encrypted (SRTP)` : null;
  },
  codecsIn: (media) =>
    rtpMaps(media)
      .flatMap((map) => codecOf(map, fmtp(media, map.payloadType)) ?? [])
      .filter(({ name }) => codecs.has(name)),
});

/** The best is the first of `codecs`. */
function inOwnOrder(codecs: ReadonlySet<EdgeCodecName>, srtp: SrtpPolicy): AudioAbility<CodecUse> {
  const ability = abilityOf(codecs, srtp);
  const order = [...codecs];
  const compared = (one: CodecUse, other: CodecUse): number =>
    order.indexOf(one.name) - order.indexOf(other.name);
  return { ...ability, codecsIn: (media) => [...ability.codecsIn(media)].sort(compared) };
}

function farSide(
  session: SessionDescription,
  media: MediaDescription,
  srtp: SrtpPolicy,
): Pick<CarrierTerms, 'peer' | 'addressType' | 'srtp' | 'direction' | 'ptimeMs' | 'maxPtimeMs'> {
  const { destination, addressType, direction } = farSideOf(session, media);
  const longest = maxPtimeMs(media);
  const wanted = ptimeMs(media) ?? 20;
  return {
    peer: destination,
    addressType,
    // A key beside plain RTP means the same (RFC 8643).
    srtp: srtp === 'off' ? null : readSrtpKey(media),
    direction,
    ptimeMs: usualPtime(usualPtimesMs.includes(wanted) ? wanted : 20, longest ?? Infinity),
    maxPtimeMs: longest,
  };
}

function eventsOf(media: MediaDescription, codec: CodecUse | null): EventUse | null {
  const map: RtpMap | null = telephoneEventAt(media, codec?.clockRateHz ?? 8000);
  return map === null ? null : { payloadType: map.payloadType, clockRateHz: map.clockRateHz };
}

const keyAttributes = (key: SrtpKey | null) => (key === null ? [] : [srtpKeyAttribute(key)]);

const formatsOf = (codecs: readonly CodecUse[], events: EventUse | null): PayloadFormat[] => [
  ...codecs.map(({ name, ...use }) => ({ ...use, encodingName: name })),
  ...(events === null ? [] : [telephoneEventFormat(events.payloadType, events.clockRateHz)]),
];
