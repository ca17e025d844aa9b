/**
 * Session descriptions as values (RFC 8866). The parser is strict where a wrong guess would change meaning (versions,
 * ports, m-lines) and tolerant of what peers get wrong harmlessly: LF instead of CRLF, blank lines, a missing `s=` or
 * `t=`, fields out of order, unknown fields. What is wrong in one section costs that section alone (`fault`), for it may be
 * one that nobody wants. Lines that no answer depends on (i, u, e, p, t, r, z, k) are not kept.
 */
import { SdpRefusal } from './sdp-refusal.js';

/** Descriptions longer than this are refused unread. A browser with 64 m-sections stays below half of it. */
const maxSessionDescriptionBytes = 64 * 1024;
/** An answer repeats every m-line, so their number is limited apart from the size. */
export const maxMediaDescriptions = 128;

export type AddressType = 'IP4' | 'IP6';

export interface Attribute {
  readonly name: string;
  /** Null for a flag (`a=rtcp-mux`), which differs from an empty value (`a=label:`). */
  readonly value: string | null;
}

export interface Origin {
  readonly username: string;
  /** Kept as text: they may have more digits than a number is exact for. */
  readonly sessionId: string;
  readonly sessionVersion: string;
  readonly addressType: AddressType;
  readonly address: string;
}

export interface Connection {
  readonly addressType: AddressType;
  /** Without the TTL and count of a multicast address. */
  readonly address: string;
}

export interface Bandwidth {
  readonly type: string;
  readonly value: number;
}

export interface MediaDescription {
  readonly kind: string;
  /** 0: refused in an answer, or not in use (RFC 3264 §5.1, §6); with BUNDLE see RFC 9143. */
  readonly port: number;
  readonly portCount?: number;
  readonly protocol: string;
  /** May be empty in a section that was read: no codec can be agreed on in it. */
  readonly formats: readonly string[];
  readonly connection?: Connection;
  readonly bandwidth: readonly Bandwidth[];
  readonly attributes: readonly Attribute[];
  /** What is wrong in a section that was read, so that it cannot be used. Its port is 0 then. */
  readonly fault?: string;
}

export interface SessionDescription {
  readonly origin: Origin;
  readonly sessionName: string;
  readonly connection?: Connection;
  readonly bandwidth?: readonly Bandwidth[];
  readonly attributes: readonly Attribute[];
  readonly media: readonly MediaDescription[];
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };
interface MediaDraft extends Mutable<Omit<MediaDescription, 'bandwidth' | 'attributes'>> {
  bandwidth: Bandwidth[];
  attributes: Attribute[];
}

const refuse = (why: string): SdpRefusal => new SdpRefusal('bad-sdp', why);

/** Reads a session description. Throws SdpRefusal `bad-sdp` and nothing else, whatever the text. */
export function parseSessionDescription(text: string): SessionDescription {
  if (text.length > maxSessionDescriptionBytes || Buffer.byteLength(text) > maxSessionDescriptionBytes) {
    throw refuse(`longer than ${maxSessionDescriptionBytes} bytes`);
  }
  if (text.includes('\0')) throw refuse('contains a NUL');
  // Some write the mark of UTF-8 in front (RFC 3629 §6).
  const lines = text
    .replace(/^\ufeff/, '')
    .split(/\r\n|\n|\r/)
    .filter((line) => line.trim() !== '');
  if (lines[0]?.trimEnd() !== 'v=0') throw refuse('does not begin with v=0');

  let origin: Origin | undefined;
  let sessionName = '-';
  let connection: Connection | undefined;
  const bandwidth: Bandwidth[] = [];
  const attributes: Attribute[] = [];
  const media: MediaDraft[] = [];
  /** What is wrong in a section is its own fault; what is wrong before the first, the whole description's. */
  const fail = (why: string): void => {
    const current = media.at(-1);
    if (current === undefined) throw refuse(why);
    current.port = 0;
    current.fault ??= why;
  };
  for (const line of lines.slice(1)) {
    const current = media.at(-1);
    if (!/^[a-z]=/.test(line)) {
      fail('a line is not of the form <type>=<value>');
      continue;
    }
    const value = line.slice(2);
    switch (line[0]) {
      case 'v':
        throw refuse('more than one v= line');
      case 'o':
        if (origin !== undefined) throw refuse('more than one o= line');
        origin = parseOrigin(value);
        break;
      case 's':
        if (current === undefined) sessionName = value.trim() || '-';
        break;
      case 'c': {
        // Several c= lines name several addresses of one layered stream (RFC 8866 §5.7): the first is the base layer.
        if ((current === undefined ? connection : current.connection) !== undefined) break;
        const parsed = parseConnection(value);
        if (typeof parsed === 'string') fail(parsed);
        else if (current === undefined) connection = parsed;
        else current.connection = parsed;
        break;
      }
      case 'b': {
        const parsed = parseBandwidth(value);
        if (parsed !== null) (current?.bandwidth ?? bandwidth).push(parsed);
        break;
      }
      case 'a': {
        const parsed = parseAttribute(value);
        if (parsed !== null) (current?.attributes ?? attributes).push(parsed);
        break;
      }
      case 'm':
        if (media.length === maxMediaDescriptions) throw refuse(`more than ${maxMediaDescriptions} m= lines`);
        media.push(parseMediaLine(value));
        break;
      default:
    }
  }
  if (origin === undefined) throw refuse('has no o= line');
  return {
    origin,
    sessionName,
    ...(connection && { connection }),
    ...(bandwidth.length > 0 && { bandwidth }),
    attributes,
    media,
  };
}

/** No answer depends on it: some write a user name with blanks in it, or none. */
function parseOrigin(value: string): Origin {
  const words = value.trim().split(/\s+/);
  const [sessionId, sessionVersion, netType, addressType, address] = words.slice(-5);
  if (
    sessionId === undefined ||
    sessionVersion === undefined ||
    netType?.toUpperCase() !== 'IN' ||
    address === undefined
  ) {
    throw refuse('the o= line is malformed');
  }
  const type = parseAddressType(addressType);
  if (type === null) throw refuse(unknownFamily);
  const username = words.slice(0, -5).join(' ') || '-';
  return { username, sessionId, sessionVersion, addressType: type, address };
}

const unknownFamily = 'an address is neither IP4 nor IP6';

/** Or what is wrong with it. */
function parseConnection(value: string): Connection | string {
  const [netType, addressType, address, ...rest] = value.trim().split(/\s+/);
  if (netType?.toUpperCase() !== 'IN' || address === undefined || rest.length > 0)
    return 'a c= line is malformed';
  const bare = address.split('/')[0];
  if (bare === undefined || bare === '') return 'a c= line has no address';
  const type = parseAddressType(addressType);
  return type === null ? unknownFamily : { addressType: type, address: bare };
}

function parseAddressType(text: string | undefined): AddressType | null {
  const upper = text?.toUpperCase();
  return upper === 'IP4' || upper === 'IP6' ? upper : null;
}

/** Null for what cannot be read: a limit that is not understood is no reason to refuse a call. */
function parseBandwidth(value: string): Bandwidth | null {
  const match = /^([!-9;-~]+):(\d{1,15})\s*$/.exec(value);
  return match?.[1] === undefined ? null : { type: match[1], value: Number(match[2]) };
}

function parseAttribute(value: string): Attribute | null {
  const colon = value.indexOf(':');
  const name = (colon < 0 ? value : value.slice(0, colon)).trim();
  if (name === '') return null;
  return { name, value: colon < 0 ? null : value.slice(colon + 1).trim() };
}

/** Throws where nobody could answer it in its place. */
function parseMediaLine(value: string): MediaDraft {
  const [kind = '', portText = '', protocol, ...formats] = value.trim().split(/\s+/);
  if (kind === '' || protocol === undefined) throw refuse('an m= line is malformed');
  const match = /^(\d{1,5})(?:\/(\d{1,5}))?$/.exec(portText);
  const port = Number(match?.[1]);
  const portCount = match?.[2] === undefined ? undefined : Number(match[2]);
  const isPossible = port <= 65_535 && portCount !== 0;
  return {
    kind,
    port: isPossible ? port : 0,
    ...(isPossible && portCount !== undefined && { portCount }),
    protocol,
    formats,
    bandwidth: [],
    attributes: [],
    ...(!isPossible && { fault: 'an m= line has an impossible port' }),
  };
}

/** Writes a session description with CRLF line ends. Throws TypeError for a value that would break out of its line. */
export function formatSessionDescription(description: SessionDescription): string {
  const { origin, connection, bandwidth, attributes, media } = description;
  const lines = [
    'v=0',
    `o=${origin.username} ${origin.sessionId} ${origin.sessionVersion} IN ${origin.addressType} ${origin.address}`,
    `s=${description.sessionName || '-'}`,
  ];
  if (connection !== undefined) lines.push(formatConnection(connection));
  lines.push(...(bandwidth ?? []).map(formatBandwidth), 't=0 0', ...attributes.map(formatAttribute));
  for (const section of media) {
    const ports = section.portCount === undefined ? section.port : `${section.port}/${section.portCount}`;
    // At least one must stand there (RFC 8866 §5.14), in a section that is refused too.
    const formats = section.formats.length === 0 ? '0' : section.formats.join(' ');
    lines.push(`m=${section.kind} ${ports} ${section.protocol} ${formats}`);
    if (section.connection !== undefined) lines.push(formatConnection(section.connection));
    lines.push(...section.bandwidth.map(formatBandwidth), ...section.attributes.map(formatAttribute));
  }
  if (lines.some((line) => /[\r\n\0]/.test(line))) throw new TypeError('an SDP value contains a line break');
  return `${lines.join('\r\n')}\r\n`;
}

const formatConnection = (connection: Connection): string =>
  `c=IN ${connection.addressType} ${connection.address}`;
const formatBandwidth = (bandwidth: Bandwidth): string => `b=${bandwidth.type}:${bandwidth.value}`;
const formatAttribute = ({ name, value }: Attribute): string =>
  value === null ? `a=${name}` : `a=${name}:${value}`;
