/** What the gateway says of where it is, which depends on who asks: inside a network it is reached at another address than from outside. */
import { addressFamily, NetworkList } from './network-list.js';

export interface AdvertisedAddress {
  /** Addresses and networks of those who are told it. */
  readonly networks: readonly string[];
  /** Literal, for media and for signalling. */
  readonly address: string;
  /** For signalling, in place of the address. */
  readonly host?: string | undefined;
}

export class AdvertisedAddresses {
  readonly #rules: readonly { readonly networks: NetworkList; readonly told: AdvertisedAddress }[];

  /** The first that fits is told. Throws RangeError where a network is none. */
  constructor(addresses: readonly AdvertisedAddress[]) {
    this.#rules = addresses.map((told) => ({ networks: new NetworkList(told.networks), told }));
  }

  /** A host for Contact and Via; null: as everybody else is told. */
  hostFor(remoteAddress: string): string | null {
    const told = this.#toldTo(remoteAddress);
    return told === null ? null : (told.host ?? told.address);
  }

  /** A literal address for session descriptions and ICE candidates; null: as everybody else is told. */
  mediaAddressFor(remoteAddress: string): string | null {
    return this.#toldTo(remoteAddress)?.address ?? null;
  }

  #toldTo(remoteAddress: string): AdvertisedAddress | null {
    const isAddress = addressFamily(remoteAddress) !== null;
    return (isAddress && this.#rules.find(({ networks }) => networks.has(remoteAddress))?.told) || null;
  }
}
