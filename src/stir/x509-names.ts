/** What certificates and lists of revoked ones have in common: extensions, names, and where lists are (RFC 5280). */
import { DerError, formatOid, readOne, readValues, tags } from './der.js';

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

/** Names of directories among general names (§4.2.1.6), as they are encoded. */
export function directoryNamesIn(names: Buffer): readonly string[] {
  return readValues(names)
    .filter(({ tag }) => tag === tags.context(4))
    .map(({ content }) => readOne(content, tags.sequence).toString('hex'));
}

/** Where a list is that would tell of a certificate. */
export interface ListPlace {
  readonly url: string;
  /** Whose it is, as its name is encoded; null: that of the certificate's issuer. */
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
