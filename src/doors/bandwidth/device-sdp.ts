/** What the door reads from session descriptions, and writes into them: aliases of streams. Pure. */
import type { MediaType } from '../../domain/media-plane.js';
import { aliasLabel, aliasOf } from '../../sdp/alias-label.js';
import { direction, isInUse, msids, sends } from '../../sdp/attributes.js';
import { SdpRefusal } from '../../sdp/sdp-refusal.js';
import {
  formatSessionDescription,
  parseSessionDescription,
  type MediaDescription,
  type SessionDescription,
} from '../../sdp/session-description.js';

/** A stream that a description sends. */
export interface DescribedStream {
  readonly streamId: string;
  readonly alias: string | null;
  readonly mediaTypes: readonly MediaType[];
}

const mediaTypes: Readonly<Record<string, MediaType>> = { audio: 'AUDIO', video: 'VIDEO' };

/** Null for what is no session description: the media plane refuses it. */
function read(text: string): SessionDescription | null {
  try {
    return parseSessionDescription(text);
  } catch (error) {
    if (error instanceof SdpRefusal) return null;
    throw error;
  }
}

/** The id of a section's MediaStream (RFC 8830), where it has one. */
function streamIdOf(media: MediaDescription): string | null {
  const streamId = msids(media)[0]?.streamId;
  return streamId === undefined || streamId === '-' ? null : streamId;
}

/** How many m-sections a description has; null where it cannot be read. */
export const countSections = (description: string): number | null => read(description)?.media.length ?? null;

/**
 * The offer with a label in every section of a MediaStream that has an alias, which is where the media plane looks for it.
 * Labels that stand there already are left out: the metadata is what counts at this door.
 */
export function withAliases(offer: string, aliases: ReadonlyMap<string, string>): string {
  const session = read(offer);
  if (session === null) return offer;
  const media = session.media.map((section): MediaDescription => {
    const alias = aliases.get(streamIdOf(section) ?? '');
    const rest = section.attributes.filter(({ name }) => name !== 'label');
    return { ...section, attributes: alias === undefined ? rest : [...rest, aliasLabel(alias)] };
  });
  return formatSessionDescription({ ...session, media });
}

/** The streams that the author of a description sends, in the order of their first sections. */
export function sentStreams(description: string): DescribedStream[] {
  const streams = new Map<string, { streamId: string; alias: string | null; mediaTypes: MediaType[] }>();
  const session = read(description);
  for (const media of session?.media ?? []) {
    const streamId = streamIdOf(media);
    const mediaType = mediaTypes[media.kind];
    if (streamId === null || mediaType === undefined) continue;
    if (!isInUse(media) || !sends(direction(media, session ?? undefined))) continue;
    const stream = streams.get(streamId) ?? { streamId, alias: null, mediaTypes: [] };
    stream.alias ??= aliasOf(media);
    if (!stream.mediaTypes.includes(mediaType)) stream.mediaTypes.push(mediaType);
    streams.set(streamId, stream);
  }
  return [...streams.values()];
}
