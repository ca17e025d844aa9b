/** A child process that is asked one question at a time over IPC. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';

export class ChildQuestions<Question extends object> {
  readonly #child: ChildProcess;

  /** `nodeOptions`: words for Node itself, beside this process’s own. */
  constructor(entry: URL, nodeOptions: readonly string[] = []) {
    this.#child = fork(entry, { execArgv: [...process.execArgv, ...nodeOptions] });
  }

  /** Rejects where the child ends without an answer. */
  async ask<T>(question: Question): Promise<T> {
    this.#child.send(question);
    const ended = new AbortController();
    try {
      return await Promise.race([
        once(this.#child, 'message', { signal: ended.signal }).then(([reply]) => reply as T),
        once(this.#child, 'exit', { signal: ended.signal }).then(([code]) => {
          throw new Error(`a benchmark's process ended with ${String(code)}`);
        }),
      ]);
    } finally {
      ended.abort();
    }
  }

  async close(): Promise<void> {
    if (this.#child.connected) this.#child.disconnect();
    if (this.#child.exitCode === null && this.#child.signalCode === null) await once(this.#child, 'exit');
  }
}
