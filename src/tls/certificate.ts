/** One certificate with its private key, read from two PEM files and checked before anybody is shown it. */
import { createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';

export interface CertificateFiles {
  /** PEM: the certificate itself first, then its chain. */
  readonly cert: string;
  /** PEM, not encrypted. */
  readonly key: string;
}

export interface Certificate {
  readonly certPem: string;
  readonly keyPem: string;
  /** The names and addresses that it is for, in small letters; a name may begin with `*.`. */
  readonly names: readonly string[];
  /** Milliseconds since the epoch. */
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
}

/** What an operator has to mend, in a sentence that names the file. */
export class CertificateProblem extends Error {
  override readonly name = 'CertificateProblem';
}

/** Throws CertificateProblem: a file that cannot be read, that holds none, or two that do not belong together. */
export function readCertificate({ cert, key }: CertificateFiles): Certificate {
  const certPem = readPem(cert);
  const keyPem = readPem(key);
  const leaf = leafOf(certPem, cert);
  const privateKey = privateKeyOf(keyPem, key);
  if (!leaf.checkPrivateKey(privateKey))
    throw new CertificateProblem(`The key in ${key} does not belong to the certificate in ${cert}.`);
  return {
    certPem,
    keyPem,
    names: namesOf(leaf),
    notBeforeMs: Date.parse(leaf.validFrom),
    notAfterMs: Date.parse(leaf.validTo),
  };
}

/** Whether the certificate is for that host: its very name, or one label under its wildcard (RFC 6125 §6.4.3). */
export function isFor({ names }: Certificate, host: string): boolean {
  return namesHost(names, host);
}

/** Whether one of these is the host: its very name, or one label under a wildcard, whatever their case. */
export function namesHost(names: readonly string[], host: string): boolean {
  return matchOf(names, host) !== null;
}

/** How one of these is the host; null: none is. */
export function matchOf(names: readonly string[], host: string): 'name' | 'wildcard' | null {
  const wanted = host.toLowerCase().replace(/\.$/, '');
  const wildcard = wanted.replace(/^[^.]+/, '*');
  const has = (text: string): boolean => names.some((name) => name.toLowerCase() === text);
  return has(wanted) ? 'name' : has(wildcard) ? 'wildcard' : null;
}

/** Reads a file of certificates of CAs. Throws CertificateProblem. */
export function readAuthorities(path: string): string {
  const pem = readPem(path);
  leafOf(pem, path);
  return pem;
}

/** Reads a file of certificates or keys, whatever is in it. Throws CertificateProblem. */
export function readPem(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
    throw new CertificateProblem(`${path} cannot be read (${code}).`, { cause: error });
  }
}

function leafOf(pem: string, path: string): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch (error) {
    throw new CertificateProblem(`${path} holds no certificate in PEM form.`, { cause: error });
  }
}

function privateKeyOf(pem: string, path: string): KeyObject {
  try {
    return createPrivateKey(pem);
  } catch (error) {
    // OpenSSL's own words may quote the file.
    const why = /ENCRYPTED/.test(pem) ? 'a key that is encrypted' : 'no private key in PEM form';
    throw new CertificateProblem(`${path} holds ${why}.`, { cause: error });
  }
}

/** Subject alternative names; where there are none, the common name, as old peers still do. */
function namesOf(certificate: X509Certificate): string[] {
  const alternatives = alternativeNamesOf(certificate);
  if (alternatives.length > 0) return alternatives;
  return [...certificate.subject.matchAll(/^CN=(\S+)$/gm)].map(([, name = '']) => name.toLowerCase());
}

/** A `sip` URI counts as the name of its domain (RFC 5922 §7.1); one with a user names that user alone. */
const nameIn = /^(?:DNS:|IP Address:|URI:sip:(?=[A-Za-z0-9.-]+$))([^\s"]+)$/i;

/** The host names and addresses among the subject alternative names, in small letters. */
export function alternativeNamesOf({ subjectAltName = '' }: X509Certificate): string[] {
  // Node quotes what may be taken for more than one name; such a one is no host's.
  const entries = subjectAltName.replace(/"(?:[^"\\]|\\.)*"/g, '""').split(', ');
  return entries.flatMap((entry) => nameIn.exec(entry)?.[1]?.toLowerCase() ?? []);
}
