/** Carriers and phone systems, and what their calls may do: `/trunks`. */
import * as z from 'zod';
import type { NewTrunk, TrunkService } from '../domain/trunks/trunk-service.js';
import type { TrunkStates } from '../domain/trunks/trunk-state.js';
import { callerPlaces, type CallerIdentity, type DigestHash, type Trunk } from '../domain/trunks/trunk.js';
import { formatNext, formatTime, nextPage, pageQuery, uuid } from './fields.js';
import { operationsOf, type Operation } from './operation.js';
import { formatOutbound, formatState, toNewOutbound } from './trunk-outbound.js';
import { newTrunkFrom, presetSchema, type TrunkPreset } from './trunk-presets.js';
import { newTrunk, trunkSchema } from './trunk-schemas.js';

const pageSchema = z.strictObject({ trunks: z.array(trunkSchema), next: nextPage }).meta({ id: 'TrunkPage' });

const presetListSchema = z.strictObject({ presets: z.array(presetSchema) }).meta({ id: 'TrunkPresetList' });

const trunkPath = z.object({ trunkId: uuid });

const define = operationsOf('Trunks');

export interface TrunkResources {
  readonly trunks: TrunkService;
  readonly states: TrunkStates;
  readonly presets: readonly TrunkPreset[];
}

export function trunkOperations({ trunks, states, presets }: TrunkResources): Operation[] {
  const format = (trunk: Trunk) => formatTrunk(trunk, states);
  return [
    define({
      operationId: 'createTrunk',
      method: 'POST',
      path: '/trunks',
      summary: 'Create a trunk',
      description:
        'With an `Idempotency-Key` a repeated request gets the same trunk. 400 `trunk-unusable` says what is wrong with it. What `preset` fills in it fills in now, and never again.',
      takesIdempotencyKey: true,
      body: newTrunkFrom(presets),
      success: { status: 201, description: 'The trunk', schema: trunkSchema },
      errors: [409],
      handle: async ({ accountId, body, idempotencyKey }) =>
        format(await trunks.create(accountId, toNewTrunk(body), idempotencyKey)),
    }),
    define({
      operationId: 'listTrunkPresets',
      method: 'GET',
      path: '/trunk-presets',
      summary: 'List trunk presets',
      description: 'What `preset` of a new trunk may be, and what each fills in.',
      success: { status: 200, description: 'All of them', schema: presetListSchema },
      handle: () => Promise.resolve({ presets }),
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
        'All settings: what is missing has its default again, but for passwords; a preset fills in nothing here. Calls in progress go on as they came.',
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
  const { networks, certificateNames, digest, calledNumber, callerIdentity, stir, verifiedBy, headers } =
    body.inbound ?? {};
  const { codecs, dtmf, srtp } = body.media ?? {};
  return {
    name: body.name ?? null,
    isEnabled: body.enabled,
    inbound: {
      ...(networks !== undefined && { networks }),
      ...(certificateNames !== undefined && {
        certificateNames: certificateNames.map((name) => name.toLowerCase()),
      }),
      ...(digest !== undefined &&
        digest !== null && {
          digest: { username: digest.username, password: digest.password ?? null, hashes: digest.algorithms },
        }),
      ...(calledNumber !== undefined && { calledNumber }),
      ...(callerIdentity !== undefined && { callerIdentity: identityOf(callerIdentity) }),
      ...(stir !== undefined && { stir }),
      ...(verifiedBy !== undefined && { verifiedBy }),
      ...(headers !== undefined && { headers: [...new Set(headers)] }),
    },
    media: {
      ...(codecs !== undefined && { codecs: codecs && [...new Set(codecs)] }),
      ...(dtmf !== undefined && { dtmf }),
      ...(srtp !== undefined && { srtp }),
    },
    outbound: body.outbound === null || body.outbound === undefined ? null : toNewOutbound(body.outbound),
    numbers: body.numbers ?? null,
    allowedCallers: body.allowedCallers ?? null,
    allowedCalled: body.allowedCalled ?? null,
    maxConcurrentCalls: body.maxConcurrentCalls ?? null,
    maxCallsPerSecond: body.maxCallsPerSecond ?? null,
  };
}

function identityOf(given: CallerIdentity | 'asserted' | 'from'): CallerIdentity {
  if (given === 'asserted') return callerPlaces;
  return given === 'from' ? ['from'] : [...new Set(given)];
}

function formatTrunk(trunk: Trunk, states: TrunkStates): z.output<typeof trunkSchema> {
  const { networks, certificateNames, digest, calledNumber, callerIdentity } = trunk.inbound;
  const { stir, verifiedBy, headers } = trunk.inbound;
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
      ...{ networks: [...networks], certificateNames: [...certificateNames], digest: shownDigest },
      ...{ calledNumber: [...calledNumber], callerIdentity: [...callerIdentity], stir, verifiedBy },
      headers: [...headers],
    },
    media: {
      codecs: trunk.media.codecs && [...trunk.media.codecs],
      dtmf: trunk.media.dtmf,
      srtp: trunk.media.srtp,
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
