/** Reads the small files that configuration stands in. */
import { closeSync, openSync, readSync } from 'node:fs';

const maxBytes = 1024 * 1024;

/**
 * The text of a file, or of a pipe or device that ends. Throws the system's error; one with the code EFBIG above 1 MB, and with EILSEQ
 * where it is no UTF-8: the letters of a password would be replaced in silence.
 */
export function readBounded(path: string): string {
  const file = openSync(path, 'r');
  try {
    const buffer = Buffer.alloc(maxBytes + 1);
    let length = 0;
    for (;;) {
      const read = readSync(file, buffer, length, buffer.length - length, null);
      length += read;
      if (length > maxBytes) throw Object.assign(new Error('too long'), { code: 'EFBIG' });
      if (read === 0) return decode(buffer.subarray(0, length));
    }
  } finally {
    closeSync(file);
  }
}

/** Without a byte order mark, which editors of one system put there. */
function decode(octets: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(octets);
  } catch {
    throw Object.assign(new Error('no UTF-8'), { code: 'EILSEQ' });
  }
}

/** Why `readBounded` threw: the error's code, or words; null where it has neither. */
export function readFault(error: unknown): string | null {
  if (!(error instanceof Error && 'code' in error)) return null;
  return error.code === 'EILSEQ' ? 'it is no UTF-8 text' : String(error.code);
}
