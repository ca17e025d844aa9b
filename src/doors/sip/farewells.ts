/** The last words of one call to its far end: refusals and BYEs. Whoever closes the connection under them is told to wait. */
import type { Logger } from '../../domain/logger.js';
import type { Outcome } from '../../domain/outcome.js';
import { byeHeaders } from './refusal-response.js';
import type { SrfDialog, SrfResponse } from './srf.js';

export class Farewells {
  readonly #logger: Logger;
  readonly #onFarewell: (done: Promise<void>) => void;

  /** `onFarewell`: the word is on its way; its promise never rejects. */
  constructor(logger: Logger, onFarewell: (done: Promise<void>) => void) {
    this.#logger = logger;
    this.#onFarewell = onFarewell;
  }

  /** Sends the final response, unless there was one already. */
  respond(response: SrfResponse, status: number, headers: Record<string, string>): void {
    if (response.finalResponseSent) return;
    const sent = new Promise<void>((resolve) => {
      response.send(status, { headers }, (error) => {
        if (error)
          this.#logger.debug({ err: error, status }, 'a refusal was not sent: the transaction is gone');
        resolve();
      });
    });
    this.#onFarewell(sent);
  }

  bye(dialog: SrfDialog, outcome: Outcome): void {
    this.said(dialog.destroy({ headers: byeHeaders(outcome) }));
  }

  /** A BYE was sent; `answered` settles with its response. */
  said(answered: Promise<unknown>): void {
    const done = answered.then(
      () => undefined,
      (error: unknown) => {
        this.#logger.debug({ err: error }, 'BYE was not sent: the dialog is gone');
      },
    );
    this.#onFarewell(done);
  }
}
