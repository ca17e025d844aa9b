import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { formatEventReference } from '../../../scripts/event-reference.js';
import { eventTypes } from './event-types.js';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const read = (path: string) => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8');

it('docs/events.md shows every type of event', () => {
  const text = read('docs/events.md');
  expect(eventTypes.filter((type) => !text.includes(`\`${type}\``))).toEqual([]);
});

// It runs the compiler, which takes its time on a busy machine.
it('docs/reference/events.md is what the types of the facts say', { timeout: 30_000 }, () => {
  const text = read('docs/reference/events.md');
  expect(text === formatEventReference(root), 'run `node scripts/generate-docs.mjs`').toBe(true);
  expect(eventTypes.filter((type) => !text.includes(`### \`${type}\``))).toEqual([]);
});
