/**
 * Sends every SIP message to a collector as it passes. A collector that is away, slow or nowhere costs nothing: datagrams are
 * handed to the system and not asked after, and while its name leads nowhere, or the system takes no more, they are left out.
 */
import { createSocket, type Socket } from 'node:dgram';
import { lookup } from 'node:dns/promises';
import { isIP, isIPv6 } from 'node:net';
import type { Clock, Timer } from '../domain/clock.js';
import { formatHep, type HepAgent } from './hep.js';
import type { Redact } from './redact-message.js';
import { headOf, identityOf, type SeenMessage } from './traced-message.js';

export interface HepSenderOptions extends HepAgent {
  readonly host: string;
  readonly port: number;
  /** Null: messages go as they are, with their secrets. */
  readonly redact: Redact | null;
  readonly clock: Clock;
  /** Microseconds since the epoch. */
  readonly nowUs: () => number;
}

export interface HepFigures {
  readonly sent: number;
  /** Too long for a datagram, or not taken by the system. */
  readonly dropped: number;
}

/** A name is looked up so often. */
const lookupMs = 60_000;
/** Datagrams that the system has not taken yet. */
const maxWaiting = 1000;

export class HepSender {
  readonly #options: HepSenderOptions;
  #socket: Socket | null = null;
  #address: string | null = null;
  #lookup: Timer | null = null;
  #waiting = 0;
  #sent = 0;
  #dropped = 0;
  #isClosed = false;

  constructor(options: HepSenderOptions) {
    this.#options = options;
  }

  get figures(): HepFigures {
    return { sent: this.#sent, dropped: this.#dropped };
  }

  start(): void {
    void this.#find();
  }

  /** Never throws. */
  seen(message: SeenMessage): void {
    const { redact, nowUs } = this.#options;
    const socket = this.#socket;
    const address = this.#address;
    if (socket === null || address === null || this.#waiting >= maxWaiting) {
      this.#dropped += 1;
      return;
    }
    const callId = identityOf(headOf(message.bytes.toString('latin1')))?.callId ?? '';
    const bytes = redact === null ? message.bytes : redact(message.bytes);
    const datagram = formatHep({ ...message, bytes, atUs: nowUs() }, callId, this.#options);
    if (datagram === null) {
      this.#dropped += 1;
      return;
    }
    this.#waiting += 1;
    socket.send(datagram, this.#options.port, address, (error) => {
      this.#waiting -= 1;
      if (error) this.#dropped += 1;
      else this.#sent += 1;
    });
  }

  close(): void {
    this.#isClosed = true;
    this.#lookup?.cancel();
    this.#socket?.close();
    this.#socket = null;
  }

  async #find(): Promise<void> {
    const { host, clock } = this.#options;
    const found = isIP(host) === 0 ? await lookup(host).catch(() => null) : { address: host };
    if (this.#isClosed) return;
    if (found !== null) this.#use(found.address);
    if (isIP(host) === 0) this.#lookup = clock.after(lookupMs, () => void this.#find());
  }

  #use(address: string): void {
    const isOther = this.#address === null || isIPv6(this.#address) !== isIPv6(address);
    this.#address = address;
    if (!isOther) return;
    this.#socket?.close();
    this.#socket = createSocket(isIPv6(address) ? 'udp6' : 'udp4');
    // Nobody is there: that is the collector's business.
    this.#socket.on('error', () => undefined);
    this.#socket.unref();
  }
}
