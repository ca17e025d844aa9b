/** Calls at a steady rate, made in a process of their own so that their CPU is not counted. See call-load-process.ts. */
import { ChildQuestions } from './child-questions.js';

export interface CallLoadRequest {
  /** The gateway's SIP port on 127.0.0.1. */
  readonly sipPort: number;
  /** Default `udp`. With `tls` all calls share a few connections, which stay open. */
  readonly transport?: 'udp' | 'tls';
  /** Used in turn; there must be enough of them that each call is over when its token's turn comes again. */
  readonly tokens: readonly string[];
  readonly callsPerSecond: number;
  readonly calls: number;
  /** From the 200 to the BYE. */
  readonly holdMs: number;
}

export interface CallLoadReport {
  /** From each INVITE to its 200, first transmission to first copy. */
  readonly setupMs: readonly number[];
  /** Calls that were refused, or had no final response, by status or `timeout`. */
  readonly failed: Readonly<Record<string, number>>;
  /** INVITEs and BYEs that were repeated because nothing came back for 500 ms (T1), and repeated 200s. */
  readonly retransmissions: number;
  /** How late the load itself was: beyond a few ms nothing else counts. */
  readonly latenessP95Ms: number;
}

export class CallLoad {
  readonly #child = new ChildQuestions<CallLoadRequest>(new URL('./call-load-process.js', import.meta.url));

  /** Resolves when the last call has ended. */
  run(request: CallLoadRequest): Promise<CallLoadReport> {
    return this.#child.ask(request);
  }

  close(): Promise<void> {
    return this.#child.close();
  }
}

/** Whatever went wrong, in words. */
export function troublesOf({ failed, retransmissions, latenessP95Ms }: CallLoadReport): string {
  const failures = Object.entries(failed).map(([what, count]) => `${count} × ${what}`);
  return [
    ...(failures.length > 0 ? failures : ['no failure']),
    `${retransmissions} retransmissions`,
    `load late by ${Math.round(latenessP95Ms)} ms`,
  ].join(', ');
}
