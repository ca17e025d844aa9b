/** Carriers and phone systems, and what their calls may do: `/trunks`. */
import * as z from 'zod';
import type { NewTrunk, TrunkService } from '../domain/trunks/trunk-service.js';
import type { TrunkStates } from '../domain/trunks/trunk-state.js';
import type { DigestHash, Trunk } from '../domain/trunks/trunk.js';
import { formatNext, formatTime, nextPage, pageQuery, time, uuid } from './fields.js';
import { operationsOf, type Operation } from './operation.js';
import {
  formatOutbound,
  formatState,
  newOutbound,
  outboundSchema,
  stateSchema,
  toNewOutbound,
} from './trunk-outbound.js';

const calledNumberPlaces = z.enum(['p-called-party-id', 'request-uri', 'to']);
const callerIdentity = z.enum(['asserted', 'from']);
const stirPolicy = z.enum(['off', 'report', 'require']);
const networks = z
  .array(z.string().min(2).max(50))
  .max(200)
  .describe('Addresses and networks like `192.0.2.0/24`, whose calls are the trunk’s.');
const patterns = z.array(z.string().min(1).max(40)).max(200);
const limit = z.int().min(1).max(100_000);

const digestHashes = z.enum(['SHA-256', 'MD5']);
const username = z
  .string()
  .regex(
    /^[!#-9;-[\]-~]{1,64}$/,
    'must be 1 to 64 printable characters without spaces, colons, quotes and backslashes',
  );
const algorithms = z
  .array(digestHashes)
  .min(1)
  .max(2)
  .describe(
    'What calls are challenged with. MD5 alone for peers that read only one challenge, and know no other.',
  );

const inboundFields = {
  networks,
  calledNumber: z
    .array(calledNumberPlaces)
    .min(1)
    .max(3)
    .describe('Where the called number is looked for; the first that has one wins.'),
  callerIdentity: callerIdentity.describe(
    '`asserted`: P-Asserted-Identity and its like are believed before From. `from`: only From is read.',
  ),
  stir: stirPolicy.describe(
    'Whether the signature for who calls is verified: `report` shows the result, `require` lets no other call in. Needs `stir.ca`.',
  ),
};

const newTrunk = z
  .strictObject({
    name: z.string().min(1).max(100).nullish(),
    enabled: z.boolean().default(true).describe('One that is not is as good as not there.'),
    inbound: z
      .strictObject({
        ...inboundFields,
        digest: z
          .strictObject({
            username: username.describe('Unique over all accounts.'),
            password: z
              .string()
              .min(8)
              .max(128)
              .nullish()
              .describe('Never shown again. Missing in a replacement: it stays.'),
            algorithms: algorithms.default(['SHA-256', 'MD5']),
          })
          .nullable()
          .describe('What calls must show beside their network, or alone where there are no networks.'),
      })
      .partial()
      .nullish(),
    outbound: newOutbound.nullish().describe('Missing: nothing is sent there but what belongs to its calls.'),
    numbers: z
      .array(z.string().min(3).max(64))
      .max(1000)
      .nullish()
      .describe('Your numbers that may be called over it. Missing: all of them.'),
    allowedCallers: patterns
      .nullish()
      .describe(
        'Patterns of callers’ numbers, like `+4930*`, `?` for one digit, `anonymous` for those without. Missing: anybody.',
      ),
    allowedCalled: patterns.nullish().describe('Patterns of called numbers. Missing: any.'),
    maxConcurrentCalls: limit.nullish().describe('Beyond, calls get 503. Missing: no limit.'),
    maxCallsPerSecond: limit
      .nullish()
      .describe('As many at once after a rest. Beyond, calls get 503. Missing: no limit.'),
  })
  .meta({ id: 'NewTrunk' });

const trunkSchema = z
  .strictObject({
    id: z.uuid(),
    name: z.string().optional(),
    enabled: z.boolean(),
    inbound: z.strictObject({
      ...inboundFields,
      digest: z.strictObject({ username: z.string(), algorithms }).nullable(),
    }),
    outbound: outboundSchema.nullable(),
    state: stateSchema.nullable(),
    numbers: z.array(z.string()).nullable().describe('In E.164; null: all of the account.'),
    allowedCallers: patterns.nullable(),
    allowedCalled: patterns.nullable(),
    maxConcurrentCalls: z.int().nullable(),
    maxCallsPerSecond: z.int().nullable(),
    createdAt: time,
  })
  .meta({ id: 'Trunk', description: 'A carrier or phone system, by which calls come in.' });

const pageSchema = z.strictObject({ trunks: z.array(trunkSchema), next: nextPage }).meta({ id: 'TrunkPage' });

const trunkPath = z.object({ trunkId: uuid });

const define = operationsOf('Trunks');

export function trunkOperations(trunks: TrunkService, states: TrunkStates): Operation[] {
  const format = (trunk: Trunk) => formatTrunk(trunk, states);
  return [
    define({
      operationId: 'createTrunk',
      method: 'POST',
      path: '/trunks',
      summary: 'Create a trunk',
      description:
        'With an `Idempotency-Key` a repeated request gets the same trunk. 400 `trunk-unusable` says what is wrong with it.',
      takesIdempotencyKey: true,
      body: newTrunk,
      success: { status: 201, description: 'The trunk', schema: trunkSchema },
      errors: [409],
      handle: async ({ accountId, body, idempotencyKey }) =>
        format(await trunks.create(accountId, toNewTrunk(body), idempotencyKey)),
    }),
    define({
      operationId: 'listTrunks',
      method: 'GET',
      path: '/trunks',
      summary: 'List trunks',
      query: pageQuery,
      success: { status: 200, description: 'A page of them, the newest first', schema: pageSchema },
      handle: async ({ accountId, query }) => {
        const page = await trunks.list({ accountId, ...query });
        return { trunks: page.trunks.map(format), next: formatNext(page.next) };
      },
    }),
    define({
      operationId: 'getTrunk',
      method: 'GET',
      path: '/trunks/{trunkId}',
      summary: 'Get a trunk',
      params: trunkPath,
      success: { status: 200, description: 'The trunk', schema: trunkSchema },
      errors: [404],
      handle: async ({ accountId, params }) => format(await trunks.get(accountId, params.trunkId)),
    }),
    define({
      operationId: 'replaceTrunk',
      method: 'PUT',
      path: '/trunks/{trunkId}',
      summary: 'Replace a trunk',
      description:
        'All settings: what is missing has its default again, but for passwords. Calls in progress go on as they came.',
      params: trunkPath,
      body: newTrunk,
      success: { status: 200, description: 'The trunk', schema: trunkSchema },
      errors: [404, 409],
      handle: async ({ accountId, params, body }) =>
        format(await trunks.replace(accountId, params.trunkId, toNewTrunk(body))),
    }),
    define({
      operationId: 'deleteTrunk',
      method: 'DELETE',
      path: '/trunks/{trunkId}',
      summary: 'Delete a trunk',
      description: 'Its calls in progress go on.',
      params: trunkPath,
      success: { status: 204, description: 'Deleted' },
      errors: [404],
      handle: ({ accountId, params }) => trunks.delete(accountId, params.trunkId),
    }),
  ];
}

function toNewTrunk(body: z.output<typeof newTrunk>): NewTrunk {
  const { networks, digest, calledNumber, callerIdentity, stir } = body.inbound ?? {};
  return {
    name: body.name ?? null,
    isEnabled: body.enabled,
    inbound: {
      ...(networks !== undefined && { networks }),
      ...(digest !== undefined &&
        digest !== null && {
          digest: { username: digest.username, password: digest.password ?? null, hashes: digest.algorithms },
        }),
      ...(calledNumber !== undefined && { calledNumber }),
      ...(callerIdentity !== undefined && { callerIdentity }),
      ...(stir !== undefined && { stir }),
    },
    outbound: body.outbound === null || body.outbound === undefined ? null : toNewOutbound(body.outbound),
    numbers: body.numbers ?? null,
    allowedCallers: body.allowedCallers ?? null,
    allowedCalled: body.allowedCalled ?? null,
    maxConcurrentCalls: body.maxConcurrentCalls ?? null,
    maxCallsPerSecond: body.maxCallsPerSecond ?? null,
  };
}

function formatTrunk(trunk: Trunk, states: TrunkStates): z.output<typeof trunkSchema> {
  const { networks, digest, calledNumber, callerIdentity, stir } = trunk.inbound;
  const shownDigest = digest && {
    username: digest.username,
    algorithms: Object.keys(digest.secrets) as DigestHash[],
  };
  const state = states.stateOf(trunk.id);
  const copyOf = (texts: readonly string[] | null) => (texts === null ? null : [...texts]);
  return {
    id: trunk.id,
    ...(trunk.name === null ? {} : { name: trunk.name }),
    enabled: trunk.isEnabled,
    inbound: {
      ...{ networks: [...networks], digest: shownDigest },
      ...{ calledNumber: [...calledNumber], callerIdentity, stir },
    },
    outbound: trunk.outbound && formatOutbound(trunk.outbound),
    state: state && formatState(state),
    numbers: copyOf(trunk.numbers),
    allowedCallers: copyOf(trunk.allowedCallers),
    allowedCalled: copyOf(trunk.allowedCalled),
    maxConcurrentCalls: trunk.maxConcurrentCalls,
    maxCallsPerSecond: trunk.maxCallsPerSecond,
    createdAt: formatTime(trunk.createdAt),
  };
}
