/** Hands each message to the client or the server half of the user agent, and creates both. */
import type { ScannerWatch } from '../defence/scanner-watch.js';
import type { SourceGuard } from '../defence/source-guard.js';
import type { DialogStore } from '../dialog/dialog-store.js';
import type { SipMessage, SipRequest, SipResponse } from '../message/message.js';
import { RequestProxy } from '../proxy/request-proxy.js';
import type { ProxyListener, ProxyOrder } from '../proxy/proxy-order.js';
import type { Clock } from '../transaction/clock.js';
import type { MessageIdentity } from '../transaction/identity.js';
import type { TimerSettings } from '../transaction/timers.js';
import { TransactionLayer } from '../transaction/transaction-layer.js';
import type { Flow } from '../transport/flow.js';
import type { Standing } from '../transport/transport.js';
import type { Addressing } from './addressing.js';
import {
  notSent,
  refusals,
  type Application,
  type ApplicationDirectory,
  type OwnedDialog,
  type SendResult,
} from './application.js';
import { CallRecords } from './call-records.js';
import { DialogKeeper } from './dialog-keeper.js';
import type { SipLogger, UserAgentCounters, UserAgentEnvironment, UserAgentSettings } from './environment.js';
import { FlowStandings } from './flow-standings.js';
import { KeptRegistrations } from './kept-registrations.js';
import type { NextHop } from './next-hop.js';
import { Subscriptions } from './subscriptions.js';
import { UserAgentClient } from './user-agent-client.js';
import { UserAgentServer } from './user-agent-server.js';
import type { ServerPlace, StreamsBeside, Way } from './way.js';

export interface UserAgentCoreOptions {
  readonly clock: Clock;
  readonly timers: TimerSettings;
  readonly logger: SipLogger;
  readonly guard: SourceGuard | null;
  readonly scanners: ScannerWatch | null;
  readonly settings: UserAgentSettings;
  readonly addressing: Addressing;
  readonly directory: ApplicationDirectory;
  readonly dialogs: DialogStore<Application>;
  readonly maxTransactions: number;
  readonly maxTransactionsPerAddress?: number;
  readonly maxTransactionsPerDialog?: number;
  readonly sourceOf?: ((address: string) => string) | undefined;
  readonly connect: (hop: NextHop, near?: Flow) => Promise<Flow>;
  readonly wayTo: (hop: NextHop, first?: ServerPlace) => Way | null;
  readonly wayWithin: (hop: NextHop) => Way | null;
  readonly streams: StreamsBeside;
  readonly responseFlow: (flow: Flow, identity: MessageIdentity) => Flow;
  /** The connection, or the way over UDP, is gone that our registration with this Call-ID went by. Must not throw. Default: nobody is told. */
  readonly onRegistrationLost?: ((callId: string) => void) | undefined;
}

/** Transactions, dialogs and the duties of a user agent, between the transports below and the applications above. */
export class UserAgentCore {
  readonly transactions: TransactionLayer;
  readonly counters: UserAgentCounters = {
    refusals: new Map(),
    dialogsCreated: 0,
    dialogsEndedByServer: 0,
    cancelled: 0,
    answersWithheld: 0,
    scannersIgnored: 0,
  };
  readonly #server: UserAgentServer;
  readonly #client: UserAgentClient;
  readonly #keeper: DialogKeeper;
  readonly #subscriptions: Subscriptions;
  readonly #proxy: RequestProxy;
  readonly #environment: UserAgentEnvironment;
  readonly #onRegistrationLost: (callId: string) => void;

  constructor(options: UserAgentCoreOptions) {
    this.#onRegistrationLost = options.onRegistrationLost ?? (() => undefined);
    this.transactions = new TransactionLayer(
      {
        request: (request, identity, transaction, flow) =>
          this.#server.receive({ request, identity, transaction, flow }),
        ack: (ack, identity, flow) => this.#server.receiveAck(ack, identity, flow),
        strayResponse: (response, identity) => this.#client.strayResponse(response, identity),
        isInDialog: (identity) =>
          options.dialogs.find(identity.callId, identity.toTag, identity.fromTag) !== undefined,
        overloaded: (request, flow) => this.#overloaded(request, flow),
      },
      options,
    );
    this.#environment = {
      ...options,
      transactions: this.transactions,
      counters: this.counters,
      standings: new FlowStandings(options.clock),
      kept: new KeptRegistrations({
        clock: options.clock,
        everyMs: options.settings.registrationPingMs ?? 0,
        random: Math.random,
        onLost: (callId) => this.#onRegistrationLost(callId),
      }),
      records: new CallRecords(options.directory),
    };
    const events = {
      sessionAgreed: this.#sessionAgreed,
      hangUp: this.#hangUp,
      dialogLost: this.#dialogLost,
      holdBye: this.#holdBye,
      peerMoved: this.#peerMoved,
      answered: this.#answered,
      overtook: this.#overtook,
      forward: this.#forward,
      forwardAck: this.#forwardAck,
      cancelPassedOn: this.#cancelPassedOn,
    };
    this.#server = new UserAgentServer(this.#environment, events);
    this.#client = new UserAgentClient(this.#environment, events);
    this.#keeper = new DialogKeeper(this.#environment, this.#client);
    this.#proxy = new RequestProxy(this.#environment);
    this.#subscriptions = new Subscriptions(this.#environment, (dialog) =>
      this.#keeper.lost(dialog, 408, 'subscription expired'),
    );
  }

  /** Requests in and out that have no final response yet. */
  get pendingCount(): number {
    return this.#server.pendingCount + this.#client.pendingCount + this.#proxy.pendingCount;
  }

  /** While draining, OPTIONS that no application answers get 503 and Retry-After. */
  setDraining(isDraining: boolean): void {
    this.#server.isDraining = isDraining;
  }

  receive(message: SipMessage, flow: Flow): void {
    this.transactions.receive(message, flow);
  }

  receiveMalformed(request: SipRequest, flow: Flow, status: number, reason: string): void {
    this.#server.refuseStateless(
      request,
      flow,
      status === 400 ? { status, reason: `Bad Request (${reason})` } : { status },
      true,
    );
  }

  flowClosed(flow: Flow): void {
    this.transactions.flowClosed(flow);
    this.#server.flowClosed(flow);
    this.#proxy.flowClosed(flow);
    for (const callId of this.#environment.standings.flowClosed(flow)) this.#onRegistrationLost(callId);
  }

  /** What a connection is worth: whether a call, a request or a registration goes over it, or did once. */
  standingOf(flow: Flow): Standing {
    const { dialogs, standings } = this.#environment;
    const isUsed = dialogs.goOver(flow) || this.#server.hasPendingFrom(flow) || standings.isRegistered(flow);
    if (isUsed) return 'used';
    return standings.isKnown(flow) ? 'known' : 'stranger';
  }

  /**
   * Answers the request that was handed to the application with this identifier. `told` is called when the response was sent: at
   * once, or when the PRACK came that it has to wait for; and where it will not be sent.
   */
  respond(
    transactionId: string,
    response: SipResponse,
    owner: Application,
    told: (result: SendResult) => void = () => undefined,
  ): void {
    const offered = this.#keeper.respond(transactionId, response, owner);
    if (offered !== null) told(offered);
    else this.#server.respond(transactionId, response, owner, told);
  }

  /** Sends a request outside of a dialog, to its own URI, its first Route, or the given proxy URI. */
  sendNew(request: SipRequest, owner: Application, proxy?: string): Promise<SendResult> {
    return this.#client.sendNew(request, owner, proxy);
  }

  /** Sends a request, or the ACK of a 2xx, in a dialog of the application. */
  async sendInDialog(dialogId: string, request: SipRequest, owner: Application): Promise<SendResult> {
    const dialog = this.#environment.dialogs.findPublic(dialogId);
    if (!dialog) return notSent(refusals.unknownDialog);
    this.#keeper.addSessionFields(dialog, request);
    return this.#client.sendInDialog(dialogId, request, owner);
  }

  cancel(transactionId: string, request: SipRequest, owner: Application): SendResult {
    return this.#client.cancel(transactionId, request, owner);
  }

  /** Passes a request on that was handed to the application. False: it cannot be answered any more. */
  proxy(transactionId: string, order: ProxyOrder, owner: Application, listener: ProxyListener): boolean {
    const incoming = this.#server.handOver(transactionId, owner);
    if (incoming !== null) this.#proxy.start(incoming, order, listener);
    return incoming !== null;
  }

  /** An application is gone: its INVITEs get 503, its calls a BYE, and what it was setting up is cancelled. */
  release(owner: Application): void {
    this.#server.release(owner);
    this.#client.release(owner);
    for (const dialog of this.#environment.dialogs) {
      if (dialog.owner !== owner) continue;
      dialog.release();
      if (dialog.state !== 'confirmed') continue;
      if (dialog.usage === 'call') this.#hangUp(dialog, 503, 'application gone');
      else this.#unsubscribe(dialog);
    }
  }

  close(): void {
    this.#server.close();
    this.#client.close();
    this.#keeper.close();
    this.#subscriptions.close();
    this.#proxy.close();
    this.transactions.close();
    this.#environment.dialogs.clear();
    this.#environment.standings.clear();
    this.#environment.kept.close();
  }

  #sessionAgreed: DialogKeeper['agreed'] = (dialog, terms) => this.#keeper.agreed(dialog, terms);

  #hangUp = (...[dialog, status, why]: Parameters<DialogKeeper['hangUp']>): void => {
    this.#keeper.hangUp(dialog, status, why).catch((error: unknown) => {
      this.#environment.logger.error({ error, callId: dialog.callId }, 'dialog could not be ended');
    });
  };

  #dialogLost: DialogKeeper['lost'] = (dialog, status, why) => this.#keeper.lost(dialog, status, why);

  #peerMoved: UserAgentClient['peerMoved'] = (dialog, flow) => this.#client.peerMoved(dialog, flow);

  #answered: Subscriptions['answered'] = (...answer) => this.#subscriptions.answered(...answer);

  #overtook: UserAgentClient['overtook'] = (identity, again) => this.#client.overtook(identity, again);

  #forward: RequestProxy['forward'] = (arrived) => this.#proxy.forward(arrived);

  #forwardAck: RequestProxy['forwardAck'] = (ack, identity) => this.#proxy.forwardAck(ack, identity);

  #cancelPassedOn: RequestProxy['cancel'] = (transaction) => this.#proxy.cancel(transaction);

  /** Whoever was notified is told that there will be no more; whoever notifies finds it out with the next NOTIFY. */
  #unsubscribe(dialog: OwnedDialog): void {
    const events = dialog.role === 'uas' ? this.#subscriptions.eventsOf(dialog) : [];
    const farewells = events.map((event) =>
      this.#client.send(dialog, this.#subscriptions.farewell(event), undefined, undefined),
    );
    void Promise.all(farewells).finally(() => this.#environment.dialogs.end(dialog));
  }

  #holdBye: UserAgentServer['holdBye'] = (dialog, send) => this.#server.holdBye(dialog, send);

  #overloaded(request: SipRequest, flow: Flow): void {
    const retryAfter = String(this.#environment.settings.retryAfterSeconds);
    this.#server.refuseStateless(request, flow, { status: 503, headers: [['Retry-After', retryAfter]] });
  }
}
