/** A certificate as STIR needs it (RFC 8226): what it may do, how long, and for whose numbers. */
import { X509Certificate, type KeyObject } from 'node:crypto';
import { DerError, readOne, readValues, tags, type DerValue } from './der.js';
import {
  comparedName,
  readExtensions,
  readListPlaces,
  serialText,
  type ListPlace,
  type X509Extension,
} from './x509-names.js';

/** For whose numbers a certificate is (TNAuthList, RFC 8226 §9). */
export interface NumberAuthority {
  /** Codes of service providers, whose numbers are not listed. */
  readonly providerCodes: readonly string[];
  readonly covers: (number: string) => boolean;
}

export class StirCertificate {
  readonly #x509: X509Certificate;
  readonly publicKey: KeyObject;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  /** May sign certificates. */
  readonly isAuthority: boolean;
  /** How many authorities may stand between it and the last certificate; null: any number. */
  readonly pathLength: number | null;
  /** May sign what is no certificate. */
  readonly maySign: boolean;
  /** May sign lists of revoked ones. */
  readonly maySignLists: boolean;
  /** Null where it says nothing of numbers. */
  readonly numbers: NumberAuthority | null;
  /** In hexadecimal digits, without zeros in front. */
  readonly serialNumber: string;
  /** Names as they are compared. */
  readonly issuer: string;
  readonly subject: string;
  /** Where lists are that would tell of it, if it was revoked. */
  readonly listPlaces: readonly ListPlace[];

  /** Throws where it cannot be read, or has a critical extension that is not understood. */
  constructor(pem: string) {
    this.#x509 = new X509Certificate(pem);
    this.publicKey = this.#x509.publicKey;
    this.notBeforeMs = Date.parse(this.#x509.validFrom);
    this.notAfterMs = Date.parse(this.#x509.validTo);
    if (Number.isNaN(this.notBeforeMs) || Number.isNaN(this.notAfterMs)) throw new DerError('bad dates');
    const { serialNumber, issuer, subject, extensions } = readToBeSigned(this.#x509.raw);
    this.serialNumber = serialNumber;
    this.issuer = issuer;
    this.subject = subject;
    const basic = readBasicConstraints(extensions.get(oids.basicConstraints)?.value);
    const usage = readKeyUsage(extensions.get(oids.keyUsage)?.value);
    this.isAuthority = basic.isAuthority && (usage === null || (usage & usages.keyCertSign) !== 0);
    this.pathLength = basic.pathLength;
    this.maySign = usage === null || (usage & usages.digitalSignature) !== 0;
    this.maySignLists = usage === null || (usage & usages.listSign) !== 0;
    const list = extensions.get(oids.tnAuthList);
    this.numbers = list === undefined ? null : readNumberAuthority(list.value);
    const places = extensions.get(oids.listPlaces);
    this.listPlaces = places === undefined ? [] : readListPlaces(places.value);
  }

  /** Tells it from all others. */
  get fingerprint(): string {
    return this.#x509.fingerprint256;
  }

  /** By the name alone; `isSignedBy` is the proof. */
  isNamedBy(issuer: StirCertificate): boolean {
    return this.#x509.checkIssued(issuer.#x509);
  }

  isSignedBy(issuer: StirCertificate): boolean {
    return this.#x509.verify(issuer.publicKey);
  }
}

/**
 * A signer's certificate and up to `max - 1` of those that stand behind it, in their order; which of them are of any use is for the
 * chain to show, and what cannot be read is of none. Throws where the first cannot be used, or there is none.
 */
export function readChain(pem: string, max: number): readonly StirCertificate[] {
  const [first, ...others] = blocksOf(pem, max);
  if (first === undefined) throw new RangeError('no certificate');
  return [new StirCertificate(first), ...others.flatMap((block) => readOrNull(block) ?? [])];
}

export interface ReadAuthorities {
  readonly authorities: readonly StirCertificate[];
  /** What the others are called that stand there, and are of no use: null where not even that can be read. */
  readonly leftOut: readonly (string | null)[];
}

/** The authorities of a PEM text. Throws where the text breaks off, or has more than `max` certificates. */
export function readAuthorities(pem: string, max: number): ReadAuthorities {
  const blocks = blocksOf(pem, max + 1);
  if (blocks.length > max) throw new RangeError('too many certificates');
  if (blocks.some((block) => !block.endsWith(end))) throw new RangeError('a certificate that breaks off');
  const read = blocks.map((block) => ({ block, certificate: readOrNull(block) }));
  return {
    authorities: read.flatMap(({ certificate }) => (certificate?.isAuthority === true ? certificate : [])),
    leftOut: read
      .filter(({ certificate }) => certificate?.isAuthority !== true)
      .map(({ block }) => subjectOf(block)),
  };
}

/** The certificates of a PEM text, none of them looked into; the last may break off. */
function blocksOf(pem: string, max: number): readonly string[] {
  const blocks: string[] = [];
  for (let at = pem.indexOf(begin); at !== -1 && blocks.length < max; at = pem.indexOf(begin, at + 1)) {
    const stop = pem.indexOf(end, at);
    blocks.push(stop === -1 ? pem.slice(at) : pem.slice(at, stop + end.length));
  }
  return blocks;
}

function readOrNull(block: string): StirCertificate | null {
  try {
    return new StirCertificate(block);
  } catch {
    return null;
  }
}

function subjectOf(block: string): string | null {
  try {
    return new X509Certificate(block).subject.replaceAll('\n', ', ').slice(0, maxSubjectLength);
  } catch {
    return null;
  }
}

const maxSubjectLength = 200;

const begin = '-----BEGIN CERTIFICATE-----';
const end = '-----END CERTIFICATE-----';

const oids = {
  keyUsage: '2.5.29.15',
  basicConstraints: '2.5.29.19',
  tnAuthList: '1.3.6.1.5.5.7.1.26',
  listPlaces: '2.5.29.31',
} as const;

/** What changes nothing of what a certificate may sign: certificate policies and extended key usage, which STIR has no use for. */
const harmless: ReadonlySet<string> = new Set(['2.5.29.32', '2.5.29.37']);

/** RFC 5280 §4.2.1.3: the bits of the first octet. */
const usages = { digitalSignature: 0x80, keyCertSign: 0x04, listSign: 0x02 } as const;

/** What X509Certificate does not tell. Throws DerError, also where a critical extension is not known (RFC 5280 §4.1). */
function readToBeSigned(raw: Buffer) {
  const [toBeSigned] = readValues(readOne(raw, tags.sequence));
  if (toBeSigned?.tag !== tags.sequence) throw new DerError('no certificate');
  const fields = readValues(toBeSigned.content);
  // The version stands in front of the others where it is not the first.
  const [serial, , issuer, , subject] = fields[0]?.tag === tags.context(0) ? fields.slice(1) : fields;
  if (serial?.tag !== tags.integer || issuer?.tag !== tags.sequence || subject?.tag !== tags.sequence)
    throw new DerError('no certificate');
  const wrapped = fields.find(({ tag }) => tag === tags.context(3));
  const extensions: ReadonlyMap<string, X509Extension> =
    wrapped === undefined ? new Map() : readExtensions(wrapped.content);
  for (const [oid, { isCritical }] of extensions)
    if (isCritical && !Object.values<string>(oids).includes(oid) && !harmless.has(oid))
      throw new DerError('a critical extension that is not known');
  return {
    serialNumber: serialText(serial.content),
    issuer: comparedName(issuer.content),
    subject: comparedName(subject.content),
    extensions,
  };
}

function readBasicConstraints(value: Buffer | undefined): {
  isAuthority: boolean;
  pathLength: number | null;
} {
  if (value === undefined) return { isAuthority: false, pathLength: null };
  const [first, second] = readValues(readOne(value, tags.sequence));
  if (first?.tag !== tags.boolean || first.content[0] === 0) return { isAuthority: false, pathLength: null };
  if (second === undefined) return { isAuthority: true, pathLength: null };
  if (second.tag !== tags.integer || second.content.length !== 1) throw new DerError('a bad path length');
  return { isAuthority: true, pathLength: second.content[0] ?? 0 };
}

/** Null where nothing is said: then anything may be done. */
function readKeyUsage(value: Buffer | undefined): number | null {
  if (value === undefined) return null;
  // The first octet says how many bits of the last are not used.
  return readOne(value, tags.bitString)[1] ?? 0;
}

function readNumberAuthority(value: Buffer): NumberAuthority {
  const entries = readValues(readOne(value, tags.sequence));
  if (entries.length === 0 || entries.length > maxEntries) throw new DerError('a bad list of numbers');
  const providerCodes = entries
    .filter(({ tag }) => tag === tags.context(0))
    .map(({ content }) => textOf(content));
  const ranges = entries.flatMap((entry) => rangeOf(entry) ?? []);
  if (providerCodes.length + ranges.length !== entries.length) throw new DerError('a bad list of numbers');
  return { providerCodes, covers: (number) => ranges.some((covers) => covers(number)) };
}

const maxEntries = 1000;

/** A range of numbers (`start` and how many), or a single one; null for another entry. */
function rangeOf({ tag, content }: DerValue): ((number: string) => boolean) | null {
  if (tag === tags.context(2)) {
    const one = textOf(content);
    return (number) => number === one;
  }
  if (tag !== tags.context(1)) return null;
  const [start, count] = readValues(readOne(content, tags.sequence));
  if (start?.tag !== tags.ia5String || count?.tag !== tags.integer) throw new DerError('a bad range');
  if (count.content.length === 0 || count.content.length > 6) throw new DerError('a bad range');
  const digits = start.content.toString('latin1');
  if (!/^\d{1,15}$/.test(digits)) throw new DerError('a bad range');
  const first = Number(digits);
  const last = first + count.content.readUIntBE(0, count.content.length) - 1;
  return (number) =>
    number.length === digits.length &&
    /^\d+$/.test(number) &&
    Number(number) >= first &&
    Number(number) <= last;
}

function textOf(content: Buffer): string {
  return readOne(content, tags.ia5String).toString('latin1');
}
