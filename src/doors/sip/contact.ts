/**
 * Whether a Contact header is exactly one SIP URI (RFC 3261 §8.1.1.8, §20.10, §25.1), to the letter: a drachtio-server dies
 * of an answer to an INVITE whose Contact it could not read. Each pattern is matched where the one before ended, and none
 * has two ways to match the same text: a stranger writes it.
 */
const maxLength = 2048;

const displayName = /(?:"(?:[^"\\\r\n]|\\.)*"|[\w\-.!%*+`'~ \t]*)[ \t]*/y;
/** userinfo, host, port, uri-parameters, headers. */
const uri =
  /sips?:(?:(?:[\w\-.!~*'()&=+$,;?/]|%[0-9A-F]{2})+(?::(?:[\w\-.!~*'()&=+$,]|%[0-9A-F]{2})*)?@)?(?:\[[0-9A-F:.]{2,45}\]|[\w\-.]{1,255})(?::\d{1,5})?(?:;(?:[\w\-.!~*'()[\]/:&+$=]|%[0-9A-F]{2})+)*(?:\?(?:[\w\-.!~*'()[\]/?:+$&=]|%[0-9A-F]{2})*)?/iy;
/** The header field where its URI stands without brackets: parameters are the header's then, not the URI's. */
const plainUri =
  /sips?:(?:(?:[\w\-.!~*'()&=+$/]|%[0-9A-F]{2})+(?::(?:[\w\-.!~*'()&=+$]|%[0-9A-F]{2})*)?@)?(?:\[[0-9A-F:.]{2,45}\]|[\w\-.]{1,255})(?::\d{1,5})?/iy;
const parameter =
  /[ \t]*;[ \t]*[\w\-.!%*+`'~]+(?:[ \t]*=[ \t]*(?:"(?:[^"\\\r\n]|\\.)*"|[\w\-.!%*+`'~[\]:]+))?/y;

/** False for a missing one, too. */
export function isUsableContact(contact: string | undefined): boolean {
  if (contact === undefined || contact.length > maxLength) return false;
  const text = contact.trim();
  const bracket = end(displayName, text, 0);
  let at = -1;
  if (bracket !== -1 && text[bracket] === '<') {
    const close = end(uri, text, bracket + 1);
    if (close !== -1 && text[close] === '>') at = close + 1;
  } else at = end(plainUri, text, 0);
  for (let next = at; next !== -1; next = end(parameter, text, next)) at = next;
  return at === text.length && hasUsablePort(text);
}

/**
 * Whether a drachtio-server can send an answer to an INVITE with this Contact: it dies of any, 400 too, where its parser
 * finds a URI without a host there (`*`, `tel:…`, `[sip:…]`). Where it finds none at all, nothing happens.
 */
export function isAnswerableContact(contact: string | undefined): boolean {
  if (contact === undefined || contact.trim() === '') return true;
  if (isUsableContact(contact)) return true;
  return /^[ \t]*(?:"[^"\\<>]*"[ \t]*|[\w\-.!%+`'~ \t]*)(?:<[ \t]*)?sips?:[ \t]*(?:[^@<>"\s]*@)?[\w[]/i.test(
    contact.slice(0, maxLength),
  );
}

function end(pattern: RegExp, text: string, from: number): number {
  pattern.lastIndex = from;
  return pattern.test(text) ? pattern.lastIndex : -1;
}

function hasUsablePort(text: string): boolean {
  const port = /(?:@|sips?:)(?:\[[^\]]*\]|[\w\-.]+):(\d+)/i.exec(text)?.[1];
  return port === undefined || (Number(port) >= 1 && Number(port) <= 65_535);
}
