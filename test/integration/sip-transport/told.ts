/** What a SIP transport tells, for tests of transports. */
import type { SipMessage } from '../../../src/sip-server/message/message.js';
import type { Flow } from '../../../src/sip-server/transport/flow.js';
import type { Transport } from '../../../src/sip-server/transport/transport.js';
import { within } from '../../support/wait-for.js';

export function options(callId: string, extra = ''): string {
  return (
    `OPTIONS sip:x SIP/2.0\r\nVia: SIP/2.0/TCP 10.0.0.1;branch=z9hG4bK1;rport\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:b@b>\r\n` +
    `Call-ID: ${callId}\r\nCSeq: 1 OPTIONS\r\n${extra}Content-Length: 0\r\n\r\n`
  );
}

/** Writes down everything a transport tells, and waits for what has been told or will be. */
export class Told {
  readonly messages: { message: SipMessage; flow: Flow; raw: Buffer }[] = [];
  readonly malformed: { reason: string; flow: Flow; answered: boolean; status: number }[] = [];
  readonly closed: Flow[] = [];
  #waiting: (() => void)[] = [];

  constructor(transport: Transport) {
    transport.onMessage((message, flow, raw) => this.#note(() => this.messages.push({ message, flow, raw })));
    transport.onMalformed((reason, flow, answerable, status) =>
      this.#note(() => this.malformed.push({ reason, flow, answered: answerable !== undefined, status })),
    );
    transport.onFlowClosed((flow) => this.#note(() => this.closed.push(flow)));
  }

  async until(fact: () => boolean): Promise<void> {
    while (!fact()) await within('a fact', new Promise<void>((resolve) => this.#waiting.push(resolve)));
  }

  #note(add: () => void): void {
    add();
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}
