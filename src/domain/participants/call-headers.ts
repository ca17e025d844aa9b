/** Header fields of a call that its trunk has applications see, by their names as the trunk writes them. */
import type { CallerPrivacy } from './caller.js';

export type CallHeaders = Readonly<Record<string, string>>;

/** They name people: whose call it was first, who sent it on. */
const ofPeople: ReadonlySet<string> = new Set([
  ...['diversion', 'history-info', 'p-called-party-id', 'p-charge-info', 'to', 'subject', 'call-info'],
  ...['alert-info', 'organization'],
]);

/** They may bear what lets a call in, name who calls, or tell of the network on the way. */
const neverShown: ReadonlySet<string> = new Set([
  ...[
    'authorization',
    'proxy-authorization',
    'authentication-info',
    'www-authenticate',
    'proxy-authenticate',
  ],
  ...['user-to-user', 'identity', 'y', 'cookie'],
  ...['from', 'f', 'contact', 'm', 'reply-to', 'referred-by', 'b', 'p-asserted-identity'],
  ...['p-preferred-identity', 'remote-party-id'],
  ...['via', 'v', 'route', 'record-route', 'path', 'service-route'],
]);

/** A field of that name is never shown, whatever a trunk says. `credentialFields`: where calls show tokens. */
export function isNeverShown(name: string, credentialFields: readonly string[] = []): boolean {
  const lower = name.toLowerCase();
  return neverShown.has(lower) || credentialFields.some((field) => field.toLowerCase() === lower);
}

/** What may be shown, by the privacy that holds for callers; null where that is nothing. What may not be shown is not kept either. */
export function presentHeaders(headers: CallHeaders | null, privacy: CallerPrivacy): CallHeaders | null {
  const shown = Object.entries(headers ?? {}).filter(
    ([name]) => privacy === 'full' || !ofPeople.has(name.toLowerCase()),
  );
  return shown.length === 0 ? null : Object.fromEntries(shown);
}
