/**
 * Probes a server for as long as it is connected, and tells when it is deaf. Deaf is a server that was heard at an address
 * before; where no probe ever came back it may be that its SIP cannot be reached from here, which is said once. Where other
 * gateways share the server, a lost probe may have been lost by one of them, and where it tells us of requests meanwhile, in
 * a flood of them or on the way: then its admin connection must be silent, too.
 */
import type { Clock, Timer } from '../../domain/clock.js';
import type { Logger } from '../../domain/logger.js';
import type { SipAddress } from './host-ports.js';
import { ServerProbe } from './server-probe.js';

export interface HearingTestOptions {
  readonly probeMs: number;
  readonly failures: number;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Whether it answers on its admin connection; settles within the time of a probe. */
  readonly isAnswering: () => Promise<boolean>;
  /** So many probes in a row were lost. */
  readonly onDeaf: () => void;
}

export class HearingTest {
  readonly #options: HearingTestOptions;
  /** Addresses where a probe came back once. */
  readonly #proven = new Set<string>();
  #addresses: readonly SipAddress[] = [];
  #isStopped = true;
  #probe: ServerProbe | null = null;
  #timer: Timer | null = null;
  #failuresInRow = 0;
  #probesFailed = 0;
  #isDeaf = false;
  #isUnreachableTold = false;
  #isShared = false;
  /** Since the first of the probes in a row that were lost. */
  #isTold = false;
  #isLossTold = false;

  constructor(options: HearingTestOptions) {
    this.#options = options;
  }

  /** Until a probe has come back. */
  get isDeaf(): boolean {
    return this.#isDeaf;
  }

  get probesFailed(): number {
    return this.#probesFailed;
  }

  /** With a new connection. The addresses are tried in turn until one has proved itself. */
  start(addresses: readonly SipAddress[]): void {
    this.stop();
    this.#isStopped = false;
    this.#failuresInRow = 0;
    const proven = addresses.filter((address) => this.#proven.has(nameOf(address)));
    this.#addresses = proven.length > 0 ? proven : addresses;
    // At its new address it is as unknown as any other.
    if (proven.length === 0) this.#isDeaf = false;
    if (addresses.length === 0) this.#tellUnreachable();
    else this.#run();
  }

  /** A request came to us through the server. */
  told(): void {
    this.#isTold = true;
  }

  /** An OPTIONS came to us. */
  heard(callId: string | undefined): void {
    this.#probe?.heard(callId);
  }

  /** With the connection. */
  stop(): void {
    this.#isStopped = true;
    this.#timer?.cancel();
    this.#timer = null;
    this.#probe?.close();
    this.#probe = null;
  }

  #run(): void {
    const [address] = this.#addresses;
    if (address === undefined) return;
    const { clock, probeMs } = this.#options;
    const probe = (this.#probe ??= new ServerProbe({ address, timeoutMs: probeMs, clock }));
    const sentAt = clock.now();
    void probe.send().then(async (result) => {
      if (result === 'failed') await this.#failed(probe, address);
      else if (result === 'heard') this.#succeeded(address);
      else this.#isShared = true;
      // Another connection has a loop of its own.
      if (this.#isStopped || (this.#probe !== null && this.#probe !== probe)) return;
      // Not in step with other gateways: a server that takes turns would give each the other's probes for ever.
      const wait = Math.max(0, sentAt + probeMs * (0.75 + Math.random() / 2) - clock.now());
      this.#timer = clock.after(wait, () => this.#run());
    });
  }

  #succeeded(address: SipAddress): void {
    if (this.#isDeaf) this.#options.logger.info({}, 'drachtio-server hears again');
    this.#isDeaf = false;
    this.#isLossTold = false;
    this.#failuresInRow = 0;
    const name = nameOf(address);
    if (this.#proven.has(name)) return;
    this.#proven.clear();
    this.#proven.add(name);
    this.#options.logger.debug({ address: name }, 'a probe came back: drachtio-server hears');
  }

  async #failed(probe: ServerProbe, address: SipAddress): Promise<void> {
    if (this.#probe !== probe) return;
    this.#failuresInRow += 1;
    this.#probesFailed += 1;
    if (this.#failuresInRow === 1) this.#isTold = false;
    if (this.#failuresInRow < this.#options.failures) return;
    this.#failuresInRow = 0;
    if (this.#proven.has(nameOf(address))) {
      if ((this.#isShared || this.#isTold) && (await this.#options.isAnswering())) {
        if (!this.#isShared) this.#tellLossy(address);
        return;
      }
      if (this.#probe === probe) this.#deaf(address);
      return;
    }
    // The next address in turn, with a socket of its own.
    const [tried, ...others] = this.#addresses;
    if (tried !== undefined) this.#addresses = [...others, tried];
    this.#probe?.close();
    this.#probe = null;
    this.#tellUnreachable();
  }

  #deaf(address: SipAddress): void {
    if (!this.#isDeaf)
      this.#options.logger.error(
        { address: nameOf(address), probes: this.#options.failures },
        'drachtio-server is deaf: our probes do not come back; it is connected to anew',
      );
    this.#isDeaf = true;
    this.#options.onDeaf();
  }

  /** Once until a probe comes back. */
  #tellLossy(address: SipAddress): void {
    if (this.#isLossTold) return;
    this.#isLossTold = true;
    this.#options.logger.warn(
      { address: nameOf(address) },
      'probes over SIP are lost though drachtio-server hears: it is flooded, or must be restarted if this goes on',
    );
  }

  #tellUnreachable(): void {
    if (this.#isUnreachableTold) return;
    this.#isUnreachableTold = true;
    this.#options.logger.warn(
      { addresses: this.#addresses.map(nameOf) },
      'no probe over SIP comes back from drachtio-server: whether it is deaf cannot be told from here',
    );
  }
}

function nameOf({ protocol, host, port }: SipAddress): string {
  return `${protocol}/${host.includes(':') ? `[${host}]` : host}:${String(port)}`;
}
