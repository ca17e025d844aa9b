/** Requests of our SIP server as the SIP door reads them. */
import type { CredentialSource } from '../doors/sip/credential.js';
import type { SipRequest } from '../sip-server/index.js';

/** Header fields of one name are joined with commas, as drachtio-srf joins them. */
export function readable({ uri, headers }: SipRequest): CredentialSource {
  return { uri, get: (name) => (headers.has(name) ? headers.all(name).join(', ') : undefined) };
}
