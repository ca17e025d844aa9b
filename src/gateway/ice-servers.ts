/** The STUN and TURN servers that a participant is told of, with its own name and password for them. */
import { createHmac } from 'node:crypto';
import type { Config } from '../config/config-schema.js';
import type { IceServerSettings } from '../config/ice-servers-schema.js';
import type { Clock } from '../domain/clock.js';
import type { ToldIceServer } from '../rest/ice-server-schemas.js';

/** An account's own in place of those of all. */
export function iceServersOf(
  { accounts, browser, sessions }: Pick<Config, 'accounts' | 'browser' | 'sessions'>,
  clock: Clock,
): (accountId: string, participantId: string) => ToldIceServer[] {
  const own = new Map(accounts.map((one) => [one.account, one.iceServers]));
  return (accountId, participantId) => {
    // As long as a token that was made now.
    const expiresAt = Math.floor(clock.now() / 1000) + sessions.tokenTtlSeconds;
    return (own.get(accountId) ?? browser.iceServers).map((server) => told(server, participantId, expiresAt));
  };
}

/**
 * With a secret that the TURN server has as well: the name says until when, the password is its signature
 * (draft-uberti-behave-turn-rest-00, as coturn's `use-auth-secret` has it).
 */
function told(
  { urls, username, credential, secret }: IceServerSettings,
  participantId: string,
  expiresAt: number,
): ToldIceServer {
  if (secret !== undefined) {
    const name = `${expiresAt}:${participantId}`;
    return { urls, username: name, credential: createHmac('sha1', secret).update(name).digest('base64') };
  }
  return { urls, ...(username !== undefined && credential !== undefined && { username, credential }) };
}
