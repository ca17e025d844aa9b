/** Takes secrets out of a log line, whatever field or text they got into: the last gate before the line is written. */
import { normalizeJoinCode } from '../domain/participants/join-code.js';

export const redacted = '[redacted]';

/** Fields whose value is a secret wherever they stand. Compared without case and without hyphens. */
const secretFields = [
  'authorization',
  'cookie',
  'credential',
  'joincode',
  'password',
  'previoustokensecret',
  'proxyauthorization',
  'secret',
  'token',
  'tokensecret',
  'usertouser',
  'uui',
];

const secretHeaders = ['User-to-User', 'Authorization', 'Proxy-Authorization', 'Cookie'];
/** How a JWT begins: base64url of `{"`. */
const jwtStart = 'eyJ';
/** The least length of a JWT's header, which a dot ends. */
const jwtHeaderLength = 11;
const base64url = /[\w-]*/y;
/** What may follow the header: dot, payload, and with another dot the (maybe empty) signature. */
const afterJwtHeader = /\.[\w-]*(?:\.[\w-]*)?/y;
/** Prose about "basic authentication" has the same look; what it decodes to tells. */
const basic = /\b(basic +)([\w+/]{4,}={0,2})/gi;
/** `token` as a parameter of a SIP URI or a query. */
const tokenParameter = /([;?&]token=)[^;>?&\s"\\]+/gi;
/** The user part of a SIP URI may be a join code. A phone number of twelve digits looks like one and goes too. */
const sipUser = /\b(sips?:)([0-9a-z-]{12,24})(?=[@:;])/gi;
const jsonString = '"(?:[^"\\\\]|\\\\.)*"';

export interface RedactionOptions {
  /** Header names that may bear a token, beside User-to-User. */
  readonly headers?: readonly string[];
  /** Secrets known beforehand, such as passwords: taken out wherever they appear. Those under 6 characters are left. */
  readonly secrets?: readonly string[];
}

/** Takes and returns one line of JSON. */
export function createRedaction(options: RedactionOptions = {}): (line: string) => string {
  const headers = [...secretHeaders, ...(options.headers ?? [])];
  const fields = [...secretFields, ...headers.map((name) => name.toLowerCase().replaceAll('-', ''))];
  const field = new RegExp(
    `("(?:${[...new Set(fields)].map(loosely).join('|')})":)(?:${jsonString}|\\[[^\\]]*\\]|\\{[^{}]*\\})`,
    'gi',
  );
  // A header line inside a text, up to the line end or the text's end. JSON writes line ends as \r and \n, so the name has no
  // word boundary before it.
  const header = new RegExp(`((?:${headers.map(escape).join('|')})\\s*:\\s*)[^"\\\\]+`, 'gi');
  const secrets = (options.secrets ?? [])
    .filter((secret) => secret.length >= 6)
    .map((secret) => JSON.stringify(secret).slice(1, -1));
  return (line) => {
    let safe = withoutJwts(line.replace(field, `$1"${redacted}"`).replace(header, `$1${redacted}`))
      .replace(basic, (whole, scheme: string, encoded: string) =>
        Buffer.from(encoded, 'base64').includes(':') ? `${scheme}${redacted}` : whole,
      )
      .replace(tokenParameter, `$1${redacted}`)
      .replace(sipUser, (whole, scheme: string, user: string) =>
        normalizeJoinCode(user) === null ? whole : `${scheme}${redacted}`,
      );
    for (const secret of secrets) safe = safe.replaceAll(secret, redacted);
    return safe;
  };
}

/** Takes out what looks like a JWT. A pattern alone would read `eyJeyJeyJ…` anew from each of its `eyJ`, which costs seconds. */
function withoutJwts(text: string): string {
  let safe = '';
  let done = 0;
  let at = text.indexOf(jwtStart);
  while (at >= 0) {
    const headerEnd = endOf(base64url, text, at);
    let next = headerEnd;
    if (headerEnd - at >= jwtHeaderLength && text[headerEnd] === '.') {
      safe += text.slice(done, at) + redacted;
      done = next = endOf(afterJwtHeader, text, headerEnd);
    }
    at = text.indexOf(jwtStart, next);
  }
  return safe + text.slice(done);
}

/** Where the match of a sticky pattern at this place ends. */
function endOf(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at;
  return at + (pattern.exec(text)?.[0].length ?? 0);
}

/** The field's name with a hyphen allowed anywhere: `userToUser`, `user-to-user`, `User-To-User`. */
function loosely(name: string): string {
  return Array.from(name).map(escape).join('[-_]?');
}

function escape(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
