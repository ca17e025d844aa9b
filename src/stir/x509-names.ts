/** What certificates and lists of revoked ones have in common: extensions, names, and where lists are (RFC 5280). */
import { DerError, formatOid, readOne, readValues, tags, type DerValue } from './der.js';

export interface X509Extension {
  readonly isCritical: boolean;
  readonly value: Buffer;
}

/** By their names. `bytes`: the sequence of them. Throws DerError. */
export function readExtensions(bytes: Buffer): ReadonlyMap<string, X509Extension> {
  const extensions = new Map<string, X509Extension>();
  for (const { content } of readValues(readOne(bytes, tags.sequence))) {
    const [name, ...rest] = readValues(content);
    const value = rest.at(-1);
    if (name?.tag !== tags.objectIdentifier || value?.tag !== tags.octetString)
      throw new DerError('a bad extension');
    const oid = formatOid(name.content);
    if (extensions.has(oid)) throw new DerError('an extension that stands there twice');
    const isCritical = rest[0]?.tag === tags.boolean && rest[0].content[0] !== 0;
    extensions.set(oid, { isCritical, value: value.content });
  }
  return extensions;
}

/**
 * A distinguished name in the one form in which names are compared (§7.1): whatever the type of its strings, their case and blanks. Throws
 * DerError. `content`: that of its sequence.
 */
export function comparedName(content: Buffer): string {
  const parts = readValues(content).map((set) => {
    if (set.tag !== tags.set) throw new DerError('a bad name');
    return readValues(set.content)
      .map(({ content: pair }) => {
        const [type, value, ...others] = readValues(pair);
        if (type?.tag !== tags.objectIdentifier || value === undefined || others.length > 0)
          throw new DerError('a bad name');
        return [formatOid(type.content), comparedText(value)];
      })
      .sort(([one = ''], [other = '']) => (one < other ? -1 : 1));
  });
  return JSON.stringify(parts);
}

/** The text as it is compared; what is of no text type stays as it is encoded. */
function comparedText({ tag, content, raw }: DerValue): string {
  const text = decodedText(tag, content);
  return text === null
    ? raw.toString('hex')
    : text.normalize('NFKC').toLowerCase().replaceAll(/\s+/g, ' ').trim();
}

function decodedText(tag: number, content: Buffer): string | null {
  switch (tag) {
    case tags.utf8String:
      return content.toString('utf8');
    case tags.printableString:
    case tags.teletexString:
    case tags.ia5String:
      return content.toString('latin1');
    case tags.bmpString:
      return content.length % 2 === 0 ? Buffer.from(content).swap16().toString('utf16le') : null;
    default:
      return null;
  }
}

/** Names of directories among general names (§4.2.1.6), as they are compared. */
export function directoryNamesIn(names: Buffer): readonly string[] {
  return readValues(names)
    .filter(({ tag }) => tag === tags.context(4))
    .map(({ content }) => comparedName(readOne(content, tags.sequence)));
}

/** Where a list is that would tell of a certificate. */
export interface ListPlace {
  readonly url: string;
  /** Whose it is, as names are compared; null: that of the certificate's issuer. */
  readonly issuer: string | null;
}

/** So many are looked at. */
const maxPlaces = 4;

/** The places of whole lists (§4.2.1.13). `value`: that of the extension. Throws DerError. */
export function readListPlaces(value: Buffer): readonly ListPlace[] {
  const places = readValues(readOne(value, tags.sequence)).flatMap(({ content }) => {
    const parts = readValues(content);
    // One that is for some reasons alone is not whole.
    if (parts.some(({ tag }) => tag === tags.implicit(1))) return [];
    const issuers = parts.find(({ tag }) => tag === tags.context(2));
    const issuer = issuers === undefined ? null : (directoryNamesIn(issuers.content)[0] ?? null);
    const point = parts.find(({ tag }) => tag === tags.context(0));
    const names = readValues(point?.content ?? Buffer.alloc(0)).find(({ tag }) => tag === tags.context(0));
    return readValues(names?.content ?? Buffer.alloc(0))
      .filter(({ tag }) => tag === tags.implicit(6))
      .map((name) => ({ url: name.content.toString('latin1'), issuer }));
  });
  return places.slice(0, maxPlaces);
}

/** Numbers are compared, however many zeros stand in front of them. */
export function serialText(content: Buffer): string {
  return content.toString('hex').replace(/^(?:00)+(?=.)/, '');
}
