/** What is handed through the whole composition. */
import type { Config } from '../config/config-schema.js';
import type { Clock } from '../domain/clock.js';
import type { Logger } from '../domain/logger.js';
import type { NameLookUps } from '../events/name-look-ups.js';
import type { Closers } from './closers.js';

/** Given to every part that opens something. */
export interface GatewayContext {
  readonly config: Config;
  readonly logger: Logger;
  readonly version: string;
  readonly clock: Clock;
  /** Looks up the names of addresses that accounts and the operator give, webhooks' and applications'. */
  readonly lookUps: NameLookUps;
  /** Whoever opens something says here how it is closed. */
  readonly closers: Closers;
}
