/** Reads the small files that configuration stands in. */
import { closeSync, openSync, readSync } from 'node:fs';

const maxBytes = 1024 * 1024;

/** The text of a file, or of a pipe or device that ends. Throws the system's error, and one with the code EFBIG above 1 MB. */
export function readBounded(path: string): string {
  const file = openSync(path, 'r');
  try {
    const buffer = Buffer.alloc(maxBytes + 1);
    let length = 0;
    for (;;) {
      const read = readSync(file, buffer, length, buffer.length - length, null);
      length += read;
      if (length > maxBytes) throw Object.assign(new Error('too long'), { code: 'EFBIG' });
      if (read === 0) return buffer.toString('utf8', 0, length);
    }
  } finally {
    closeSync(file);
  }
}
