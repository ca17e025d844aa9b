/** Passes requests on: those that an application says so of, and what follows in the calls that came of them (RFC 3261 §16). */
import { formatMessage } from '../message/format-message.js';
import { HeaderFields } from '../message/header-fields.js';
import type { SipRequest, SipResponse } from '../message/message.js';
import { parseNameAddr } from '../message/name-addr.js';
import { parseUri } from '../message/uri.js';
import type { MessageIdentity } from '../transaction/identity.js';
import type { ServerTransaction } from '../transaction/server-transaction.js';
import { isSameAddress } from '../transport/address.js';
import { isWebSocket, type Flow } from '../transport/flow.js';
import type { UserAgentEnvironment } from '../user-agent/environment.js';
import { newBranch, newTag } from '../user-agent/identifiers.js';
import type { ArrivedRequest } from '../user-agent/incoming-request.js';
import { isForStream } from '../user-agent/message-size.js';
import { isDialable, nextHopOf } from '../user-agent/next-hop.js';
import { createResponse } from '../user-agent/responses.js';
import { soleFlow } from '../user-agent/sole-flow.js';
import { forwardRequest, hasHopsLeft } from './forwarding.js';
import { isBoundTo, isSentByProxy } from './bound-flow.js';
import { OwnRoutes, type ShownRoute } from './own-routes.js';
import { ProxiedRequest } from './proxied-request.js';
import type { ProxiedOrder, ProxyListener, ProxyOrder } from './proxy-order.js';

const silent: ProxyListener = { responded: () => undefined, done: () => undefined };

export class RequestProxy {
  readonly #environment: UserAgentEnvironment;
  readonly #routes: OwnRoutes;
  readonly #passedOn = new Map<ServerTransaction, ProxiedRequest>();

  constructor(environment: UserAgentEnvironment) {
    this.#environment = environment;
    this.#routes = new OwnRoutes(environment.addressing);
  }

  get pendingCount(): number {
    return this.#passedOn.size;
  }

  /** Passes a request on as an application says. */
  start(arrived: ArrivedRequest, order: ProxyOrder, listener: ProxyListener): void {
    const { request, flow, identity } = arrived;
    const { contacts } = this.#environment.standings;
    // It was sent by way of us, and has come here: by the path of a registration, to who registered, or by our address alone.
    const path = this.#routes.takePaths(request);
    if (path === null && this.#isOurs(request.headers.get('Route'), flow)) request.headers.takeFirst('Route');
    const replacesUri = this.#isOurs(`<${request.uri}>`, flow);
    /** Those that lead to whom the request is for. */
    const bound = new Set<Flow>();
    const ofPath = path?.flow?.isOpen === true ? path.flow : null;
    const flowTo = (target: string): Flow | null =>
      (target === request.uri ? ofPath : null) ?? contacts.flowTo(target);
    const isWayGone = path !== null && path.flow !== undefined && ofPath === null;
    if (isWayGone && order.destinations.every((one) => one === request.uri && flowTo(one) === null)) {
      const response = this.#flowFailed(arrived);
      if (request.method === 'INVITE')
        this.#environment.records.stop('application', 'call-rejected', response);
      listener.done();
      return;
    }
    const from = { flow, isBound: isBoundTo(flow, request) };
    const isOutbound =
      /(?:^|[\s,])outbound(?:$|[\s,])/i.test(request.headers.all('Supported').join()) &&
      !isSentByProxy(request.headers);
    this.#run(arrived, listener, {
      ...order,
      isNew: true,
      flowTo: (target) => {
        const known = flowTo(target);
        if (known !== null) bound.add(known);
        return known;
      },
      requestUri: (target) => (replacesUri ? target : null),
      recordRoutes: (to) => {
        if (!order.remainsInDialog) return [];
        const side = { flow: to, isBound: isWebSocket(to) || bound.has(to) };
        return request.method === 'REGISTER'
          ? this.#routes.paths(from, side, isOutbound)
          : this.#routes.recordRoutes(identity, from, side);
      },
      mayTake: () => true,
    });
  }

  /** Passes on what belongs to a call that we passed on. False: it does not. */
  forward(arrived: ArrivedRequest): boolean {
    const { request, identity } = arrived;
    // Who registers does so outside of calls, where an application hears of it.
    if (request.method === 'REGISTER') return false;
    const shown = this.#routes.take(request, identity);
    if (shown === null) return false;
    if (request.method === 'BYE' && hasHopsLeft(request))
      this.#environment.records.stop('network', 'normal-release', request);
    const bound = this.#boundFlow(shown, request);
    if (bound === 'gone') {
      this.#flowFailed(arrived);
      return true;
    }
    this.#run(arrived, silent, {
      destinations: [nextHopUri(request)],
      isSimultaneous: false,
      followsRedirects: false,
      provisionalTimeoutMs: null,
      finalTimeoutMs: null,
      fields: new HeaderFields(),
      isNew: false,
      requestUri: () => null,
      recordRoutes: () => [],
      flowTo: () => bound,
      mayTake: shown.mayTake,
    });
    return true;
  }

  /** The same of an ACK, which has no transaction. */
  forwardAck(ack: SipRequest, identity: MessageIdentity): boolean {
    const shown = this.#routes.take(ack, identity);
    if (shown === null) return false;
    const bound = this.#boundFlow(shown, ack);
    // Where it is lost the 2xx comes again, and so does it.
    if (bound !== 'gone' && hasHopsLeft(ack)) this.#sendAck(ack, bound, shown).catch(() => undefined);
    return true;
  }

  async #sendAck(ack: SipRequest, bound: Flow | null, { mayTake }: ShownRoute): Promise<void> {
    const { wayWithin, addressing } = this.#environment;
    const hop = bound === null ? nextHopOf(nextHopUri(ack)) : null;
    const way = bound === null ? hop && wayWithin({ ...hop, isNamedByPeer: true }) : soleFlow(bound);
    const flow = (await way?.next()) ?? null;
    if (way === null || flow === null || !mayTake(flow)) return;
    const written = (by: Flow): Buffer => {
      const via = addressing.via(by, newBranch());
      return formatMessage(
        forwardRequest(ack, { via, uri: null, recordRoutes: [], fields: new HeaderFields() }),
      );
    };
    const bytes = written(flow);
    const stream =
      hop?.transportGiven === false && isForStream(flow, bytes) ? await way.streamBeside(flow) : null;
    if (stream === null) await flow.send(bytes);
    else await stream.send(written(stream));
  }

  /** The caller cancels what was passed on. False: it was not. */
  cancel(transaction: ServerTransaction): boolean {
    const proxied = this.#passedOn.get(transaction);
    proxied?.cancel();
    return proxied !== undefined;
  }

  flowClosed(flow: Flow): void {
    this.#routes.flowClosed(flow);
  }

  close(): void {
    this.#routes.clear();
    for (const proxied of [...this.#passedOn.values()]) proxied.close();
    this.#passedOn.clear();
  }

  /**
   * The connection that our route names. Null: the next route or the URI says where to go. Where it is gone, nobody is looked for among
   * who has registered: the sender writes the URI, and his call is no right to reach others.
   */
  #boundFlow({ flow }: ShownRoute, request: SipRequest): Flow | null | 'gone' {
    if (flow === undefined) return null;
    if (flow?.isOpen === true) return flow;
    return isDialable(nextHopUri(request)) ? null : 'gone';
  }

  /** RFC 5626 §5.3.1. */
  #flowFailed({ transaction, request }: ArrivedRequest): SipResponse {
    const response = createResponse(request, 430, newTag());
    transaction.respond(430, formatMessage(response));
    return response;
  }

  #run(arrived: ArrivedRequest, listener: ProxyListener, order: ProxiedOrder): void {
    const { transaction, request } = arrived;
    if (!hasHopsLeft(request)) {
      transaction.respond(483, formatMessage(createResponse(request, 483, newTag())));
      listener.done();
      return;
    }
    const proxied = new ProxiedRequest(this.#environment, arrived, order, {
      responded: (response, flow) => listener.responded(response, flow),
      done: () => {
        this.#passedOn.delete(transaction);
        listener.done();
      },
    });
    this.#passedOn.set(transaction, proxied);
    proxied.start();
  }

  #isOurs(route: string | undefined, flow: Flow): boolean {
    const uri = parseUri(parseNameAddr(route ?? '')?.uri ?? '');
    const { addressing } = this.#environment;
    if (!uri || uri.scheme === 'tel') return false;
    const isHost =
      isSameAddress(uri.host, addressing.host(flow)) || isSameAddress(uri.host, flow.localAddress);
    const port = uri.port ?? 5060;
    return isHost && (port === addressing.port(flow) || port === flow.localPort);
  }
}

/** The first route that is left, or what the request is for. */
function nextHopUri(request: SipRequest): string {
  return parseNameAddr(request.headers.get('Route') ?? '')?.uri ?? request.uri;
}
