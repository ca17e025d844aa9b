/** Looks at what phones and browsers are told of where the gateway is, and whether they can get there. */
import type { Config } from '../config/config-schema.js';
import { bracketed } from '../sip-server/message/host-port.js';
import { addressKind, type AddressKind } from '../sip-server/user-agent/local-address.js';
import { fail, ok, warn, type Finding } from './finding.js';

/** `own`: the addresses of this machine's interfaces. */
export function lookAtAddresses(
  config: Pick<Config, 'sip' | 'publicIp' | 'advertise'>,
  own: readonly string[],
): Finding[] {
  const { host } = config.sip;
  const kind = addressKind(host);
  return [...listening(host, kind, own), ...publicAddress(config, kind, own), ...config.advertise.map(told)];
}

function listening(host: string, kind: AddressKind, own: readonly string[]): Finding[] {
  const what = 'SIP address';
  switch (kind) {
    case 'loopback':
      return [warn(what, `${host}: only this machine can call; set sip.host to be called from elsewhere`)];
    case 'unspecified':
      return [
        ok(
          what,
          `${host}: all of ${own.filter((address) => addressKind(address) !== 'loopback').join(', ') || 'none'}`,
        ),
      ];
    case 'name':
      return [ok(what, `${host}, whatever it leads to at the start`)];
    default:
      return [own.includes(host) ? ok(what, host) : fail(what, `${host} is no address of this machine`)];
  }
}

function publicAddress(
  { publicIp, sip }: Pick<Config, 'sip' | 'publicIp'>,
  kind: AddressKind,
  own: readonly string[],
): Finding[] {
  const what = 'public address';
  if (publicIp !== undefined) {
    const isPrivate = addressKind(publicIp) !== 'public';
    const words = `phones and browsers are told ${publicIp}, in Contact (sip:${bracketed(publicIp)}:${sip.port}) and in SDP`;
    return [isPrivate ? warn(what, `${words}; that is not reachable from the internet`) : ok(what, words)];
  }
  if (kind === 'loopback') return [];
  const reached = kind === 'unspecified' ? own : [sip.host];
  const hasPublic = reached.some((address) => addressKind(address) === 'public');
  return [
    hasPublic
      ? ok(what, 'phones and browsers are told the address of the interface')
      : warn(what, 'this machine has private addresses alone: whoever calls from outside needs publicIp'),
  ];
}

function told({ networks, address, host }: Config['advertise'][number]): Finding {
  return ok(
    'told instead',
    `${networks.join(', ')}: ${address}${host === undefined ? '' : `, and ${host} in Contact`}`,
  );
}
