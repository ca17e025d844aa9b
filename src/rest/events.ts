/** Facts as they happen, as Server-Sent Events (WHATWG HTML, section 9.2): `/events`. */
import type { OutgoingHttpHeaders } from 'node:http';
import type { FastifyInstance, FastifyReply, FastifyRequest, onRequestHookHandler } from 'fastify';
import * as z from 'zod';
import type { Clock, Timer } from '../domain/clock.js';
import type { DomainEvent } from '../domain/facts/event.js';
import type { EventFeed, EventSubscription } from '../domain/facts/event-feed.js';
import { isTransient } from '../domain/facts/transient-facts.js';
import { formatTime, uuid } from './fields.js';
import { validate, type OperationDescription } from './operation.js';
import { RestError } from './rest-error.js';

export interface EventStreamLimits {
  readonly heartbeatSeconds: number;
  /** A reader that leaves more than this unread is cut off; it may come back and resume. */
  readonly maxUnreadBytes: number;
}

const defaultLimits: EventStreamLimits = { heartbeatSeconds: 15, maxUnreadBytes: 1_048_576 };

/** A misspelt filter would otherwise give everything. */
const query = z.strictObject({ sessionId: uuid.optional().describe('Only events of this session.') });
const lastEventId = z.string().max(100).optional();

export const eventsDescription: OperationDescription = {
  operationId: 'streamEvents',
  method: 'GET',
  path: '/events',
  tag: 'Events',
  summary: 'Follow events',
  description:
    'Server-Sent Events: `id` is the event’s id (`leg.quality`, which is not remembered, has none), `event` its type, `data` the event as JSON. Send `Last-Event-ID` to resume; ' +
    'an event of type `gap` comes first where more was missed than is remembered.',
  query,
  success: { status: 200, description: 'Events until either side closes', mediaType: 'text/event-stream' },
};

export interface EventRoute {
  readonly onRequest: onRequestHookHandler;
  readonly feed: EventFeed;
  readonly clock: Clock;
  readonly accountOf: (request: FastifyRequest) => string;
  readonly limits?: EventStreamLimits;
}

export function registerEvents(server: FastifyInstance, url: string, route: EventRoute): void {
  const limits = route.limits ?? defaultLimits;
  const streams = new Set<EventStream>();
  // An open stream would keep a closing server waiting for ever.
  server.addHook('preClose', (done) => {
    for (const stream of streams) stream.close();
    done();
  });
  server.route({
    method: 'GET',
    url,
    exposeHeadRoute: false,
    onRequest: route.onRequest,
    handler: (request, reply) => {
      const { sessionId } = validate(query, request.query);
      const after = validate(lastEventId, request.headers['last-event-id']);
      const stream = new EventStream(reply, route.clock, limits);
      const subscription = route.feed.subscribe(
        {
          accountId: route.accountOf(request),
          ...(sessionId === undefined ? {} : { sessionId }),
          ...(after === undefined ? {} : { after }),
        },
        (event) => stream.push(event),
      );
      if (subscription === null)
        throw new RestError('too-many-event-streams', 'Too many event streams at once', {
          headers: { 'retry-after': '10' },
        });
      streams.add(stream);
      reply.hijack();
      stream.open(reply.getHeaders() as OutgoingHttpHeaders, subscription, () => streams.delete(stream));
    },
  });
}

class EventStream {
  readonly #response: FastifyReply['raw'];
  readonly #clock: Clock;
  readonly #limits: EventStreamLimits;
  #subscription: EventSubscription | null = null;
  #heartbeat: Timer | null = null;

  constructor(reply: FastifyReply, clock: Clock, limits: EventStreamLimits) {
    this.#response = reply.raw;
    this.#clock = clock;
    this.#limits = limits;
  }

  /** `headers`: those of every answer. */
  open(headers: OutgoingHttpHeaders, subscription: EventSubscription, onClosed: () => void): void {
    this.#subscription = subscription;
    this.#response.on('close', () => {
      this.#end();
      onClosed();
    });
    // Without a listener an error of the socket would end the process; 'close' follows it.
    this.#response.on('error', () => undefined);
    this.#response.writeHead(200, {
      ...headers,
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
    });
    this.#response.write(subscription.hasGap ? 'event: gap\ndata: {}\n\n' : ': connected\n\n');
    for (const event of subscription.missed) this.#response.write(formatEvent(event));
    this.#beat();
  }

  push(event: DomainEvent): void {
    this.#response.write(formatEvent(event));
    if (this.#response.writableLength > this.#limits.maxUnreadBytes) this.#response.destroy();
  }

  close(): void {
    this.#end();
    this.#response.end();
  }

  #beat(): void {
    this.#heartbeat = this.#clock.after(this.#limits.heartbeatSeconds * 1000, () => {
      this.#response.write(': heartbeat\n\n');
      this.#beat();
    });
  }

  #end(): void {
    this.#heartbeat?.cancel();
    this.#subscription?.close();
  }
}

export function formatEvent(event: DomainEvent): string {
  // JSON.stringify leaves no line end inside, so one data line holds it all.
  // Without an id a reader comes back after the last event that is remembered (HTML, section 9.2.6).
  const id = isTransient(event.type) ? '' : `id: ${event.id}\n`;
  return `${id}event: ${event.type}\ndata: ${JSON.stringify({ ...event, time: formatTime(event.time) })}\n\n`;
}
