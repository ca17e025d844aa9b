/** Presses keys for the far end of a call by INFO, `application/dtmf-relay`: for phones that take no telephone events. */
import type { Clock } from '../../domain/clock.js';
import type { Logger } from '../../domain/logger.js';
import { formatDtmfInfo, type DtmfInfo } from './dtmf-info.js';
import type { SrfDialog, SrfRequest } from './srf.js';

/** Longer than a SIP server tries (timer F, 32 s), should its word never come. */
const longestAnswerMs = 35_000;

/** False where the INVITE says what its sender takes, and INFO is not among it. */
export function takesInfo(invite: Pick<SrfRequest, 'get'>): boolean {
  const methods = invite.get('Allow')?.split(',') ?? ['INFO'];
  return methods.some((method) => method.trim().toUpperCase() === 'INFO');
}

export class DtmfInfoSender {
  readonly #dialog: SrfDialog;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #waiting = new Set<(isTaken: boolean) => void>();
  #closed = false;

  constructor(dialog: SrfDialog, clock: Clock, logger: Logger) {
    this.#dialog = dialog;
    this.#clock = clock;
    this.#logger = logger;
  }

  /** Resolves with whether the far end took it. */
  press(key: DtmfInfo): Promise<boolean> {
    if (this.#closed) return Promise.resolve(false);
    return new Promise((resolve) => {
      const settle = (isTaken: boolean): void => {
        timer.cancel();
        this.#waiting.delete(settle);
        resolve(isTaken);
      };
      const timer = this.#clock.after(longestAnswerMs, () => settle(false));
      this.#waiting.add(settle);
      this.#dialog.request({ method: 'INFO', ...formatDtmfInfo(key) }, (error, response) => {
        if (!error && response !== undefined && response.status < 200) return;
        const isTaken = !error && response !== undefined && response.status < 300;
        // Never the key: it may be of a PIN.
        if (!isTaken) {
          const detail = error ? error.message : null;
          this.#logger.info({ detail, status: response?.status }, 'a key was not taken');
        }
        settle(isTaken);
      });
    });
  }

  /** What waits was not taken. */
  close(): void {
    this.#closed = true;
    for (const settle of [...this.#waiting]) settle(false);
  }
}
