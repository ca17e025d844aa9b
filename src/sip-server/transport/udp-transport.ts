/** SIP over UDP: one socket for everybody. */
import { once } from 'node:events';
import { randomUUID } from 'node:crypto';
import { createSocket, type Socket } from 'node:dgram';
import { lookup as lookUpName, type LookupOneOptions, type LookupOptions } from 'node:dns';
import { lookup } from 'node:dns/promises';
import { isIP, isIPv4, isIPv6 } from 'node:net';
import type { DatagramPings, Flow } from './flow.js';
import { plainAddress, sendCounted } from './inbox.js';
import { ReceivingTransport, type ReceivingTransportOptions } from './receiving-transport.js';
import { answerStun } from './stun.js';
import { StunClient } from './stun-client.js';
import type { BoundAddress, ListeningTransport, TappedFlow, TransportStats } from './transport.js';
import { WaitingDatagrams } from './waiting-datagrams.js';

export interface UdpTransportOptions extends ReceivingTransportOptions {
  /** Peers remembered with their flow, oldest forgotten first; a forgotten flow still sends. Default 10,000. */
  readonly maxFlows?: number;
  /** Datagrams of strangers that wait to be read, in each of two queues. Default 2,000. */
  readonly maxWaiting?: number | undefined;
  /** The name that an address is counted under. Default: itself. */
  readonly sourceOf?: ((address: string) => string) | undefined;
  /** Bound to `::` it takes no IPv4. Default false. */
  readonly ipv6Only?: boolean;
}

/** Kernel buffer asked for in each direction: a burst of calls must not be lost. */
const socketBufferBytes = 1_048_576;

const breaks = Buffer.from('\r\n\r\n');

/** SIP over UDP (RFC 3261 §18): one socket, one datagram a message. */
export class UdpTransport extends ReceivingTransport implements ListeningTransport {
  readonly protocol = 'udp';
  readonly isIpv6Only: boolean;
  readonly #maxFlows: number;
  readonly #flows = new Map<string, UdpFlow>();
  readonly #waiting: WaitingDatagrams;
  #socket: Socket | undefined;
  #bound: BoundAddress | undefined;
  #isIpv6 = false;
  readonly #stun = new StunClient((...ping) => this.#ping(...ping));

  constructor(options: UdpTransportOptions = {}) {
    super(options);
    this.#maxFlows = options.maxFlows ?? 10_000;
    this.isIpv6Only = options.ipv6Only ?? false;
    this.#waiting = new WaitingDatagrams({
      maxWaiting: options.maxWaiting ?? 2000,
      sourceOf: options.sourceOf ?? ((address) => address),
      read: ({ bytes, address, port }) => this.inbox.receive(bytes, this.#flowTo(address, port)),
      onDropped: (count) => (this.inbox.counters.datagramsDropped += count),
      nowMs: () => performance.now(),
    });
  }

  get boundAddress(): BoundAddress | undefined {
    return this.#bound;
  }

  async listen(host: string, port: number): Promise<BoundAddress> {
    if (this.#socket) throw new Error('this UDP transport is already listening');
    const type = isIPv6(host) ? 'udp6' : 'udp4';
    const socket = createSocket({ type, ipv6Only: this.isIpv6Only, lookup: lookUp });
    this.#socket = socket;
    try {
      // Without a look-up to wait for, it listens before `bind` returns.
      const listening = once(socket, 'listening');
      socket.bind(port, host);
      await listening;
    } catch (error) {
      this.#socket = undefined;
      socket.close();
      throw error;
    }
    if (this.#socket !== socket) throw new Error('closed while binding');
    socket.on('error', () => (this.inbox.counters.sendErrors += 1));
    socket.on('message', (bytes, { address, port: remotePort }) => this.#receive(bytes, address, remotePort));
    try {
      socket.setRecvBufferSize(socketBufferBytes);
      socket.setSendBufferSize(socketBufferBytes);
    } catch {
      // A system that does not grant it works with what it has.
    }
    const { address, port: boundPort } = socket.address();
    this.#isIpv6 = isIPv6(address);
    this.#bound = { address, port: boundPort };
    return this.#bound;
  }

  async connect(host: string, port: number): Promise<Flow> {
    if (!this.#bound) throw new Error('the UDP transport is not listening');
    const address =
      isIP(host) === 0 ? (await lookup(host, { family: this.#isIpv6 ? 6 : 4 })).address : plainAddress(host);
    return this.#flowTo(address, port);
  }

  stats(): TransportStats {
    return { ...this.inbox.counters };
  }

  async close(): Promise<void> {
    const socket = this.#socket;
    this.#socket = undefined;
    this.#bound = undefined;
    this.#flows.clear();
    this.#waiting.close();
    this.#stun.close();
    if (!socket) return;
    await new Promise<void>((resolve) => socket.close(() => resolve()));
  }

  #receive(bytes: Buffer, address: string, port: number): void {
    const { counters } = this.inbox;
    counters.bytesReceived += bytes.length;
    // Phones hold their NAT binding open with CRLF, zero bytes or nothing at all.
    if (bytes.length <= 4 && bytes.every((byte) => byte === 0 || byte === 13 || byte === 10)) {
      counters.keepAlives += 1;
      return;
    }
    // A source port of 0 is a forgery: it cannot be answered.
    if (port === 0) {
      counters.malformed += 1;
      return;
    }
    // SIP begins with a letter, STUN with two bits that are zero (RFC 5626 §4.4.2).
    if (bytes.length > 0 && (bytes[0] ?? 0) < 0x40) {
      if (this.#stun.receive(bytes, plainAddress(address), port)) return;
      if (this.#answerStun(bytes, address, port)) return;
    }
    const plain = plainAddress(address);
    const isIgnored = this.inbox.isIgnored?.(plain) === true;
    const precedence = isIgnored ? 'at-once' : (this.inbox.precedenceOf?.(bytes, plain) ?? 'at-once');
    if (precedence === 'at-once') this.inbox.receive(bytes, this.#flowTo(address, port));
    else this.#waiting.add({ bytes, address: plain, port }, precedence);
  }

  #answerStun(bytes: Buffer, address: string, port: number): boolean {
    const plain = plainAddress(address);
    const answer = answerStun(bytes, plain, port);
    if (answer === null) return false;
    this.inbox.counters.keepAlives += 1;
    if (this.inbox.isIgnored?.(plain) !== true) this.#socket?.send(answer, port, address);
    return true;
  }

  #flowTo(remoteAddress: string, remotePort: number): UdpFlow {
    const address = plainAddress(remoteAddress);
    const key = `${address} ${remotePort}`;
    const known = this.#flows.get(key);
    if (known) return known;
    if (this.#flows.size >= this.#maxFlows) {
      for (const oldest of this.#flows.keys()) {
        this.#flows.delete(oldest);
        break;
      }
    }
    const flow = new UdpFlow(this.#bound ?? { address: '', port: 0 }, address, remotePort, {
      listener: this.listener,
      isOpen: () => this.#bound !== undefined,
      send: (bytes) => this.#send(bytes, address, remotePort),
      sendBreaks: () => this.#ping(breaks, address, remotePort),
      ask: async () => (await this.#stun.ask(address, remotePort))?.seenAs ?? null,
    });
    this.#flows.set(key, flow);
    return flow;
  }

  /** No message, so that nobody sees or counts it as one. */
  async #ping(bytes: Buffer, address: string, port: number): Promise<void> {
    const socket = this.#socket;
    if (!socket) throw new Error('the UDP transport is closed');
    await new Promise<void>((resolve, reject) => {
      socket.send(bytes, port, this.#asSocketTakes(address), (error) => {
        if (error === null) resolve();
        else reject(error);
      });
    });
    this.inbox.counters.bytesSent += bytes.length;
  }

  /** Both ends of a datagram that goes to that address, or came from it. */
  #ends(remoteAddress: string, remotePort: number): TappedFlow {
    const { address: localAddress = '', port: localPort = 0 } = this.#bound ?? {};
    return { protocol: 'udp', localAddress, localPort, remoteAddress, remotePort };
  }

  /** A socket of IPv6 knows IPv4 addresses in the form that they have within IPv6 (RFC 4291 §2.5.5.2). */
  #asSocketTakes(address: string): string {
    return this.#isIpv6 && isIPv4(address) ? `::ffff:${address}` : address;
  }

  #send(bytes: Buffer, address: string, port: number): Promise<void> {
    const socket = this.#socket;
    if (!socket) return Promise.reject(new Error('the UDP transport is closed'));
    this.inbox.tap?.('out', bytes, this.#ends(address, port));
    return sendCounted(this.inbox.counters, bytes, (done) =>
      socket.send(bytes, port, this.#asSocketTakes(address), done),
    );
  }
}

/** Node would look every destination up, a turn of the event loop for each message: nearly all are addresses already. */
function lookUp(
  host: string,
  options: number | LookupOptions,
  done: (error: NodeJS.ErrnoException | null, address: string, family: number) => void,
): void {
  const family = isIP(host);
  if (family !== 0) done(null, host, family);
  else lookUpName(host, options as LookupOneOptions, done);
}

interface UdpSender extends DatagramPings {
  readonly listener: number | undefined;
  isOpen(): boolean;
  send(bytes: Buffer): Promise<void>;
}

class UdpFlow implements Flow {
  readonly id = randomUUID();
  readonly protocol = 'udp';
  readonly reliable = false;
  readonly localAddress: string;
  readonly localPort: number;
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly listener: number | undefined;
  readonly pings: DatagramPings;
  readonly #sender: UdpSender;

  constructor(local: BoundAddress, remoteAddress: string, remotePort: number, sender: UdpSender) {
    this.localAddress = local.address;
    this.localPort = local.port;
    this.remoteAddress = remoteAddress;
    this.remotePort = remotePort;
    this.listener = sender.listener;
    this.#sender = sender;
    this.pings = sender;
  }

  get isOpen(): boolean {
    return this.#sender.isOpen();
  }

  send(bytes: Buffer): Promise<void> {
    return this.#sender.send(bytes);
  }

  /** Nothing to close: the socket is everybody's. */
  close(): void {}
}
