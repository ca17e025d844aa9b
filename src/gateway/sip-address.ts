/** Where voice platforms send calls to. */
import type { Config } from '../config/config-schema.js';
import { sipPlaces, type SipPlace } from '../config/sip-places.js';
import { formatHostPort } from '../domain/host-port.js';
import type { SipAddress } from '../domain/transfers/transfer.js';
import type { SipServer } from '../sip-server/index.js';
import { addressKind } from '../sip-server/user-agent/local-address.js';
import { reachable, type BoundAddress } from './addresses.js';

export interface ListenedSip {
  readonly server: Pick<SipServer, 'tlsAddress' | 'otherAddresses'>;
  /** The first address, or that of a drachtio-server. */
  address(): BoundAddress;
}

/** As configured; else the address among those we listen on, over the transport that is wanted, which most can reach. */
export function sipAddress(config: Config, sip: ListenedSip): SipAddress {
  const { sipAddress: configured, sipTransport, ringSeconds } = config.transfers;
  const sipHost = configured ?? formatHostPort(bestOf(config, sip));
  const transport = sipTransport === undefined ? '' : `;transport=${sipTransport}`;
  return {
    sipUri: `sip:join@${sipHost}${transport}`,
    sipHost,
    sipTransport: sipTransport ?? null,
    timeoutSeconds: ringSeconds,
  };
}

function bestOf(config: Config, sip: ListenedSip): BoundAddress {
  const { server } = sip;
  const transport = config.transfers.sipTransport ?? 'udp';
  const places = sipPlaces(config);
  const able = places.filter(({ transports }) => transports.includes(transport));
  const best = able.reduce((one, other) => (reachOf(other) > reachOf(one) ? other : one), places[0]);
  const index = places.indexOf(best);
  if (index === 0) {
    const bound = sip.address();
    const port = (transport === 'tls' ? server.tlsAddress?.port : null) ?? bound.port;
    return { host: config.publicIp ?? unbracketed(reachable(bound.host)), port };
  }
  const configured = transport === 'tls' ? best.tlsPort : best.port;
  const port = server.otherAddresses[index - 1]?.[transport]?.port ?? configured;
  return { host: hostOf(best), port };
}

function hostOf({ host, told }: SipPlace): string {
  return told.contact ?? host;
}

/** How many can reach it. One on all addresses, of which nothing is told, may be anywhere. */
function reachOf(place: SipPlace): number {
  const kind = addressKind(hostOf(place));
  return kind === 'public' || kind === 'name' ? 2 : kind === 'private' ? 1 : 0;
}

function unbracketed(host: string): string {
  return host.replace(/^\[|\]$/g, '');
}
