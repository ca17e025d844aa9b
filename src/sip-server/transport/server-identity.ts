/** Whom a certificate is for that a SIP server shows to us (RFC 5922 §7). */
import { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';

/** What of a certificate says whom it is for. */
export type NamedCertificate = Pick<X509Certificate, 'subjectAltName' | 'checkHost' | 'checkIP'>;

/**
 * Whether the certificate is for the server: by the `sip` URI of a domain, a DNS name or an address among its alternative names; by the
 * common name where there is none of these (RFC 5922 §7.1).
 *
 * Deviation: a wildcard stands for one label (RFC 6125 §6.4.3), where RFC 5922 §7.2 knows none: carriers have their certificates from the
 * CAs of the web, with `*.` and without `sip` URIs. For the same reason DNS names count beside `sip` URIs, too.
 */
export function isServer(certificate: NamedCertificate, serverName: string): boolean {
  if (isIP(serverName) !== 0) return certificate.checkIP(serverName) !== undefined;
  const entries = entriesOf(certificate);
  const domains = entries.flatMap((entry) => domainOf(entry) ?? []);
  const wanted = plain(serverName);
  if (domains.includes(wanted)) return true;
  const hasNames = domains.length > 0 || entries.some((entry) => /^(?:DNS|IP Address):/.test(entry));
  const subject = hasNames ? 'never' : 'always';
  return certificate.checkHost(wanted, { subject, partialWildcards: false }) !== undefined;
}

/** For `checkServerIdentity` of Node, whose own does not know `sip` URIs. */
export function identityFault(raw: Buffer, serverName: string): Error | undefined {
  const certificate = new X509Certificate(raw);
  if (isServer(certificate, serverName)) return undefined;
  const names = certificate.subjectAltName ?? certificate.subject.replaceAll('\n', ', ');
  return new Error(`the server's certificate is not for ${serverName}, but for ${names}`);
}

/** Node quotes what may be taken for more than one name: such a one is nobody's. */
function entriesOf({ subjectAltName = '' }: NamedCertificate): string[] {
  return subjectAltName.replace(/"(?:[^"\\]|\\.)*"/g, '""').split(', ');
}

/** A URI with a user is that user's, and one with more than a host is of no domain. */
function domainOf(entry: string): string | null {
  const [, host] = /^URI:sip:([A-Za-z0-9.-]+)$/i.exec(entry) ?? [];
  return host === undefined ? null : plain(host);
}

function plain(host: string): string {
  return host.toLowerCase().replace(/\.$/, '');
}
