/** What a browser's session description says, section by section, and about its transport. */
import {
  attributeValue,
  direction,
  fingerprints,
  groups,
  hasAttribute,
  headerExtensions,
  iceCredentials,
  isInUse,
  mid,
  msids,
  receives,
  sends,
  setup,
  ssrcGroups,
  ssrcs,
  type Fingerprint,
  type IceCredentials,
  type Setup,
} from '../../../sdp/attributes.js';
import { aliasOf } from '../../../sdp/alias-label.js';
import { SdpRefusal } from '../../../sdp/sdp-refusal.js';
import type { MediaDescription, SessionDescription } from '../../../sdp/session-description.js';
import type { Codec } from '../codec/codec.js';
import { commonCodecs, telephoneEventFormats } from './browser-codecs.js';
import { isMediaKind, rejectedSection, type IncomingMedia, type Section } from './browser-sections.js';
import { midExtension } from './local-description.js';
import { transportSequenceExtension } from './transport-feedback.js';

export interface RemoteTransportParameters {
  readonly credentials: IceCredentials;
  readonly fingerprint: Fingerprint;
  readonly setup: Setup;
  /** Where the browser's SCTP is, if data channels are to be had (RFC 8841); null: none. */
  readonly sctpPort: number | null;
}

/** Aliases longer than this are not taken from a label. */
const maxAliasLength = 128;

/** The mids that share the first section's transport; null where nothing is bundled. */
export const bundledMids = (description: SessionDescription): ReadonlySet<string> | null => {
  const bundle = groups(description).find(({ semantics }) => semantics === 'BUNDLE');
  return bundle === undefined ? null : new Set(bundle.mids);
};

/** ICE and DTLS of the section whose transport all share. Throws SdpRefusal `bad-sdp` where they are missing. */
export function readRemoteTransport(description: SessionDescription): RemoteTransportParameters {
  const firstMid = groups(description).find(({ semantics }) => semantics === 'BUNDLE')?.mids[0];
  const tagged =
    description.media.find((m) => firstMid !== undefined && mid(m) === firstMid) ??
    description.media.find(isInUse) ??
    description.media[0];
  if (tagged === undefined) throw new SdpRefusal('bad-sdp', 'no m-section');
  const credentials = iceCredentials(tagged, description);
  if (credentials === null) throw new SdpRefusal('bad-sdp', 'no ICE credentials');
  const found = fingerprints(tagged, description);
  const fingerprint = found.find(({ algorithm }) => algorithm === 'sha-256') ?? found[0];
  if (fingerprint === undefined) throw new SdpRefusal('bad-sdp', 'no DTLS fingerprint');
  const role = setup(tagged, description) ?? 'actpass';
  // RFC 5763 §5: what does not connect now is of no use for media.
  if (role === 'holdconn') throw new SdpRefusal('bad-sdp', 'setup:holdconn');
  return { credentials, fingerprint, setup: role, sctpPort: null };
}

/** Each mid once, or the sections could not be told apart. Throws SdpRefusal `bad-sdp`. */
export function assertMidsUnique(description: SessionDescription): void {
  const mids = description.media.map((m) => mid(m)).filter((m) => m !== null);
  if (new Set(mids).size !== mids.length) throw new SdpRefusal('bad-sdp', 'a mid stands twice');
}

/** The alias that the browser gives a section; null where it gives none, or one that cannot be shown. */
function readAlias(media: MediaDescription): string | null {
  const alias = aliasOf(media);
  // An alias is shown and logged: no control characters in it.
  return alias === null ||
    alias === '' ||
    alias.length > maxAliasLength ||
    /[\u0000-\u001f\u007f]/.test(alias)
    ? null
    : alias;
}

export function readIncoming(media: MediaDescription, key: string): IncomingMedia {
  const msid = msids(media)[0];
  const repairs = new Map(
    ssrcGroups(media)
      .filter(({ semantics }) => semantics === 'FID')
      .flatMap(({ ssrcs: [repaired = 0, ...rest] }) => rest.map((ssrc) => [ssrc, repaired] as const)),
  );
  return {
    streamKey: msid === undefined || msid.streamId === '-' ? `mid:${key}` : msid.streamId,
    label: readAlias(media),
    ssrcs: ssrcs(media).filter((ssrc) => !repairs.has(ssrc)),
    repairs,
  };
}

const sctpOverDtls = /^(?:UDP\/)?DTLS\/SCTP$/;

/** The SCTP port of the section that offers data channels (RFC 8841 §5); null where there is none to be taken. */
export function readSctpPort(description: SessionDescription): number | null {
  const media = description.media.find((m) => m.kind === 'application' && isInUse(m));
  if (media === undefined || !sctpOverDtls.test(media.protocol)) return null;
  const port = Number(attributeValue(media, 'sctp-port') ?? NaN);
  return Number.isInteger(port) && port > 0 && port < 65_536 ? port : null;
}

/** All of them are meant so in an offer with ICE and a fingerprint (RFC 8829 §5.1.2). */
const rtpOverDtls = /^(?:(?:UDP\/TLS|TCP\/D?TLS)\/)?RTP\/SAVPF?$|^RTP\/AVPF?$/i;

/** What a whole offer says about the transport of its sections, and what is taken of it. */
export interface OfferedTransport {
  /** The mids that share one transport; null: nothing is bundled. */
  readonly bundle: ReadonlySet<string> | null;
  /** Where nothing is bundled: the one section that is taken. */
  readonly alone: number;
  /** Data channels are accepted. */
  readonly dataChannels: boolean;
  /** Those that are taken, best first. */
  readonly videoCodecs: readonly Codec['name'][];
}

/**
 * A section of a browser's offer as it will be answered, without what we send in it. What we cannot take is rejected in
 * place.
 */
export function readOfferedSection(
  media: MediaDescription,
  index: number,
  { bundle, alone, dataChannels, videoCodecs }: OfferedTransport,
): Section {
  const ownMid = mid(media);
  const identity = { mid: ownMid, kind: media.kind, protocol: media.protocol, formats: media.formats };
  const shares = bundle === null ? index === alone : ownMid !== null && bundle.has(ownMid);
  if (media.kind === 'application') {
    const isTaken = dataChannels && isInUse(media) && shares && sctpOverDtls.test(media.protocol);
    return { ...rejectedSection(identity), rejected: !isTaken };
  }
  const codecs = isMediaKind(media.kind) ? commonCodecs(media, videoCodecs) : [];
  if (
    !isInUse(media) ||
    !shares ||
    codecs.length === 0 ||
    !rtpOverDtls.test(media.protocol) ||
    !hasAttribute(media, 'rtcp-mux')
  ) {
    return rejectedSection(identity);
  }
  const offered = direction(media);
  const incoming = sends(offered) ? readIncoming(media, ownMid ?? String(index)) : null;
  return {
    ...identity,
    rejected: false,
    // Where we only receive, the one codec we want to be sent; where we send, all that a source may come in.
    codecs: receives(offered) ? codecs : codecs.slice(0, 1),
    telephoneEvents: media.kind === 'audio' && incoming !== null ? telephoneEventFormats(media) : [],
    midExtensionId: extensionId(media, midExtension),
    transportSequenceId:
      incoming !== null && codecs.some(({ feedback }) => feedback.includes('transport-cc'))
        ? extensionId(media, transportSequenceExtension)
        : 0,
    reducedSizeRtcp: hasAttribute(media, 'rtcp-rsize'),
    remoteReceives: receives(offered),
    remoteMaySend: incoming !== null,
    incoming,
    outgoing: null,
  };
}

/** 0: there is none that fits the one-byte form (RFC 8285 §4.2). */
const extensionId = (media: MediaDescription, uri: string): number =>
  headerExtensions(media).find((one) => one.uri === uri && one.id < 15)?.id ?? 0;

/** The first section a peer without BUNDLE can be answered in; -1: none. */
export const firstUsable = (description: SessionDescription, videoCodecs: readonly Codec['name'][]): number =>
  description.media.findIndex(
    (m) => m.port !== 0 && isMediaKind(m.kind) && commonCodecs(m, videoCodecs).length > 0,
  );
