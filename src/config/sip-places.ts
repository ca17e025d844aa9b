/** The addresses that SIP is listened on, all alike: the first, of `sip.host`, and those of `sip.listen`. */
import { isIPv4 } from 'node:net';
import type { Config } from './config-schema.js';

export type SipTransport = 'udp' | 'tcp' | 'tls';

export interface SipPlace {
  /** What the configuration calls it: `sip`, `sip.listen.0`, … */
  readonly setting: string;
  readonly host: string;
  readonly port: number;
  readonly tlsPort: number;
  readonly transports: readonly SipTransport[];
  /** `::` there takes no IPv4. */
  readonly ipv6Only: boolean;
  /** The files that are shown there in place of `tls.cert`; null: none of its own. */
  readonly certificate: { readonly cert: string; readonly key: string } | null;
  /** What those are told who come there, unless `advertise` says otherwise; null: the address that they came to. */
  readonly told: {
    /** In Contact and Via. */
    readonly contact: string | null;
    /** In session descriptions. */
    readonly media: string | null;
  };
}

/** What one place opens. */
export interface SipSocket {
  readonly transport: SipTransport;
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  readonly ipv6Only: boolean;
}

export type SipPlaces = readonly [SipPlace, ...SipPlace[]];

export function sipPlaces({ sip, tls, publicIp }: Pick<Config, 'sip' | 'tls' | 'publicIp'>): SipPlaces {
  const { host, port, tlsPort } = sip;
  const first: SipPlace = {
    ...{ setting: 'sip', host, port, tlsPort, ipv6Only: false, certificate: null },
    transports: ['udp', 'tcp', ...(tls.cert === undefined ? [] : (['tls'] as const))],
    told: { contact: publicIp ?? null, media: publicIp ?? null },
  };
  const others = sip.listen.map(({ address, name, cert, key, ...place }, index): SipPlace => {
    const media = address ?? (isForAll(place.host) ? (publicIp ?? null) : null);
    return {
      ...place,
      setting: `sip.listen.${index}`,
      // The first may have IPv4 on the same port.
      ipv6Only: place.host === '::',
      certificate: cert === undefined || key === undefined ? null : { cert, key },
      told: { contact: name ?? media, media },
    };
  });
  return [first, ...others];
}

export function socketsOf({ host, port, tlsPort, transports, ipv6Only }: SipPlace): SipSocket[] {
  return transports.map((transport) => ({
    ...{ transport, host, ipv6Only },
    port: transport === 'tls' ? tlsPort : port,
  }));
}

/** Whether the system gives only one of the two. */
export function areInTheWay(one: SipSocket, other: SipSocket): boolean {
  if (one.port === 0 || one.port !== other.port) return false;
  if ((one.transport === 'udp') !== (other.transport === 'udp')) return false;
  return one.host === other.host || covers(one, other) || covers(other, one);
}

/** Whether it is bound to all addresses, and the other's is one of them. */
function covers({ host, ipv6Only }: SipSocket, other: SipSocket): boolean {
  if (host === '::') return !ipv6Only || !isIPv4(other.host);
  return host === '0.0.0.0' && (isIPv4(other.host) || (other.host === '::' && !other.ipv6Only));
}

export function isForAll(host: string): boolean {
  return host === '0.0.0.0' || host === '::';
}
