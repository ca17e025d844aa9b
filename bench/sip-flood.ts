/** Strangers who send what is of no use at a steady rate, in a process of their own. See sip-flood-process.ts. */
import { ChildQuestions } from './child-questions.js';

/** What they send; each request is another. */
export const floodKinds = {
  invite: 'INVITEs without a token',
  token: 'INVITEs with a forged token',
  tagged: 'INVITEs of no call',
  options: 'OPTIONS',
  register: 'REGISTERs',
  bye: 'BYEs of no call',
  garbage: 'datagrams that are no SIP',
} as const;

export type FloodKind = keyof typeof floodKinds;

export interface SipFloodRequest {
  readonly kind: FloodKind;
  /** The gateway's SIP port on 127.0.0.1. */
  readonly sipPort: number;
  readonly perSecond: number;
  /** How many addresses of loopback they come from, in turn. */
  readonly sources: number;
  readonly seconds: number;
}

export interface SipFloodReport {
  readonly sent: number;
  readonly bytesSent: number;
  /** Whatever came back, of any kind. */
  readonly bytesReceived: number;
}

export class SipFlood {
  readonly #child = new ChildQuestions<SipFloodRequest>(new URL('./sip-flood-process.js', import.meta.url));

  /** Resolves when the time is over and what came back within another second is counted. */
  run(request: SipFloodRequest): Promise<SipFloodReport> {
    return this.#child.ask(request);
  }

  close(): Promise<void> {
    return this.#child.close();
  }
}
