/** The addresses at which FreeSWITCH takes media. An offer that names one as its own is refused: media would go in circles. */
import { literalAddress, type MediaAddress } from '../../sdp/media-address.js';

/** An address, and ports at it, both ends included. */
export interface MediaPorts {
  readonly address: string;
  readonly first: number;
  /** RTCP of the last one included. */
  readonly last: number;
}

/** As FreeSWITCH's own configuration has it (freeswitch/vars.xml); null where it has another, without these variables. */
export async function readMediaPorts(
  variable: (name: string) => Promise<string>,
): Promise<MediaPorts | null> {
  const [address, first, last] = await Promise.all(
    ['rtp_address', 'rtp_first_port', 'rtp_last_port'].map(async (name) => (await variable(name)).trim()),
  );
  const literal = literalAddress(address ?? '');
  const range = [first, last].map((port) => (/^\d{1,5}$/.test(port ?? '') ? Number(port) : NaN));
  const [from = NaN, to = NaN] = range;
  return literal === null || !(from <= to) ? null : { address: literal, first: from, last: to + 1 };
}

/** Whether the destination is one of these ports. `externalAddress`: the one by which they are known outside, where that is another; else null. */
export function isOneOf(
  { address, first, last }: MediaPorts,
  externalAddress: string | null,
  destination: MediaAddress,
): boolean {
  const isThere = destination.address === address || destination.address === externalAddress;
  return isThere && destination.port >= first && destination.port <= last;
}
