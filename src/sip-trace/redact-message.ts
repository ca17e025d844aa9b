/**
 * Takes the secrets out of a SIP message before it is kept or sent on: tokens and join codes wherever and however they are written,
 * passwords, what carriers were told to call us by, digest responses, media keys, key presses. Each character of a secret becomes an asterisk, so that all lengths stay
 * true. Works on bytes as Latin-1, and in time that grows with the message alone.
 */
import { normalizeJoinCode } from '../domain/participants/join-code.js';
import { contactUserForm } from '../domain/trunks/contact-user.js';

/** Their values are credentials whatever they look like, up to the parameters. */
const credentialFields = ['user-to-user', 'x-landbridge-console'];
/** Parameters that have their own, and may look like a join code. */
const structuralParameters = new Set([
  ...['tag', 'branch', 'received', 'rport', 'to-tag', 'from-tag', 'icid-value', 'transport', 'expires'],
]);
const contactUser = new RegExp(`\\b${contactUserForm}(?=@)`, 'gi');
const voiceCallId = /^[0-9a-f]{40}$/i;

export type Redact = (message: Buffer) => Buffer;

/** `tokenHeaders`: further header fields that may bear a token. */
export function createRedaction(tokenHeaders: readonly string[]): Redact {
  const credentials = new Set([...credentialFields, ...tokenHeaders.map((name) => name.toLowerCase())]);
  return (message) => {
    const text = message.toString('latin1');
    const end = /\r?\n\r?\n/.exec(text);
    const head = end === null ? text : text.slice(0, end.index);
    const body = end === null ? '' : text.slice(end.index);
    return Buffer.from(redactHead(head, credentials) + redactBody(body, head), 'latin1');
  };
}

const hidden = (secret: string): string => '*'.repeat(secret.length);

function redactHead(head: string, credentials: ReadonlySet<string>): string {
  // What is continued on another line belongs to the field above it.
  let name = '';
  let isDigest = false;
  return head
    .split(/(\r?\n)/)
    .map((line, at) => {
      if (at % 2 === 1) return line;
      const isContinued = /^[ \t]/.test(line);
      const colon = at === 0 || isContinued ? -1 : line.indexOf(':');
      if (colon > 0) name = line.slice(0, colon).trim().toLowerCase();
      const prefix = line.slice(0, colon + 1);
      const value = line.slice(colon + 1);
      if (at === 0) return redactText(value);
      if (/^(?:proxy-)?authorization$/.test(name)) {
        if (!isContinued) isDigest = /^\s*digest\b/i.test(value);
        return prefix + (isDigest ? redactDigest(value) : redactScheme(value, isContinued));
      }
      if (/^(?:proxy-)?authentication-info$/.test(name)) return prefix + redactDigest(value);
      if (credentials.has(name)) return prefix + redactList(value);
      const general = redactParameters(redactText(value));
      return prefix + (name.startsWith('x-') ? redactWords(general) : general);
    })
    .join('');
}

/** Each value of a list up to its parameters; the voice call id that Bandwidth puts first is none. */
function redactList(value: string): string {
  return value
    .split(/(,)/)
    .map((part) => {
      const end = part.indexOf(';');
      const secret = end === -1 ? part : part.slice(0, end);
      const rest = end === -1 ? '' : part.slice(end);
      const isId = voiceCallId.test(secret.trim().replaceAll('"', ''));
      return (isId ? secret : secret.replaceAll(/[^\s,"]/g, '*')) + redactText(rest);
    })
    .join('');
}

function redactDigest(value: string): string {
  return value.replaceAll(
    /\b((?:response|rspauth)[ \t]*=[ \t]*"?)([^",\s]+)/gi,
    (_, before: string, secret: string) => before + hidden(secret),
  );
}

/** The scheme stays, what follows goes. */
function redactScheme(value: string, isContinued: boolean): string {
  const [, scheme = '', rest = ''] = isContinued
    ? ['', '', value]
    : (/^(\s*\S+)([\s\S]*)$/.exec(value) ?? ['', '', value]);
  return scheme + rest.replaceAll(/\S/g, '*');
}

/** What may stand anywhere: in URIs, in values, in bodies. */
function redactText(text: string): string {
  const inUris = text
    .replaceAll(contactUser, hidden)
    .replaceAll(
      /([;?&]token=)([^;>?&\s,"]+)/gi,
      (_, before: string, secret: string) => before + hidden(secret),
    )
    .replaceAll(
      /([?&][^=&>;\s"]{1,64}=)([^&>;\s"]+)/g,
      (_, before: string, secret: string) => before + hidden(secret),
    )
    .replaceAll(
      /(sips?:[^@:\s<>;"]{1,256}:)([^@\s<>"]{1,256})(?=@)/gi,
      (_, before: string, secret: string) => before + hidden(secret),
    )
    .replaceAll(/(sips?:)([^@:;>\s"]{12,80})(?=[@:;])/gi, (whole, scheme: string, user: string) =>
      normalizeJoinCode(unescape(user).split(';', 1)[0] ?? '') === null ? whole : scheme + hidden(user),
    );
  return redactTokens(inUris);
}

/** `eyJ` begins every JWT; in base64 it is one of three, by where it stands, and in hexadecimal digits 65794a. */
const encodedToken = /ZXlK|[GWm2]V5S|leU[o-r]/;

function redactTokens(text: string): string {
  return text
    .replaceAll(/eyJ[\w-]{8,}(?:\.[\w-]*)*/g, hidden)
    .replaceAll(/[0-9a-f]{24,}/gi, (run) => (/65794a/i.test(run) ? hidden(run) : run))
    .replaceAll(/[\w+/=-]{16,}/g, (run) => (encodedToken.test(run) ? hidden(run) : run));
}

function redactParameters(text: string): string {
  return text.replaceAll(
    /(;[ \t]*([\w.-]{1,64})[ \t]*=[ \t]*"?)([\w+/=-]{12,40})/g,
    (whole, before: string, name: string, value: string) =>
      !structuralParameters.has(name.toLowerCase()) && isJoinCode(value) ? before + hidden(value) : whole,
  );
}

/** Each word of a value that has the form of a join code. */
function redactWords(text: string): string {
  return text.replaceAll(/[\w+/-]{12,40}={0,2}/g, (word) => (isJoinCode(word) ? hidden(word) : word));
}

/** As it is, in hexadecimal digits or in base64, with or without a protocol discriminator in front. */
function isJoinCode(word: string): boolean {
  if (normalizeJoinCode(word) !== null) return true;
  const decoded = [
    ...(/^(?:[0-9a-f]{2})+$/i.test(word) ? [Buffer.from(word, 'hex')] : []),
    Buffer.from(word, 'base64'),
  ];
  return decoded.some((bytes) =>
    [bytes, bytes.subarray(1)].some(
      (part) => part.length >= 12 && normalizeJoinCode(part.toString('latin1').trim()) !== null,
    ),
  );
}

function unescape(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** A body may be of several kinds, one in another: all are looked for in all. */
function redactBody(body: string, head: string): string {
  if (body.trim() === '') return body;
  // However a key is written there, as a text, a number or an octet: nothing of it stays.
  if (/^INFO\s/i.test(head)) {
    const [separator = ''] = /^(?:\r?\n){1,2}/.exec(body) ?? [];
    return separator + hidden(body.slice(separator.length));
  }
  const plain = redactTokens(body)
    // However badly a key is written, it may be one: RFC 4568 keys, MIKEY messages (RFC 4567), and the old k= lines.
    .replaceAll(
      /(\binline:|^a=key-mgmt:[ \t]*[^ \t\r\n]+[ \t]+|^k=[a-z0-9]+:)([^\s|;]+)/gim,
      (_, before: string, secret: string) => before + hidden(secret),
    )
    .replaceAll(/(a=ice-pwd:)(\S+)/g, (_, before: string, secret: string) => before + hidden(secret))
    .replaceAll(
      /^([ \t]*signal[ \t]*=[ \t]*)(\S+)/gim,
      (_, before: string, key: string) => before + hidden(key),
    );
  const isBareKey =
    /\n(?:content-type|c)[ \t]*:[ \t]*(?:application\/dtmf\s*(?:;|$|\r|\n)|audio\/telephone-event)/i;
  return isBareKey.test(`\n${head}`) && !/signal/i.test(body) ? plain.replaceAll(/\S/g, '*') : plain;
}
