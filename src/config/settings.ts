/** The schema as a flat list of settings: for environment names, the reference page and the example file. */
import * as z from 'zod';
import { configSchema } from './config-schema.js';

export interface Setting {
  readonly path: readonly string[];
  /** Null where a setting can stand only in the file. */
  readonly environment: string | null;
  readonly kind: 'number' | 'boolean' | 'list' | 'text';
  /** `number ≥ 1`, `one of a, b`, … */
  readonly type: string;
  readonly description: string;
  /** As JSON would write it; undefined where there is none or it depends on the machine. */
  readonly defaultValue: unknown;
  /** In words, where the default is not a constant. */
  readonly defaultText: string | undefined;
  readonly isSecret: boolean;
}

export interface SettingGroup {
  readonly name: string | null;
  readonly description: string;
  readonly settings: readonly Setting[];
}

export function listGroups(): SettingGroup[] {
  const topLevel: Setting[] = [];
  const groups: SettingGroup[] = [];
  for (const [key, schema] of Object.entries(configSchema.shape)) {
    const { inner } = unwrap(schema);
    if (inner instanceof z.ZodObject) {
      const settings = Object.entries(inner.shape).map(([name, leaf]) =>
        describeSetting([key, name], leaf as z.ZodType),
      );
      groups.push({ name: key, description: schema.description ?? key, settings });
    } else {
      topLevel.push(describeSetting([key], schema));
    }
  }
  return [{ name: null, description: 'General', settings: topLevel }, ...groups];
}

export function listSettings(): Setting[] {
  return listGroups().flatMap(({ settings }) => settings);
}

function describeSetting(path: readonly string[], schema: z.ZodType): Setting {
  const { inner, defaultValue } = unwrap(schema);
  const meta = schema.meta() ?? {};
  const defaultText = meta['defaultText'] as string | undefined;
  return {
    path,
    environment: meta['fileOnly'] === true ? null : environmentName(path),
    kind: kindOf(inner),
    type: typeOf(inner),
    description: meta.description ?? '',
    defaultValue: defaultText === undefined ? defaultValue : undefined,
    defaultText,
    isSecret: meta['secret'] === true,
  };
}

function environmentName(path: readonly string[]): string {
  const words = path.map((part) => part.replaceAll(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase());
  return `LANDBRIDGE_${words.join('_')}`;
}

function unwrap(schema: z.ZodType): { inner: z.ZodType; defaultValue: unknown } {
  let inner = schema;
  let defaultValue: unknown;
  for (;;) {
    if (inner instanceof z.ZodDefault || inner instanceof z.ZodPrefault) {
      defaultValue = inner.def.defaultValue;
      inner = inner.def.innerType as z.ZodType;
    } else if (inner instanceof z.ZodOptional) {
      inner = inner.def.innerType as z.ZodType;
    } else if (inner instanceof z.ZodPipe) {
      inner = inner.def.in as z.ZodType;
    } else {
      return { inner, defaultValue };
    }
  }
}

function kindOf(schema: z.ZodType): Setting['kind'] {
  if (schema instanceof z.ZodNumber) return 'number';
  if (schema instanceof z.ZodBoolean) return 'boolean';
  if (schema instanceof z.ZodArray) return 'list';
  return 'text';
}

function typeOf(schema: z.ZodType): string {
  if (schema instanceof z.ZodEnum) return `one of ${schema.options.join(', ')}`;
  if (schema instanceof z.ZodNumber) {
    const { minValue, maxValue } = schema;
    const isUnbounded = maxValue === null || maxValue >= Number.MAX_SAFE_INTEGER;
    return isUnbounded ? `number ≥ ${minValue ?? 0}` : `number ${minValue ?? 0} to ${maxValue}`;
  }
  return kindOf(schema);
}
