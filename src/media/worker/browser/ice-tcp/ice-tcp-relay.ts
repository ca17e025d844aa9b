/** One TCP connection of a browser: its packets go on to the UDP port of the leg that its first one is for, and back. */
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { isIPv6, type Socket } from 'node:net';
import { type BindingRequest, readBindingRequest } from './binding-request.js';
import { formatFrame, FrameReader } from './frame-reader.js';

/** Where a leg takes UDP. */
export interface UdpTarget {
  readonly address: string;
  readonly port: number;
}

export interface IceTcpRelayOptions {
  readonly socket: Socket;
  /** Whom the first packet is for; null: for nobody. */
  readonly targetOf: (request: BindingRequest, relay: IceTcpRelay) => UdpTarget | null;
  readonly onClosed: (relay: IceTcpRelay) => void;
  readonly limits: IceTcpLimits;
}

export interface IceTcpLimits {
  /** How long a connection may be without a packet that is for somebody. */
  readonly firstPacketMs: number;
  /** How long it may be silent both ways afterwards. */
  readonly idleMs: number;
  /** Octets that wait to be sent: packets beyond are dropped, as UDP drops them. */
  readonly maxWaitingOctets: number;
  /** More packets than this in a second are no browser's: the connection is closed. */
  readonly maxPacketsPerSecond: number;
}

export class IceTcpRelay {
  readonly #options: IceTcpRelayOptions;
  readonly #frames = new FrameReader();
  #udp: UdpSocket | null = null;
  /** What came with the first packet, until UDP is ready. */
  #waiting: Buffer[] | null = [];
  #firstPacketTimer: NodeJS.Timeout | null;
  #secondBeganMs = 0;
  #packetsInSecond = 0;
  #isClosed = false;

  constructor(options: IceTcpRelayOptions) {
    const { socket, limits } = options;
    this.#options = options;
    this.#firstPacketTimer = setTimeout(() => this.close(), limits.firstPacketMs);
    socket.setNoDelay(true);
    socket.setTimeout(limits.idleMs, () => this.close());
    socket.on('data', (chunk) => this.#read(chunk));
    // What it sent may still be under way, but it hears no more.
    socket.on('end', () => this.close());
    socket.on('error', () => this.close());
    socket.on('close', () => this.close());
  }

  #read(chunk: Buffer): void {
    if (this.#isClosed) return;
    if (!this.#frames.read(chunk, (packet) => this.#onPacket(packet))) this.close();
  }

  #onPacket(packet: Buffer): void {
    if (this.#isClosed) return;
    if (this.#exceedsRate()) {
      this.close();
      return;
    }
    if (this.#udp === null && !this.#open(packet)) this.close();
    else if (this.#waiting !== null) this.#waiting.push(packet);
    else this.#udp?.send(packet);
  }

  #exceedsRate(): boolean {
    const nowMs = performance.now();
    if (nowMs - this.#secondBeganMs >= 1000) {
      this.#secondBeganMs = nowMs;
      this.#packetsInSecond = 0;
    }
    return ++this.#packetsInSecond > this.#options.limits.maxPacketsPerSecond;
  }

  /** False where the packet is for nobody. */
  #open(packet: Buffer): boolean {
    const { socket, targetOf } = this.#options;
    const request = readBindingRequest(packet);
    const target = request === null ? null : targetOf(request, this);
    if (target === null) return false;
    if (this.#firstPacketTimer !== null) clearTimeout(this.#firstPacketTimer);
    this.#firstPacketTimer = null;
    const udp = createSocket(isIPv6(target.address) ? 'udp6' : 'udp4');
    this.#udp = udp;
    udp.on('error', () => this.close());
    udp.on('message', (message) => this.#sendBack(message));
    // Connected, so that nobody else on this machine is heard.
    udp.connect(target.port, target.address, (error?: Error) => {
      if (error !== undefined) this.close();
      if (this.#isClosed) return;
      for (const one of this.#waiting ?? []) udp.send(one);
      this.#waiting = null;
      socket.resume();
    });
    socket.pause();
    return true;
  }

  #sendBack(packet: Buffer): void {
    const { socket, limits } = this.#options;
    if (this.#isClosed || socket.writableLength > limits.maxWaitingOctets) return;
    socket.write(formatFrame(packet));
  }

  /** Idempotent. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    if (this.#firstPacketTimer !== null) clearTimeout(this.#firstPacketTimer);
    this.#options.socket.destroy();
    this.#udp?.close();
    this.#options.onClosed(this);
  }
}
