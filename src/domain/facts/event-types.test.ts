import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { eventTypes } from './event-types.js';

it('docs/events.md shows every type of event', () => {
  const text = readFileSync(new URL('../../../docs/events.md', import.meta.url), 'utf8');
  expect(eventTypes.filter((type) => !text.includes(`\`${type}\``))).toEqual([]);
});
