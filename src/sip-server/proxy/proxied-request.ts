/** One request that is passed on to one or more destinations, and their responses on their way back (RFC 3261 §16.6–16.10). */
import { formatMessage } from '../message/format-message.js';
import type { SipResponse } from '../message/message.js';
import { parseNameAddr, splitAddresses } from '../message/name-addr.js';
import type { Flow } from '../transport/flow.js';
import type { UserAgentEnvironment } from '../user-agent/environment.js';
import { newTag } from '../user-agent/identifiers.js';
import type { ArrivedRequest } from '../user-agent/incoming-request.js';
import { createResponse } from '../user-agent/responses.js';
import { Branch, type BranchOwner } from './branch.js';
import { bestRefusal, forwardResponse } from './forwarding.js';
import type { ProxiedOrder, ProxyListener } from './proxy-order.js';

/** Redirections are followed to so many destinations in all. */
const maxTargets = 16;

export class ProxiedRequest implements BranchOwner {
  readonly #environment: UserAgentEnvironment;
  readonly #arrived: ArrivedRequest;
  readonly #order: ProxiedOrder;
  readonly #listener: ProxyListener;
  readonly #waiting: string[];
  readonly #branches: Branch[] = [];
  readonly #refusals: SipResponse[] = [];
  /** Those among them that nobody sent. */
  readonly #local = new Set<SipResponse>();
  #targets = 0;
  #isAnswered = false;
  #isCancelled = false;
  #isDone = false;

  constructor(
    environment: UserAgentEnvironment,
    arrived: ArrivedRequest,
    order: ProxiedOrder,
    listener: ProxyListener,
  ) {
    this.#environment = environment;
    this.#arrived = arrived;
    this.#order = order;
    this.#listener = listener;
    this.#waiting = order.destinations.slice(0, maxTargets);
    this.#targets = this.#waiting.length;
  }

  start(): void {
    if (this.#order.isSimultaneous) while (this.#waiting.length > 0) this.#next();
    else this.#next();
    this.#settle();
  }

  /** The caller has given up: so does everybody who was asked (RFC 3261 §16.10). */
  cancel(): void {
    this.#isCancelled = true;
    this.#waiting.length = 0;
    for (const branch of this.#branches) branch.cancel();
    this.#settle();
  }

  close(): void {
    this.#isDone = true;
    for (const branch of this.#branches) branch.close();
  }

  provisional(response: SipResponse): void {
    if (!this.#isAnswered) this.#pass(response);
  }

  accepted(response: SipResponse, flow: Flow, isFirst: boolean): void {
    // Every 2xx goes back, also of another fork, and again where its ACK was lost (RFC 3261 §16.7 step 5, RFC 6026).
    this.#pass(response);
    if (!isFirst) return;
    const { flow: from, request } = this.#arrived;
    // What follows in a call says nothing that no application has heard.
    if (this.#order.isNew) this.#environment.standings.accepted(from, request, response);
    this.#record(response);
    this.#isAnswered = true;
    this.#waiting.length = 0;
    for (const branch of this.#branches) branch.cancel();
    this.#listener.responded(response, flow);
    this.#settle();
  }

  refused(response: SipResponse, flow: Flow | null): void {
    this.#record(response);
    this.#refusals.push(response);
    if (flow === null) this.#local.add(response);
    else this.#listener.responded(response, flow);
    const isRedirection = response.status < 400 && this.#order.followsRedirects;
    if (isRedirection && !this.#isCancelled) this.#waiting.unshift(...this.#contactsOf(response));
    if (response.status >= 600) {
      this.#waiting.length = 0;
      for (const branch of this.#branches) branch.cancel();
    }
    this.#settle();
  }

  /** Tries the next destination, answers the caller, or waits for who was asked. */
  #settle(): void {
    if (this.#isDone) return;
    while (this.#waiting.length > 0 && (this.#order.isSimultaneous || !this.#isBusy)) this.#next();
    if (this.#isBusy) return;
    this.#isDone = true;
    if (!this.#isAnswered) this.#answer();
    this.#listener.done();
  }

  get #isBusy(): boolean {
    return this.#branches.some(({ isOver }) => !isOver);
  }

  #next(): void {
    const target = this.#waiting.shift();
    if (target === undefined) return;
    const branch = new Branch(this.#environment, this.#arrived, { ...this.#order, target }, this);
    this.#branches.push(branch);
    branch.start();
  }

  #contactsOf(response: SipResponse): string[] {
    const contacts = response.headers
      .all('Contact')
      .flatMap(splitAddresses)
      .flatMap((contact) => parseNameAddr(contact)?.uri ?? [])
      .slice(0, maxTargets - this.#targets);
    this.#targets += contacts.length;
    return contacts;
  }

  #answer(): void {
    const { request, transaction } = this.#arrived;
    const best = bestRefusal(this.#refusals);
    const status = this.#isCancelled ? 487 : (best?.status ?? 408);
    // RFC 4320 §4.2: a 408 to anything but an INVITE would come too late. RFC 3261 §16.7: a 503 is about one server, not us.
    if (status === 408 && request.method !== 'INVITE') transaction.abandon();
    else if (best !== null && best.status === status && status !== 503 && !this.#local.has(best))
      this.#pass(best);
    else {
      const local = createResponse(request, status === 503 ? 500 : status, newTag());
      transaction.respond(local.status, formatMessage(local));
    }
    if (!this.#order.isNew || request.method !== 'INVITE') return;
    const reason = status === 487 ? 'call-canceled' : 'call-rejected';
    this.#environment.records.stop('application', reason, best ?? createResponse(request, status, ''));
  }

  #pass(response: SipResponse): void {
    const bytes = formatMessage(forwardResponse(response));
    this.#arrived.transaction.respond(response.status, bytes);
  }

  #record(response: SipResponse): void {
    if (!this.#order.isNew || this.#arrived.request.method !== 'INVITE') return;
    const { records } = this.#environment;
    const { status } = response;
    if (status >= 300) records.stop('network', status === 487 ? 'call-canceled' : 'call-rejected', response);
    else {
      records.start('network', 'proxy-uac', response);
      records.start('application', 'proxy-uas', response);
    }
  }
}
