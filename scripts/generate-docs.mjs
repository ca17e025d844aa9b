// Writes docs/reference/* and landbridge.example.yaml out of the schemas in src. Run it after changing one: npm run docs
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const root = join(import.meta.dirname, '..');
const cache = join(root, 'node_modules/.cache/landbridge');

// Node 20 reads no TypeScript, so each source is bundled first; packages stay where they are.
async function load(source) {
  const outfile = join(cache, `generate-docs-${process.pid}.mjs`);
  await build({
    entryPoints: [join(root, source)],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    packages: 'external',
    logLevel: 'error',
  });
  try {
    return await import(`${pathToFileURL(outfile)}?${encodeURIComponent(source)}`);
  } finally {
    await rm(outfile);
  }
}

await mkdir(join(root, 'docs/reference'), { recursive: true });
const { formatReference, formatExample } = await load('src/config/reference.ts');
await writeFile(join(root, 'docs/reference/configuration.md'), formatReference());
await writeFile(join(root, 'landbridge.example.yaml'), formatExample());
const { formatErrorReference } = await load('src/rest/error-reference.ts');
await writeFile(join(root, 'docs/reference/errors.md'), formatErrorReference());
const { formatMetricsReference } = await load('src/observability/metrics-reference.ts');
await writeFile(join(root, 'docs/reference/metrics.md'), formatMetricsReference());
const { formatEventReference } = await load('scripts/event-reference.ts');
await writeFile(join(root, 'docs/reference/events.md'), formatEventReference(root));
