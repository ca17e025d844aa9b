/**
 * The connection to one SIP server, the embedded one or a drachtio-server, and the calls that came over it.
 *
 *     connecting --accepted--> connected --lost, deaf--> waiting --time--> connecting
 *     connecting --refused, unreachable--> waiting          any state --close--> closed
 *
 * A drachtio-server outlives the connection with its dialogs, but passes on nothing more of what their phones ask; what we
 * ask still arrives. So calls go on without it for a while, and when it is back they are hung up over the new connection.
 */
import { connect, type Socket } from 'node:net';
import type { Clock, Timer } from '../../domain/clock.js';
import type { Logger } from '../../domain/logger.js';
import type { Outcome } from '../../domain/outcome.js';
import { formatHostPort } from '../../domain/host-port.js';
import { AdminChannel } from './admin-channel.js';
import { HearingWatch } from './hearing-watch.js';
import { parseHostPorts, probeAddresses, type SipAddress } from './host-ports.js';
import type { QuickAck } from './quick-ack.js';
import type { ServerTraits } from './server-traits.js';
import {
  forgetInvite,
  SecretRefused,
  SrfOverSockets,
  type Srf,
  type SrfRequest,
  type SrfResponse,
} from './srf.js';
import type { TrunkReply, TrunkRequest } from './trunk-requests.js';

export interface SipServerAddress {
  readonly host: string;
  readonly port: number;
  readonly secret: string;
  /** Where it is in this process: a connection to it that is open already. Default one over TCP. */
  readonly connect?: () => Socket;
}

/** How a server is dealt with that goes away and comes back. */
export interface LinkSettings {
  readonly longestRetryMs: number;
  /** Calls outlive a lost connection so long. */
  readonly graceMs: number;
  /** 0: never. */
  readonly probeMs: number;
  /** Probes lost in a row that make a server deaf. */
  readonly probeFailures: number;
}

/** A call that came over the link. */
export interface LinkedCall {
  /** Runs it up to its answer or refusal. Never rejects. */
  run(): Promise<void>;
  /** The gateway ends it. */
  terminate(outcome: Outcome): void;
  /** The connection is gone; an answered call may live on without it for `graceMs`. */
  connectionLost(graceMs: number): void;
  /** The server can be reached again, over this socket: what it still has of the call ends. */
  connectionBack(socket: Socket): void;
}

export interface SipServerLinkOptions {
  readonly server: SipServerAddress;
  readonly traits: ServerTraits;
  readonly settings: LinkSettings;
  /** Null where the server's messages do not wait for acknowledgements: our own. */
  readonly quickAck: QuickAck | null;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly newCall: (link: SipServerLink, srf: Srf, request: SrfRequest, response: SrfResponse) => LinkedCall;
  readonly onOther: (request: SrfRequest, response: SrfResponse) => void;
}

export interface SipServerStatistics {
  /** `host:port` of its admin port. */
  readonly server: string;
  readonly connected: boolean;
  readonly deaf: boolean;
  readonly calls: number;
  /** Connections after the first. */
  readonly reconnects: number;
  readonly probesFailed: number;
  /** Requests left without an answer because more came than the server took answers for. */
  readonly requestsDropped: number;
}

type State = 'idle' | 'connecting' | 'connected' | 'waiting' | 'closed';

/** TCP and authentication together. */
const attemptTimeoutMs = 5000;
const firstRetryMs = 250;
/** Stopping waits so long for the responses to the BYEs it sent. */
const farewellTimeoutMs = 1000;
/** What was written last has this long to leave. */
const closeTimeoutMs = 500;

/** Some hundred answers, which leave within a few dozen milliseconds where the server reads. */
const busyBytes = 256 * 1024;
/** A burst of a hundred long answers is a third of it. */
const fullBytes = 2 * 1024 * 1024;

export class SipServerLink {
  readonly #options: SipServerLinkOptions;
  readonly #logger: Logger;
  readonly #name: string;
  readonly #application: SrfOverSockets;
  readonly #calls = new Map<LinkedCall, SrfRequest>();
  /** Calls that a lost connection left behind in the server. */
  readonly #orphans = new Set<LinkedCall>();
  /** Answers and last words to far ends, on their way. */
  readonly #farewells = new Set<Promise<void>>();
  readonly #hearing: HearingWatch | null;
  #state: State = 'idle';
  #socket: Socket | null = null;
  #channel: AdminChannel | null = null;
  #retry: Timer | null = null;
  /** Attempts in a row that brought no connection of any length. */
  #failures = 0;
  #connections = 0;
  #connectedAt = 0;
  #isSecretRefused = false;
  #isTrouble = false;
  #requestsDropped = 0;
  #isFloodTold = false;
  #addresses: readonly SipAddress[] = [];

  constructor(options: SipServerLinkOptions) {
    this.#options = options;
    const { server, traits, settings, clock } = options;
    this.#name = formatHostPort(server);
    this.#logger = options.logger.child({ sipServer: this.#name });
    this.#hearing =
      settings.probeMs === 0
        ? null
        : new HearingWatch({
            probeMs: settings.probeMs,
            failures: settings.probeFailures,
            clock,
            logger: this.#logger,
            isAnswering: () => this.#isAnswering(settings.probeMs),
            onDeaf: () => this.#socket?.destroy(),
          });
    this.#application = new SrfOverSockets({
      secret: server.secret,
      methods: traits.methods,
      onInvite: (request, response) => {
        this.#hearing?.told();
        if (this.#isFlooded(fullBytes)) {
          forgetInvite(this.#application.srf, request);
          return;
        }
        const call = options.newCall(this, this.#application.srf, request, response);
        this.#calls.set(call, request);
        // One that is just being answered may need a BYE yet.
        this.farewell(call.run());
      },
      onOther: (request, response) => {
        this.#hearing?.told();
        if (request.method === 'OPTIONS') this.#hearing?.heard(request.get('Call-ID'));
        if (!this.#isFlooded(busyBytes)) options.onOther(request, response);
      },
      onCancel: (transactionId) => {
        for (const request of this.#calls.values())
          if (request.stackTxnId === transactionId) request.emit('cancel');
      },
    });
  }

  /** Settles with the first attempt; rejects where that fails. With an external server it goes on trying all the same. */
  async start(): Promise<void> {
    try {
      await this.#connect();
    } catch (error) {
      if (this.isExternal) this.#failed(error);
      else this.#state = 'closed';
      throw error;
    }
  }

  get name(): string {
    return this.#name;
  }

  get isExternal(): boolean {
    return this.#options.traits.isExternal;
  }

  get callCount(): number {
    return this.#calls.size;
  }

  /** Where its SIP is reached, as it says itself; empty until it was connected once. */
  get addresses(): readonly SipAddress[] {
    return this.#addresses;
  }

  /** Why no calls come over it, or null. Of our own server, too. */
  get trouble(): string | null {
    const what = this.isExternal ? `drachtio ${this.#name}` : 'the SIP server';
    if (this.#state !== 'connected')
      return this.#isSecretRefused ? `${what} refused our secret` : `${what} is not connected`;
    return this.#hearing?.isDeaf === true ? `${what} is deaf: our probes do not come back` : null;
  }

  statistics(): SipServerStatistics {
    return {
      server: this.#name,
      connected: this.#state === 'connected',
      deaf: this.#hearing?.isDeaf ?? false,
      calls: this.#calls.size,
      reconnects: Math.max(0, this.#connections - 1),
      probesFailed: this.#hearing?.probesFailed ?? 0,
      requestsDropped: this.#requestsDropped,
    };
  }

  /** Sends a request outside of calls; settles with its final response. Rejects where it could not be sent. */
  async request({ headers, ...request }: TrunkRequest): Promise<TrunkReply> {
    const socket = this.#socket;
    if (socket === null || this.#state !== 'connected') throw new Error('the SIP server is not connected');
    const response = await this.#application.request(socket, { ...request, headers: { ...headers } });
    return {
      status: response.status,
      source: response.source_address ?? '',
      get: (name) => response.get(name),
    };
  }

  callClosed(call: LinkedCall): void {
    this.#calls.delete(call);
  }

  /** A last word to a far end is on its way; the promise never rejects. */
  farewell(done: Promise<void>): void {
    this.#farewells.add(done);
    void done.then(() => this.#farewells.delete(done));
  }

  /** Hangs up what is left, waits a little for the far ends’ responses, and disconnects. */
  async close(): Promise<void> {
    for (const call of [...this.#calls.keys()])
      call.terminate({ endedBy: 'gateway', reason: 'gateway-stopping' });
    await within(this.#options.clock, farewellTimeoutMs, this.#farewellsSaid());
    this.#state = 'closed';
    this.#retry?.cancel();
    this.#hearing?.stop();
    const socket = this.#socket;
    if (socket === null || socket.destroyed) return;
    await new Promise<void>((resolve) => {
      const timer = this.#options.clock.after(closeTimeoutMs, () => socket.destroy());
      socket.once('close', () => {
        timer.cancel();
        resolve();
      });
      socket.destroySoon();
    });
  }

  /** Strangers’ requests must not queue up before the calls that there are: above this the next is left unanswered. */
  #isFlooded(aboveBytes: number): boolean {
    if ((this.#channel?.waitingBytes ?? 0) <= aboveBytes) return false;
    this.#requestsDropped += 1;
    if (!this.#isFloodTold)
      this.#logger.warn(
        {},
        'more requests come than drachtio-server takes answers for: some are left unanswered',
      );
    this.#isFloodTold = true;
    return true;
  }

  /** Any answer will do: in a flood the one to our ping stands behind many. */
  async #isAnswering(timeoutMs: number): Promise<boolean> {
    const socket = this.#socket;
    const channel = this.#channel;
    if (socket === null || channel === null) return false;
    const { answers } = channel;
    const ping = this.#application.ping(socket).catch(() => undefined);
    await within(this.#options.clock, timeoutMs, ping);
    return channel.answers > answers;
  }

  async #farewellsSaid(): Promise<void> {
    while (this.#farewells.size > 0) await Promise.all(this.#farewells);
  }

  async #connect(): Promise<void> {
    const { server, traits, quickAck, clock } = this.#options;
    this.#state = 'connecting';
    const socket =
      server.connect?.() ?? connect({ host: server.host, port: server.port, noDelay: true, keepAlive: true });
    this.#socket = socket;
    // The close that follows tells all.
    let problem: Error | undefined;
    socket.on('error', (error) => (problem = error));
    const timer = clock.after(attemptTimeoutMs, () => socket.destroy(new Error('no answer in time')));
    try {
      if (server.connect === undefined) await opened(socket);
      const channel = traits.isExternal ? this.#openChannel(socket) : undefined;
      const greeting = await this.#application.attach(socket, channel);
      if (this.#state !== 'connecting') throw new Error('closed');
      if (quickAck?.acknowledgeAtOnce(socket) === false)
        this.#logger.info(
          {},
          'TCP_QUICKACK cannot be set here: calls through drachtio-server take up to 40 ms longer',
        );
      socket.once('close', () => this.#lost(problem));
      this.#accepted(socket, greeting.hostPorts, greeting.localHostPorts, greeting.version);
    } catch (error) {
      socket.destroy();
      this.#channel?.close();
      throw problem ?? error;
    } finally {
      timer.cancel();
    }
  }

  #openChannel(socket: Socket): AdminChannel {
    this.#channel = new AdminChannel({
      write: (frame) => socket.write(frame),
      refuse: (id, reason) => {
        this.#logger.warn({}, 'a message was too long for drachtio-server and was not sent');
        this.#application.refuse(socket, id, reason);
      },
      onStuck: () => {
        if (!socket.destroyed)
          this.#logger.error({}, 'drachtio-server does not read what we write; it is connected to anew');
        socket.destroy();
      },
      clock: this.#options.clock,
    });
    return this.#channel;
  }

  #accepted(socket: Socket, external?: string, local?: string, version?: string): void {
    const { clock } = this.#options;
    this.#state = 'connected';
    this.#connections += 1;
    this.#connectedAt = clock.now();
    this.#isSecretRefused = false;
    this.#isTrouble = false;
    this.#isFloodTold = false;
    if (!this.isExternal) return;
    this.#addresses = parseHostPorts(external);
    this.#logger.info(
      { version, addresses: external, callsLeftBehind: this.#orphans.size },
      'connected to drachtio-server',
    );
    this.#hearing?.start(probeAddresses(parseHostPorts(local), this.#addresses));
    for (const call of this.#orphans) call.connectionBack(socket);
    this.#orphans.clear();
  }

  /** An attempt failed. */
  #failed(error: unknown): void {
    if (this.#state === 'closed') return;
    const isRefused = error instanceof SecretRefused;
    if (isRefused && !this.#isSecretRefused)
      this.#logger.error({}, 'drachtio-server refused our secret; it is tried again at the longest interval');
    else if (!isRefused && !this.#isTrouble)
      this.#logger.warn({ err: error }, 'drachtio-server cannot be reached; it is tried again and again');
    this.#isSecretRefused = isRefused;
    this.#isTrouble = true;
    this.#wait(isRefused);
  }

  #lost(error: Error | undefined): void {
    this.#channel?.close();
    this.#hearing?.stop();
    this.#farewells.clear();
    if (this.#state !== 'connected') return;
    this.#logger.error(
      { calls: this.#calls.size, error: error?.message },
      'connection to the SIP server lost',
    );
    const { settings, clock } = this.#options;
    // One that accepts us and hangs up at once is as good as none.
    if (clock.now() - this.#connectedAt > settings.longestRetryMs) this.#failures = 0;
    for (const call of [...this.#calls.keys()]) {
      call.connectionLost(settings.graceMs);
      if (this.isExternal) this.#orphans.add(call);
    }
    this.#wait(false);
  }

  #wait(longest: boolean): void {
    this.#state = 'waiting';
    const { longestRetryMs: longestMs } = this.#options.settings;
    const delayMs = longest
      ? longestMs
      : Math.min(longestMs, firstRetryMs * 2 ** Math.min(this.#failures, 20));
    this.#failures += 1;
    // Between half and all of it, so that gateways that lost a server together do not come back together.
    this.#retry = this.#options.clock.after(delayMs * (0.5 + Math.random() / 2), () => {
      this.#connect().catch((error: unknown) => this.#failed(error));
    });
  }
}

function opened(socket: Socket): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once('connect', resolve);
    socket.once('close', () => reject(new Error('the connection was not accepted')));
  });
}

/** Settles when the work has, or when the time is over. */
export async function within(clock: Clock, timeoutMs: number, work: Promise<unknown>): Promise<void> {
  let timer: Timer | undefined;
  const over = new Promise<void>((resolve) => (timer = clock.after(timeoutMs, resolve)));
  await Promise.race([work, over]);
  timer?.cancel();
}
