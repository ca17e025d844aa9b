/** The credentials in force: those of the configuration, and what it leaves open made at the first start and kept in the data directory. */
import { randomBytes } from 'node:crypto';
import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import type { Config } from './config-schema.js';
import { ConfigError } from './load-config.js';

export interface AccountCredentials {
  readonly accountId: string;
  readonly username: string;
  readonly password: string;
}

export interface Credentials {
  /** The first is the configured or generated one. */
  readonly accounts: readonly AccountCredentials[];
  readonly tokenSecret: string;
  readonly previousTokenSecret: string | undefined;
  /** The file of credentials that were generated and are to be shown, once: no start has shown them yet. Else null. */
  readonly unshownFile: string | null;
}

const storedCredentials = z.object({
  account: z.string().min(1),
  username: z.string().min(1),
  password: z.string().min(1),
  tokenSecret: z.string().min(32),
  /** Made by a start that has shown them to nobody: it may have failed behind that. */
  isUnshown: z.boolean().default(false),
});
type StoredCredentials = z.output<typeof storedCredentials>;

/**
 * Call with the data directory locked. Throws ConfigError where the kept file is damaged and where two accounts are the same, and
 * file system errors as they are.
 */
export function resolveCredentials(config: Config): Credentials {
  const { stored: found, path } = readStored(config);
  // Before anything is made: a start that is refused leaves nothing behind.
  const problems = conflicts(accountsOf(config, found));
  if (problems.length > 0) throw new ConfigError(problems);
  const stored = found === null && !isComplete(config) ? create(config, path) : found;
  return {
    accounts: accountsOf(config, stored),
    tokenSecret: config.tokenSecret ?? stored?.tokenSecret ?? '',
    previousTokenSecret: config.previousTokenSecret,
    // A generated token secret alone is nothing that a person needs to know.
    unshownFile: stored?.isUnshown === true && config.password === undefined ? path : null,
  };
}

/** Notes in the file that its credentials were shown: no later start shows them. Throws file system errors as they are. */
export function markShown(path: string): void {
  write(path, { ...storedCredentials.parse(JSON.parse(readFileSync(path, 'utf8'))), isUnshown: false });
}

/**
 * The accounts as the next start will have them; makes nothing. The password of the first is empty where that start makes it.
 * Throws as `resolveCredentials` does.
 */
export function readAccounts(config: Config): readonly AccountCredentials[] {
  const accounts = accountsOf(config, readStored(config).stored);
  const problems = conflicts(accounts);
  if (problems.length > 0) throw new ConfigError(problems);
  return accounts;
}

function isComplete({ password, tokenSecret }: Config): boolean {
  return password !== undefined && tokenSecret !== undefined;
}

function accountsOf(config: Config, stored: StoredCredentials | null): readonly AccountCredentials[] {
  return [
    {
      accountId: config.account ?? stored?.account ?? 'local',
      username: config.username ?? stored?.username ?? 'local',
      password: config.password ?? stored?.password ?? '',
    },
    ...config.accounts.map(({ account, username, password }) => ({ accountId: account, username, password })),
  ];
}

/** A second entry for an account would be a second user of it, and of all that its first one has. */
function conflicts(accounts: readonly AccountCredentials[]): string[] {
  const problems: string[] = [];
  const byName = new Map<string, string>();
  const byLogin = new Map<string, string>();
  for (const [index, { accountId, username, password }] of accounts.entries()) {
    const where = index === 0 ? 'the main account' : `accounts.${index - 1}`;
    const login = JSON.stringify([username, password]);
    const sameName = byName.get(accountId);
    const sameLogin = byLogin.get(login);
    if (sameName !== undefined) problems.push(`${where}.account: is the name of ${sameName}, too`);
    else if (sameLogin !== undefined)
      problems.push(`${where}: has the user name and password of ${sameLogin}, too`);
    byName.set(accountId, sameName ?? where);
    byLogin.set(login, sameLogin ?? where);
  }
  return problems;
}

/** `stored`: null where it is not needed, or not there yet. */
function readStored(config: Config): { readonly stored: StoredCredentials | null; readonly path: string } {
  const path = join(config.dataDir, 'credentials.json');
  if (isComplete(config)) return { stored: null, path };
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
    return { stored: null, path };
  }
  try {
    return { stored: storedCredentials.parse(JSON.parse(text)), path };
  } catch {
    throw new ConfigError([
      `${path} is damaged; remove it to have new credentials made, which ends every token in use`,
    ]);
  }
}

function create(config: Config, path: string): StoredCredentials {
  const made: StoredCredentials = {
    account: config.account ?? 'local',
    username: config.username ?? 'local',
    password: randomBytes(18).toString('base64url'),
    tokenSecret: randomBytes(32).toString('base64url'),
    isUnshown: true,
  };
  mkdirSync(config.dataDir, { recursive: true, mode: 0o700 });
  write(path, made);
  return made;
}

/** Renamed into place complete and on the disk: a half-written file would lock everybody out. */
function write(path: string, { isUnshown, ...kept }: StoredCredentials): void {
  const temporary = `${path}.new`;
  const file = openSync(temporary, 'w', 0o600);
  try {
    writeSync(file, `${JSON.stringify({ ...kept, ...(isUnshown && { isUnshown }) }, null, 2)}\n`);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(temporary, path);
}
