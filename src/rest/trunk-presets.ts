/** What carriers and phone systems need of a trunk, known beforehand: one file each, which `preset` of a new trunk names. */
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import * as z from 'zod';
import { newTrunk } from './trunk-schemas.js';

const presetFile = z.strictObject({
  title: z.string(),
  sources: z
    .array(z.strictObject({ url: z.url(), read: z.iso.date() }))
    .min(1)
    .describe('Public pages that say so, and when we read them: addresses change.'),
  fillIn: z
    .array(
      z.strictObject({
        anyOf: z.array(z.string()).min(1).describe('Fields of a new trunk.'),
        why: z.string(),
      }),
    )
    .describe('What you have to give: of each entry at least one field.'),
  trunk: z.record(z.string(), z.unknown()).describe('The fields of a new trunk that it fills in.'),
});

export const presetSchema = z
  .strictObject({ name: z.string(), ...presetFile.shape })
  .meta({ id: 'TrunkPreset' });

export type TrunkPreset = z.output<typeof presetSchema>;

/** Those of a directory, in the order of their names. Throws Error where a file is none. */
export function readTrunkPresets(directory: string): readonly TrunkPreset[] {
  const files = readdirSync(directory).filter((file) => file.endsWith('.json'));
  return files.toSorted().map((file) => {
    const read = presetFile.safeParse(JSON.parse(readFileSync(join(directory, file), 'utf8')));
    const wrong = read.success ? newTrunk.safeParse(read.data.trunk).error : read.error;
    if (!read.success || wrong !== undefined)
      throw new Error(`${join(directory, file)} is no preset: ${String(wrong?.message)}`);
    return { name: basename(file, '.json'), ...read.data };
  });
}

/** The body that makes a trunk: what it says, over what its preset fills in. */
export function newTrunkFrom(presets: readonly TrunkPreset[]) {
  const names = presets.map(({ name }) => name);
  const presetOf = (name: unknown) => presets.find((preset) => preset.name === name);
  const preset = z
    .enum(names)
    .nullish()
    .describe('Fills in what the body leaves out, field by field; lists as a whole, and null is said.');
  const schema = z
    // The first, so that an unknown one is what is told of, not what it would have filled in.
    .strictObject({ preset, ...newTrunk.shape })
    .superRefine((body, context) => {
      for (const { anyOf, why } of presetOf(body.preset)?.fillIn ?? [])
        if (!anyOf.some((field) => isGiven(body, field)))
          context.addIssue({
            code: 'custom',
            path: anyOf[0]?.split('.') ?? [],
            message: `is needed with the preset ${body.preset}${orElse(anyOf)}: ${why}`,
          });
    })
    .meta({ id: 'NewTrunk' });
  return z.preprocess(
    (body) => (isFields(body) ? over(body, presetOf(body['preset'])?.trunk) : body),
    schema,
  );
}

function over(said: unknown, beneath: unknown): unknown {
  if (said === undefined) return beneath;
  if (!isFields(said) || !isFields(beneath)) return said;
  const names = [...new Set([...Object.keys(beneath), ...Object.keys(said)])];
  return Object.fromEntries(names.map((name) => [name, over(said[name], beneath[name])]));
}

function isFields(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isGiven(body: unknown, field: string): boolean {
  const value = field
    .split('.')
    .reduce<unknown>((inner, name) => (isFields(inner) ? inner[name] : undefined), body);
  return Array.isArray(value) ? value.length > 0 : value !== undefined && value !== null;
}

function orElse(anyOf: readonly string[]): string {
  return anyOf.length === 1 ? '' : `, or ${anyOf.slice(1).join(' or ')}`;
}
