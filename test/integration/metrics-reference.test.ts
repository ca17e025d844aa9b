/** What a gateway exposes is what the reference page says: no metric is described that nobody registers, and none left out. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { TestGateway } from '../support/start-gateway.js';

it('/metrics has the metrics of docs/reference/metrics.md, and no other of ours', async () => {
  const page = readFileSync(new URL('../../docs/reference/metrics.md', import.meta.url), 'utf8');
  const described = [...page.matchAll(/^\| `(landbridge_\w+)` \| (\w+) /gm)].map(
    ([, name, type]) => `${name} ${type}`,
  );
  const gateway = await TestGateway.start();
  try {
    const text = await (await fetch(`${gateway.origin}/metrics`)).text();
    const exposed = [...text.matchAll(/^# TYPE (landbridge_\w+) (\w+)$/gm)].map(
      ([, name, type]) => `${name} ${type}`,
    );
    expect(exposed.sort()).toEqual(described.sort());
  } finally {
    await gateway.stop();
  }
});
