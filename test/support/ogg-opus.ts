/** Reads what a recording wrote: the pages of an Ogg file, and its Opus as samples. Written apart from the writer. */
import { Decoder } from '@evan/opus';

export interface OggPageRead {
  readonly flags: number;
  readonly granule: number;
  readonly serial: number;
  readonly sequence: number;
  readonly isIntact: boolean;
  readonly packets: readonly Buffer[];
}

/** The pages, as far as they are whole (RFC 3533 §6). Throws where something else stands between them. */
export function readOggPages(file: Buffer): OggPageRead[] {
  const pages: OggPageRead[] = [];
  for (let at = 0; at + 27 <= file.length;) {
    if (file.toString('latin1', at, at + 4) !== 'OggS') throw new Error(`no page at ${at}`);
    const lacing = [...file.subarray(at + 27, at + 27 + file[at + 26]!)];
    const body = at + 27 + lacing.length;
    const end = body + lacing.reduce((sum, length) => sum + length, 0);
    if (end > file.length) break;
    const packets: Buffer[] = [];
    for (let offset = body, length = 0, i = 0; i < lacing.length; i++) {
      length += lacing[i]!;
      if (lacing[i] === 255) continue;
      packets.push(file.subarray(offset, offset + length));
      offset += length;
      length = 0;
    }
    const zeroed = Buffer.from(file.subarray(at, end));
    zeroed.writeUInt32LE(0, 22);
    pages.push({
      flags: file[at + 5]!,
      granule: Number(file.readBigInt64LE(at + 6)),
      serial: file.readUInt32LE(at + 14),
      sequence: file.readUInt32LE(at + 18),
      isIntact: bitwiseCrc(zeroed) === file.readUInt32LE(at + 22),
      packets,
    });
    at = end;
  }
  return pages;
}

/** The sound of an Ogg/Opus file at 8 kHz: without the pre-skip, cut at the last granule (RFC 7845 §4). */
export function readOggOpus(file: Buffer): Int16Array {
  const pages = readOggPages(file);
  const head = pages[0]?.packets[0];
  if (head?.toString('latin1', 0, 8) !== 'OpusHead') throw new Error('no OpusHead');
  const decoder = new Decoder({ channels: 1, sample_rate: 8000 });
  const pieces = pages.slice(2).flatMap(({ packets }) =>
    packets.map((packet) => {
      const bytes = Uint8Array.from(decoder.decode(packet));
      return new Int16Array(bytes.buffer);
    }),
  );
  const pcm = new Int16Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const piece of pieces) {
    pcm.set(piece, at);
    at += piece.length;
  }
  const preSkip = head.readUInt16LE(10) / 6;
  return pcm.subarray(preSkip, pages.at(-1)!.granule / 6);
}

/** RFC 3533 §6, field 8, as the text says it. */
function bitwiseCrc(bytes: Uint8Array): number {
  let crc = 0;
  for (const octet of bytes) {
    for (let bit = 7; bit >= 0; bit--) {
      const carry = (crc >>> 31) ^ ((octet >> bit) & 1);
      crc = (crc << 1) >>> 0;
      if (carry === 1) crc = (crc ^ 0x04c11db7) >>> 0;
    }
  }
  return crc;
}
