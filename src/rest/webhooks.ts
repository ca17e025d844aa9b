/** Webhooks: `/webhooks`. */
import * as z from 'zod';
import { eventTypes } from '../domain/facts/event-types.js';
import type { Webhook, WebhookService } from '../domain/facts/webhook.js';
import { formatTime, time, uuid, webUrl } from './fields.js';
import { operationsOf, type Operation } from './operation.js';

const eventType = z.enum(eventTypes);

const newWebhook = z
  .strictObject({
    url: webUrl,
    fallbackUrl: webUrl.nullish().describe('Told while `url` fails.'),
    events: z.array(eventType).max(100).nullish().describe('Missing or empty: all.'),
    secret: z
      .string()
      .min(16, 'must have at least 16 characters')
      .max(256)
      .nullish()
      .describe('Signs what is sent. One is made where it is missing.'),
  })
  .meta({ id: 'NewWebhook' });

const webhookFields = {
  id: z.uuid(),
  url: z.string(),
  fallbackUrl: z.string().optional(),
  events: z.array(eventType).optional().describe('Missing: all.'),
  createdAt: time,
};
const webhookSchema = z
  .strictObject(webhookFields)
  .meta({ id: 'Webhook', description: 'Where the account is told of events.' });
const createdWebhook = z
  .strictObject({ ...webhookFields, secret: z.string().describe('Shown this once.') })
  .meta({ id: 'CreatedWebhook' });

function formatWebhook(webhook: Webhook): z.output<typeof webhookSchema> {
  return {
    id: webhook.id,
    url: webhook.url,
    ...(webhook.fallbackUrl === null ? {} : { fallbackUrl: webhook.fallbackUrl }),
    ...(webhook.events === null ? {} : { events: [...webhook.events] }),
    createdAt: formatTime(webhook.createdAt),
  };
}

const define = operationsOf('Webhooks');

export function webhookOperations(webhooks: WebhookService): Operation[] {
  return [
    define({
      operationId: 'createWebhook',
      method: 'POST',
      path: '/webhooks',
      summary: 'Create a webhook',
      description:
        'From now on every event of the account is posted to it, in order per session. See docs/events.md.',
      body: newWebhook,
      success: { status: 201, description: 'The webhook and its secret', schema: createdWebhook },
      errors: [409],
      handle: async ({ accountId, body }) => {
        const types = [...new Set(body.events ?? [])];
        const webhook = await webhooks.create(accountId, {
          url: body.url,
          fallbackUrl: body.fallbackUrl ?? null,
          events: types.length === 0 ? null : types,
          secret: body.secret ?? null,
        });
        return { ...formatWebhook(webhook), secret: webhook.secret };
      },
    }),
    define({
      operationId: 'listWebhooks',
      method: 'GET',
      path: '/webhooks',
      summary: 'List webhooks',
      success: { status: 200, description: 'All webhooks of the account', schema: z.array(webhookSchema) },
      handle: async ({ accountId }) => (await webhooks.list(accountId)).map(formatWebhook),
    }),
    define({
      operationId: 'deleteWebhook',
      method: 'DELETE',
      path: '/webhooks/{webhookId}',
      summary: 'Delete a webhook',
      description: 'What was not delivered yet is given up.',
      params: z.object({ webhookId: uuid }),
      success: { status: 204, description: 'Deleted' },
      errors: [404],
      handle: ({ accountId, params }) => webhooks.delete(accountId, params.webhookId),
    }),
  ];
}
