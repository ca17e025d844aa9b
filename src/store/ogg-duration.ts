/** How long an Ogg/Opus file lasts (RFC 7845), also one that was cut off. */
import type { FileHandle } from 'node:fs/promises';

/** A page has 65307 bytes at most (RFC 3533 section 6): the last whole one begins within two of these. */
const tailBytes = 2 * 65_307;
const clockRateHz = 48_000;

/** Null where the file does not say. */
export async function readOggDurationMs(file: FileHandle): Promise<number | null> {
  const { size } = await file.stat();
  const head = Buffer.alloc(Math.min(size, 512));
  await file.read(head, 0, head.length, 0);
  const opusHead = head.indexOf('OpusHead', 0, 'latin1');
  if (opusHead === -1 || head.length < opusHead + 12) return null;
  const preSkip = head.readUInt16LE(opusHead + 10);
  const tail = Buffer.alloc(Math.min(size, tailBytes));
  await file.read(tail, 0, tail.length, size - tail.length);
  for (let at = tail.lastIndexOf('OggS', undefined, 'latin1'); at >= 0;) {
    if (at + 14 <= tail.length) {
      // "-1 indicates that no packets finish on this page" (RFC 3533 section 6).
      const granulePosition = tail.readBigInt64LE(at + 6);
      if (granulePosition >= 0n) {
        const samples = Math.max(0, Number(granulePosition) - preSkip);
        return Math.round((samples * 1000) / clockRateHz);
      }
    }
    if (at === 0) break;
    at = tail.lastIndexOf('OggS', at - 1, 'latin1');
  }
  return null;
}
