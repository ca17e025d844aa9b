/** Webhooks: `/webhooks`. */
import { z } from 'zod';
import { eventTypes } from '../domain/facts/event-types.js';
import type { Webhook, WebhookService } from '../domain/facts/webhook.js';
import { formatTime, time, uuid } from './fields.js';
import { defineOperation, type Operation } from './operation.js';

const webUrl = z.url({ protocol: /^https?$/, error: 'must be an http or https URL' }).max(2048);
const eventType = z.enum(eventTypes);

const newWebhook = z
  .object({
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

export function webhookOperations(webhooks: WebhookService): Operation[] {
  return [
    defineOperation({
      operationId: 'createWebhook',
      method: 'POST',
      path: '/webhooks',
      tag: 'Webhooks',
      summary: 'Create a webhook',
      description:
        'From now on every event of the account is posted to it, in order per session. See docs/events.md.',
      params: z.object({}),
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
    defineOperation({
      operationId: 'listWebhooks',
      method: 'GET',
      path: '/webhooks',
      tag: 'Webhooks',
      summary: 'List webhooks',
      params: z.object({}),
      success: { status: 200, description: 'All webhooks of the account', schema: z.array(webhookSchema) },
      errors: [],
      handle: async ({ accountId }) => (await webhooks.list(accountId)).map(formatWebhook),
    }),
    defineOperation({
      operationId: 'deleteWebhook',
      method: 'DELETE',
      path: '/webhooks/{webhookId}',
      tag: 'Webhooks',
      summary: 'Delete a webhook',
      description: 'What was not delivered yet is given up.',
      params: z.object({ webhookId: uuid }),
      success: { status: 204, description: 'Deleted' },
      errors: [404],
      handle: ({ accountId, params }) => webhooks.delete(accountId, params.webhookId),
    }),
  ];
}
