/** Names that strangers give themselves, as they may be shown to people. */

const maxLength = 100;
/** What is behind it is not read: a name may be as long as a message. */
const maxRead = 1000;

/** Would break lines; half a character is none. */
const breaks = /[\p{Cc}\p{Zl}\p{Zp}]+/gu;
/** Turn round what stands beside them, or are not seen at all: two names with and without them look alike. */
const unseen = /[\p{Bidi_Control}\p{Default_Ignorable_Code_Point}\p{Cs}\ufff9-\ufffb]/gu;
/** Between two letters of these scripts, and within an emoji, joiners are part of how a word is written. */
const beforeJoiner =
  /[\p{M}\p{Script=Arabic}\p{Script=Syriac}\p{Script=Mongolian}\p{Script=Nko}\p{Extended_Pictographic}\p{Emoji_Modifier}]$/u;
const afterJoiner = /^[\p{L}\p{M}\p{Extended_Pictographic}]/u;
/** What has forms to choose from. */
const beforeVariation =
  /[\p{Extended_Pictographic}\p{Script=Han}\p{Script=Mongolian}\p{Script=Myanmar}\p{Script=Phags_Pa}0-9#*]$/u;
/** More marks on one letter than any script has cover the lines beside it. */
const heaps = /(\p{M}{5})\p{M}+/gu;
const visible = /[\p{L}\p{N}\p{P}\p{S}]/u;

/**
 * The name without what would turn round, hide or break what stands beside it, at most 100 characters of it; null where nothing
 * is left to be seen. Letters of every script stay, with their marks.
 */
export function shownName(name: string): string | null {
  const shown = name
    .slice(0, maxRead)
    .replace(breaks, ' ')
    .replace(unseen, keptUnseen)
    .replace(heaps, '$1')
    .replace(/\s{2,}/gu, ' ')
    .trim();
  if (!visible.test(shown)) return null;
  return Array.from(shown).slice(0, maxLength).join('').trim();
}

/** Itself where the writing of a word needs it, else nothing. */
function keptUnseen(character: string, at: number, name: string): string {
  // A character takes two units at most.
  const before = name.slice(Math.max(0, at - 2), at);
  const after = name.slice(at + character.length, at + character.length + 2);
  if (/\p{Join_Control}/u.test(character))
    return beforeJoiner.test(before) && afterJoiner.test(after) ? character : '';
  return /\p{Variation_Selector}/u.test(character) && beforeVariation.test(before) ? character : '';
}
