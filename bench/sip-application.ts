/** Our SIP server with an application that only answers, in a process of their own. See sip-application-process.ts. */
import { ChildQuestions } from './child-questions.js';

export interface SipApplicationFigures {
  readonly udpPort: number;
  readonly tlsPort: number;
  /** User and system, since the start. */
  readonly cpuMs: number;
  /** In use after a collection of garbage. */
  readonly heapBytes: number;
  readonly dialogs: number;
  readonly transactions: number;
}

export class SipApplication {
  readonly #child = new ChildQuestions<object>(new URL('./sip-application-process.js', import.meta.url), [
    '--expose-gc',
  ]);

  /** As they are now; garbage is collected for it. */
  figures(): Promise<SipApplicationFigures> {
    return this.#child.ask({});
  }

  close(): Promise<void> {
    return this.#child.close();
  }
}
