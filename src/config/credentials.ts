/** The credentials in force: those of the configuration, and what it leaves open made at the first start and kept in the data directory. */
import { randomBytes } from 'node:crypto';
import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
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
  /** The file of credentials that were generated at this start, which are printed once; else null. */
  readonly createdFile: string | null;
}

const storedCredentials = z.object({
  account: z.string().min(1),
  username: z.string().min(1),
  password: z.string().min(1),
  tokenSecret: z.string().min(32),
});
type StoredCredentials = z.output<typeof storedCredentials>;

/** Call with the data directory locked. Throws ConfigError where the kept file is damaged, and file system errors as they are. */
export function resolveCredentials(config: Config): Credentials {
  const isComplete = config.password !== undefined && config.tokenSecret !== undefined;
  const path = join(config.dataDir, 'credentials.json');
  const { stored, isNew } = isComplete ? { stored: undefined, isNew: false } : readOrCreate(config, path);
  const accounts = [
    {
      accountId: config.account ?? stored?.account ?? 'local',
      username: config.username ?? stored?.username ?? 'local',
      password: config.password ?? stored?.password ?? '',
    },
    ...config.accounts.map(({ account, username, password }) => ({ accountId: account, username, password })),
  ];
  return {
    accounts,
    tokenSecret: config.tokenSecret ?? stored?.tokenSecret ?? '',
    previousTokenSecret: config.previousTokenSecret,
    // A generated token secret alone is nothing that a person needs to know.
    createdFile: isNew && config.password === undefined ? path : null,
  };
}

function readOrCreate(config: Config, path: string): { stored: StoredCredentials; isNew: boolean } {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
    return { stored: create(config, path), isNew: true };
  }
  try {
    return { stored: storedCredentials.parse(JSON.parse(text)), isNew: false };
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
  };
  mkdirSync(config.dataDir, { recursive: true, mode: 0o700 });
  // Renamed into place complete and on the disk: a half-written file would lock everybody out.
  const temporary = `${path}.new`;
  const file = openSync(temporary, 'w', 0o600);
  try {
    writeSync(file, `${JSON.stringify(made, null, 2)}\n`);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(temporary, path);
  return made;
}
