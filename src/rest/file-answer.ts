/** A file as the body of an answer, whole or a range of it (RFC 9110 section 14). */
import { open } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { RestError } from './rest-error.js';

export interface FileAnswer {
  readonly kind: 'file';
  readonly path: string;
  readonly mediaType: string;
  /** The name a browser saves it under: letters, digits, `.`, `_` and `-`. */
  readonly fileName: string;
}

export function isFileAnswer(value: unknown): value is FileAnswer {
  return typeof value === 'object' && value !== null && 'kind' in value && value.kind === 'file';
}

export interface OpenFileAnswer {
  readonly status: 200 | 206;
  readonly headers: Readonly<Record<string, string>>;
  /** Closes the file when it has ended or is destroyed. */
  readonly stream: Readable;
}

/** Throws RestError `file-gone` or `range-not-satisfiable`. */
export async function openFileAnswer(
  { path, mediaType, fileName }: FileAnswer,
  range: string | undefined,
): Promise<OpenFileAnswer> {
  const file = await open(path, 'r').catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') {
      throw new RestError('file-gone', 'The file is gone');
    }
    throw error;
  });
  try {
    const { size } = await file.stat();
    const part = parseRange(range, size);
    const { start, end } = part ?? { start: 0, end: size - 1 };
    const headers = {
      'content-type': mediaType,
      'content-length': String(end - start + 1),
      'content-disposition': `attachment; filename="${fileName}"`,
      'x-content-type-options': 'nosniff',
      'accept-ranges': 'bytes',
      ...(part === null ? {} : { 'content-range': `bytes ${start}-${end}/${size}` }),
    };
    const stream = file.createReadStream(size === 0 ? {} : { start, end });
    return { status: part === null ? 200 : 206, headers, stream };
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** Null for the whole file: also where the header is malformed or asks for several parts, which a server may ignore. */
export function parseRange(range: string | undefined, size: number): { start: number; end: number } | null {
  const [, first = '', last = ''] = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(range?.trim() ?? '') ?? [];
  if (first === '' && last === '') return null;
  // "bytes=-500": the last 500.
  const start = first === '' ? Math.max(0, size - Number(last)) : Number(first);
  const end = first === '' || last === '' ? size - 1 : Math.min(Number(last), size - 1);
  if (first !== '' && last !== '' && Number(last) < Number(first)) return null;
  if (start > end) {
    throw new RestError('range-not-satisfiable', 'The file has no such range', {
      headers: { 'content-range': `bytes */${size}` },
    });
  }
  return { start, end };
}
