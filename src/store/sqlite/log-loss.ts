/**
 * Whether a write-ahead log still has all that was committed to it. SQLite takes a log that was cut, or damaged in its middle, for one
 * that ends there, and goes on without what was behind. But its index (`-shm`), which a killed process leaves beside it, knows how
 * long the log was and what its checksum is. The layout of both is part of SQLite's file format (sqlite.org/walformat.html).
 */
import { closeSync, fstatSync, openSync, readFileSync, readSync } from 'node:fs';
import { endianness } from 'node:os';

const indexHeaderBytes = 48;
const logHeaderBytes = 32;
const frameHeaderBytes = 24;
/** The log is written back long before; larger ones would take long to look through. */
const maxLogBytes = 256 * 1024 * 1024;

/** What the index says of the log. */
interface LogIndex {
  readonly pageBytes: number;
  readonly frames: number;
  /** How many of them are in the database already. */
  readonly writtenBack: number;
  /** Over all frames. */
  readonly checksum: readonly [number, number];
  /** As they stand in the log: another log has others. */
  readonly salts: Buffer;
}

/** To be asked before the database is opened. False where nothing can be told, as without an index or with that of another log. */
export function hasLostCommits(database: string): boolean {
  const index = readIndex(`${database}-shm`);
  if (index === null || index.frames === 0) return false;
  const log = readLog(`${database}-wal`);
  if (log === null) return false;
  if (log.length === 0) return index.writtenBack < index.frames;
  if (!log.subarray(16, 24).equals(index.salts)) return false;
  const found = soundFrames(log, index);
  // Without a single frame all that is written back is in the database; with some of them older pages come before it.
  return found < index.frames && !(found === 0 && index.writtenBack >= index.frames);
}

function readIndex(path: string): LogIndex | null {
  const header = Buffer.alloc(2 * indexHeaderBytes + 4);
  try {
    const file = openSync(path, 'r');
    try {
      if (readSync(file, header, 0, header.length, 0) < header.length) return null;
    } finally {
      closeSync(file);
    }
  } catch {
    return null;
  }
  // It is written twice; where the two differ its writer was interrupted.
  if (!header.subarray(0, indexHeaderBytes).equals(header.subarray(indexHeaderBytes, 2 * indexHeaderBytes)))
    return null;
  const isLittle = endianness() === 'LE';
  const number = (at: number): number => (isLittle ? header.readUInt32LE(at) : header.readUInt32BE(at));
  const pageBytes = isLittle ? header.readUInt16LE(14) : header.readUInt16BE(14);
  return {
    pageBytes: pageBytes === 1 ? 65_536 : pageBytes,
    frames: number(16),
    checksum: [number(24), number(28)],
    salts: header.subarray(32, 40),
    writtenBack: number(2 * indexHeaderBytes),
  };
}

/** Empty where there is none; null where it cannot be looked through. */
function readLog(path: string): Buffer | null {
  try {
    const file = openSync(path, 'r');
    try {
      const { size } = fstatSync(file);
      if (size > maxLogBytes) return null;
      return size < logHeaderBytes ? Buffer.alloc(0) : readFileSync(file);
    } finally {
      closeSync(file);
    }
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? Buffer.alloc(0) : null;
  }
}

/** How many frames are there, from the first on, whose checksums are right; all of them where the last one's is that of the index. */
function soundFrames(log: Buffer, { pageBytes, frames, checksum }: LogIndex): number {
  const sum = new Checksum((log.readUInt32BE(0) & 1) === 0);
  sum.add(log, 0, 24);
  for (let frame = 0; frame < frames; frame++) {
    const at = logHeaderBytes + frame * (frameHeaderBytes + pageBytes);
    if (at + frameHeaderBytes + pageBytes > log.length) return frame;
    sum.add(log, at, at + 8);
    sum.add(log, at + frameHeaderBytes, at + frameHeaderBytes + pageBytes);
    if (!sum.is(log.readUInt32BE(at + 16), log.readUInt32BE(at + 20))) return frame;
  }
  return sum.is(...checksum) ? frames : frames - 1;
}

/** SQLite's: two sums that go on from frame to frame. */
class Checksum {
  readonly #isLittle: boolean;
  #first = 0;
  #second = 0;

  constructor(isLittle: boolean) {
    this.#isLittle = isLittle;
  }

  /** As many octets as are a multiple of eight. */
  add(bytes: Buffer, from: number, to: number): void {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    for (let at = from; at < to; at += 8) {
      this.#first = (this.#first + view.getUint32(at, this.#isLittle) + this.#second) | 0;
      this.#second = (this.#second + view.getUint32(at + 4, this.#isLittle) + this.#first) | 0;
    }
  }

  is(first: number, second: number): boolean {
    return this.#first >>> 0 === first && this.#second >>> 0 === second;
  }
}
