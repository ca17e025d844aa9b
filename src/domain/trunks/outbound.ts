/** The outbound side of a trunk: the servers by which it is reached, and how we show there whose customer we are. */
import { uriHost } from '../host-port.js';

export type TrunkTransport = 'udp' | 'tcp' | 'tls';

/** One server of the trunk, or a name behind which there are several. */
export interface TrunkTarget {
  /** A name or an address; IPv6 without brackets. */
  readonly host: string;
  /** Null: as the DNS says, else the usual one. */
  readonly port: number | null;
  /** Null: as the DNS says, else UDP. */
  readonly transport: TrunkTransport | null;
  /** The lowest are tried first. */
  readonly priority: number;
  /** Among those of the same priority: how often it is the first, beside the others. */
  readonly weight: number;
  /** Whose the server's certificate has to be; null: `host`. */
  readonly tlsServerName: string | null;
}

export interface OutboundDigest {
  readonly username: string;
  /** Kept as it is: what it is made into depends on what the server asks for. Never shown. */
  readonly password: string;
  /** Challenges of any other realm are not answered; null: all are. */
  readonly realm: string | null;
}

/** How the trunk is told where we are, as a phone would (RFC 3261 §10). */
export interface TrunkRegistration {
  /** The user of the address that is registered. */
  readonly user: string;
  /** What the registrar is asked for. */
  readonly expiresSeconds: number;
  /** The user of our Contact: nobody but the registrar knows it, and what is sent to it is the trunk's. Never shown. */
  readonly contactUser: string;
}

/** How often its servers are asked whether they are there, by OPTIONS (RFC 3261 §11). */
export interface TrunkPing {
  readonly seconds: number;
  /** So many in a row without an answer: the server is down. */
  readonly failures: number;
  /** So many answers in a row: it is up. */
  readonly successes: number;
}

export interface TrunkOutbound {
  readonly targets: readonly TrunkTarget[];
  readonly digest: OutboundDigest | null;
  /** The domain that we are of there; null: the host of the first target. */
  readonly fromDomain: string | null;
  /** Null: the trunk knows where we are. */
  readonly registration: TrunkRegistration | null;
  /** Null, or missing in what was kept before there was any: nobody asks. */
  readonly ping?: TrunkPing | null;
}

/** `sip:host:port;transport=…` as trunks' targets are written; null for what has a user or another parameter. */
export function readTargetUri(uri: string): Pick<TrunkTarget, 'host' | 'port' | 'transport'> | null {
  const [, scheme = '', bracketed, plain, portText, transport] =
    /^(sips?):(?:\[([0-9a-f:.]+)\]|([\w.-]+))(?::(\d{1,5}))?(?:;transport=(udp|tcp|tls))?$/i.exec(uri) ?? [];
  const host = bracketed ?? plain;
  if (host === undefined) return null;
  const isSecure = scheme.toLowerCase() === 'sips';
  if (isSecure && transport?.toLowerCase() === 'udp') return null;
  const given = (transport?.toLowerCase() ?? null) as TrunkTransport | null;
  return {
    host,
    port: portText === undefined ? null : Number(portText),
    transport: isSecure ? 'tls' : given,
  };
}

/** The domain that we are of at the trunk: of the address that is registered, and of the registrar that keeps it. */
export function domainOf({ fromDomain, targets }: TrunkOutbound): string {
  return uriHost(fromDomain ?? targets[0]?.host ?? 'localhost');
}

/**
 * The order in which targets are tried: by priority, and among those of the same one drawn by weight (RFC 2782). `random` is
 * in [0, 1).
 */
export function orderTargets(targets: readonly TrunkTarget[], random: () => number): readonly TrunkTarget[] {
  const left = [...targets];
  const ordered: TrunkTarget[] = [];
  while (left.length > 0) {
    const lowest = Math.min(...left.map(({ priority }) => priority));
    const equals = left.filter(({ priority }) => priority === lowest);
    // One without weight is rarely the first, not never.
    const weightOf = ({ weight }: TrunkTarget): number => weight + 0.01;
    let drawn = random() * equals.reduce((sum, target) => sum + weightOf(target), 0);
    const next = equals.find((target) => (drawn -= weightOf(target)) < 0) ?? equals[0];
    if (next === undefined) break;
    left.splice(left.indexOf(next), 1);
    ordered.push(next);
  }
  return ordered;
}
