/** Which streams a browser publishes, by name: sections that share a MediaStream are one stream (RFC 8830). Pure. */
import type { TrackKind } from '../source-track.js';
import type { Section } from './browser-sections.js';

export interface PublishedStream {
  readonly streamId: string;
  readonly alias: string;
  /** The browser's name for it, by which it is known again in the next description. */
  readonly key: string;
  readonly label: string | null;
  /** Index of the section of each track. */
  readonly sections: Readonly<Partial<Record<TrackKind, number>>>;
}

export interface PublishedStreams {
  readonly participantId: string;
  /** Number of the next new stream. */
  readonly next: number;
  readonly streams: readonly PublishedStream[];
}

interface Draft {
  readonly key: string;
  label: string | null;
  sections: Partial<Record<TrackKind, number>>;
}

/** Two tracks of one kind in one MediaStream cannot be one stream of ours: the later gets a stream of its own. */
function draftsOf(sections: readonly Section[]): Draft[] {
  const drafts = new Map<string, Draft>();
  sections.forEach(({ kind, incoming, rejected, mid }, index) => {
    if (rejected || incoming === null || (kind !== 'audio' && kind !== 'video')) return;
    const shared = drafts.get(incoming.streamKey);
    const key = shared?.sections[kind] === undefined ? incoming.streamKey : `mid:${mid ?? index}`;
    const draft = drafts.get(key) ?? { key, label: null, sections: {} };
    draft.sections[kind] = index;
    draft.label ??= incoming.label;
    drafts.set(key, draft);
  });
  return [...drafts.values()];
}

/** The first of `camera`, `camera2`, `camera3`, … that is not taken. */
function unique(alias: string, taken: ReadonlySet<string>): string {
  for (let n = 1; ; n++) {
    const candidate = n === 1 ? alias : `${alias}${n}`;
    if (!taken.has(candidate)) return candidate;
  }
}

/**
 * The streams after a negotiation. One that was there before, under no other label, keeps its id and alias; others get a
 * new number, and as alias their label, else `camera` with video or `microphone` without, made unique by a number.
 */
export function publishedStreams(before: PublishedStreams, sections: readonly Section[]): PublishedStreams {
  const drafts = draftsOf(sections);
  const kept = drafts.map((draft) =>
    before.streams.find(
      // A description without the label, as a browser's own answers are, says nothing against it.
      ({ key, label }) => key === draft.key && (draft.label === null || label === draft.label),
    ),
  );
  const taken = new Set(kept.flatMap((stream) => stream?.alias ?? []));
  let { next } = before;
  const streams = drafts.map(({ key, label, sections: tracks }, index): PublishedStream => {
    const known = kept[index];
    if (known !== undefined) return { ...known, sections: tracks };
    const alias = unique(label ?? (tracks.video === undefined ? 'microphone' : 'camera'), taken);
    taken.add(alias);
    return { streamId: `${before.participantId}.${next++}`, alias, key, label, sections: tracks };
  });
  return { participantId: before.participantId, next, streams };
}
