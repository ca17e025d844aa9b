/** The phones of a benchmark, in a process of their own so that their CPU is not counted. See phone-bank-process.ts. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** What one phone does; `port` is the gateway's. */
export interface PhoneTask {
  readonly phone: number;
  readonly port: number;
  /** A tone all the time; or silence with a loud click every half second. */
  readonly sends: 'tone' | 'quiet-tone' | 'clicks';
  /** The phone whose clicks this one hears, where delay is measured. */
  readonly hearsClicksOf?: number;
}

export interface PhoneBankReport {
  readonly sent: number;
  readonly received: number;
  /** Between a sample's way out of one phone and into the other, on one clock. */
  readonly delaysMs: readonly number[];
  /** How late the bank itself was with its packets: beyond a few ms nothing else counts. */
  readonly sendLatenessP95Ms: number;
}

export type PhoneBankRequest =
  | { readonly do: 'open'; readonly phones: number }
  | { readonly do: 'talk'; readonly tasks: readonly PhoneTask[] }
  /** Replies with what was counted since the last time. */
  | { readonly do: 'report' };

export class PhoneBank {
  readonly #child: ChildProcess = fork(fileURLToPath(new URL('./phone-bank-process.js', import.meta.url)));

  /** Opens so many phones; resolves with their UDP ports on 127.0.0.1. */
  open(phones: number): Promise<number[]> {
    return this.#ask({ do: 'open', phones });
  }

  talk(tasks: readonly PhoneTask[]): Promise<null> {
    return this.#ask({ do: 'talk', tasks });
  }

  report(): Promise<PhoneBankReport> {
    return this.#ask({ do: 'report' });
  }

  async close(): Promise<void> {
    if (this.#child.connected) this.#child.disconnect();
    if (this.#child.exitCode === null && this.#child.signalCode === null) await once(this.#child, 'exit');
  }

  /** One question at a time. */
  async #ask<T>(request: PhoneBankRequest): Promise<T> {
    this.#child.send(request);
    const [{ reply }] = (await once(this.#child, 'message')) as [{ reply: T }];
    return reply;
  }
}
