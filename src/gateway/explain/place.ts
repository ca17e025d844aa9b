/** At which of our addresses a call that is asked about would come in. */
import type { SipPlace, SipPlaces } from '../../config/sip-places.js';
import { addressTypeOf } from '../../sdp/media-address.js';
import { parseUri } from '../../sip-server/index.js';
import type { ChosenPlace, KnownSource } from './question.js';

/**
 * The one that its Request-URI names, by its own address or by what those are told who come there; else the first that the source
 * reaches, which speaks its transport and has its kind of address.
 */
export function placeOf(places: SipPlaces, requestUri: string, source: KnownSource): ChosenPlace {
  const all = places.map((place, index) => ({ place, index }));
  const uri = parseUri(requestUri);
  const asked =
    uri === null || uri.scheme === 'tel' ? null : { host: uri.host.toLowerCase(), port: uri.port };
  const named = asked === null ? [] : all.filter(({ place }) => namesOf(place).includes(asked.host));
  const speaking = ({ place }: ChosenPlace): boolean => speaks(place, source.transport);
  const atPort = ({ place }: ChosenPlace): boolean =>
    (asked?.port ?? 5060) === place.port || asked?.port === place.tlsPort;
  return (
    named.find((one) => speaking(one) && atPort(one)) ??
    named.find(speaking) ??
    all.find((one) => speaking(one) && isReached(one.place, source.address)) ??
    all.find(speaking) ?? { place: places[0], index: 0 }
  );
}

function namesOf({ host, told: { contact, media } }: SipPlace): string[] {
  return [host, contact, media].flatMap((name) => name?.toLowerCase() ?? []);
}

/** WebSockets come to the HTTP port: of what they are told, the first says. */
function speaks({ transports }: SipPlace, transport: string): boolean {
  return transports.some((one) => one === transport);
}

function isReached({ host, ipv6Only }: SipPlace, address: string | null): boolean {
  if (address === null) return true;
  return addressTypeOf(host) === addressTypeOf(address) || (host === '::' && !ipv6Only);
}
