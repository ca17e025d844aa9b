/**
 * Tells the far end of a call about the others in its session: INFO requests of a package that it announced (RFC 6086),
 * one after the other. What could not be told while it was out of reach is told when it is back.
 */
import type { LegNotice, LegNoticeType } from '../../domain/legs/leg-notice.js';
import type { Logger } from '../../domain/logger.js';
import type { SrfDialog, SrfRequest } from './srf.js';

const noticePackage = 'landbridge-session';
/** What the package tells of. */
export const noticesTaken: ReadonlySet<LegNoticeType> = new Set(['participants', 'dtmf']);
/** Key presses that wait for their turn; more are left out. */
const maxWaitingKeys = 32;

/** True where the INVITE announces that its sender takes the package. */
export function takesNotices(invite: Pick<SrfRequest, 'get'>): boolean {
  const packages = invite.get('Recv-Info')?.split(',') ?? [];
  return packages.some((name) => name.trim().toLowerCase() === noticePackage);
}

export class SessionNotices {
  readonly #dialog: SrfDialog;
  readonly #logger: Logger;
  #participants: LegNotice | undefined;
  #arePeopleUntold = false;
  readonly #keys: LegNotice[] = [];
  #isSending = false;
  #closed = false;

  constructor(dialog: SrfDialog, logger: Logger) {
    this.#dialog = dialog;
    this.#logger = logger;
  }

  tell(notice: LegNotice): void {
    if (notice.type === 'participants') {
      // Only the latest list counts.
      this.#participants = notice;
      this.#arePeopleUntold = true;
    } else if (this.#keys.length < maxWaitingKeys) this.#keys.push(notice);
    this.#next();
  }

  /** The far end has shown that it is there. */
  farEndHeard(): void {
    this.#next();
  }

  close(): void {
    this.#closed = true;
    this.#keys.length = 0;
  }

  #next(): void {
    if (this.#isSending || this.#closed) return;
    const people = this.#arePeopleUntold ? this.#participants : undefined;
    const notice = people ?? this.#keys.shift();
    if (notice === undefined) return;
    this.#isSending = true;
    if (people !== undefined) this.#arePeopleUntold = false;
    this.#dialog.request(
      {
        method: 'INFO',
        headers: { 'Info-Package': noticePackage, 'Content-Type': 'application/json' },
        body: JSON.stringify(notice),
      },
      (error, response) => {
        if (!error && response !== undefined && response.status < 200) return;
        this.#isSending = false;
        const isTold = !error && response?.status === 200;
        if (isTold) return this.#next();
        this.#logger.debug({ err: error, status: response?.status }, 'a notice did not arrive');
        // A key that was pressed long ago is worth nothing; who is there still is.
        this.#keys.length = 0;
        if (people !== undefined) this.#arePeopleUntold = true;
      },
    );
  }
}
