/** The file of authorities that signers' certificates may come from, watched: lists change, and calls go on. */
import type { Timer } from '../domain/clock.js';
import { TrustAnchors } from '../stir/index.js';
import { CertificateProblem, readPem } from '../tls/certificate.js';
import { fileVersion } from '../tls/file-version.js';
import type { GatewayContext } from './context.js';

/** So many of those that are left out are named in the log. */
const maxSubjects = 20;

export class StirAuthorities {
  readonly #context: Pick<GatewayContext, 'clock' | 'logger'>;
  readonly #path: string;
  readonly #reloadMs: number;
  #seen: string;
  #timer: Timer | null = null;
  #anchors: TrustAnchors;

  /** Throws CertificateProblem. */
  constructor(context: Pick<GatewayContext, 'clock' | 'logger'>, path: string, reloadMs: number) {
    this.#context = context;
    this.#path = path;
    this.#reloadMs = reloadMs;
    this.#seen = fileVersion(path);
    this.#anchors = this.#read();
    this.#schedule();
  }

  /** Those that are in force. */
  get anchors(): TrustAnchors {
    return this.#anchors;
  }

  /** Ends the watch. Idempotent. */
  close(): void {
    this.#timer?.cancel();
    this.#timer = null;
  }

  #schedule(): void {
    this.#timer = this.#context.clock.after(this.#reloadMs, () => {
      this.#schedule();
      this.#reload();
    });
  }

  /** One certificate that is of no use takes none of the others away. Throws CertificateProblem. */
  #read(): TrustAnchors {
    const anchors = read(this.#path);
    const { count, leftOut } = anchors;
    const subjects = leftOut.slice(0, maxSubjects).map((subject) => subject ?? 'unreadable');
    if (leftOut.length > 0)
      this.#context.logger.warn(
        { authorities: count, leftOut: leftOut.length, subjects },
        'the list of authorities holds certificates that are of no use; they are left out',
      );
    return anchors;
  }

  /** What cannot be used changes nothing, and is logged until it can. */
  #reload(): void {
    const seen = fileVersion(this.#path);
    if (seen === this.#seen) return;
    const { logger } = this.#context;
    try {
      this.#anchors = this.#read();
    } catch (error) {
      const problem = (error as Error).message;
      logger.error({ problem }, 'a changed list of authorities cannot be used; the former stays in force');
      return;
    }
    this.#seen = seen;
    logger.info({ authorities: this.#anchors.count }, 'the list of authorities was read anew');
  }
}

function read(path: string): TrustAnchors {
  // The first of them need not be one that can be used.
  const pem = readPem(path);
  try {
    return TrustAnchors.read(pem);
  } catch (error) {
    const why = (error as Error).message;
    throw new CertificateProblem(`${path} holds no list of authorities for calls: ${why}.`, { cause: error });
  }
}
