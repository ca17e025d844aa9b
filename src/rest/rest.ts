/** The REST API as a Fastify plugin: `/v1/accounts/{accountId}/…` and its documentation at `/docs`. */
import type { FastifyInstance, FastifyPluginCallback, FastifyReply, FastifyRequest } from 'fastify';
import type { CallExplainer } from '../domain/call-explainer.js';
import { systemClock, type Clock } from '../domain/clock.js';
import type { LegControl } from '../domain/legs/leg-control.js';
import type { NodeControl } from '../domain/node-control.js';
import type { CallRecordStore } from '../domain/facts/call-record.js';
import type { EventFeed } from '../domain/facts/event-feed.js';
import type { DtmfService } from '../domain/keys/dtmf-service.js';
import type { PlaybackService } from '../domain/sounds/playback-service.js';
import type { RecordingService } from '../domain/recordings/recording-service.js';
import type { SessionService } from '../domain/sessions/session-service.js';
import type { SipAddress } from '../domain/transfers/transfer.js';
import type { SoundService } from '../domain/sounds/sound-service.js';
import type { WebhookService } from '../domain/facts/webhook.js';
import { Authenticator, type AccountCredentials, type AuthenticationLimits } from './authentication.js';
import { registerDocs } from './docs.js';
import { dtmfOperations } from './dtmf.js';
import { eventsDescription, registerEvents, type EventStreamLimits } from './events.js';
import { isFileAnswer, openFileAnswer } from './file-answer.js';
import { takeText } from './json-body.js';
import type { IceServersOf } from './ice-server-schemas.js';
import { legOperations } from './legs.js';
import { memberOperations } from './members.js';
import { createOpenApiDocument } from './openapi.js';
import type { Operation, OperationDescription } from './operation.js';
import { nodeOperations } from './node.js';
import { numberOperations, type NumberResources } from './numbers.js';
import { participantOperations } from './participants.js';
import { phoneCallOperations, type PhoneCaller } from './phone-calls.js';
import { playbackOperations } from './playbacks.js';
import { recordingOperations } from './recordings.js';
import { originOf } from './request-origin.js';
import { RestError } from './rest-error.js';
import { recordOperations } from './records.js';
import { sessionOperations } from './sessions.js';
import { sipExplanationOperations } from './sip-explanation.js';
import { sipTraceOperations, type TraceResources } from './sip-traces.js';
import { webhookOperations } from './webhooks.js';
import { soundOperations, wavMediaTypes } from './sounds.js';
import { streamOperations } from './streams.js';
import { trunkOperations, type TrunkResources } from './trunks.js';
import { transferOperations, type TransferResources } from './transfers.js';

export interface RestOptions {
  readonly accounts: readonly AccountCredentials[];
  readonly sessions: SessionService;
  readonly legs: LegControl;
  /** Where calls are sent to. Without it new participants are told no SIP URI. */
  readonly sipAddress?: () => Pick<SipAddress, 'sipUri'>;
  /** The STUN and TURN servers that a participant is told of. Default: none. */
  readonly iceServers?: IceServersOf;
  readonly events: EventFeed;
  /** Without one there is no `/webhooks`. */
  readonly webhooks?: WebhookService;
  /** Without one there is no `/records`. */
  readonly records?: Pick<CallRecordStore, 'listRecords'>;
  /** The account that runs the gateway, and sees refused calls which named none. Default null: nobody does. */
  readonly operatorAccount?: string | null;
  /** Resolves when the facts of what was done will survive the process: only then is a change acknowledged. */
  readonly settled?: () => Promise<void>;
  /** Without them there is no `/transfers`. */
  readonly transfers?: Omit<TransferResources, 'sessions'>;
  /** Without them there is no `/numbers`. */
  readonly numbers?: NumberResources;
  /** Without it there are no `/trunks`. */
  readonly trunks?: TrunkResources;
  /** Without it there are no `/sounds`, and nothing is played to phones. */
  readonly sounds?: { readonly sounds: SoundService; readonly playbacks: PlaybackService };
  /** Without one no keys are pressed for phones. */
  readonly dtmf?: DtmfService;
  /** Without one there are no `/recordings`. */
  readonly recordings?: RecordingService;
  /** Without one there is no `/phone-calls`. */
  readonly phone?: PhoneCaller;
  /** Without one there is no `/sip/explain`. */
  readonly calls?: CallExplainer;
  /** Without them there are no `/sip/traces`. */
  readonly traces?: TraceResources;
  /** Without one there is no `/v1/node`. */
  readonly node?: NodeControl;
  readonly clock?: Clock;
  /** The product's version, for the OpenAPI document. */
  readonly version: string;
  /** Limits on wrong credentials. Default 30 failures a minute, 10000 sources. */
  readonly authentication?: AuthenticationLimits;
  readonly eventStreams?: EventStreamLimits;
}

const accountPrefix = '/v1/accounts/:accountId';
const nodePrefix = '/v1/node';

export function createRest(options: RestOptions): FastifyPluginCallback {
  const clock = options.clock ?? systemClock;
  const limits = options.authentication ?? { failuresPerMinute: 30, maxSources: 10_000 };
  const authenticator = new Authenticator(options.accounts, limits, clock);
  const operations = [
    ...participantOperations(options.sessions, {
      ...(options.sipAddress !== undefined && { address: options.sipAddress }),
      ...(options.iceServers !== undefined && { iceServers: options.iceServers }),
    }),
    ...sessionOperations(options.sessions),
    ...memberOperations(options.sessions),
    ...streamOperations(options.sessions),
    ...legOperations(options.legs),
    ...(options.webhooks === undefined ? [] : webhookOperations(options.webhooks)),
    ...(options.records === undefined
      ? []
      : recordOperations(options.records, options.operatorAccount ?? null)),
    ...(options.transfers === undefined
      ? []
      : transferOperations({ ...options.transfers, sessions: options.sessions })),
    ...(options.numbers === undefined ? [] : numberOperations(options.numbers)),
    ...(options.trunks === undefined ? [] : trunkOperations(options.trunks)),
    ...(options.sounds === undefined
      ? []
      : [...soundOperations(options.sounds.sounds), ...playbackOperations(options.sounds.playbacks)]),
    ...(options.dtmf === undefined ? [] : dtmfOperations(options.dtmf)),
    ...(options.recordings === undefined ? [] : recordingOperations(options.recordings)),
    ...(options.phone === undefined ? [] : phoneCallOperations(options.phone)),
    ...(options.calls === undefined ? [] : sipExplanationOperations(options.calls)),
    ...(options.traces === undefined ? [] : sipTraceOperations(options.traces)),
    ...(options.node === undefined ? [] : nodeOperations(options.node)),
  ];
  const descriptions: OperationDescription[] = [...operations, eventsDescription];

  return (server, _, done) => {
    // Runs before the body is read: a stranger's megabytes are not worth parsing.
    const authenticate =
      (account: (request: FastifyRequest) => string | null) =>
      (request: FastifyRequest, reply: FastifyReply, next: (error?: Error) => void) => {
        // Answers hold tokens: no cache may keep them.
        reply.header('cache-control', 'no-store');
        try {
          authenticator.authenticate(request.headers.authorization, account(request), request.ip);
          next();
        } catch (error) {
          next(error as Error);
        }
      };
    const onRequest = authenticate(accountOf);
    const onNodeRequest = authenticate(() => options.operatorAccount ?? null);
    const addRoute = (scope: FastifyInstance, operation: Operation) =>
      scope.route({
        method: operation.method,
        url: routeOf(operation),
        onRequest: operation.isOfNode === true ? onNodeRequest : onRequest,
        handler: (request, reply) => answer(operation, request, reply, options.settled),
      });
    const isPlain = ({ upload, textField }: Operation): boolean =>
      upload === undefined && textField === undefined;
    for (const operation of operations.filter(isPlain)) addRoute(server, operation);
    for (const operation of operations) {
      const { textField } = operation;
      if (textField === undefined) continue;
      void server.register((scope, __, registered) => {
        takeText(scope, textField);
        addRoute(scope, operation);
        registered();
      });
    }
    // Uploads have a scope of their own: nothing else takes such bodies.
    void server.register((scope, __, registered) => {
      scope.removeAllContentTypeParsers();
      scope.addContentTypeParser([...wavMediaTypes], (_request, body, parsed) => parsed(null, body));
      scope.addContentTypeParser('*', (_request, _body, parsed) =>
        parsed(new RestError('unsupported-media-type', `Unsupported media type: send ${wavMediaTypes[0]}`)),
      );
      scope.addHook('onError', (request, reply, _error, told) => {
        // Nobody reads the rest of the body, and the connection would wait for that.
        if (!request.raw.complete) reply.header('connection', 'close');
        told();
      });
      for (const operation of operations.filter(({ upload }) => upload !== undefined)) {
        addRoute(scope, operation);
      }
      registered();
    });
    registerEvents(server, routeOf(eventsDescription), {
      onRequest,
      feed: options.events,
      clock,
      accountOf,
      ...(options.eventStreams === undefined ? {} : { limits: options.eventStreams }),
    });
    for (const [url, allowed] of methodsByRoute(descriptions)) {
      const others = (['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const).filter(
        (method) => !allowed.includes(method),
      );
      server.route({
        method: others,
        url,
        handler: (request) => {
          const headers = { allow: allowed.join(', ') };
          throw new RestError('method-not-allowed', `${request.method} is not possible here`, { headers });
        },
      });
    }
    registerDocs(server, () => createOpenApiDocument(descriptions, options.version));
    done();
  };
}

function accountOf(request: FastifyRequest): string {
  return (request.params as { accountId: string }).accountId;
}

function routeOf(operation: OperationDescription): string {
  const prefix = operation.isOfNode === true ? nodePrefix : accountPrefix;
  return `${prefix}${operation.path.replaceAll(/\{(\w+)\}/g, ':$1')}`;
}

function methodsByRoute(operations: readonly OperationDescription[]): Map<string, string[]> {
  const methods = new Map<string, string[]>();
  for (const operation of operations) {
    const url = routeOf(operation);
    methods.set(url, [...(methods.get(url) ?? []), operation.method]);
  }
  return methods;
}

async function answer(
  operation: Operation,
  request: FastifyRequest,
  reply: FastifyReply,
  settled: RestOptions['settled'],
): Promise<unknown> {
  const { accountId = '', ...params } = request.params as Readonly<Record<string, string>>;
  const key = request.headers['idempotency-key'];
  const body = await operation.run({
    accountId,
    params,
    query: request.query,
    body: request.body,
    origin: originOf(request),
    idempotencyKey: Array.isArray(key) ? key.join() : key,
  });
  if (operation.method !== 'GET') await settled?.();
  if (isFileAnswer(body)) {
    const { range, 'if-range': ifRange } = request.headers;
    const isWhole = request.method === 'HEAD' || ifRange !== undefined;
    const file = await openFileAnswer(body, isWhole ? undefined : range);
    // HEAD sends no body: the file need not be read.
    if (request.method === 'HEAD') file.stream.destroy();
    return reply.code(file.status).headers(file.headers).send(file.stream);
  }
  const { mediaType = operation.success.download?.[0] } = operation.success;
  if (mediaType !== undefined) reply.type(mediaType);
  reply.code(operation.success.status);
  return operation.success.status === 204 ? reply.send() : reply.send(body);
}
