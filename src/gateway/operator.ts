/** Whose the gateway is. */
import { ConfigError } from '../config/load-config.js';

/**
 * The account that runs the gateway: `wanted`, or the only one there is; null where several accounts share it and none is named.
 * Throws ConfigError where there is no such account.
 */
export function operatorOf(accounts: readonly string[], wanted: string | undefined): string | null {
  if (wanted !== undefined) {
    if (accounts.includes(wanted)) return wanted;
    throw new ConfigError(['operatorAccount: there is no account of this name']);
  }
  const [only = null, ...others] = new Set(accounts);
  return others.length === 0 ? only : null;
}
