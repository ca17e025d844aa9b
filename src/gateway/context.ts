import type { Config } from '../config/config-schema.js';
import type { Clock } from '../domain/clock.js';
import type { Logger } from '../domain/logger.js';
import type { Closers } from './closers.js';

/** What every part of the composition is given. */
export interface GatewayContext {
  readonly config: Config;
  readonly logger: Logger;
  readonly version: string;
  readonly clock: Clock;
  /** Whoever opens something says here how it is closed. */
  readonly closers: Closers;
}
