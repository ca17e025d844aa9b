/** Settings of what applications are told: event streams and webhooks. */
import * as z from 'zod';
import { eventTypes } from '../domain/facts/event-types.js';
import { count, group, hours, network, seconds, secret, webUrl } from './schema-parts.js';

export const eventsGroups = {
  events: group('Event streams', {
    historyPerAccount: count
      .default(1000)
      .describe('Events kept in memory per account, for readers that reconnect.'),
    legQualitySeconds: z
      .int()
      .min(0)
      .max(86_400)
      .default(10)
      .describe('How often `leg.quality` is told of each connection, and counted in metrics; 0 for never.'),
    maxReaders: count.default(200).describe('Event streams open at once, over all accounts.'),
    maxReadersPerAccount: count.default(100).describe('Event streams of one account.'),
    maxUnreadBytes: count
      .default(1_048_576)
      .describe('What a slow reader may leave unread before it is cut off.'),
    heartbeatSeconds: seconds
      .default(15)
      .describe('A comment is sent this often, so that proxies keep the stream open.'),
  }),

  webhooks: group('Webhooks and callbacks', {
    url: webUrl
      .optional()
      .describe('Told of every account’s events, beside the webhooks that accounts make.'),
    fallbackUrl: webUrl.optional().describe('Told while `webhooks.url` fails.'),
    events: z
      .array(z.enum(eventTypes, 'must be event types like call.ended'))
      .max(100)
      .default([])
      .describe('Event types sent to `webhooks.url`; empty for all but `leg.quality`.'),
    secret: z
      .string()
      .min(16, 'must have at least 16 characters')
      .max(256)
      .optional()
      .meta({ description: 'Signs what is sent to `webhooks.url` and to callback URLs.', ...secret }),
    allowPrivateNetworks: z
      .boolean()
      .default(false)
      .describe(
        'Also send to private, loopback and link-local addresses. Anybody with an account can then reach them.',
      ),
    allowedNetworks: z
      .array(network)
      .default([])
      .describe('Private addresses and networks that may be sent to.'),
    maxPerAccount: count.default(10).describe('Webhooks of one account.'),
    timeoutSeconds: seconds.default(10).describe('A receiver that has not answered by then has failed.'),
    maxLookUps: count
      .default(2)
      .describe(
        'Names looked up at once, of webhooks and of numbers’ applications. Each takes one of the threads that files need too (UV_THREADPOOL_SIZE, 4).',
      ),
    maxConcurrent: count
      .default(200)
      .describe('Messages on their way at once. Receivers that fail share half of it.'),
    maxPerReceiver: count.default(20).describe('Messages on their way at once to one receiver.'),
    firstRetrySeconds: seconds
      .default(1)
      .describe('The first retry comes after this; each further one later.'),
    longestRetrySeconds: seconds.default(600).describe('Retries are never further apart.'),
    keepHours: hours.default(24).describe('A message that nobody took by then is given up.'),
    failuresBeforeFallback: count
      .default(3)
      .describe('Failures of the first URL before the fallback is used.'),
    maxWaiting: count
      .default(100_000)
      .describe('Messages that wait. Above it the oldest of the receiver that fails for longest go.'),
  }),
};
