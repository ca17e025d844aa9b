/** Looks at the accounts as the next start will have them. */
import type { Config } from '../config/config-schema.js';
import { readAccounts, type AccountCredentials } from '../config/credentials.js';
import { ConfigError } from '../config/load-config.js';
import { fail, ok, warn, type Finding } from './finding.js';

export interface Accounts {
  readonly findings: readonly Finding[];
  /** The first one; null where its password cannot be read, or is not made yet. */
  readonly first: AccountCredentials | null;
  /** Those whose password is known. */
  readonly all: readonly AccountCredentials[];
}

export function lookAtAccounts(config: Config): Accounts {
  const what = 'accounts';
  let accounts: readonly AccountCredentials[];
  try {
    accounts = readAccounts(config);
  } catch (error) {
    if (error instanceof ConfigError)
      return { findings: error.problems.map((problem) => fail(what, problem)), first: null, all: [] };
    if (!(error instanceof Error && 'code' in error)) throw error;
    return {
      findings: [warn(what, `the credentials are not readable by this user (${String(error.code)})`)],
      ...{ first: null, all: [] },
    };
  }
  const [first] = accounts;
  return {
    findings: [
      ok(what, accounts.map(({ accountId }) => accountId).join(', ')),
      ...lookAtOperator(config, accounts),
    ],
    first: first === undefined || first.password === '' ? null : first,
    all: accounts.filter(({ password }) => password !== ''),
  };
}

function lookAtOperator(
  { operatorAccount: wanted }: Config,
  accounts: readonly AccountCredentials[],
): Finding[] {
  const what = 'operator';
  if (wanted === undefined)
    return accounts.length === 1
      ? []
      : [
          warn(
            what,
            'there are several accounts and no operatorAccount: nobody may use /v1/node, or see refused calls of nobody',
          ),
        ];
  return accounts.some(({ accountId }) => accountId === wanted)
    ? [ok(what, wanted)]
    : [fail(what, 'operatorAccount: there is no account of this name')];
}
