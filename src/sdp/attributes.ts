/**
 * Typed views of SDP attributes, and the attributes back from such values. A malformed attribute reads as absent: what
 * an answer cannot do without, its negotiator asks for. Those that may stand at session level (RFC 8866 §6) take the
 * session as a second argument and fall back to it.
 */
import type { Attribute, Connection, MediaDescription, SessionDescription } from './session-description.js';

type Carrier = Pick<MediaDescription, 'attributes'>;
type Formats = Pick<MediaDescription, 'attributes' | 'formats'>;

export const attribute = (name: string, value: string | number | null = null): Attribute => ({
  name,
  value: value === null ? null : String(value),
});

export const hasAttribute = (of: Carrier, name: string): boolean =>
  of.attributes.some((a) => a.name === name);

export const attributeValue = (of: Carrier, name: string): string | null =>
  of.attributes.find((a) => a.name === name && a.value !== null)?.value ?? null;

export const attributeValues = (of: Carrier, name: string): string[] =>
  of.attributes.flatMap((a) => (a.name === name && a.value !== null ? [a.value] : []));

/** Every match of a pattern among the values of an attribute; what does not match is left out. */
const matches = (of: Carrier, name: string, pattern: RegExp): RegExpExecArray[] =>
  attributeValues(of, name)
    .map((value) => pattern.exec(value))
    .filter((match) => match !== null);

const isUint32 = (value: number): boolean => Number.isInteger(value) && value >= 0 && value <= 0xffff_ffff;

// --- direction (RFC 8866 §6.7) ---

export type Direction = 'sendrecv' | 'sendonly' | 'recvonly' | 'inactive';
const directions: readonly Direction[] = ['sendrecv', 'sendonly', 'recvonly', 'inactive'];

/** In any case: some write `SendOnly`, and who is not known to hold is heard to be silent. */
export function direction(of: Carrier, session?: Carrier): Direction {
  return statedDirection(of) ?? (session && statedDirection(session)) ?? 'sendrecv';
}

function statedDirection({ attributes }: Carrier): Direction | undefined {
  const names = attributes.map(({ name }) => name.toLowerCase());
  return directions
    .filter((one) => names.includes(one))
    .toSorted((one, other) => names.indexOf(one) - names.indexOf(other))[0];
}

export const sends = (value: Direction): boolean => value === 'sendrecv' || value === 'sendonly';
export const receives = (value: Direction): boolean => value === 'sendrecv' || value === 'recvonly';

export const directionOf = (sending: boolean, receiving: boolean): Direction =>
  sending ? (receiving ? 'sendrecv' : 'sendonly') : receiving ? 'recvonly' : 'inactive';

/** The same direction as the other side sees it (RFC 3264 §6.1). */
export const reversed = (value: Direction): Direction => directionOf(receives(value), sends(value));

/** In an offer `bundle-only` sections have port 0 and are in use all the same (RFC 9143 §6). */
export const isInUse = (media: MediaDescription): boolean =>
  media.port !== 0 || (media.fault === undefined && hasAttribute(media, 'bundle-only'));

// --- payload formats (RFC 8866 §6.6, §6.15; RFC 4585 §4.2; static types: RFC 3551 §6) ---

export interface RtpMap {
  readonly payloadType: number;
  readonly encodingName: string;
  readonly clockRateHz: number;
  readonly channels: number;
}

const staticRtpMaps: ReadonlyMap<number, RtpMap> = new Map(
  (
    [
      [0, 'PCMU', 8000],
      [3, 'GSM', 8000],
      [4, 'G723', 8000],
      [8, 'PCMA', 8000],
      [9, 'G722', 8000],
      [13, 'CN', 8000],
      [18, 'G729', 8000],
      [31, 'H261', 90_000],
      [34, 'H263', 90_000],
    ] as const
  ).map(([payloadType, encodingName, clockRateHz]) => [
    payloadType,
    { payloadType, encodingName, clockRateHz, channels: 1 },
  ]),
);

/**
 * What each offered payload type means, in the order of the m-line; types that nothing explains are left out. Each stands
 * there once, however often the m-line repeats it: a stranger writes it, and readers look at all of a section for each.
 */
export function rtpMaps(of: Formats): RtpMap[] {
  const declared = new Map<number, RtpMap>();
  for (const match of matches(of, 'rtpmap', /^(\d{1,3})\s+([^\s/]+)\/(\d{1,9})(?:\/(\d{1,3}))?$/)) {
    const payloadType = Number(match[1]);
    const clockRateHz = Number(match[3]);
    if (payloadType > 127 || clockRateHz === 0 || declared.has(payloadType)) continue;
    declared.set(payloadType, {
      payloadType,
      encodingName: match[2] ?? '',
      clockRateHz,
      channels: Math.max(1, Number(match[4] ?? 1)),
    });
  }
  const offered = new Set(of.formats.filter((format) => /^\d{1,3}$/.test(format)).map(Number));
  return [...offered].flatMap(
    (payloadType) => declared.get(payloadType) ?? staticRtpMaps.get(payloadType) ?? [],
  );
}

export const rtpMapAttribute = (map: RtpMap): Attribute =>
  attribute(
    'rtpmap',
    `${map.payloadType} ${map.encodingName}/${map.clockRateHz}${map.channels > 1 ? `/${map.channels}` : ''}`,
  );

/** The format parameters of a payload type, as written, or null. */
export function fmtp(of: Carrier, payloadType: number): string | null {
  const own = new RegExp(`^0{0,2}${payloadType}\\s+(.+)$`);
  for (const { name, value } of of.attributes) {
    const parameters = name === 'fmtp' && value !== null ? own.exec(value)?.[1] : undefined;
    if (parameters !== undefined) return parameters;
  }
  return null;
}

/** `a=1;b=2` as a map; names in lower case, a name without value maps to the empty string. */
export function parseFmtpParameters(text: string): ReadonlyMap<string, string> {
  const parameters = new Map<string, string>();
  for (const part of text.split(';')) {
    const equals = part.indexOf('=');
    const name = (equals < 0 ? part : part.slice(0, equals)).trim().toLowerCase();
    if (name !== '' && !parameters.has(name))
      parameters.set(name, equals < 0 ? '' : part.slice(equals + 1).trim());
  }
  return parameters;
}

const fmtpAttribute = (payloadType: number, parameters: string): Attribute =>
  attribute('fmtp', `${payloadType} ${parameters}`);

export interface PayloadFormat extends RtpMap {
  /** Format parameters; empty where there are none. */
  readonly parameters: string;
}

export const formatAttributes = (format: PayloadFormat): Attribute[] =>
  format.parameters === ''
    ? [rtpMapAttribute(format)]
    : [rtpMapAttribute(format), fmtpAttribute(format.payloadType, format.parameters)];

// --- key presses in RTP (RFC 4733) ---

const eventName = 'telephone-event';

/** The payload types of key presses, each at the clock rate of one of the section's codecs. */
export const telephoneEvents = (of: Formats): RtpMap[] =>
  rtpMaps(of).filter(({ encodingName }) => encodingName.toLowerCase() === eventName);

/** Those at a codec's clock where there are such, as RFC 4733 §2.1 wants it, else at 8 kHz; null where there are neither. */
export function telephoneEventAt(of: Formats, clockRateHz: number): RtpMap | null {
  const events = telephoneEvents(of);
  const at = (rateHz: number) => events.find((map) => map.clockRateHz === rateHz);
  return at(clockRateHz) ?? at(8000) ?? null;
}

/** The sixteen keys (RFC 4733 §3.2). */
export const telephoneEventFormat = (payloadType: number, clockRateHz = 8000): PayloadFormat => ({
  payloadType,
  encodingName: eventName,
  clockRateHz,
  channels: 1,
  parameters: '0-15',
});

export interface RtcpFeedback {
  readonly payloadType: number | '*';
  /** For instance `nack`, `ccm`, `goog-remb`. */
  readonly type: string;
  /** For instance `pli`, `fir`; empty where there is none. */
  readonly parameter: string;
}

export const rtcpFeedback = (of: Carrier): RtcpFeedback[] =>
  matches(of, 'rtcp-fb', /^(\*|\d{1,3})\s+(\S+)(?:\s+(\S.*))?$/).map((m) => ({
    payloadType: m[1] === '*' ? '*' : Number(m[1]),
    type: m[2] ?? '',
    parameter: m[3] ?? '',
  }));

export const rtcpFeedbackAttribute = (feedback: RtcpFeedback): Attribute =>
  attribute(
    'rtcp-fb',
    `${feedback.payloadType} ${feedback.type}${feedback.parameter && ` ${feedback.parameter}`}`,
  );

/** Milliseconds of audio per packet that the far end would like to receive; null when it does not say. */
export const ptimeMs = (of: Carrier): number | null => wholeMs(attributeValue(of, 'ptime'));

/** Milliseconds of audio per packet that the far end can receive at most; null when it does not say. */
export const maxPtimeMs = (of: Carrier): number | null => wholeMs(attributeValue(of, 'maxptime'));

function wholeMs(text: string | null): number | null {
  const match = /^(\d{1,4})(?:\.\d+)?$/.exec(text ?? '');
  return match !== null && Number(match[1]) > 0 ? Number(match[1]) : null;
}

// --- identification and grouping (RFC 5888, 4574, 8830, 5576) ---

export const mid = (of: Carrier): string | null => attributeValue(of, 'mid');
export const label = (of: Carrier): string | null => attributeValue(of, 'label');

export interface Msid {
  /** `-` stands for no stream (RFC 8830 §2). */
  readonly streamId: string;
  readonly trackId: string | null;
}

export const msids = (of: Carrier): Msid[] =>
  matches(of, 'msid', /^(\S+)(?:\s+(\S+))?$/).map((m) => ({ streamId: m[1] ?? '', trackId: m[2] ?? null }));

export const msidAttribute = ({ streamId, trackId }: Msid): Attribute =>
  attribute('msid', trackId === null ? streamId : `${streamId} ${trackId}`);

export interface SsrcAttribute {
  readonly ssrc: number;
  readonly name: string;
  readonly value: string | null;
}

export const ssrcAttributes = (of: Carrier): SsrcAttribute[] =>
  matches(of, 'ssrc', /^(\d{1,10})\s+([^\s:]+)(?::(.*))?$/)
    .map((m) => ({ ssrc: Number(m[1]), name: m[2] ?? '', value: m[3] ?? null }))
    .filter(({ ssrc }) => isUint32(ssrc));

/** Each SSRC named in `a=ssrc` lines once, in order. */
export const ssrcs = (of: Carrier): number[] => [...new Set(ssrcAttributes(of).map(({ ssrc }) => ssrc))];

export const ssrcAttribute = ({ ssrc, name, value }: SsrcAttribute): Attribute =>
  attribute('ssrc', value === null ? `${ssrc} ${name}` : `${ssrc} ${name}:${value}`);

export interface SsrcGroup {
  /** `FID` (retransmission), `SIM`, `FEC-FR`, … */
  readonly semantics: string;
  readonly ssrcs: readonly number[];
}

export const ssrcGroups = (of: Carrier): SsrcGroup[] =>
  matches(of, 'ssrc-group', /^(\S+)((?:\s+\d{1,10})+)$/).map((m) => ({
    semantics: m[1] ?? '',
    ssrcs: (m[2] ?? '').trim().split(/\s+/).map(Number).filter(isUint32),
  }));

export interface Group {
  /** `BUNDLE` (RFC 9143), `LS`, … */
  readonly semantics: string;
  readonly mids: readonly string[];
}

export const groups = (session: Carrier): Group[] =>
  attributeValues(session, 'group').flatMap((value) => {
    const [semantics, ...mids] = value.split(/\s+/);
    return semantics === undefined || semantics === '' ? [] : { semantics, mids };
  });

export const groupAttribute = ({ semantics, mids }: Group): Attribute =>
  attribute('group', [semantics, ...mids].join(' '));

export interface HeaderExtension {
  readonly id: number;
  readonly direction: Direction | null;
  readonly uri: string;
}

/** RTP header extensions (RFC 8285 §5). */
export const headerExtensions = (of: Carrier): HeaderExtension[] =>
  matches(of, 'extmap', /^(\d{1,4})(?:\/(sendrecv|sendonly|recvonly|inactive))?\s+(\S+)(?:\s.*)?$/).map(
    (m) => ({
      id: Number(m[1]),
      direction: (m[2] as Direction | undefined) ?? null,
      uri: m[3] ?? '',
    }),
  );

export const headerExtensionAttribute = (extension: HeaderExtension): Attribute =>
  attribute(
    'extmap',
    `${extension.id}${extension.direction ? `/${extension.direction}` : ''} ${extension.uri}`,
  );

// --- transport (RFC 3605, 8839, 8842) ---

/** Where the media of a section goes: its own c= line or the session's; null where there is neither. */
export const connectionOf = (
  of: MediaDescription,
  session: Pick<SessionDescription, 'connection'>,
): Connection | null => of.connection ?? session.connection ?? null;

export interface RtcpAddress {
  readonly port: number;
  readonly connection: Connection | null;
}

/** `a=rtcp`: where RTCP goes when not to the port above RTP's. */
export function rtcpAddress(of: Carrier): RtcpAddress | null {
  const match = /^(\d{1,5})(?:\s+IN\s+(IP4|IP6)\s+(\S+))?$/i.exec(attributeValue(of, 'rtcp') ?? '');
  if (match === null || Number(match[1]) > 65_535) return null;
  const addressType = match[2]?.toUpperCase() === 'IP6' ? 'IP6' : 'IP4';
  return {
    port: Number(match[1]),
    connection: match[3] === undefined ? null : { addressType, address: match[3] },
  };
}

export interface IceCredentials {
  readonly usernameFragment: string;
  readonly password: string;
}

/** RFC 8839 §5.4: both or neither, at least 4 and 22 ice-chars, at most 256. */
export function iceCredentials(of: Carrier, session?: Carrier): IceCredentials | null {
  const usernameFragment =
    attributeValue(of, 'ice-ufrag') ?? (session && attributeValue(session, 'ice-ufrag'));
  const password = attributeValue(of, 'ice-pwd') ?? (session && attributeValue(session, 'ice-pwd'));
  if (!/^[A-Za-z0-9+/=_-]{4,256}$/.test(usernameFragment ?? '')) return null;
  if (!/^[A-Za-z0-9+/=_-]{22,256}$/.test(password ?? '')) return null;
  return { usernameFragment: usernameFragment ?? '', password: password ?? '' };
}

export interface Fingerprint {
  /** In lower case: `sha-256`. */
  readonly algorithm: string;
  /** Upper-case hex pairs with colons. */
  readonly value: string;
}

/** RFC 8122 §5; several may stand for one certificate. The media section's replace the session's. */
export function fingerprints(of: Carrier, session?: Carrier): Fingerprint[] {
  const found = matches(of, 'fingerprint', /^(\S+)\s+([0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2})+)$/).map((m) => ({
    algorithm: (m[1] ?? '').toLowerCase(),
    value: (m[2] ?? '').toUpperCase(),
  }));
  return found.length > 0 || session === undefined ? found : fingerprints(session);
}

export const fingerprintAttribute = ({ algorithm, value }: Fingerprint): Attribute =>
  attribute('fingerprint', `${algorithm} ${value}`);

export type Setup = 'active' | 'passive' | 'actpass' | 'holdconn';

export function setup(of: Carrier, session?: Carrier): Setup | null {
  const value = attributeValue(of, 'setup') ?? (session && attributeValue(session, 'setup'));
  return value === 'active' || value === 'passive' || value === 'actpass' || value === 'holdconn'
    ? value
    : null;
}

export interface IceCandidate {
  readonly foundation: string;
  readonly component: number;
  readonly transport: string;
  readonly priority: number;
  readonly address: string;
  readonly port: number;
  readonly type: string;
  /** What follows the type, as written: raddr, rport, tcptype, generation, … */
  readonly extensions: string;
}

const candidatePattern =
  /^([A-Za-z0-9+/=_-]{1,32})\s+(\d{1,3})\s+(\S+)\s+(\d{1,10})\s+(\S+)\s+(\d{1,5})\s+typ\s+(\S+)(?:\s+(\S.*))?$/;

export const iceCandidates = (of: Carrier): IceCandidate[] =>
  matches(of, 'candidate', candidatePattern)
    .map((m) => ({
      foundation: m[1] ?? '',
      component: Number(m[2]),
      transport: (m[3] ?? '').toLowerCase(),
      priority: Number(m[4]),
      address: m[5] ?? '',
      port: Number(m[6]),
      type: m[7] ?? '',
      extensions: m[8] ?? '',
    }))
    .filter(({ port, priority }) => port <= 65_535 && isUint32(priority));

export const iceCandidateAttribute = (c: IceCandidate): Attribute =>
  attribute(
    'candidate',
    `${c.foundation} ${c.component} ${c.transport} ${c.priority} ${c.address} ${c.port} typ ${c.type}` +
      (c.extensions && ` ${c.extensions}`),
  );
