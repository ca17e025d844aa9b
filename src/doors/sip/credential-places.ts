/** Where an INVITE may show a credential, place by place, and what stands there: for whoever asks why none was found. */
import type { Credential } from '../../domain/participants/token.js';
import { findCredentials, type CredentialSource } from './credential.js';

export interface CredentialPlace {
  /** A header field's name, `URI parameter token`, or `URI user part`. */
  readonly place: string;
  /** Something stands there at all. */
  readonly isThere: boolean;
  /** Null where what stands there is none. */
  readonly credential: Credential | null;
}

/** In the order in which they count. Each is read as if it were the only one. */
export function credentialPlaces(
  request: CredentialSource,
  tokenHeaders: readonly string[],
): readonly CredentialPlace[] {
  const header = (name: string): CredentialPlace => {
    const value = request.get(name);
    const alone = { uri: '', get: (wanted: string) => (wanted === name ? value : undefined) };
    return { place: name, isThere: value !== undefined, ...credentialIn(alone, tokenHeaders) };
  };
  const nothing = () => undefined;
  const at = request.uri.indexOf('@');
  const scheme = request.uri.slice(0, request.uri.indexOf(':') + 1);
  const withoutUser = at === -1 ? request.uri : `${scheme}${request.uri.slice(at + 1)}`;
  const withoutParameters = at === -1 ? '' : `${request.uri.slice(0, at)}@host`;
  return [
    ...['User-to-User', ...tokenHeaders].map(header),
    {
      place: 'URI parameter token',
      isThere: /;token=/i.test(withoutUser),
      ...credentialIn({ uri: withoutUser, get: nothing }, tokenHeaders),
    },
    {
      place: 'URI user part',
      isThere: at !== -1,
      ...credentialIn({ uri: withoutParameters, get: nothing }, tokenHeaders),
    },
  ];
}

function credentialIn(
  alone: CredentialSource,
  tokenHeaders: readonly string[],
): Pick<CredentialPlace, 'credential'> {
  return { credential: findCredentials(alone, tokenHeaders).credentials[0] ?? null };
}
