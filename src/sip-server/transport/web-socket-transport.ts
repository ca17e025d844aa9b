/** SIP over WebSocket (RFC 7118). */
import { randomUUID } from 'node:crypto';
import type { RawData, WebSocket } from 'ws';
import { defaultParseLimits } from '../message/parse-message.js';
import type { Flow } from './flow.js';
import { plainAddress, sendCounted, type Inbox, type InboxOptions } from './inbox.js';
import { ReceivingTransport } from './receiving-transport.js';
import type { Transport, TransportStats } from './transport.js';

export interface WebSocketTransportOptions extends InboxOptions {
  /** Open connections; more are closed with 1013. Default 4,096. */
  readonly maxConnections?: number;
  /** Open connections from one address. Default 1,024: a proxy that hides its callers' addresses, or an office, may have many. */
  readonly maxConnectionsPerAddress?: number;
  /** A connection that brought no SIP message by then is closed with 1008. Default 300,000 ms: a page may connect before its user calls. */
  readonly firstMessageTimeoutMs?: number;
  /** Every connection is pinged this often, and terminated if the ping before was not answered. Default 30,000 ms. */
  readonly pingIntervalMs?: number;
}

export interface WebSocketPeer {
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly localAddress: string;
  readonly localPort: number;
  /** True when TLS ended here or at a proxy in front. Default false. */
  readonly secure?: boolean;
}

const readyStateOpen = 1;
const protocolError = 1002;
const policyViolation = 1008;
const messageTooBig = 1009;
const tryAgainLater = 1013;
const goingAway = 1001;

/** Bytes waiting to be sent to a peer that does not read; then it is terminated. */
const maxBufferedBytes = 1_048_576;

/** SIP over WebSocket (RFC 7118): one frame a message. Upgrading is the HTTP server's work; it brings the sockets here. */
export class WebSocketTransport extends ReceivingTransport implements Transport {
  readonly protocol = 'ws';
  readonly boundAddress = undefined;
  readonly #maxConnections: number;
  readonly #maxConnectionsPerAddress: number;
  readonly #firstMessageTimeoutMs: number;
  readonly #maxMessageBytes: number;
  readonly #connectionsOf = new Map<string, number>();
  readonly #flows = new Set<WebSocketFlow>();
  readonly #pingTimer: NodeJS.Timeout;
  #closed = false;

  constructor(options: WebSocketTransportOptions = {}) {
    super(options);
    this.#maxConnections = options.maxConnections ?? 4_096;
    this.#maxConnectionsPerAddress = options.maxConnectionsPerAddress ?? 1_024;
    this.#firstMessageTimeoutMs = options.firstMessageTimeoutMs ?? 300_000;
    this.#maxMessageBytes = options.limits?.maxMessageBytes ?? defaultParseLimits.maxMessageBytes;
    this.#pingTimer = setInterval(() => this.#pingAll(), options.pingIntervalMs ?? 30_000);
    this.#pingTimer.unref();
  }

  /**
   * Takes an upgraded socket whose subprotocol is `sip`. Anything else is closed with 1002 (RFC 7118 §4.1), and one too
   * many with 1013; then there is no flow.
   */
  accept(socket: WebSocket, peer: WebSocketPeer): Flow | null {
    const refusal =
      socket.protocol !== 'sip'
        ? protocolError
        : this.#closed || this.#isFull(plainAddress(peer.remoteAddress))
          ? tryAgainLater
          : undefined;
    socket.on('error', () => {});
    if (refusal !== undefined || socket.readyState !== readyStateOpen) {
      this.inbox.counters.connectionsRefused += 1;
      socket.close(refusal);
      return null;
    }
    const flow = new WebSocketFlow(socket, peer, this.inbox);
    this.#flows.add(flow);
    this.#connectionsOf.set(flow.remoteAddress, (this.#connectionsOf.get(flow.remoteAddress) ?? 0) + 1);
    this.inbox.counters.connectionsOpened += 1;
    flow.closeUnlessHeard(this.#firstMessageTimeoutMs);
    socket.on('message', (data) => this.#receive(bytesOf(data), flow));
    socket.on('pong', () => (flow.answeredPing = true));
    socket.on('close', () => this.#forget(flow));
    return flow;
  }

  /** A browser cannot be dialled: the flow is the open one from that address and port, or the promise rejects. */
  connect(host: string, port: number): Promise<Flow> {
    for (const flow of this.#flows) {
      if (flow.remoteAddress === host && flow.remotePort === port && flow.isOpen)
        return Promise.resolve(flow);
    }
    return Promise.reject(new Error(`no WebSocket from ${host}:${port} is open`));
  }

  stats(): TransportStats {
    return { ...this.inbox.counters, connectionsOpen: this.#flows.size };
  }

  close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#pingTimer);
    for (const flow of [...this.#flows]) {
      flow.close();
      this.#forget(flow);
    }
    return Promise.resolve();
  }

  #isFull(address: string): boolean {
    const ofAddress = this.#connectionsOf.get(address) ?? 0;
    return this.#flows.size >= this.#maxConnections || ofAddress >= this.#maxConnectionsPerAddress;
  }

  #forget(flow: WebSocketFlow): void {
    if (!this.#flows.delete(flow)) return;
    flow.heard();
    const left = (this.#connectionsOf.get(flow.remoteAddress) ?? 1) - 1;
    if (left > 0) this.#connectionsOf.set(flow.remoteAddress, left);
    else this.#connectionsOf.delete(flow.remoteAddress);
    this.inbox.flowClosed(flow);
  }

  #receive(bytes: Buffer, flow: WebSocketFlow): void {
    const { counters } = this.inbox;
    counters.bytesReceived += bytes.length;
    if (bytes.length <= 4 && bytes.every((byte) => byte === 13 || byte === 10)) {
      counters.keepAlives += 1;
      // RFC 5626 §4.4.1 in WebSocket frames, which SIP.js and JsSIP use; a lone CRLF is itself an answer.
      if (bytes.length === 4) flow.sendPong();
    } else if (bytes.length > this.#maxMessageBytes) {
      counters.malformed += 1;
      flow.closeWith(messageTooBig);
    } else if (this.inbox.receive(bytes, flow)) flow.heard();
  }

  #pingAll(): void {
    for (const flow of this.#flows) {
      if (flow.answeredPing) flow.ping();
      else {
        this.inbox.counters.connectionsDropped += 1;
        flow.terminate();
      }
    }
  }
}

class WebSocketFlow implements Flow {
  readonly id = randomUUID();
  readonly protocol: 'ws' | 'wss';
  readonly reliable = true;
  readonly localAddress: string;
  readonly localPort: number;
  readonly remoteAddress: string;
  readonly remotePort: number;
  answeredPing = true;
  readonly #socket: WebSocket;
  readonly #inbox: Inbox;
  #silence: NodeJS.Timeout | undefined;

  constructor(socket: WebSocket, peer: WebSocketPeer, inbox: Inbox) {
    this.#socket = socket;
    this.#inbox = inbox;
    this.protocol = peer.secure === true ? 'wss' : 'ws';
    this.localAddress = plainAddress(peer.localAddress);
    this.localPort = peer.localPort;
    this.remoteAddress = plainAddress(peer.remoteAddress);
    this.remotePort = peer.remotePort;
  }

  get isOpen(): boolean {
    return this.#socket.readyState === readyStateOpen;
  }

  async send(bytes: Buffer): Promise<void> {
    const { counters } = this.#inbox;
    if (!this.isOpen) {
      counters.sendErrors += 1;
      throw new Error('the WebSocket is closed');
    }
    if (this.#socket.bufferedAmount + bytes.length > maxBufferedBytes) {
      counters.sendErrors += 1;
      counters.connectionsDropped += 1;
      this.terminate();
      throw new Error('the peer does not read from its WebSocket');
    }
    // A text frame: browsers get it as a string, and SIP is UTF-8 (RFC 7118 §4.2).
    await sendCounted(counters, bytes, (done) => this.#socket.send(bytes, { binary: false }, done));
  }

  closeUnlessHeard(delayMs: number): void {
    this.#silence = setTimeout(() => {
      this.#inbox.counters.connectionsDropped += 1;
      this.closeWith(policyViolation);
    }, delayMs);
    this.#silence.unref();
  }

  /** A SIP message came, or none is waited for any more. */
  heard(): void {
    clearTimeout(this.#silence);
  }

  sendPong(): void {
    if (this.isOpen && this.#socket.bufferedAmount < maxBufferedBytes) this.#socket.send('\r\n', () => {});
  }

  ping(): void {
    this.answeredPing = false;
    if (this.isOpen) this.#socket.ping(() => {});
  }

  close(): void {
    this.#socket.close(goingAway);
  }

  closeWith(code: number): void {
    this.#socket.close(code);
  }

  terminate(): void {
    this.#socket.terminate();
  }
}

function bytesOf(data: RawData): Buffer {
  if (Buffer.isBuffer(data)) return data;
  return Array.isArray(data) ? Buffer.concat(data) : Buffer.from(data);
}
