/** What an application may change of a participant after it was made. */
import { DomainError } from '../domain-error.js';
import type { MediaType } from '../media-plane.js';
import type { Participant } from './participant.js';

export const maxAttributes = 32;
/** The most aliases of one participant that can be muted; it publishes far fewer. */
const maxMutedAliases = 64;

/** What is missing stays as it is. */
export interface ParticipantChange {
  readonly displayName?: string | null;
  readonly tag?: string | null;
  readonly publishPermissions?: readonly MediaType[];
  /** Merged with those that are there; null takes one away (as in RFC 7396). */
  readonly attributes?: Readonly<Record<string, string | null>>;
}

/** Throws DomainError `too-many-attributes`. */
export function changeParticipant(participant: Participant, change: ParticipantChange): Participant {
  const { attributes, ...others } = change;
  return {
    ...participant,
    ...others,
    attributes:
      attributes === undefined ? participant.attributes : mergeAttributes(participant.attributes, attributes),
  };
}

/** Throws DomainError `too-many-attributes`. */
export function mergeAttributes(
  present: Readonly<Record<string, string>>,
  changes: Readonly<Record<string, string | null>>,
): Readonly<Record<string, string>> {
  const merged = new Map(Object.entries(present));
  for (const [name, value] of Object.entries(changes)) {
    if (value === null) merged.delete(name);
    else merged.set(name, value);
  }
  if (merged.size > maxAttributes) {
    throw new DomainError('too-many-attributes', `A participant has at most ${maxAttributes} attributes`);
  }
  return Object.fromEntries(merged);
}

/** The list of muted aliases after muting or unmuting one; the same list where nothing changes. Throws DomainError `too-many-muted-streams`. */
export function muteAlias(muted: readonly string[], alias: string, isMuted: boolean): readonly string[] {
  if (muted.includes(alias) === isMuted) return muted;
  if (!isMuted) return muted.filter((other) => other !== alias);
  if (muted.length >= maxMutedAliases) {
    throw new DomainError('too-many-muted-streams', `At most ${maxMutedAliases} streams can be muted`);
  }
  return [...muted, alias];
}
