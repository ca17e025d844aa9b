/** The file of authorities that signers' certificates may come from, watched: lists change, and calls go on. */
import { statSync } from 'node:fs';
import type { Timer } from '../domain/clock.js';
import { TrustAnchors } from '../stir/index.js';
import { CertificateProblem, readAuthorities } from '../tls/certificate.js';
import type { GatewayContext } from './context.js';

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
    this.#seen = versionOf(path);
    this.#anchors = read(path);
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

  /** What cannot be used changes nothing, and is logged until it can. */
  #reload(): void {
    const seen = versionOf(this.#path);
    if (seen === this.#seen) return;
    const { logger } = this.#context;
    try {
      this.#anchors = read(this.#path);
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
  const pem = readAuthorities(path);
  try {
    return TrustAnchors.read(pem);
  } catch (error) {
    throw new CertificateProblem(`${path} holds a certificate that is none of an authority for calls.`, {
      cause: error,
    });
  }
}

/** Changes with the file, also where a link to one is set anew. */
function versionOf(path: string): string {
  try {
    const { ino, size, mtimeMs } = statSync(path);
    return `${ino} ${size} ${mtimeMs}`;
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : 'unreadable';
  }
}
