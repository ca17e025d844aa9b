/** What an account may ask for of the outbound side of a trunk. */
import { isIP } from 'node:net';
import { isDeepStrictEqual } from 'node:util';
import { DomainError } from '../domain-error.js';
import { newContactUser } from './contact-user.js';
import {
  readTargetUri,
  type OutboundDigest,
  type TrunkOutbound,
  type TrunkPing,
  type TrunkTarget,
} from './outbound.js';

/** A target as it is asked for: by its URI, or by its parts. */
export interface NewTarget extends Omit<TrunkTarget, 'host'> {
  readonly uri: string | null;
  readonly host: string | null;
}

export interface NewOutbound {
  readonly targets: readonly NewTarget[];
  readonly digest?: {
    readonly username: string;
    /** Null: that of before stays. */
    readonly password: string | null;
    readonly realm?: string | null;
  } | null;
  readonly fromDomain?: string | null;
  readonly registration?: { readonly user?: string | null; readonly expiresSeconds: number } | null;
  readonly ping?: TrunkPing | null;
}

export interface OutboundRules {
  /** Whether requests of ours may go to that address. */
  readonly mayReach: (address: string) => boolean;
  /** Why nothing can be sent to trunks here at all; null: it can. */
  readonly hindrance: string | null;
  /** We speak SIP over TLS. */
  readonly hasTls: boolean;
  readonly shortestPingSeconds: number;
}

const hostName = /^(?=.{1,253}$)[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9])?\.?$/i;
const userName = /^[a-z0-9\-_.!~*'()&=+$,]{1,64}$/i;

/** What is kept of it. Throws DomainError `trunk-unusable`. */
export function checkedOutbound(
  wanted: NewOutbound,
  before: TrunkOutbound | null,
  rules: OutboundRules,
): TrunkOutbound {
  if (rules.hindrance !== null) throw unusable(rules.hindrance);
  if (wanted.targets.length === 0) throw unusable('outbound.targets: give at least one');
  const targets = wanted.targets.map((target) => checkedTarget(target, rules));
  const isSameCarrier = before !== null && isDeepStrictEqual(targets, before.targets);
  const digest =
    wanted.digest === undefined || wanted.digest === null
      ? null
      : checkedDigest(wanted.digest, before?.digest ?? null, isSameCarrier);
  const fromDomain = wanted.fromDomain ?? null;
  if (fromDomain !== null && !isHost(fromDomain))
    throw unusable(`outbound.fromDomain: ${fromDomain} is no domain`);
  const { registration = null, ping = null } = wanted;
  // A setting that does nothing would be believed in.
  if (registration === null && ping === null)
    throw unusable('outbound: give a registration or a ping; calls are not sent to trunks yet');
  if (ping !== null && ping.seconds < rules.shortestPingSeconds)
    throw unusable(
      `outbound.ping: every ${ping.seconds} seconds is too often: give at least ${rules.shortestPingSeconds}`,
    );
  const user = registration && registeredUser(registration.user ?? null, digest);
  // Who was told it can call by it, so that another carrier, or another customer of the same one, is told another.
  const isSame = isSameCarrier && fromDomain === before.fromDomain && user === before.registration?.user;
  return {
    targets,
    digest,
    fromDomain,
    registration:
      registration !== null && user !== null
        ? {
            user,
            expiresSeconds: registration.expiresSeconds,
            contactUser: (isSame ? before.registration?.contactUser : undefined) ?? newContactUser(),
          }
        : null,
    ping,
  };
}

function checkedTarget(wanted: NewTarget, { mayReach, hasTls }: OutboundRules): TrunkTarget {
  const { uri, priority, weight, tlsServerName } = wanted;
  const read = uri === null ? null : readTargetUri(uri);
  if (uri !== null && read === null)
    throw unusable(`outbound.targets: ${uri} is no URI like sip:sip.example.com:5060;transport=tcp`);
  if (read !== null && (wanted.host !== null || wanted.port !== null || wanted.transport !== null))
    throw unusable('outbound.targets: give a URI, or host, port and transport');
  const { port, transport } = read ?? wanted;
  const host = (read ?? wanted).host ?? '';
  if (!isHost(host))
    throw unusable(`outbound.targets: ${host === '' ? 'give a host or a URI' : `${host} is no host`}`);
  if (port !== null && (port < 1 || port > 65_535)) throw unusable(`outbound.targets: ${port} is no port`);
  if (isIP(host) !== 0 && !mayReach(host))
    throw unusable(
      `outbound.targets: ${host} is a private address, which the settings trunks.allowedNetworks and trunks.allowPrivateNetworks do not allow`,
    );
  if (transport === 'tls' && !hasTls)
    throw unusable('outbound.targets: the gateway has no certificate for TLS');
  if (tlsServerName !== null && transport !== 'tls')
    throw unusable('outbound.targets: a tlsServerName is for targets whose transport is tls');
  if (tlsServerName !== null && !hostName.test(tlsServerName))
    throw unusable(`outbound.targets: ${tlsServerName} is no host name`);
  return { host, port, transport, priority, weight, tlsServerName };
}

function checkedDigest(
  { username, password, realm = null }: NonNullable<NewOutbound['digest']>,
  before: OutboundDigest | null,
  isSameCarrier: boolean,
): OutboundDigest {
  // Another server could choose a challenge whose answer gives the password away, unless the realm says whose it is.
  const mayKeep = isSameCarrier || (realm !== null && realm === before?.realm);
  const kept = mayKeep && before?.username === username ? before.password : null;
  const known = password ?? kept;
  if (known === null) throw unusable('outbound.digest: give the password');
  return { username, password: known, realm };
}

function registeredUser(user: string | null, digest: OutboundDigest | null): string {
  if (user === null && digest === null) throw unusable('outbound.registration: give the user, or a digest');
  const name = user ?? digest?.username ?? '';
  if (!userName.test(name)) throw unusable(`outbound.registration.user: ${name} can be no user of a SIP URI`);
  return name;
}

function isHost(text: string): boolean {
  return isIP(text) !== 0 ? !text.includes('%') : hostName.test(text) && !/^[\d.]+$/.test(text);
}

function unusable(message: string): DomainError {
  return new DomainError('trunk-unusable', message);
}
