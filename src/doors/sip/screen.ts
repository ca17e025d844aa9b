/** Turns away INVITEs that show nothing, before anything is kept of them: a flood of them costs a reading each. */
import type { Clock } from '../../domain/clock.js';
import type { Logger } from '../../domain/logger.js';
import type { RefusalCode } from '../../domain/refusal.js';
import { dialledNumber, findCredential, type CredentialSource } from './credential.js';
import { refusalResponse, type RefusalResponse } from './refusal-response.js';

export interface ScreenOptions {
  readonly tokenHeaders: readonly string[];
  readonly retryAfterSeconds: number;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly onRefused: (code: RefusalCode) => void;
}

/** Each is told of up to this many a second; of more, how many there were. */
const linesPerSecond = 20;

export class Screen {
  readonly #options: ScreenOptions;
  #second = 0;
  #refused = 0;

  constructor(options: ScreenOptions) {
    this.#options = options;
  }

  /** The refusal of an INVITE that bears neither a credential nor a number that may be ours; null for any other. */
  refusalOf(request: CredentialSource, source: string): RefusalResponse | null {
    const { tokenHeaders, retryAfterSeconds, onRefused } = this.#options;
    if (findCredential(request, tokenHeaders).credential !== null) return null;
    if (dialledNumber(request.uri) !== null) return null;
    onRefused('token-missing');
    this.#log(request.get('Call-ID'), source);
    return refusalResponse('token-missing', retryAfterSeconds);
  }

  #log(callId: string | undefined, source: string): void {
    const { clock, logger } = this.#options;
    const second = Math.floor(clock.now() / 1000);
    if (second !== this.#second) {
      const leftOut = this.#refused - linesPerSecond;
      if (leftOut > 0) logger.warn({ calls: leftOut }, 'more calls without a credential were refused');
      this.#second = second;
      this.#refused = 0;
    }
    this.#refused += 1;
    if (this.#refused <= linesPerSecond)
      logger.info({ callId, code: 'token-missing', source }, 'call refused');
  }
}
