/** A SIP flow without a socket, for unit tests of the SIP server. */
import { parseMessage } from '../../src/sip-server/index.js';
import type {
  Flow,
  SipMessage,
  SipRequest,
  SipResponse,
  TransportProtocol,
} from '../../src/sip-server/index.js';

/** A flow that keeps what is sent, and fails or closes when told to. */
export class RecordedFlow implements Flow {
  readonly id: string;
  readonly protocol: TransportProtocol;
  readonly reliable: boolean;
  readonly localAddress = '127.0.0.1';
  readonly localPort = 5060;
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly sent: Buffer[] = [];
  isOpen = true;
  fails = false;

  constructor(protocol: TransportProtocol = 'udp', remoteAddress = '127.0.0.1', remotePort = 5070) {
    this.protocol = protocol;
    this.reliable = protocol !== 'udp';
    this.remoteAddress = remoteAddress;
    this.remotePort = remotePort;
    this.id = `${protocol} ${remoteAddress} ${remotePort}`;
  }

  send(bytes: Buffer): Promise<void> {
    if (this.fails || !this.isOpen) return Promise.reject(new Error('unreachable'));
    this.sent.push(bytes);
    return Promise.resolve();
  }

  close(): void {
    this.isOpen = false;
  }

  get messages(): SipMessage[] {
    return this.sent.map((bytes) => {
      const result = parseMessage(bytes);
      if (!result.ok) throw new Error(`${result.reason}: ${bytes.toString()}`);
      return result.message;
    });
  }

  get requests(): SipRequest[] {
    return this.messages.filter((message): message is SipRequest => message.kind === 'request');
  }

  get responses(): SipResponse[] {
    return this.messages.filter((message): message is SipResponse => message.kind === 'response');
  }

  /** `100 200 BYE`: statuses and methods in the order sent. */
  get summary(): string {
    return this.messages
      .map((message) => (message.kind === 'request' ? message.method : message.status))
      .join(' ');
  }
}
