/**
 * One audio section among others, which are refused in their places (RFC 3264 §6): how carriers, phones and FreeSWITCH are
 * described to each other. Which codecs there are is for the caller to say.
 */
import { isIP } from 'node:net';
import {
  attribute,
  attributeValue,
  connectionOf,
  direction,
  formatAttributes,
  type Direction,
  type PayloadFormat,
} from './attributes.js';
import { addressTypeOf, isNowhere, usableDestination, type MediaAddress } from './media-address.js';
import { SdpRefusal } from './sdp-refusal.js';
import {
  formatSessionDescription,
  type AddressType,
  type Attribute,
  type MediaDescription,
  type SessionDescription,
} from './session-description.js';

/** An m-section as the last description had it: its place, and what must be repeated. */
export interface SectionOutline {
  readonly kind: string;
  readonly protocol: string;
  readonly formats: readonly string[];
  readonly mid: string | null;
}

/** The m-sections of both sides in their order (they never change places), and which of them is in use. */
export interface AudioLayout {
  readonly sections: readonly SectionOutline[];
  readonly audioIndex: number;
}

/** How a first offer of ours is laid out. */
export const audioAlone: AudioLayout = {
  sections: [{ kind: 'audio', protocol: 'RTP/AVP', formats: [], mid: null }],
  audioIndex: 0,
};

/** An audio section, and its codecs that both sides have: at least one, the best first. */
export interface ChosenAudio<Codec> extends AudioLayout {
  readonly media: MediaDescription;
  readonly codecs: readonly [Codec, ...Codec[]];
}

/** What a caller can take. */
export interface AudioAbility<Codec> {
  /** Why a section cannot be used, whatever its codecs; null where it can. */
  readonly obstacleIn: (media: MediaDescription) => string | null;
  /** The codecs of a section that can be used, the best first. */
  readonly codecsIn: (media: MediaDescription) => readonly Codec[];
}

const isInUse = (media: MediaDescription): boolean => media.kind === 'audio' && media.port !== 0;

function codecsOf<Codec>(media: MediaDescription, ability: AudioAbility<Codec>): readonly Codec[] {
  return isInUse(media) && ability.obstacleIn(media) === null ? ability.codecsIn(media) : [];
}

const isSome = <T>(list: readonly T[]): list is readonly [T, ...T[]] => list.length > 0;

/**
 * The section of an offer that is answered: the one in use before, else the first that can be used. Throws SdpRefusal
 * `no-common-codec`, or `bad-sdp` where it is for a fault that there is none.
 */
export function chooseAudio<Codec>(
  offer: SessionDescription,
  ability: AudioAbility<Codec>,
  previous: AudioLayout | null,
): ChosenAudio<Codec> {
  const sections = offer.media.map(outlineOf);
  const candidates = offer.media.flatMap((media, audioIndex) => {
    const codecs = codecsOf(media, ability);
    return isSome(codecs) ? [{ media, audioIndex, sections, codecs }] : [];
  });
  const chosen = candidates.find(({ audioIndex }) => audioIndex === previous?.audioIndex) ?? candidates[0];
  if (chosen === undefined) throw noneOf(offer.media, ability);
  return chosen;
}

/** The same section of the answer to an offer laid out like this. Throws SdpRefusal `bad-sdp` or `no-common-codec`. */
export function answeredAudio<Codec>(
  answer: SessionDescription,
  ability: AudioAbility<Codec>,
  layout: AudioLayout,
): ChosenAudio<Codec> {
  const media = answer.media[layout.audioIndex];
  if (media === undefined) throw new SdpRefusal('bad-sdp', 'the answer has fewer m= lines than the offer');
  const codecs = codecsOf(media, ability);
  if (!isSome(codecs)) throw noneOf([media], ability);
  return { sections: layout.sections, audioIndex: layout.audioIndex, media, codecs };
}

/** Why none of these sections can be used. */
function noneOf(sections: readonly MediaDescription[], ability: AudioAbility<unknown>): SdpRefusal {
  const audio = sections.find(isInUse);
  if (audio !== undefined)
    return new SdpRefusal(
      'no-common-codec',
      ability.obstacleIn(audio) ?? 'none of the audio codecs is supported',
    );
  const fault = sections.find((media) => media.kind === 'audio' && media.fault !== undefined)?.fault;
  return fault === undefined
    ? new SdpRefusal('no-common-codec', 'no audio section is in use')
    : new SdpRefusal('bad-sdp', fault);
}

export const isPlainRtp = (media: MediaDescription): boolean => /^RTP\/AVPF?$/i.test(media.protocol);

export const unsupportedProtocol = (media: MediaDescription): string => `${media.protocol} is not supported`;

/** The sections of a description of ours, of which one has audio; null where none has. */
export function layoutOf(description: SessionDescription): AudioLayout | null {
  const audioIndex = description.media.findIndex(isInUse);
  return audioIndex < 0 ? null : { sections: description.media.map(outlineOf), audioIndex };
}

function outlineOf(media: MediaDescription): SectionOutline {
  const { kind, protocol, formats } = media;
  return { kind, protocol, formats, mid: attributeValue(media, 'mid') };
}

/** Where the far end wants its RTP, and which way it goes. */
export interface FarSide {
  /** Null where it gives none that can be used, and where it holds in the old way: the one known stays. */
  readonly destination: MediaAddress | null;
  /** Its address is the one that stands for a hold (RFC 3264 §8.4); the direction is `inactive` then. */
  readonly holdsOldWay: boolean;
  /** The family of its address; null where it holds in the old way, which says nothing of it. */
  readonly addressType: AddressType | null;
  /** As the far end sees it. */
  readonly direction: Direction;
  /** As written, for what else goes to the same host. */
  readonly host: string;
}

/** Throws SdpRefusal `bad-sdp` where there is no address, or one that no peer can have. */
export function farSideOf(session: SessionDescription, media: MediaDescription): FarSide {
  const connection = connectionOf(media, session);
  if (connection === null) throw new SdpRefusal('bad-sdp', 'the audio section has no c= line');
  const host = connection.address;
  // Whoever holds the old way and sends still, sends hold music.
  if (isNowhere(host))
    return { destination: null, holdsOldWay: true, addressType: null, direction: 'inactive', host };
  const destination = usableDestination(host, media.port);
  // The literal decides where the two contradict each other.
  const addressType = isIP(host) === 0 ? connection.addressType : addressTypeOf(host);
  return { destination, holdsOldWay: false, addressType, direction: direction(media, session), host };
}

/** Whose description it is. */
export interface Identity {
  /** For `o=`: decimal digits. */
  readonly sessionId: string;
  /** Grows by one with every description that differs (RFC 3264 §8). */
  readonly version: number;
}

export interface AudioDescription {
  readonly identity: Identity;
  readonly layout: AudioLayout;
  /** Where the author receives. */
  readonly at: MediaAddress;
  readonly formats: readonly PayloadFormat[];
  /** Those that follow the formats'. */
  readonly attributes: readonly Attribute[];
}

/** Writes all sections in their places: the one with audio, every other refused. */
export function formatAudioDescription(description: AudioDescription): string {
  const { identity, layout, at, formats, attributes } = description;
  const { address } = at;
  const addressType = addressTypeOf(address);
  const media = layout.sections.map((outline, index): MediaDescription => {
    const { kind, protocol, mid } = outline;
    const isAudio = index === layout.audioIndex;
    return {
      kind,
      port: isAudio ? at.port : 0,
      protocol,
      formats: isAudio ? formats.map(({ payloadType }) => String(payloadType)) : outline.formats,
      bandwidth: [],
      attributes: [
        ...(mid === null ? [] : [attribute('mid', mid)]),
        ...(isAudio ? [...formats.flatMap(formatAttributes), ...attributes] : []),
      ],
    };
  });
  return formatSessionDescription({
    origin: {
      username: '-',
      sessionId: identity.sessionId,
      sessionVersion: String(identity.version),
      addressType,
      address,
    },
    sessionName: '-',
    connection: { addressType, address },
    attributes: [],
    media,
  });
}
