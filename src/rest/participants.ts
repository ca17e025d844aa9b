/** Participants: `/participants`. */
import * as z from 'zod';
import type { SessionService } from '../domain/sessions/session-service.js';
import type { SipAddress } from '../domain/transfers/transfer.js';
import { iceServerSchema, type IceServersOf } from './ice-server-schemas.js';
import { listQuery, participantPath } from './fields.js';
import { operationsOf, type Operation } from './operation.js';
import {
  createdParticipantSchema,
  formatParticipant,
  newParticipant,
  participantChange,
  participantSchema,
} from './participant-schemas.js';

const define = operationsOf('Participants');

export interface ParticipantExtras {
  /** Where calls are sent to. Without it new participants are told no SIP URI. */
  readonly address?: () => Pick<SipAddress, 'sipUri'>;
  /** Without it there are no STUN and TURN servers to be told of. */
  readonly iceServers?: IceServersOf;
}

export function participantOperations(
  sessions: SessionService,
  { address, iceServers = () => [] }: ParticipantExtras = {},
): Operation[] {
  return [
    define({
      operationId: 'createParticipant',
      method: 'POST',
      path: '/participants',
      summary: 'Create a participant',
      description:
        'Answers with the token, and a join code, that it connects with. Neither can be had again.',
      body: newParticipant,
      success: {
        status: 200,
        description: 'The participant and its token',
        schema: createdParticipantSchema,
      },
      handle: async ({ accountId, body }) => {
        const { participant, token, joinCode } = await sessions.createParticipant(accountId, {
          callbackUrl: body?.callbackUrl ?? null,
          publishPermissions: body?.publishPermissions ?? ['AUDIO', 'VIDEO'],
          tag: body?.tag ?? null,
          displayName: body?.displayName ?? null,
          attributes: body?.attributes ?? {},
          tokenUse: body?.tokenUse ?? 'slot',
        });
        const servers = iceServers(accountId, participant.id);
        return {
          ...{ participant: formatParticipant(participant), token, joinCode },
          ...(address !== undefined && {
            sipUri: address().sipUri.replace('sip:join@', `sip:${joinCode}@`),
          }),
          ...(servers.length > 0 && { iceServers: servers }),
        };
      },
    }),
    define({
      operationId: 'listParticipants',
      method: 'GET',
      path: '/participants',
      summary: 'List participants',
      query: listQuery,
      success: { status: 200, description: 'The newest participants', schema: z.array(participantSchema) },
      handle: async ({ accountId, query }) =>
        (await sessions.listParticipants(accountId, query.limit)).map(formatParticipant),
    }),
    define({
      operationId: 'getParticipant',
      method: 'GET',
      path: '/participants/{participantId}',
      summary: 'Get a participant',
      params: participantPath,
      success: { status: 200, description: 'The participant', schema: participantSchema },
      errors: [404],
      handle: async ({ accountId, params }) =>
        formatParticipant(await sessions.getParticipant(accountId, params.participantId)),
    }),
    define({
      operationId: 'listIceServers',
      method: 'GET',
      path: '/participants/{participantId}/ice-servers',
      summary: 'List the STUN and TURN servers for a participant',
      description: 'With a name and a password that are good as long as a token that was made now.',
      params: participantPath,
      success: {
        status: 200,
        description: 'For the `iceServers` of its browser',
        schema: z.array(iceServerSchema),
      },
      errors: [404],
      handle: async ({ accountId, params }) => {
        const { id } = await sessions.getParticipant(accountId, params.participantId);
        return iceServers(accountId, id);
      },
    }),
    define({
      operationId: 'updateParticipant',
      method: 'PATCH',
      path: '/participants/{participantId}',
      summary: 'Change a participant',
      description: 'Holds at once, also for a participant that is connected.',
      params: participantPath,
      body: participantChange,
      success: { status: 200, description: 'The participant as it is now', schema: participantSchema },
      errors: [404],
      handle: async ({ accountId, params, body }) =>
        formatParticipant(
          await sessions.updateParticipant(accountId, params.participantId, {
            ...(body.displayName === undefined ? {} : { displayName: body.displayName }),
            ...(body.tag === undefined ? {} : { tag: body.tag }),
            ...(body.publishPermissions === undefined ? {} : { publishPermissions: body.publishPermissions }),
            ...(body.attributes === undefined ? {} : { attributes: body.attributes }),
          }),
        ),
    }),
    define({
      operationId: 'deleteParticipant',
      method: 'DELETE',
      path: '/participants/{participantId}',
      summary: 'Delete a participant',
      description: 'Ends its connection at once.',
      params: participantPath,
      success: { status: 204, description: 'Deleted' },
      errors: [404],
      handle: ({ accountId, params }) => sessions.deleteParticipant(accountId, params.participantId),
    }),
  ];
}
