/** The gateway as a machine, for its operator: `/v1/node`. */
import * as z from 'zod';
import type { NodeControl, SourceBan } from '../domain/node-control.js';
import { formatTime, time } from './fields.js';
import { operationsOf, type Operation } from './operation.js';
import { RestError } from './rest-error.js';

const nodeSchema = z
  .strictObject({
    name: z.string(),
    version: z.string(),
    startedAt: time,
    draining: z.boolean().describe('New calls are refused with 503 and `Retry-After`.'),
    legs: z.int().describe('Live connections, of all accounts.'),
  })
  .meta({ id: 'Node', description: 'One gateway.' });

const banSchema = z
  .strictObject({
    source: z.string().describe('An IPv4 address, or an IPv6 network like `2001:db8:0:1::/64`.'),
    until: time,
  })
  .meta({ id: 'SourceBan', description: 'Somebody whose SIP is not heard for a while.' });

const define = operationsOf('Node');

/** For the operator's account alone. */
export function nodeOperations(node: NodeControl): Operation[] {
  const state = (): Promise<z.output<typeof nodeSchema>> => {
    const { name, version, startedAt, isDraining, legs } = node.state();
    return Promise.resolve({ name, version, startedAt: formatTime(startedAt), draining: isDraining, legs });
  };
  return [
    define({
      operationId: 'getNode',
      isOfNode: true,
      method: 'GET',
      path: '',
      summary: 'Get the state of the gateway',
      success: { status: 200, description: 'The gateway', schema: nodeSchema },
      handle: state,
    }),
    define({
      operationId: 'drainNode',
      isOfNode: true,
      method: 'PUT',
      path: '/drain',
      summary: 'Take no new calls',
      description:
        'New calls and OPTIONS get 503 with `Retry-After`, and `/ready` answers 503, until `DELETE`. Calls in progress go on; nothing is ended, and a restart takes calls again.',
      success: { status: 200, description: 'The gateway', schema: nodeSchema },
      handle: () => {
        node.drain();
        return state();
      },
    }),
    define({
      operationId: 'resumeNode',
      isOfNode: true,
      method: 'DELETE',
      path: '/drain',
      summary: 'Take calls again',
      success: { status: 200, description: 'The gateway', schema: nodeSchema },
      errors: [],
      handle: () => {
        if (!node.resume()) throw new RestError('stopping', 'The gateway is stopping');
        return state();
      },
    }),
    define({
      operationId: 'listBans',
      isOfNode: true,
      method: 'GET',
      path: '/bans',
      summary: 'List banned sources',
      success: { status: 200, description: 'Those in force', schema: z.array(banSchema) },
      handle: () => Promise.resolve(node.bans().map(formatBan)),
    }),
    define({
      operationId: 'liftBan',
      isOfNode: true,
      method: 'DELETE',
      path: '/bans/{source}',
      summary: 'Hear a banned source again',
      params: z.object({
        source: z
          .string()
          .min(1)
          .max(64)
          .describe('As it stands in the list (with `/` as `%2F`), or any address in it.'),
      }),
      success: { status: 204, description: 'It is heard' },
      errors: [404],
      handle: ({ params }) => {
        if (!node.liftBan(params.source)) throw new RestError('ban-not-found', 'No such source is banned');
        return Promise.resolve();
      },
    }),
    define({
      operationId: 'liftAllBans',
      isOfNode: true,
      method: 'DELETE',
      path: '/bans',
      summary: 'Hear every banned source again',
      success: { status: 204, description: 'All are heard' },
      handle: () => {
        node.liftBan(null);
        return Promise.resolve();
      },
    }),
  ];
}

function formatBan({ source, until }: SourceBan): z.output<typeof banSchema> {
  return { source, until: formatTime(until) };
}
