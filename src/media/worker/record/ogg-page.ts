/** Pages of the Ogg container (RFC 3533 §6). */

export interface OggPage {
  /** The stream that the page belongs to, any number. */
  readonly serial: number;
  /** Counts the stream's pages from 0. */
  readonly sequence: number;
  /** What has been said of the stream when the page's last packet ends, in the codec's units. */
  readonly granule: number;
  readonly isFirst: boolean;
  readonly isLast: boolean;
}

const headerLength = 27;
const firstPageFlag = 0x02;
const lastPageFlag = 0x04;
const flagsAt = 5;
const crcAt = 22;
/** Lacing values that a page has room for. */
export const maxOggSegments = 255;

/** The polynomial x³²+x²⁶+…+1 of Ethernet, but neither reflected nor inverted (RFC 3533 §6, 8). */
const crcTable = Uint32Array.from({ length: 256 }, (_, octet) => {
  let crc = octet << 24;
  for (let bit = 0; bit < 8; bit++) crc = crc & 0x8000_0000 ? (crc << 1) ^ 0x04c1_1db7 : crc << 1;
  return crc >>> 0;
});

export function oggCrc(bytes: Uint8Array): number {
  let crc = 0;
  for (const octet of bytes) crc = ((crc << 8) ^ crcTable[(crc >>> 24) ^ octet]!) >>> 0;
  return crc;
}

/** Lacing values that a packet takes. */
export function oggSegments(packetLength: number): number {
  return Math.floor(packetLength / 255) + 1;
}

/** Octets of a page besides its packets. */
export const oggOverhead = (segments: number): number => headerLength + segments;

/** Writes a page of whole packets. Throws RangeError where they are too many for one. */
export function formatOggPage(page: OggPage, packets: readonly Uint8Array[]): Buffer {
  const lacing: number[] = [];
  for (const { length } of packets) {
    for (let left = length; left >= 255; left -= 255) lacing.push(255);
    lacing.push(length % 255);
  }
  if (lacing.length > maxOggSegments) throw new RangeError('too many packets for an Ogg page');
  const header = Buffer.alloc(headerLength);
  header.write('OggS', 0, 'latin1');
  header[flagsAt] = (page.isFirst ? firstPageFlag : 0) | (page.isLast ? lastPageFlag : 0);
  header.writeBigInt64LE(BigInt(page.granule), 6);
  header.writeUInt32LE(page.serial, 14);
  header.writeUInt32LE(page.sequence, 18);
  header[26] = lacing.length;
  const bytes = Buffer.concat([header, Buffer.from(lacing), ...packets]);
  bytes.writeUInt32LE(oggCrc(bytes), crcAt);
  return bytes;
}

/** Makes a page that was written the last of its stream. */
export function markLastPage(page: Buffer): void {
  page[flagsAt] = page[flagsAt]! | lastPageFlag;
  page.writeUInt32LE(0, crcAt);
  page.writeUInt32LE(oggCrc(page), crcAt);
}
