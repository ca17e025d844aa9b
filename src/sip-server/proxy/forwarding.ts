/** What a proxy changes of the messages that it passes on (RFC 3261 §16.6, §16.7); pure. */
import { HeaderFields } from '../message/header-fields.js';
import type { SipRequest, SipResponse } from '../message/message.js';

/** Fields that are the sender's, or the proxy's own: an application cannot change them on the way. */
const untouchable: ReadonlySet<string> = new Set([
  'Via', 'From', 'To', 'Call-ID', 'CSeq', 'Max-Forwards', 'Content-Length', 'Record-Route', 'Route',
]); // prettier-ignore

export interface Forwarding {
  readonly via: string;
  /** Where the request is for; null: where it was for. */
  readonly uri: string | null;
  /** `Record-Route` fields of ours, the topmost last. */
  readonly recordRoutes: readonly string[];
  /** What the application adds or replaces. */
  readonly fields: HeaderFields;
}

/** RFC 3261 §16.3 step 3. */
export function hasHopsLeft({ headers }: SipRequest): boolean {
  return Number(headers.get('Max-Forwards') ?? '70') > 0;
}

/** The request as it goes on. */
export function forwardRequest(
  request: SipRequest,
  { via, uri, recordRoutes, fields }: Forwarding,
): SipRequest {
  const headers = new HeaderFields(request.headers);
  const hops = Number(headers.get('Max-Forwards') ?? '71');
  headers.set('Max-Forwards', String(Math.max(0, hops - 1)));
  for (const route of recordRoutes) headers.prepend(pathOrRoute(request), route);
  // RFC 3327 §5.2: a registrar that does not understand Path must not take it.
  if (recordRoutes.length > 0 && request.method === 'REGISTER') headers.append('Require', 'path');
  for (const { name, value } of fields) if (!untouchable.has(name)) headers.set(name, value);
  headers.prepend('Via', via);
  return { ...request, uri: uri ?? request.uri, headers };
}

/** RFC 3327: what Record-Route is to a call, Path is to a registration. */
function pathOrRoute({ method }: SipRequest): string {
  return method === 'REGISTER' ? 'Path' : 'Record-Route';
}

/** The response as it goes back: without our Via (RFC 3261 §16.7 step 3). */
export function forwardResponse(response: SipResponse): SipResponse {
  const headers = new HeaderFields(response.headers);
  headers.takeFirst('Via');
  return { ...response, headers };
}

/** Refusals that ask the caller for something; they are preferred to others of their class (RFC 3261 §16.7 step 6). */
const asking: ReadonlySet<number> = new Set([401, 407, 415, 420, 484]);

/** The refusal that says most: a global one, else of the lowest class, there what the caller can do something about. */
export function bestRefusal(refusals: readonly SipResponse[]): SipResponse | null {
  const rank = ({ status }: SipResponse): number => {
    const kind = Math.floor(status / 100);
    return (kind === 6 ? 0 : kind) * 2 + (asking.has(status) ? 0 : 1);
  };
  return refusals.reduce<SipResponse | null>(
    (best, one) => (best === null || rank(one) < rank(best) ? one : best),
    null,
  );
}
