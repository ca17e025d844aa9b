/** What the system's errors mean to whoever calls from a command line. */
import { formatHostPort } from '../../sip-server/message/host-port.js';

type SystemError = Error & {
  readonly code: string;
  readonly address?: string;
  readonly port?: number;
  readonly hostname?: string;
};

/** Anything else says itself what it is. */
export function faultInWords(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (!('code' in error)) return error.message;
  const { code, address, port, hostname } = error as SystemError;
  const where = address === undefined ? 'the far end' : formatHostPort(address, port ?? 0);
  switch (code) {
    case 'EAI_AGAIN':
      return `no name server can be asked for ${hostname ?? 'the name'} at the moment`;
    case 'ENOTFOUND':
      return `there is no host of the name ${hostname ?? ''}`;
    case 'ECONNREFUSED':
      return `nothing listens at ${where}`;
    case 'ECONNRESET':
      return `${where} ended the connection`;
    case 'ETIMEDOUT':
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
      return `${where} cannot be reached`;
    case 'ENOENT':
      return 'there is no such file or directory';
    case 'EISDIR':
      return 'it is a directory';
    case 'EACCES':
      return 'this user may not';
    case 'DEPTH_ZERO_SELF_SIGNED_CERT':
    case 'SELF_SIGNED_CERT_IN_CHAIN':
    case 'UNABLE_TO_VERIFY_LEAF_SIGNATURE':
    case 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY':
    case 'CERT_HAS_EXPIRED':
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return `the far end's certificate is not trusted: ${error.message}; --insecure takes any`;
    default:
      return error.message;
  }
}
