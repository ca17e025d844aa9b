/** How much of its callers each account shows. */
import type { Config } from '../config/config-schema.js';
import type { CallerPrivacy } from '../domain/participants/caller.js';

/** `null`: of calls that are no account's. */
export function callerPrivacies({
  accounts,
  callerPrivacy,
}: Pick<Config, 'accounts' | 'callerPrivacy'>): (accountId: string | null) => CallerPrivacy {
  const own = new Map<string | null, CallerPrivacy | undefined>(
    accounts.map((one) => [one.account, one.callerPrivacy]),
  );
  return (accountId) => own.get(accountId) ?? callerPrivacy;
}
