/** Asks peers over UDP by STUN as whom they see us (RFC 8489 §6.2.1), which holds the way to them open (RFC 5626 §4.4.2). */
import { randomBytes } from 'node:crypto';
import { bindingRequest, readBindingResponse, type BindingResponse } from './stun.js';

/** When the request goes out again without an answer, and when it is given up: the times of RFC 8489 §6.2.1, but fewer of them. */
const sendAfterMs: readonly number[] = [0, 500, 1500, 3500];
const giveUpAfterMs = 7500;
/** Questions at once; more are not asked. */
const maxQuestions = 10_000;

interface Question {
  readonly address: string;
  readonly port: number;
  readonly settle: (response: BindingResponse | null) => void;
}

export class StunClient {
  readonly #send: (bytes: Buffer, address: string, port: number) => Promise<void>;
  /** By their transaction identifiers. */
  readonly #questions = new Map<string, Question>();

  /** `send` rejects where nothing can be sent. */
  constructor(send: (bytes: Buffer, address: string, port: number) => Promise<void>) {
    this.#send = send;
  }

  /** What the peer sees, or that it does not say; null where it says nothing in time. Rejects where nothing can be sent. */
  ask(address: string, port: number): Promise<BindingResponse | null> {
    if (this.#questions.size >= maxQuestions) return Promise.resolve(null);
    const transactionId = randomBytes(12);
    const key = transactionId.toString('hex');
    const bytes = bindingRequest(transactionId);
    return new Promise((resolve, reject) => {
      const timers: NodeJS.Timeout[] = [];
      const end = (): void => {
        for (const timer of timers) clearTimeout(timer);
        this.#questions.delete(key);
      };
      const settle = (response: BindingResponse | null): void => {
        end();
        resolve(response);
      };
      this.#questions.set(key, { address, port, settle });
      const send = (): void => {
        this.#send(bytes, address, port).catch((error: unknown) => {
          end();
          reject(error instanceof Error ? error : new Error(String(error)));
        });
      };
      timers.push(...sendAfterMs.map((afterMs) => setTimeout(send, afterMs)));
      timers.push(setTimeout(() => settle(null), giveUpAfterMs));
      for (const timer of timers) timer.unref();
    });
  }

  /** Takes the answer to a question of ours, from whom was asked; false where the bytes are none. */
  receive(bytes: Buffer, address: string, port: number): boolean {
    const answer = readBindingResponse(bytes);
    if (answer === null) return false;
    const question = this.#questions.get(answer.transactionId.toString('hex'));
    if (question?.address !== address || question.port !== port) return false;
    // An error is an answer as well: somebody is there.
    question.settle(answer);
    return true;
  }

  /** Leaves every question without an answer. */
  close(): void {
    for (const question of [...this.#questions.values()]) question.settle(null);
  }
}
