import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { forgivingObject } from './forgiving-object.js';
import { validate } from './operation.js';

function objection(schema: z.ZodType, value: unknown): string {
  try {
    validate(schema, value);
  } catch (error) {
    return (error as Error).message;
  }
  return 'nothing';
}

const schema = z.strictObject({
  url: z.string().min(2).max(4).optional(),
  list: z.array(z.string()).min(1).max(2).optional(),
  level: z.int().min(-60).max(0).optional(),
  unit: z.enum(['a', 'b']).optional(),
  route: z
    .discriminatedUnion('kind', [
      z.strictObject({ kind: z.literal('pin') }),
      z.strictObject({ kind: z.literal('session'), sessionId: z.string() }),
    ])
    .optional(),
  attributes: z.record(z.string().min(1), z.string()).optional(),
  isOn: z.boolean().optional(),
  at: z.iso.datetime().optional(),
});

describe('What is wrong with a request', () => {
  it.each([
    [z.object({ url: z.string() }), {}, 'url: is missing'],
    [schema, undefined, 'The request body is missing'],
    [schema, [], 'The request body must be an object'],
    [schema, { url: 5 }, 'url: must be a text'],
    [schema, { url: null }, 'url: must be a text'],
    [schema, { url: 'x' }, 'url: must have at least 2 characters'],
    [schema, { url: 'xxxxx' }, 'url: must have at most 4 characters'],
    [schema, { list: [] }, 'list: must have at least 1 entry'],
    [schema, { list: ['', '', ''] }, 'list: must have at most 2 entries'],
    [schema, { list: ['', 1] }, 'list.1: must be a text'],
    [schema, { level: 1 }, 'level: must be at most 0'],
    [schema, { level: 1e30 }, 'level: must be at most 0'],
    [schema, { level: -1e30 }, 'level: must be at least -60'],
    [schema, { level: 'loud' }, 'level: must be a number'],
    [schema, { level: -0.5 }, 'level: must be a whole number'],
    [schema, { unit: 'c' }, 'unit: must be one of a, b'],
    [schema, { isOn: 'yes' }, 'isOn: must be true or false'],
    [schema, { attributes: [] }, 'attributes: must be an object'],
    [schema, { urll: 'x' }, 'urll: is not known here'],
    [schema, { route: { kind: 'pin', pin: '1' } }, 'route.pin: is not known here'],
    [schema, { route: { kind: 'session' } }, 'route.sessionId: is missing'],
  ])('of %#: %o is said in words', (wanted, value, words) => {
    expect(objection(wanted as z.ZodType, value)).toBe(words);
  });

  it.each([{ route: { kind: 'sesion' } }, { route: {} }, { attributes: { '': 'x' } }, { at: 'noon' }])(
    'of %o is never said in the validator’s words',
    (value) => {
      expect(objection(schema, value)).not.toMatch(
        /expected|received|[Ii]nvalid|Too |ZodError|discriminator|nothing/,
      );
    },
  );
});

describe('A body with unknown fields', () => {
  const forgiving = forgivingObject({
    publishPermissions: z.array(z.string()).nullish(),
    tag: z.string().nullish(),
    participants: z.array(forgivingObject({ streamAliases: z.array(z.string()).nullish() })).nullish(),
  });

  it.each([
    [{ publishPermission: [] }, 'publishPermission: is not known here; it is called publishPermissions'],
    [{ publish_permissions: [] }, 'publish_permissions: is not known here; it is called publishPermissions'],
    [{ tagg: 'x' }, 'tagg: is not known here; it is called tag'],
    [{ participant: [] }, 'participant: is not known here; it is called participants'],
    [
      { participants: [{ streamAlias: ['x'] }] },
      'participants.0.streamAlias: is not known here; it is called streamAliases',
    ],
    [{ id: 'x', sessions: [], subscriptions: {}, token: 'x', callbackUrl: 'x' }, 'nothing'],
    [{ participantId: 'x', sessionId: 'x' }, 'nothing'],
    [{ tag: 'x', publishPermissions: [] }, 'nothing'],
  ])('%j is refused where one is a slip of a known one: %s', (body, words) => {
    expect(objection(forgiving, body)).toBe(words);
  });
});
