/**
 * Reads from a session description what the browser's API does not tell: which stream and alias each media section
 * carries (`a=msid`, RFC 8830; `a=label`, RFC 4574), and writes our aliases into the descriptions we send.
 */
export type MediaKind = 'audio' | 'video';

export interface MediaSection {
  readonly mid: string;
  readonly kind: string;
  /** As the description's author means it. A rejected section (port 0, RFC 3264 §6) reads as `inactive`. */
  readonly direction: 'sendrecv' | 'sendonly' | 'recvonly' | 'inactive';
  /** The MediaStream id of `a=msid`, where there is one. */
  readonly streamId: string | undefined;
  readonly alias: string | undefined;
}

/** Sections without `a=mid` are left out: nothing that speaks BUNDLE omits it (RFC 8829 §5.2.1). */
export function parseMediaSections(description: string): MediaSection[] {
  const [session = '', ...media] = splitSections(description);
  const sessionDirection = directionOf(session);
  return media.flatMap((text) => {
    const mid = attribute(text, 'mid');
    const [kind = '', port = '0'] = /^m=(\S+) (\d+)/.exec(text)?.slice(1) ?? [];
    if (mid === undefined) return [];
    const [streamId] = (attribute(text, 'msid') ?? '-').split(' ');
    const label = attribute(text, 'label');
    return [
      {
        mid,
        kind,
        // A bundled section may be offered with port 0 (`a=bundle-only`, RFC 9143 §6); it is not rejected.
        direction:
          port === '0' && !/^a=bundle-only\r?$/m.test(text)
            ? 'inactive'
            : (directionOf(text) ?? sessionDirection ?? 'sendrecv'),
        streamId: streamId === '-' || streamId === '' ? undefined : streamId,
        alias: label === undefined ? undefined : decodeAlias(label),
      } satisfies MediaSection,
    ];
  });
}

/** Writes `a=label:<alias, percent-encoded>` into the sections named by mid; other sections lose any label. */
export function labelSections(description: string, aliases: ReadonlyMap<string, string>): string {
  return splitSections(description)
    .map((text, index) => {
      if (index === 0) return text;
      const alias = aliases.get(attribute(text, 'mid') ?? '');
      const unlabelled = text.replaceAll(/^a=label:.*\r?\n/gm, '');
      return alias === undefined ? unlabelled : `${unlabelled}a=label:${encodeAlias(alias)}\r\n`;
    })
    .join('');
}

/** RFC 4574's label is a token; `encodeURIComponent` leaves ( and ) alone, which a token may not have. */
function encodeAlias(alias: string): string {
  return encodeURIComponent(alias).replaceAll(
    /[()]/g,
    (character) => `%${character.charCodeAt(0).toString(16)}`,
  );
}

function decodeAlias(label: string): string {
  try {
    return decodeURIComponent(label);
  } catch {
    return label;
  }
}

function splitSections(description: string): string[] {
  return description.split(/^(?=m=)/m);
}

function attribute(section: string, name: string): string | undefined {
  return new RegExp(`^a=${name}:(.*?)\\r?$`, 'm').exec(section)?.[1];
}

function directionOf(section: string): MediaSection['direction'] | undefined {
  return /^a=(sendrecv|sendonly|recvonly|inactive)\r?$/m.exec(section)?.[1] as
    | MediaSection['direction']
    | undefined;
}
