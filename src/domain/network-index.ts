/** Finds what belongs to the networks that an address lies in: a few look-ups, however many networks there are. */
import { isIPv6 } from 'node:net';

type Family = 4 | 6;

interface ReadAddress {
  readonly family: Family;
  readonly bits: bigint;
}

interface ReadNetwork extends ReadAddress {
  readonly prefix: number;
}

/** Networks of one length. */
interface Length<T> {
  readonly family: Family;
  readonly prefix: number;
  readonly shift: bigint;
  readonly networks: Map<bigint, T[]>;
}

const nothing: readonly never[] = [];

export class NetworkIndex<T> {
  /** The longest prefixes first. */
  readonly #lengths: Length<T>[] = [];

  /** Throws RangeError where `network` is neither an address nor a network. */
  add(network: string, value: T): void {
    const read = readNetwork(network);
    if (read === null) throw new RangeError(`${network} is no address and no network`);
    const { networks, shift } = this.#lengthOf(read);
    const key = read.bits >> shift;
    const values = networks.get(key);
    if (values === undefined) networks.set(key, [value]);
    else values.push(value);
  }

  /** Those of the narrowest network first; of one network in the order in which they were added. */
  lookUp(address: string): readonly T[] {
    if (this.#lengths.length === 0) return nothing;
    const read = readAddress(address);
    if (read === null) return nothing;
    let found: T[] | null = null;
    for (const { family, shift, networks } of this.#lengths) {
      if (family !== read.family) continue;
      const values = networks.get(read.bits >> shift);
      if (values !== undefined) found = found === null ? values : [...found, ...values];
    }
    return found ?? nothing;
  }

  #lengthOf({ family, prefix }: ReadNetwork): Length<T> {
    const known = this.#lengths.find((one) => one.family === family && one.prefix === prefix);
    if (known !== undefined) return known;
    const shift = BigInt((family === 4 ? 32 : 128) - prefix);
    const length = { family, prefix, shift, networks: new Map<bigint, T[]>() };
    this.#lengths.push(length);
    this.#lengths.sort((one, other) => other.prefix - one.prefix);
    return length;
  }
}

/** How many bits of its address a network fixes, and of which family it is; null for what is none. */
export function prefixOf(network: string): { readonly family: Family; readonly prefix: number } | null {
  return readNetwork(network);
}

/**
 * How many addresses of IPv4 the networks hold together, and how many networks of 64 bits of IPv6, since one customer has no less
 * than that. A network that is named twice counts once.
 */
export function roomOf(networks: Iterable<string>): { readonly 4: number; readonly 6: number } {
  const room = { 4: 0, 6: 0 };
  const seen = new Set<string>();
  for (const network of networks) {
    const read = readNetwork(network);
    if (read === null) continue;
    const { family, prefix, bits } = read;
    const key = `${family} ${prefix} ${bits >> BigInt((family === 4 ? 32 : 128) - prefix)}`;
    if (!seen.has(key)) room[family] += 2 ** Math.max(0, (family === 4 ? 32 : 64) - prefix);
    seen.add(key);
  }
  return room;
}

function readNetwork(text: string): ReadNetwork | null {
  const [address = '', length, ...rest] = text.split('/');
  const read = readAddress(address);
  if (read === null || rest.length > 0) return null;
  if (length !== undefined && !/^\d{1,3}$/.test(length)) return null;
  const wasMapped = read.family === 4 && address.includes(':');
  const most = read.family === 4 ? 32 : 128;
  const prefix = length === undefined ? most : Number(length) - (wasMapped ? 96 : 0);
  return prefix < 0 || prefix > most ? null : { ...read, prefix };
}

/** Null for what is no address, and for one with a zone. An IPv4 address is the same mapped into IPv6. */
function readAddress(address: string): ReadAddress | null {
  const plain = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1] ?? address;
  const dotted = readDotted(plain);
  if (dotted !== null) return { family: 4, bits: BigInt(dotted) };
  if (!isIPv6(plain) || plain.includes('%')) return null;
  const bits = readGroups(plain);
  // The same address, with the IPv4 part in hexadecimal.
  return bits >> 32n === 0xffffn ? { family: 4, bits: bits & 0xffff_ffffn } : { family: 6, bits };
}

function readDotted(text: string): number | null {
  const parts = /^(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})$/.exec(text);
  if (parts === null) return null;
  let bits = 0;
  for (const part of parts.slice(1)) {
    if (Number(part) > 255) return null;
    bits = bits * 256 + Number(part);
  }
  return bits;
}

function readGroups(address: string): bigint {
  const [before = '', after] = address.split('::');
  const head = groupsOf(before);
  const tail = after === undefined ? [] : groupsOf(after);
  const zeros = Array.from({ length: 8 - head.length - tail.length }, () => 0);
  return [...head, ...zeros, ...tail].reduce((bits, group) => (bits << 16n) | BigInt(group), 0n);
}

function groupsOf(text: string): number[] {
  if (text === '') return [];
  return text.split(':').flatMap((group) => {
    const dotted = readDotted(group);
    return dotted === null ? [parseInt(group, 16)] : [Math.floor(dotted / 65_536), dotted % 65_536];
  });
}
