/**
 * Builds everything into dist/: the gateway's modules one by one, the browser SDK and the console. Types are checked by
 * `npm run check`, not here, so that a start takes a second and not ten.
 */
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import esbuild from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));
const files = await readdir(join(root, 'src'), { recursive: true });
const entryPoints = files
  .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
  .map((file) => join('src', file));

// What an earlier build left behind must not be found by an import.
await rm(join(root, 'dist'), { recursive: true, force: true });
await esbuild.build({
  absWorkingDir: root,
  entryPoints,
  outbase: 'src',
  outdir: 'dist',
  platform: 'node',
  format: 'esm',
  target: 'node20',
  sourcemap: true,
  logLevel: 'warning',
});
await import('./build-sdk.mjs');
