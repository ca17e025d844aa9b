/** Looks at what phones and browsers are told of where the gateway is, and whether they can get there. */
import { isIPv4 } from 'node:net';
import type { Config } from '../config/config-schema.js';
import { sipPlaces, type SipPlace } from '../config/sip-places.js';
import { bracketed } from '../sip-server/message/host-port.js';
import { addressKind } from '../sip-server/user-agent/local-address.js';
import { fail, ok, warn, type Finding } from './finding.js';

/** `own`: the addresses of this machine's interfaces. */
export function lookAtAddresses(
  config: Pick<Config, 'sip' | 'tls' | 'publicIp' | 'advertise'>,
  own: readonly string[],
): Finding[] {
  const places = sipPlaces(config);
  const isForOthers = places.some(({ host }) => addressKind(host) !== 'loopback');
  // Said once is enough.
  const isWarned = (index: number): boolean => index === 0 && !isForOthers;
  return [
    ...places.map((place, index) => listening(place, own, isWarned(index))),
    ...publicAddress(config, places, own),
    ...places.slice(1).flatMap(toldThere),
    ...config.advertise.map(told),
  ];
}

/** `isWarned`: no address can be reached from elsewhere. */
function listening({ host }: SipPlace, own: readonly string[], isWarned: boolean): Finding {
  const what = 'SIP address';
  switch (addressKind(host)) {
    case 'loopback':
      return isWarned
        ? warn(what, `${host}: only this machine can call; set sip.host to be called from elsewhere`)
        : ok(what, `${host}: for this machine alone`);
    case 'unspecified': {
      const reached = reachedAt(host, own).filter((address) => addressKind(address) !== 'loopback');
      return ok(what, `${host}: all of ${reached.join(', ') || 'none'}`);
    }
    default:
      return own.includes(host) ? ok(what, host) : fail(what, `${host} is no address of this machine`);
  }
}

function publicAddress(
  { publicIp, sip }: Pick<Config, 'sip' | 'publicIp'>,
  places: readonly SipPlace[],
  own: readonly string[],
): Finding[] {
  const what = 'public address';
  if (publicIp !== undefined) {
    const isPrivate = addressKind(publicIp) !== 'public';
    const words = `phones and browsers are told ${publicIp}, in Contact (sip:${bracketed(publicIp)}:${sip.port}) and in SDP`;
    return [isPrivate ? warn(what, `${words}; that is not reachable from the internet`) : ok(what, words)];
  }
  if (places.every(({ host }) => addressKind(host) === 'loopback')) return [];
  const isPublic = (address: string): boolean => addressKind(address) === 'public';
  if (places.some(({ host }) => reachedAt(host, own).some(isPublic)))
    return [ok(what, 'phones and browsers are told the address of the interface')];
  if (places.some(({ told: { media } }) => media !== null && isPublic(media)))
    return [ok(what, 'told at one of the addresses')];
  return [warn(what, 'this machine has private addresses alone: whoever calls from outside needs publicIp')];
}

/** The addresses that are listened on. */
function reachedAt(host: string, own: readonly string[]): readonly string[] {
  if (host === '0.0.0.0') return own.filter((address) => isIPv4(address));
  return host === '::' ? own : [host];
}

function toldThere({ host, told: { contact, media } }: SipPlace): Finding[] {
  if (contact === null) return [];
  const where = media === null ? '' : `, and media at ${media}`;
  return [ok('told there', `${host}: ${contact} in Contact${where}`)];
}

function told({ networks, address, host }: Config['advertise'][number]): Finding {
  return ok(
    'told instead',
    `${networks.join(', ')}: ${address}${host === undefined ? '' : `, and ${host} in Contact`}`,
  );
}
