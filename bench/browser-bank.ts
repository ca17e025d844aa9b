/** Browsers and phones of a benchmark, in a process of their own: one clock for both ends of every delay. See browser-bank-process.ts. */
import { ChildQuestions } from './child-questions.js';

export interface OpenedPair {
  /** The browser's offer: one audio section that sends Opus and receives whatever comes. */
  readonly offer: string;
  /** Where the phone listens on 127.0.0.1. */
  readonly phonePort: number;
}

export interface BrowserBankReport {
  /** The delay of every packet of the phones, from its way out to its arrival at the browser, after SRTP. */
  readonly phoneToBrowserMs: readonly number[];
  /** The delay of every burst, from its way out of the browser to its arrival at the phone, less the codec's own delay. */
  readonly browserToPhoneMs: readonly number[];
  /** What Opus itself delays: between a sample's place in the encoder's input and in the decoder's output. */
  readonly codecDelayMs: number;
  /** How late the bank itself was with its packets: beyond a few ms nothing else counts. */
  readonly sendLatenessP95Ms: number;
}

export type BrowserBankQuestion =
  | { readonly do: 'open'; readonly pairs: number }
  /** The gateway's answers, in the order of the offers; resolves when all are connected. */
  | { readonly do: 'connect'; readonly answers: readonly string[] }
  /** The browser's answer to an offer of the gateway. */
  | { readonly do: 'answer'; readonly pair: number }
  /** Both ends of each pair talk from now on, the phones to these ports. */
  | { readonly do: 'talk'; readonly gatewayPorts: readonly number[] }
  /** Replies with what was measured since the last time. */
  | { readonly do: 'report' };

export class BrowserBank {
  readonly #child = new ChildQuestions<BrowserBankQuestion>(
    new URL('./browser-bank-process.js', import.meta.url),
  );

  #pairs = 0;

  /** Opened so far. */
  get pairs(): number {
    return this.#pairs;
  }

  open(pairs: number): Promise<OpenedPair[]> {
    this.#pairs += pairs;
    return this.#child.ask({ do: 'open', pairs });
  }

  connect(answers: readonly string[]): Promise<null> {
    return this.#child.ask({ do: 'connect', answers });
  }

  answer(pair: number): Promise<string> {
    return this.#child.ask({ do: 'answer', pair });
  }

  talk(gatewayPorts: readonly number[]): Promise<null> {
    return this.#child.ask({ do: 'talk', gatewayPorts });
  }

  report(): Promise<BrowserBankReport> {
    return this.#child.ask({ do: 'report' });
  }

  close(): Promise<void> {
    return this.#child.close();
  }
}
