/** SIP over WebSocket (RFC 7118). */
import { randomUUID } from 'node:crypto';
import type { RawData, WebSocket } from 'ws';
import { defaultParseLimits } from '../message/parse-message.js';
import { BackPressure } from './back-pressure.js';
import { ConnectionRoom, type RoomLimits } from './connection-room.js';
import type { Flow } from './flow.js';
import { plainAddress, sendCounted, type Inbox, type InboxOptions } from './inbox.js';
import { ReceivingTransport } from './receiving-transport.js';
import type { Transport, TransportStats } from './transport.js';

export interface WebSocketTransportOptions extends InboxOptions, Partial<RoomLimits> {
  /** Open connections; where more come, those go, with 1013, that have come to nothing (`ConnectionRoom`). Default 4,096. */
  readonly maxConnections?: number;
  /** Open connections of one source. Default 1,024: a proxy that hides its callers' addresses, or an office, may have many. */
  readonly maxConnectionsPerAddress?: number;
  /** A connection that brought no SIP message by then is closed with 1008, keep-alives or not. Default 30,000 ms. */
  readonly firstMessageTimeoutMs?: number;
  /** A peer that takes nothing of what it is sent for this long is cut off. Default 30,000 ms. */
  readonly stalledMs?: number;
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

/** Keep-alives that come faster are not answered: many fit into one packet, and each would cost one of ours. */
const pongIntervalMs = 1000;
/** Bytes waiting to be sent to a peer that does not read; then it is terminated. */
const maxBufferedBytes = 1_048_576;

/** SIP over WebSocket (RFC 7118): one frame a message. Upgrading is the HTTP server's work; it brings the sockets here. */
export class WebSocketTransport extends ReceivingTransport implements Transport {
  readonly protocol = 'ws';
  readonly boundAddress = undefined;
  readonly #firstMessageTimeoutMs: number;
  readonly #stalledMs: number;
  readonly #maxMessageBytes: number;
  readonly #flows = new Map<WebSocket, WebSocketFlow>();
  readonly #room: ConnectionRoom<WebSocketFlow>;
  readonly #pingTimer: NodeJS.Timeout;
  #closed = false;

  constructor(options: WebSocketTransportOptions = {}) {
    super(options);
    this.#firstMessageTimeoutMs = options.firstMessageTimeoutMs ?? 30_000;
    this.#stalledMs = options.stalledMs ?? 30_000;
    this.#maxMessageBytes = options.limits?.maxMessageBytes ?? defaultParseLimits.maxMessageBytes;
    this.#room = new ConnectionRoom({
      maxConnections: options.maxConnections ?? 4_096,
      maxConnectionsPerAddress: options.maxConnectionsPerAddress ?? 1_024,
      sourceOf: options.sourceOf,
      standingOf: (flow) => this.inbox.standingOf(flow),
      evict: (flow) => flow.makeRoom(),
    });
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
        : this.inbox.isIgnored?.(plainAddress(peer.remoteAddress)) === true
          ? policyViolation
          : this.#closed || !this.#room.makeRoom(plainAddress(peer.remoteAddress))
            ? tryAgainLater
            : undefined;
    socket.on('error', () => {});
    if (refusal !== undefined || socket.readyState !== readyStateOpen) {
      this.inbox.counters.connectionsRefused += 1;
      socket.close(refusal);
      return null;
    }
    const flow = new WebSocketFlow(socket, peer, this.inbox, this.#stalledMs);
    this.#flows.set(socket, flow);
    this.#room.add(flow, flow.remoteAddress);
    this.inbox.counters.connectionsOpened += 1;
    flow.closeUnlessHeard(this.#firstMessageTimeoutMs);
    socket.on('message', (data) => this.#receive(bytesOf(data), flow));
    socket.on('pong', () => (flow.answeredPing = true));
    socket.on('close', () => this.#forget(socket, flow));
    return flow;
  }

  /** Nothing that came by the socket was accepted, or it is closed: whoever needs room may cut it off. */
  isPassive(socket: WebSocket): boolean {
    const flow = this.#flows.get(socket);
    return flow === undefined || this.inbox.standingOf(flow) === 'stranger';
  }

  /** A browser cannot be dialled: the flow is the open one from that address and port, or the promise rejects. */
  connect(host: string, port: number): Promise<Flow> {
    for (const flow of this.#flows.values()) {
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
    for (const [socket, flow] of [...this.#flows]) {
      flow.close();
      this.#forget(socket, flow);
    }
    return Promise.resolve();
  }

  #forget(socket: WebSocket, flow: WebSocketFlow): void {
    if (!this.#flows.delete(socket)) return;
    flow.closed();
    this.#room.remove(flow);
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
    } else if (this.inbox.receive(bytes, flow)) {
      flow.heard();
      this.#room.heard(flow);
    }
  }

  #pingAll(): void {
    for (const flow of this.#flows.values()) {
      if (flow.answeredPing) flow.ping();
      else flow.drop();
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
  readonly #pressure: BackPressure;
  #silence: NodeJS.Timeout | undefined;
  #pongAtMs = -Infinity;

  constructor(socket: WebSocket, peer: WebSocketPeer, inbox: Inbox, stalledMs: number) {
    this.#socket = socket;
    this.#inbox = inbox;
    this.#pressure = new BackPressure(
      {
        get waitingBytes() {
          return socket.bufferedAmount;
        },
        pause: () => socket.pause(),
        resume: () => socket.resume(),
        drop: () => this.drop(),
      },
      stalledMs,
    );
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
      this.drop();
      throw new Error('the peer does not read from its WebSocket');
    }
    this.#inbox.tap?.('out', bytes, this);
    // A text frame: browsers get it as a string, and SIP is UTF-8 (RFC 7118 §4.2).
    await sendCounted(counters, bytes, (done) => this.#write(bytes, done));
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
    const nowMs = performance.now();
    if (nowMs - this.#pongAtMs < pongIntervalMs) return;
    this.#pongAtMs = nowMs;
    if (this.isOpen && this.#socket.bufferedAmount < maxBufferedBytes) this.#write('\r\n', () => {});
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

  /** Tells the peer to come again later, and does not wait for it to close its side. */
  makeRoom(): void {
    this.#socket.close(tryAgainLater);
    this.drop();
  }

  /** Cuts the peer off, and counts that. */
  drop(): void {
    this.#inbox.counters.connectionsDropped += 1;
    this.#socket.terminate();
  }

  /** The socket is closed: ends what waits for it. */
  closed(): void {
    this.heard();
    this.#pressure.close();
  }

  #write(message: Buffer | string, done: (error?: Error) => void): void {
    this.#socket.send(message, { binary: false }, (error) => {
      this.#pressure.taken();
      done(error);
    });
    this.#pressure.written();
  }
}

function bytesOf(data: RawData): Buffer {
  if (Buffer.isBuffer(data)) return data;
  return Array.isArray(data) ? Buffer.concat(data) : Buffer.from(data);
}
