/** Numbers and hooks, by which calls come in, and where each sends its callers: `/numbers`. */
import * as z from 'zod';
import type { NewNumber, NumberService } from '../domain/numbers/number-service.js';
import type { NumberPin, PhoneNumber } from '../domain/numbers/phone-number.js';
import { mediaTypes, formatTime, listQuery, tag, time, uuid, webUrl } from './fields.js';
import { operationsOf, type Operation } from './operation.js';
import { displayName, publishPermissions } from './participant-schemas.js';

export interface NumberResources {
  readonly numbers: NumberService;
  /** The platforms that can have a hook. */
  readonly platforms: readonly string[];
  /** The URL of a number's hook; `origin` is ours as the request names it, for where none is configured. */
  readonly hookUrl: (origin: string, platform: string, numberId: string) => string;
}

const pin = z.string().regex(/^\d{4,12}$/, 'must have 4 to 12 digits');
const routeFields = {
  session: z.strictObject({ kind: z.literal('session'), sessionId: uuid }),
  newSession: z.strictObject({ kind: z.literal('new-session'), tag: tag.nullish() }),
  pin: z.strictObject({
    kind: z.literal('pin'),
    prompt: z.string().min(1).max(300).nullish().describe('What the caller is told; plain text.'),
  }),
};
const routeRequest = z
  .discriminatedUnion('kind', [
    routeFields.session,
    routeFields.newSession,
    routeFields.pin,
    z.strictObject({
      kind: z.literal('application'),
      url: webUrl,
      secret: z
        .string()
        .min(16)
        .max(256)
        .nullish()
        .describe('Signs the question. One is made where it is missing.'),
    }),
  ])
  .meta({
    id: 'NumberRoute',
    description:
      'Where callers go: one session, a new session for each call, the session of the PIN that they key in, or where your application says.',
  });

const newNumber = (platforms: readonly string[]) =>
  z
    .strictObject({
      number: z
        .string()
        .max(64)
        .nullish()
        .describe('In E.164, or in national form with `country`. Missing: a hook without a number.'),
      country: z
        .string()
        .regex(/^[A-Z]{2}$/, 'must be two capital letters (ISO 3166)')
        .nullish()
        .describe('The country of a number in national form.'),
      platform: z
        .enum(platforms as [string, ...string[]])
        .nullish()
        .describe('Whose hook it is. Missing: calls come over SIP alone.'),
      credentials: z
        .record(z.string().max(64), z.string().max(1024))
        .nullish()
        .describe(
          'What proves the platform’s requests genuine; see docs/voice-platforms.md. Never shown again.',
        ),
      route: routeRequest,
      tag: tag.nullish().describe('Given to the participants that it makes.'),
      displayName: displayName.nullish().describe('Given to the participants that it makes.'),
      publishPermissions: publishPermissions
        .nullish()
        .meta({ description: 'Missing: AUDIO.', uniqueItems: true }),
      allowFrom: z
        .array(z.string().max(64))
        .max(100)
        .nullish()
        .describe(
          'Addresses or networks whose SIP calls to the number need no token. Without a `platform` nobody else can call it.',
        ),
    })
    .meta({ id: 'NewNumber' });

const numberFields = {
  id: z.uuid(),
  number: z.string().optional(),
  platform: z.string().optional(),
  hookUrl: z.string().optional().describe('What the platform calls.'),
  route: z.union([
    z.strictObject({ kind: z.literal('session'), sessionId: z.uuid() }),
    z.strictObject({ kind: z.literal('new-session'), tag: z.string().optional() }),
    z.strictObject({ kind: z.literal('pin'), prompt: z.string().optional() }),
    z.strictObject({ kind: z.literal('application'), url: z.string() }),
  ]),
  tag: z.string().optional(),
  displayName: z.string().optional(),
  publishPermissions: mediaTypes.optional(),
  allowFrom: z.array(z.string()),
  createdAt: time,
};
const numberSchema = z.strictObject(numberFields).meta({ id: 'Number' });
const createdNumber = z
  .strictObject({
    ...numberFields,
    secret: z.string().optional().describe('Signs the application’s question; shown this once.'),
  })
  .meta({ id: 'CreatedNumber' });
const pinSchema = z.strictObject({ id: z.uuid(), sessionId: z.uuid(), createdAt: time }).meta({ id: 'Pin' });
const createdPin = z
  .strictObject({
    id: z.uuid(),
    sessionId: z.uuid(),
    createdAt: time,
    pin: z.string().describe('Shown this once.'),
  })
  .meta({ id: 'CreatedPin' });

const numberPath = z.object({ numberId: uuid });

const define = operationsOf('Numbers');

export function numberOperations(resources: NumberResources): Operation[] {
  const { numbers } = resources;
  const body = newNumber(resources.platforms);
  const from =
    (origin: string): HookUrl =>
    (platform, id) =>
      resources.hookUrl(origin, platform, id);
  return [
    define({
      operationId: 'createNumber',
      method: 'POST',
      path: '/numbers',
      summary: 'Create a number or hook',
      body,
      success: { status: 201, description: 'The number', schema: createdNumber },
      errors: [404, 409],
      handle: async ({ accountId, body: wanted, origin }) => {
        const number = await numbers.create(accountId, toNewNumber(wanted));
        return { ...formatNumber(number, from(origin)), ...secretOf(number) };
      },
    }),
    define({
      operationId: 'listNumbers',
      method: 'GET',
      path: '/numbers',
      summary: 'List numbers',
      query: listQuery,
      success: { status: 200, description: 'The newest numbers', schema: z.array(numberSchema) },
      handle: async ({ accountId, query, origin }) =>
        (await numbers.list(accountId, query.limit)).map((number) => formatNumber(number, from(origin))),
    }),
    define({
      operationId: 'getNumber',
      method: 'GET',
      path: '/numbers/{numberId}',
      summary: 'Get a number',
      params: numberPath,
      success: { status: 200, description: 'The number', schema: numberSchema },
      errors: [404],
      handle: async ({ accountId, params, origin }) =>
        formatNumber(await numbers.get(accountId, params.numberId), from(origin)),
    }),
    define({
      operationId: 'replaceNumber',
      method: 'PUT',
      path: '/numbers/{numberId}',
      summary: 'Replace a number',
      description: 'Credentials and the application’s secret stay where none are given.',
      params: numberPath,
      body,
      success: { status: 200, description: 'The number', schema: numberSchema },
      errors: [404, 409],
      handle: async ({ accountId, params, body: wanted, origin }) =>
        formatNumber(await numbers.replace(accountId, params.numberId, toNewNumber(wanted)), from(origin)),
    }),
    define({
      operationId: 'deleteNumber',
      method: 'DELETE',
      path: '/numbers/{numberId}',
      summary: 'Delete a number',
      description: 'Its calls in progress go on.',
      params: numberPath,
      success: { status: 204, description: 'Deleted' },
      errors: [404],
      handle: ({ accountId, params }) => numbers.delete(accountId, params.numberId),
    }),
    define({
      operationId: 'createPin',
      method: 'POST',
      path: '/numbers/{numberId}/pins',
      summary: 'Let callers into a session by a PIN',
      params: numberPath,
      body: z
        .strictObject({ sessionId: uuid, pin: pin.nullish().describe('Missing: six digits are made.') })
        .meta({ id: 'NewPin' }),
      success: { status: 201, description: 'The PIN', schema: createdPin },
      errors: [404, 409],
      handle: async ({ accountId, params, body: wanted }) => {
        const made = await numbers.addPin(accountId, params.numberId, wanted.sessionId, wanted.pin ?? null);
        return { ...formatPin(made), pin: made.pin };
      },
    }),
    define({
      operationId: 'listPins',
      method: 'GET',
      path: '/numbers/{numberId}/pins',
      summary: 'List the PINs of a number',
      description: 'Without their digits, which are not kept.',
      params: numberPath,
      success: { status: 200, description: 'The PINs', schema: z.array(pinSchema) },
      errors: [404],
      handle: async ({ accountId, params }) =>
        (await numbers.listPins(accountId, params.numberId)).map(formatPin),
    }),
    define({
      operationId: 'deletePin',
      method: 'DELETE',
      path: '/numbers/{numberId}/pins/{pinId}',
      summary: 'Delete a PIN',
      params: z.object({ numberId: uuid, pinId: uuid }),
      success: { status: 204, description: 'Deleted' },
      errors: [404],
      handle: ({ accountId, params }) => numbers.removePin(accountId, params.numberId, params.pinId),
    }),
  ];
}

function toNewNumber(wanted: z.output<ReturnType<typeof newNumber>>): NewNumber {
  const { route } = wanted;
  return {
    number: wanted.number ?? null,
    country: wanted.country ?? null,
    platform: wanted.platform ?? null,
    ...(wanted.credentials ? { credentials: wanted.credentials } : {}),
    route: toRoute(route),
    tag: wanted.tag ?? null,
    displayName: wanted.displayName ?? null,
    publishPermissions: wanted.publishPermissions ?? null,
    allowFrom: wanted.allowFrom ?? [],
  };
}

function toRoute(route: z.output<typeof routeRequest>): NewNumber['route'] {
  switch (route.kind) {
    case 'session':
      return route;
    case 'new-session':
      return { kind: route.kind, tag: route.tag ?? null };
    case 'pin':
      return { kind: route.kind, prompt: route.prompt ?? null };
    case 'application':
      return { kind: route.kind, url: route.url, secret: route.secret ?? null };
  }
}

type HookUrl = (platform: string, numberId: string) => string;

function formatNumber(number: PhoneNumber, hookUrl: HookUrl): z.output<typeof numberSchema> {
  const { participant } = number;
  return {
    id: number.id,
    ...(number.number === null ? {} : { number: number.number }),
    ...(number.platform === null
      ? {}
      : { platform: number.platform, hookUrl: hookUrl(number.platform, number.id) }),
    route: formatRoute(number),
    ...(participant.tag === null ? {} : { tag: participant.tag }),
    ...(participant.displayName === null ? {} : { displayName: participant.displayName }),
    ...(participant.publishPermissions === null
      ? {}
      : { publishPermissions: [...participant.publishPermissions] }),
    allowFrom: [...number.allowFrom],
    createdAt: formatTime(number.createdAt),
  };
}

function formatRoute({ route }: PhoneNumber): z.output<typeof numberSchema>['route'] {
  switch (route.kind) {
    case 'session':
      return { kind: route.kind, sessionId: route.sessionId };
    case 'new-session':
      return { kind: route.kind, ...(route.tag === null ? {} : { tag: route.tag }) };
    case 'pin':
      return { kind: route.kind, ...(route.prompt === null ? {} : { prompt: route.prompt }) };
    case 'application':
      return { kind: route.kind, url: route.url };
  }
}

function secretOf({ route }: PhoneNumber): { secret?: string } {
  return route.kind === 'application' ? { secret: route.secret } : {};
}

function formatPin({ id, sessionId, createdAt }: NumberPin): z.output<typeof pinSchema> {
  return { id, sessionId, createdAt: formatTime(createdAt) };
}
