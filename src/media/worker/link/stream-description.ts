/** Streams in the words of a link. */
import type { Codec } from '../codec/codec.js';
import type { TrackKind } from '../source-track.js';

export interface TrackDescription {
  readonly generation: number;
  readonly codec: Codec;
}

/** A stream as it is told to another worker. */
export interface StreamDescription {
  readonly alias: string;
  readonly audio: TrackDescription | null;
  readonly video: TrackDescription | null;
}

export const trackKinds: readonly TrackKind[] = ['audio', 'video'];

/** Our own workers wrote it, so it is read without a schema; anything unreadable counts as gone. */
export function parseStreamDescription(body: Buffer): StreamDescription | null {
  if (body.length === 0) return null;
  try {
    return JSON.parse(body.toString()) as StreamDescription;
  } catch {
    return null;
  }
}
