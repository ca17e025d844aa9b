/**
 * Finds out whether a drachtio-server still hears SIP and tells us of it: probes it for as long as it is connected. Deaf is
 * only a server that was heard at an address before; where no probe ever came back it may be that its SIP cannot be reached from
 * here, which is said once. Where other gateways share the server, a lost probe may have been lost by one of them, and where
 * it tells us of requests meanwhile, in a flood of them or on the way: then its admin connection must be silent, too.
 */
import type { Clock, Timer } from '../../domain/clock.js';
import type { Logger } from '../../domain/logger.js';
import { nextHearing, type Hearing, type HearingInput } from './hearing.js';
import { formatSipAddress, type SipAddress } from './host-ports.js';
import { ServerProbe } from './server-probe.js';

export interface HearingWatchOptions {
  readonly probeMs: number;
  /** So many probes lost in a row make a server deaf. */
  readonly failures: number;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Whether it answers on its admin connection; settles within the time of a probe. */
  readonly isAnswering: () => Promise<boolean>;
  /** The server is deaf, or still is after as many probes more. */
  readonly onDeaf: () => void;
}

export class HearingWatch {
  readonly #options: HearingWatchOptions;
  #hearing: Hearing = 'unproven';
  /** The address where a probe came back. */
  #proven: string | null = null;
  #addresses: readonly SipAddress[] = [];
  /** Null while it is stopped, and while another address is about to be tried. */
  #probe: ServerProbe | null = null;
  #timer: Timer | null = null;
  #isStopped = true;
  #failuresInRow = 0;
  #probesFailed = 0;
  /** Another application answered a probe once: it may take others. */
  #isShared = false;
  /** A request came through the server since the first of the lost probes in a row. */
  #isTold = false;

  constructor(options: HearingWatchOptions) {
    this.#options = options;
  }

  /** Until a probe has come back. */
  get isDeaf(): boolean {
    return this.#hearing === 'deaf';
  }

  get probesFailed(): number {
    return this.#probesFailed;
  }

  /** With a new connection. The addresses are tried in turn until one has proved itself. */
  start(addresses: readonly SipAddress[]): void {
    this.stop();
    this.#isStopped = false;
    this.#failuresInRow = 0;
    const proven = addresses.filter((address) => formatSipAddress(address) === this.#proven);
    this.#addresses = proven.length > 0 ? proven : addresses;
    // At its new address it is as unknown as any other.
    if (proven.length === 0 && this.#proven !== null) {
      this.#proven = null;
      this.#step('moved');
    }
    if (addresses.length === 0) this.#step('lost');
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
    this.#failuresInRow = 0;
    const name = formatSipAddress(address);
    if (this.#proven !== name)
      this.#options.logger.debug({ address: name }, 'a probe came back: drachtio-server hears');
    this.#proven = name;
    this.#step('heard');
  }

  async #failed(probe: ServerProbe, address: SipAddress): Promise<void> {
    if (this.#probe !== probe) return;
    this.#failuresInRow += 1;
    this.#probesFailed += 1;
    if (this.#failuresInRow === 1) this.#isTold = false;
    if (this.#failuresInRow < this.#options.failures) return;
    this.#failuresInRow = 0;
    if (this.#proven === formatSipAddress(address)) await this.#silent(probe);
    else this.#tryNext();
  }

  /** No probe comes back any more from where the server was heard before. */
  async #silent(probe: ServerProbe): Promise<void> {
    if ((this.#isShared || this.#isTold) && (await this.#options.isAnswering())) {
      // Probes of a shared server go astray all the time.
      if (!this.#isShared) this.#step('ignored');
      return;
    }
    if (this.#probe !== probe) return;
    this.#step('lost');
    this.#options.onDeaf();
  }

  /** The next address in turn, with a socket of its own. */
  #tryNext(): void {
    const [tried, ...others] = this.#addresses;
    if (tried !== undefined) this.#addresses = [...others, tried];
    this.#probe?.close();
    this.#probe = null;
    this.#step('lost');
  }

  #step(input: HearingInput): void {
    const before = this.#hearing;
    this.#hearing = nextHearing(before, input);
    if (this.#hearing !== before) this.#tell(before);
  }

  /** Says what is new, once until it changes. */
  #tell(before: Hearing): void {
    const { logger, failures } = this.#options;
    const addresses = this.#addresses.map(formatSipAddress);
    switch (this.#hearing) {
      case 'hears':
        if (before === 'deaf') logger.info({}, 'drachtio-server hears again');
        break;
      case 'deaf':
        logger.error(
          { addresses, probes: failures },
          'drachtio-server is deaf: our probes do not come back; it is connected to anew',
        );
        break;
      case 'lossy':
        logger.warn(
          { addresses },
          'probes over SIP are lost though drachtio-server hears: it is flooded, or must be restarted if this goes on',
        );
        break;
      case 'unreachable':
        logger.warn(
          { addresses },
          'no probe over SIP comes back from drachtio-server: whether it is deaf cannot be told from here',
        );
        break;
      case 'unproven':
    }
  }
}
