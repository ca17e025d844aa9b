/**
 * A list of certificates that were revoked (RFC 5280 §5): read, and asked. One that is for some reasons alone, or has a critical
 * extension that is not understood, says nothing. An indirect one is of one issuer for the certificates of others, as that of
 * SHAKEN's policy administrator is.
 */
import { verify, type KeyObject } from 'node:crypto';
import type { StirCertificate } from './certificate.js';
import { DerError, formatOid, readOne, readTime, readValues, tags, type DerValue } from './der.js';
import { comparedName, directoryNamesIn, readExtensions, serialText } from './x509-names.js';

const oids = {
  issuingDistributionPoint: '2.5.29.28',
  certificateIssuer: '2.5.29.29',
} as const;

/** What does not change whose certificates a list has, and until when: its number, who signed it, and where newer ones are. */
const harmless: ReadonlySet<string> = new Set(['2.5.29.20', '2.5.29.35', '2.5.29.46', '1.3.6.1.5.5.7.1.1']);
const harmlessInEntries: ReadonlySet<string> = new Set(['2.5.29.21', '2.5.29.24', '2.5.29.23']);

/** Signature algorithms by their names, and the type of key that they are for (RFC 5758 §3.2, RFC 4055 §5). */
const algorithms: ReadonlyMap<string, readonly [hash: string, keyType: string]> = new Map([
  ['1.2.840.10045.4.3.2', ['sha256', 'ec']],
  ['1.2.840.10045.4.3.3', ['sha384', 'ec']],
  ['1.2.840.10045.4.3.4', ['sha512', 'ec']],
  ['1.2.840.113549.1.1.11', ['sha256', 'rsa']],
  ['1.2.840.113549.1.1.12', ['sha384', 'rsa']],
  ['1.2.840.113549.1.1.13', ['sha512', 'rsa']],
]);

interface Scope {
  readonly isIndirect: boolean;
  readonly hasUsers: boolean;
  readonly hasAuthorities: boolean;
}

const everything: Scope = { isIndirect: false, hasUsers: true, hasAuthorities: true };

const begin = '-----BEGIN X509 CRL-----';
const end = '-----END X509 CRL-----';

export class RevocationList {
  /** Its issuer's name, as names are compared. */
  readonly issuer: string;
  readonly thisUpdateMs: number;
  /** When the next one is there at the latest; null: nobody says. */
  readonly nextUpdateMs: number | null;
  readonly #scope: Scope;
  /** Serial numbers, by the name of the certificates' issuer. */
  readonly #revoked: ReadonlyMap<string, ReadonlySet<string>>;
  readonly #signed: Buffer;
  readonly #signature: Buffer;
  readonly #algorithm: string;
  /** By fingerprint: a list is asked for many calls. */
  readonly #signers = new Map<string, boolean>();

  /** DER or PEM. Throws where it cannot be used. */
  constructor(bytes: Buffer) {
    const [list, algorithm, signature, ...others] = readValues(readOne(fromPem(bytes), tags.sequence));
    if (list?.tag !== tags.sequence || algorithm?.tag !== tags.sequence || others.length > 0)
      throw new DerError('no list');
    if (signature?.tag !== tags.bitString || signature.content[0] !== 0) throw new DerError('no signature');
    this.#signed = list.raw;
    this.#signature = signature.content.subarray(1);
    this.#algorithm = algorithmOf(algorithm);
    const fields = readValues(list.content);
    // Version 1 has none of its own, and no extensions.
    const [inner, issuer, thisUpdate, ...rest] = fields[0]?.tag === tags.integer ? fields.slice(1) : fields;
    if (inner?.tag !== tags.sequence || algorithmOf(inner) !== this.#algorithm)
      throw new DerError('two algorithms');
    if (issuer?.tag !== tags.sequence || thisUpdate === undefined) throw new DerError('no issuer');
    this.issuer = comparedName(issuer.content);
    this.thisUpdateMs = readTime(thisUpdate);
    const next = rest[0]?.tag === tags.utcTime || rest[0]?.tag === tags.generalizedTime ? rest[0] : null;
    this.nextUpdateMs = next === null ? null : readTime(next);
    const extensions = rest.find(({ tag }) => tag === tags.context(0));
    this.#scope = scopeOf(extensions?.content ?? null);
    const entries = rest.find(({ tag }) => tag === tags.sequence);
    this.#revoked = revokedIn(entries, this.issuer);
  }

  /** It tells of that certificate, if it is revoked. */
  isFor(certificate: StirCertificate): boolean {
    const { isIndirect, hasUsers, hasAuthorities } = this.#scope;
    if (!(certificate.isAuthority ? hasAuthorities : hasUsers)) return false;
    return isIndirect || this.issuer === certificate.issuer;
  }

  hasRevoked(certificate: StirCertificate): boolean {
    return this.#revoked.get(certificate.issuer)?.has(certificate.serialNumber) === true;
  }

  /** There should be a newer one by now. */
  isStale(nowMs: number): boolean {
    return (this.nextUpdateMs !== null && this.nextUpdateMs < nowMs) || this.thisUpdateMs > nowMs + aheadMs;
  }

  /** By its issuer, which may sign lists. */
  isSignedBy(signer: StirCertificate): boolean {
    if (signer.subject !== this.issuer || !signer.maySignLists) return false;
    const known = this.#signers.get(signer.fingerprint);
    if (known !== undefined) return known;
    const isGood = isSigned(signer.publicKey, this.#algorithm, this.#signed, this.#signature);
    this.#signers.set(signer.fingerprint, isGood);
    return isGood;
  }
}

/** How far another's clock may be ahead of ours. */
const aheadMs = 300_000;

function isSigned(key: KeyObject, algorithm: string, signed: Buffer, signature: Buffer): boolean {
  const [hash, keyType] = algorithms.get(algorithm) ?? [];
  return hash !== undefined && key.asymmetricKeyType === keyType && verify(hash, signed, key, signature);
}

function fromPem(bytes: Buffer): Buffer {
  const at = bytes.indexOf(begin);
  if (at === -1) return bytes;
  const stop = bytes.indexOf(end, at);
  if (stop === -1) throw new DerError('a list that breaks off');
  return Buffer.from(bytes.toString('latin1', at + begin.length, stop), 'base64');
}

function algorithmOf({ content }: DerValue): string {
  const [name] = readValues(content);
  if (name?.tag !== tags.objectIdentifier) throw new DerError('no algorithm');
  return formatOid(name.content);
}

/** RFC 5280 §5.2.5. Throws where the list is not whole: for some reasons alone, or the difference to another. */
function scopeOf(extensions: Buffer | null): Scope {
  if (extensions === null) return everything;
  const read = readExtensions(extensions);
  for (const [name, { isCritical }] of read)
    if (isCritical && name !== oids.issuingDistributionPoint && !harmless.has(name))
      throw new DerError('a critical extension that is not known');
  const point = read.get(oids.issuingDistributionPoint);
  if (point === undefined) return everything;
  const parts = readValues(readOne(point.value, tags.sequence));
  const has = (number: number) =>
    parts.some(({ tag, content }) => tag === tags.implicit(number) && (content[0] ?? 0) !== 0);
  // Only some reasons; only certificates of attributes.
  if (has(3) || has(5)) throw new DerError('a list that is not whole');
  return { isIndirect: has(4), hasUsers: !has(2), hasAuthorities: !has(1) };
}

function revokedIn(entries: DerValue | undefined, issuer: string): ReadonlyMap<string, ReadonlySet<string>> {
  const revoked = new Map<string, Set<string>>();
  // In an indirect list an entry is of the issuer that the one before it is of, unless it says whose it is (§5.3.3).
  let of = issuer;
  for (const entry of entries === undefined ? [] : readValues(entries.content)) {
    const [serial, , extensions] = readValues(entry.content);
    if (entry.tag !== tags.sequence || serial?.tag !== tags.integer) throw new DerError('a bad entry');
    of = issuerIn(extensions) ?? of;
    const serials = revoked.get(of) ?? new Set();
    serials.add(serialText(serial.content));
    revoked.set(of, serials);
  }
  return revoked;
}

function issuerIn(extensions: DerValue | undefined): string | null {
  if (extensions === undefined) return null;
  const read = readExtensions(extensions.raw);
  for (const [name, { isCritical }] of read)
    if (isCritical && name !== oids.certificateIssuer && !harmlessInEntries.has(name))
      throw new DerError('a critical extension that is not known');
  const value = read.get(oids.certificateIssuer)?.value;
  return value === undefined ? null : (directoryNamesIn(readOne(value, tags.sequence))[0] ?? null);
}
