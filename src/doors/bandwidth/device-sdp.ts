/** What the door reads from session descriptions, and writes into them: aliases and stream metadata. Pure. */
import type { MediaType } from '../../domain/media-plane.js';

/** A stream that a description sends. */
export interface DescribedStream {
  readonly streamId: string;
  /** From `a=label` (RFC 4574). */
  readonly alias: string | null;
  readonly mediaTypes: readonly MediaType[];
}

interface Section {
  readonly lines: string[];
  readonly mediaType: MediaType | null;
  /** The id of its MediaStream (RFC 8830), where it has one. */
  readonly streamId: string | null;
  /** In use, and its author sends in it. */
  readonly isSending: boolean;
}

const mediaTypes: Readonly<Record<string, MediaType>> = { audio: 'AUDIO', video: 'VIDEO' };

/** The description as its session part and its m-sections, each as lines. */
function split(description: string): { readonly session: string[]; readonly sections: Section[] } {
  const session: string[] = [];
  const bodies: string[][] = [];
  for (const line of description.split(/\r\n|\n|\r/)) {
    if (line.startsWith('m=')) bodies.push([line]);
    else if (line !== '') (bodies.at(-1) ?? session).push(line);
  }
  return { session, sections: bodies.map(readSection) };
}

function readSection(lines: string[]): Section {
  const [, kind = '', port = '0'] = /^m=(\S+) (\d+)/.exec(lines[0] ?? '') ?? [];
  const msid = lines.find((line) => line.startsWith('a=msid:'))?.slice('a=msid:'.length);
  const streamId = msid?.trim().split(/\s+/)[0] ?? null;
  const direction = lines.find((line) => /^a=(?:sendrecv|sendonly|recvonly|inactive)$/.test(line));
  return {
    lines,
    mediaType: mediaTypes[kind] ?? null,
    streamId: streamId === '-' || streamId === '' ? null : streamId,
    // In an offer a bundle-only section has port 0 and is in use all the same (RFC 9143 §6).
    isSending:
      (port !== '0' || lines.includes('a=bundle-only')) &&
      direction !== 'a=recvonly' &&
      direction !== 'a=inactive',
  };
}

/** How many m-sections a description has. */
export const countSections = (description: string): number => description.match(/^m=/gm)?.length ?? 0;

/** RFC 4574 allows a token only: what encodeURIComponent leaves of `()` is encoded as well. */
const encodeLabel = (alias: string): string =>
  encodeURIComponent(alias).replace(/[()]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);

function decodeLabel(label: string): string | null {
  try {
    return decodeURIComponent(label);
  } catch {
    return null;
  }
}

/**
 * The offer with an `a=label` in every section of a MediaStream that has an alias, which is where the media plane looks
 * for it. Labels that stand there already are left out: the metadata is what counts at this door.
 */
export function withAliases(offer: string, aliases: ReadonlyMap<string, string>): string {
  const { session, sections } = split(offer);
  const lines = sections.flatMap(({ lines: own, streamId }) => {
    const alias = streamId === null ? undefined : aliases.get(streamId);
    const rest = own.filter((line) => !line.startsWith('a=label:'));
    return alias === undefined ? rest : [...rest, `a=label:${encodeLabel(alias)}`];
  });
  return [...session, ...lines, ''].join('\r\n');
}

/** The streams that the author of a description sends, in the order of their first sections. */
export function sentStreams(description: string): DescribedStream[] {
  const streams = new Map<string, { streamId: string; alias: string | null; mediaTypes: MediaType[] }>();
  for (const { streamId, mediaType, isSending, lines } of split(description).sections) {
    if (streamId === null || mediaType === null || !isSending) continue;
    const stream = streams.get(streamId) ?? { streamId, alias: null, mediaTypes: [] };
    const label = lines.find((line) => line.startsWith('a=label:'))?.slice('a=label:'.length);
    stream.alias ??= label === undefined ? null : decodeLabel(label);
    if (!stream.mediaTypes.includes(mediaType)) stream.mediaTypes.push(mediaType);
    streams.set(streamId, stream);
  }
  return [...streams.values()];
}
