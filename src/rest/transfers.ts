/** Transfers, by which a voice application sends its caller into a session: `/transfers`. */
import * as z from 'zod';
import type { SessionService } from '../domain/sessions/session-service.js';
import type { TransferService } from '../domain/transfers/transfer-service.js';
import type { OpenTransfer, SipAddress, Transfer, TransferDialects } from '../domain/transfers/transfer.js';
import { formatTime, listQuery, tag, time, uuid, webUrl } from './fields.js';
import { operationsOf, type Operation } from './operation.js';
import {
  attributes,
  displayName,
  formatParticipant,
  participantSchema,
  publishPermissions,
  tokenUse,
} from './participant-schemas.js';
import { subscriptionsFields, toSubscriptions } from './subscription-schemas.js';

export interface TransferResources {
  readonly transfers: TransferService;
  readonly sessions: SessionService;
  readonly dialects: TransferDialects;
  /** Where platforms send calls to. */
  readonly address: () => SipAddress;
}

/** The longest call id: a UUI of 256 characters holds no more beside a token, and other platforms' ids are shorter. */
const maxCallIdLength = 200;
/** What an idempotency key may be: field content (RFC 9110) without spaces at its ends, short enough for an index. */
export const idempotencyKey = z
  .string()
  .regex(/^[\x21-\x7e]{1,255}$/, 'must be 1 to 255 printable ASCII characters without spaces')
  .describe('Repeated requests with the same key make one transfer, for 24 hours after its end.');

const instruction = z.strictObject({ contentType: z.string(), body: z.string() });

const transferFields = {
  id: z.uuid(),
  sessionId: z.uuid(),
  participantId: z.uuid(),
  state: z.enum(['requested', 'arrived', 'answered', 'joined', 'completed', 'canceled', 'expired']),
  platform: z.string().optional(),
  voiceCallId: z.string().optional().describe('The platform’s id of the call.'),
  numberId: z.uuid().optional().describe('The number by which the call came in.'),
  legId: z.uuid().optional().describe('The connection that carries the call.'),
  cause: z.string().optional().describe('Why it ended.'),
  createdAt: time,
  expiresAt: time.describe('Until then the call may come.'),
};
const transferSchema = z
  .strictObject(transferFields)
  .meta({ id: 'Transfer', description: 'A phone call on its way into a session.' });
const openTransferSchema = z
  .strictObject({
    ...transferFields,
    participant: participantSchema,
    token: z.string().describe('What the call shows to be let in.'),
    joinCode: z.string().describe('The same in 12 characters.'),
    sipUri: z.string().describe('Where the call goes.'),
    headers: z.record(z.string(), z.string()).describe('SIP headers that it needs there: any one of them.'),
    instructions: z
      .record(z.string(), instruction)
      .describe('What to answer the platform: for the one asked for, or for all.'),
  })
  .meta({ id: 'OpenTransfer' });

function newTransfer(platforms: readonly string[]) {
  return z
    .strictObject({
      sessionId: uuid,
      tag: tag.nullish(),
      displayName: displayName.nullish(),
      attributes: attributes.nullish(),
      publishPermissions: publishPermissions
        .nullish()
        .meta({ description: 'Missing: AUDIO. Empty: the caller listens only.', uniqueItems: true }),
      subscriptions: subscriptionsFields.nullish().describe('Missing: the whole session.'),
      callbackUrl: webUrl.nullish(),
      voiceCallId: z
        .string()
        .regex(/^[\x21-\x7e]+$/, 'must be printable ASCII without spaces')
        .max(maxCallIdLength)
        .nullish()
        .describe('The platform’s id of the call; its events bear it.'),
      ttlSeconds: z
        .int()
        .min(10)
        .max(86_400)
        .nullish()
        .describe('How long token and code work. Missing: the configured time.'),
      tokenUse: tokenUse.nullish(),
      platform: z
        .enum(platforms as [string, ...string[]])
        .nullish()
        .describe('Whose instructions are wanted. Missing: all.'),
      idempotencyKey: idempotencyKey.nullish().describe('In place of the header `Idempotency-Key`.'),
    })
    .meta({ id: 'NewTransfer' });
}

const transferPath = z.object({ transferId: uuid });

const define = operationsOf('Transfers');

export function transferOperations(resources: TransferResources): Operation[] {
  const { transfers, sessions, dialects } = resources;
  return [
    define({
      operationId: 'createTransfer',
      method: 'POST',
      path: '/transfers',
      summary: 'Send a caller into a session',
      description:
        'Creates an audio-only participant, puts it into the session, and answers with all that a voice application needs to transfer its call there. With an `Idempotency-Key` a repeated request gets the same transfer; 409 where the key was used for another one.',
      takesIdempotencyKey: true,
      body: newTransfer(dialects.platforms),
      success: {
        status: 200,
        description: 'The transfer, and what the call must show',
        schema: openTransferSchema,
      },
      errors: [404, 409],
      handle: async ({ accountId, body, idempotencyKey: key }) => {
        const { tag: ownTag, displayName: name, attributes: own, subscriptions } = body;
        const open = await transfers.create(accountId, {
          destination: { sessionId: body.sessionId },
          tag: ownTag ?? null,
          displayName: name ?? null,
          ...(isMissing(own) ? {} : { attributes: own }),
          ...(isMissing(body.publishPermissions) ? {} : { publishPermissions: body.publishPermissions }),
          ...(isMissing(subscriptions) ? {} : { subscriptions: toSubscriptions(subscriptions) }),
          callbackUrl: body.callbackUrl ?? null,
          voiceCallId: body.voiceCallId ?? null,
          platform: body.platform ?? null,
          ...(isMissing(body.ttlSeconds) ? {} : { ttlSeconds: body.ttlSeconds }),
          tokenUse: body.tokenUse ?? 'slot',
          key: key ?? body.idempotencyKey ?? null,
        });
        return formatOpenTransfer(open, resources);
      },
    }),
    define({
      operationId: 'listTransfers',
      method: 'GET',
      path: '/transfers',
      summary: 'List transfers',
      query: listQuery,
      success: { status: 200, description: 'The newest transfers', schema: z.array(transferSchema) },
      handle: async ({ accountId, query }) =>
        (await transfers.list(accountId, query.limit)).map(formatTransfer),
    }),
    define({
      operationId: 'getTransfer',
      method: 'GET',
      path: '/transfers/{transferId}',
      summary: 'Get a transfer and its instructions',
      description: 'Once it has ended, without token and instructions.',
      params: transferPath,
      success: {
        status: 200,
        description: 'The transfer',
        schema: z.union([openTransferSchema, transferSchema]),
      },
      errors: [404],
      handle: async ({ accountId, params }) => {
        const transfer = await transfers.get(accountId, params.transferId);
        if (transfer.state !== 'requested') return formatTransfer(transfer);
        const participant = await sessions.getParticipant(accountId, transfer.participantId);
        return formatOpenTransfer({ transfer, participant, ...transfers.credentialsOf(transfer) }, resources);
      },
    }),
    define({
      operationId: 'deleteTransfer',
      method: 'DELETE',
      path: '/transfers/{transferId}',
      summary: 'Cancel a transfer',
      description: 'Deletes its participant, and ends the call where it is there already.',
      params: transferPath,
      success: { status: 204, description: 'Canceled' },
      errors: [404],
      handle: ({ accountId, params }) => transfers.cancel(accountId, params.transferId),
    }),
  ];
}

function isMissing(value: unknown): value is null | undefined {
  return value === null || value === undefined;
}

function formatTransfer(transfer: Transfer): z.output<typeof transferSchema> {
  return {
    id: transfer.id,
    sessionId: transfer.sessionId,
    participantId: transfer.participantId,
    state: transfer.state,
    ...(transfer.platform === null ? {} : { platform: transfer.platform }),
    ...(transfer.voiceCallId === null ? {} : { voiceCallId: transfer.voiceCallId }),
    ...(transfer.numberId === null ? {} : { numberId: transfer.numberId }),
    ...(transfer.legId === null ? {} : { legId: transfer.legId }),
    ...(transfer.cause === null ? {} : { cause: transfer.cause }),
    createdAt: formatTime(transfer.createdAt),
    expiresAt: formatTime(transfer.expiresAt),
  };
}

function formatOpenTransfer(
  { transfer, participant, token, joinCode }: OpenTransfer,
  { dialects, address }: TransferResources,
): z.output<typeof openTransferSchema> {
  const target = {
    ...address(),
    token,
    joinCode,
    voiceCallId: transfer.voiceCallId,
    callerId: null,
    completeUrl: null,
  };
  const platforms = transfer.platform === null ? dialects.platforms : [transfer.platform];
  return {
    ...formatTransfer(transfer),
    participant: formatParticipant(participant),
    token,
    joinCode,
    sipUri: target.sipUri,
    headers: { 'User-to-User': `${token};encoding=jwt`, 'X-Landbridge-Token': joinCode },
    instructions: Object.fromEntries(
      platforms
        .filter((platform) => dialects.platforms.includes(platform))
        .map((platform) => [platform, dialects.format(platform, target)]),
    ),
  };
}
