/** The HTTP server that everything web hangs on: its limits, its error bodies, its request ids. Routes are registered by others. */
import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { SecureContextOptions, TlsOptions } from 'node:tls';
import Fastify, { type FastifyInstance, type FastifyReply } from 'fastify';
import type { Logger } from '../domain/logger.js';
import { answerOnSocket } from './bare-answer.js';
import { clientAddressBehind } from './client-address.js';
import { ConnectionGuard } from './connection-guard.js';
import type { RequestErrorCode } from './error-codes.js';
import { hostProblem } from './host-field.js';
import { takeJson } from './json-body.js';
import { RequestTurns } from './request-turns.js';
import { RequestsAhead } from './requests-ahead.js';
import { describeError, RestError } from './rest-error.js';
import { addSecurityHeaders } from './security-headers.js';

/** What can be given other certificates while it listens. */
interface TlsListener {
  setSecureContext(options: SecureContextOptions): void;
  once(event: 'close', listener: () => void): unknown;
}

/** The certificates that are shown, now and later. */
export interface HttpCertificates {
  readonly serverOptions: TlsOptions;
  /** Gives the server new ones when there are. */
  keepFresh(server: TlsListener): void;
}

export interface HttpServerOptions {
  readonly logger: Logger;
  /** https with these. Absent: plain HTTP. */
  readonly certificates?: HttpCertificates;
  /** A TLS handshake that is not done by then is given up. Default 10. */
  readonly handshakeTimeoutSeconds?: number;
  /** Default 65536. */
  readonly bodyLimitBytes?: number;
  /** How long a client may take to send a request. Default 30. */
  readonly requestTimeoutSeconds?: number;
  /** How long an idle connection stays open. Default 72. */
  readonly keepAliveSeconds?: number;
  /** After this a closing server cuts off what it still sends, so that a client that does not fetch its file holds up nobody. Default 5. */
  readonly closeGraceSeconds?: number;
  /** After the last answer a connection that the client leaves open is cut off after this. Default 2. */
  readonly lingerSeconds?: number;
  /** A client that takes nothing of its answer for this long is cut off. Default 30. */
  readonly stalledSeconds?: number;
  /** Default 10000. */
  readonly maxConnections?: number;
  /** Those of one address; trusted proxies may have more. Default 500. */
  readonly maxConnectionsPerAddress?: number;
  /** Requests of one connection without an answer; one that sends more is cut off. Default 32. */
  readonly maxRequestsAhead?: number;
  /** Requests that are served before calls and everything else have their turn. Default 16. */
  readonly requestsPerTurn?: number;
  /** Addresses or networks whose X-Forwarded-For is believed. Default none. */
  readonly trustedProxies?: readonly string[];
  /** Told of every answer, for metrics. `route` is the pattern, so that its values are few. */
  readonly onAnswered?: (answer: HttpAnswer) => void;
}

export interface HttpAnswer {
  readonly method: string;
  readonly route: string;
  readonly status: number;
  readonly durationMs: number;
}

export type HttpServer = FastifyInstance<Server, IncomingMessage, ServerResponse> & {
  readonly connections: ConnectionGuard;
};

/** Node looks this often for requests that are late; its own 30 s would be added to the time-out. */
const lateRequestCheckMs = 500;

/** Makes the server; `listen` and `close` are Fastify's. */
export function createHttpServer(options: HttpServerOptions): HttpServer {
  const { logger } = options;
  const answerError = (error: unknown, requestId: string, reply: FastifyReply) => {
    const answer = describeError(error, requestId);
    const { code } = answer.body;
    // A limit that was reached is no fault, however often a client tries it.
    if (code === 'internal-error') logger.error({ err: error, requestId }, 'request failed');
    else logger.debug({ code, requestId }, 'request refused');
    return reply.code(answer.status).headers(answer.headers).send(answer.body);
  };
  const lingerMs = (options.lingerSeconds ?? 2) * 1000;
  const requestTimeout = (options.requestTimeoutSeconds ?? 30) * 1000;
  const { certificates } = options;
  const keepAliveTimeout = (options.keepAliveSeconds ?? 72) * 1000;
  const limits = {
    requestTimeout,
    keepAliveTimeout,
    headersTimeout: requestTimeout,
    connectionsCheckingInterval: lateRequestCheckMs,
    // Node's own answer has no form.
    requireHostHeader: false,
  };
  const tls = {
    ...limits,
    ...certificates?.serverOptions,
    // HTTP/1.1 alone, and nothing else by the same certificate (RFC 9325 §3.7).
    ALPNProtocols: ['http/1.1'],
    handshakeTimeout: (options.handshakeTimeoutSeconds ?? 10) * 1000,
  };
  const server = Fastify<Server>({
    logger: false,
    bodyLimit: options.bodyLimitBytes ?? 65_536,
    requestTimeout,
    serverFactory: (serve) => {
      const turns = new RequestTurns(
        {
          perTurn: options.requestsPerTurn ?? 16,
          clientAddress: clientAddressBehind(options.trustedProxies ?? []),
        },
        serve,
      );
      const ahead = new RequestsAhead({
        max: options.maxRequestsAhead ?? 32,
        onTaken: (request, response) => guard.asked(request, response),
        serve: (request, response) => turns.take(request, response),
      });
      const listener = (request: IncomingMessage, response: ServerResponse) => ahead.take(request, response);
      // Node's server of https is one of HTTP in all that is used here.
      const made =
        certificates === undefined ? createServer(limits, listener) : createTlsServer(tls, listener);
      // All that the head has room for: Node drops those behind the thousandth, a length as well.
      made.maxHeadersCount = 0;
      // By itself Node answers 417, past everything that limits and marks answers.
      return made.on('checkExpectation', listener);
    },
    keepAliveTimeout,
    trustProxy: options.trustedProxies?.length ? [...options.trustedProxies] : false,
    // A closing server ends what is idle at once and lets requests in progress finish.
    forceCloseConnections: 'idle',
    // We answer that ourselves, in the form of all errors.
    return503OnClosing: false,
    genReqId: () => randomUUID(),
    requestIdHeader: false,
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: 1024 },
    clientErrorHandler: (error, socket) => answerUnreadable(error, socket, lingerMs),
    // A path that cannot be read comes to no hook.
    frameworkErrors: (error, request, reply) =>
      void answerError(
        error,
        request.id,
        reply.headers({ ...securityHeaders(), 'x-request-id': request.id }),
      ),
  });
  const guard = new ConnectionGuard(server.server, {
    maxConnections: options.maxConnections ?? 10_000,
    maxConnectionsPerAddress: options.maxConnectionsPerAddress ?? 500,
    trustedProxies: options.trustedProxies ?? [],
    stalledMs: (options.stalledSeconds ?? 30) * 1000,
  });

  if (certificates !== undefined) certificates.keepFresh(server.server as Server & TlsListener);

  const securityHeaders = addSecurityHeaders(server);

  takeJson(server);

  server.addHook('onRequest', (request, reply, done) => {
    reply.header('x-request-id', request.id);
    done();
  });
  requireHost(server);
  refuseExpectations(server);
  endConnectionsAtClose(server, guard, (options.closeGraceSeconds ?? 5) * 1000);
  server.addHook('onResponse', (request, reply, done) => {
    const answer = {
      method: request.method,
      route: request.routeOptions.url ?? 'unknown',
      status: reply.statusCode,
      durationMs: reply.elapsedTime,
    };
    options.onAnswered?.(answer);
    logger.debug({ ...answer, requestId: request.id }, 'request answered');
    done();
  });
  server.setErrorHandler((error, request, reply) => answerError(error, request.id, reply));
  server.setNotFoundHandler(() => {
    throw new RestError('route-not-found', 'There is nothing at this path');
  });
  return Object.assign(server, { connections: guard });
}

/** RFC 9112 §3.2. */
function requireHost(server: FastifyInstance): void {
  server.addHook('onRequest', ({ raw }, _reply, done) => {
    const problem = hostProblem(raw);
    done(problem === null ? undefined : new RestError('unreadable-request', problem));
  });
}

/** Node meets `100-continue` by itself; HTTP/1.0 knows no expectations (RFC 9110 §10.1.1). */
function refuseExpectations(server: FastifyInstance): void {
  server.addHook('onRequest', ({ headers: { expect }, raw }, _reply, done) => {
    const isMet = expect === undefined || raw.httpVersion === '1.0' || /^\s*100-continue\s*$/i.test(expect);
    done(isMet ? undefined : new RestError('expectation-failed', 'Nothing but 100-continue may be expected'));
  });
}

/**
 * A closing server waits for answers in progress, for a while, and for nothing else. Browsers and `fetch` open connections ahead of
 * need, and Node does not count one that never brought a request as idle; nor does it end one whose answer is sent later.
 */
function endConnectionsAtClose(
  server: Omit<HttpServer, 'connections'>,
  guard: ConnectionGuard,
  graceMs: number,
): void {
  let isClosing = false;
  server.server.on('connection', (socket) => {
    if (isClosing) socket.destroy();
  });
  server.addHook('preClose', (done) => {
    isClosing = true;
    guard.endUnused();
    const timer = setTimeout(() => server.server.closeAllConnections(), graceMs);
    server.server.once('close', () => clearTimeout(timer));
    done();
  });
  server.addHook('onRequest', (_request, _reply, done) => {
    done(isClosing ? new RestError('stopping', 'The gateway is stopping') : undefined);
  });
  server.addHook('onSend', (_request, reply, _payload, done) => {
    if (isClosing) reply.header('connection', 'close');
    done();
  });
}

/** Answers on the bare socket what is not HTTP, or HTTP where https is spoken: Node makes no request of it. */
function answerUnreadable(error: Error & { code?: string }, socket: Duplex, lingerMs: number): void {
  if (error.code === 'ERR_SSL_HTTP_REQUEST') {
    const bare = bareOf(socket);
    bare?.on('error', () => undefined);
    if (bare !== null) answerOnSocket(bare, new RestError('unreadable-request', speaksHttps), lingerMs);
    return;
  }
  // What follows a request that ends the connection is not read (RFC 9112 §9.6); that request has its answer in its turn.
  if (error.code === 'HPE_CLOSED_CONNECTION') return;
  // A client that is gone needs no answer.
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const code = unreadableCodes[error.code ?? ''] ?? 'unreadable-request';
  answerOnSocket(socket, new RestError(code, 'The request cannot be read'), lingerMs);
}

const speaksHttps = 'This port speaks https: ask for https://';

/**
 * What TLS stood on, which can still be written to when the handshake has failed. Node does not say which it was but by this; null
 * where it no longer does: then the client is cut off without an answer.
 */
function bareOf(socket: Duplex): Socket | null {
  const { _parent: bare } = socket as Duplex & { readonly _parent?: unknown };
  return bare instanceof Socket && bare.writable ? bare : null;
}

/** By Node's codes. */
const unreadableCodes: Readonly<Record<string, RequestErrorCode>> = {
  HPE_HEADER_OVERFLOW: 'headers-too-large',
  ERR_HTTP_REQUEST_TIMEOUT: 'request-timeout',
};
