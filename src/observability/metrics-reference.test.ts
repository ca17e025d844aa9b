import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { formatMetricsReference } from './metrics-reference.js';

const page = readFileSync(new URL('../../docs/reference/metrics.md', import.meta.url), 'utf8');

it('docs/reference/metrics.md is what is registered', () => {
  expect(page === formatMetricsReference(), 'run `node scripts/generate-docs.mjs`').toBe(true);
});

it('has what other parts count, too', () => {
  for (const name of ['legs', 'sip_dialogs', 'workers', 'drachtio_up', 'playbacks', 'outbox_messages']) {
    expect(page).toContain(`\`landbridge_${name}\``);
  }
});
