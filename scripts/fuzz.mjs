/** Builds the fuzzer with the sources that it tries and runs it: `npm run fuzz -- --seed 7 --bytes 1000000 --seconds 60`. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import esbuild from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));
const cache = join(root, 'node_modules/.cache/landbridge');
await mkdir(cache, { recursive: true });
const directory = await mkdtemp(join(cache, 'fuzz-'));
process.on('SIGINT', () => undefined);
try {
  const outfile = join(directory, 'fuzz.mjs');
  await esbuild.build({
    ...{
      absWorkingDir: root,
      entryPoints: ['test/fuzz/main.ts'],
      outfile,
      bundle: true,
      packages: 'external',
    },
    ...{ platform: 'node', format: 'esm', target: 'node20', sourcemap: 'inline', logLevel: 'warning' },
  });
  const child = spawn(process.execPath, ['--enable-source-maps', outfile, ...process.argv.slice(2)], {
    ...{ stdio: 'inherit', cwd: root },
  });
  const [code] = await once(child, 'exit');
  process.exitCode = code ?? 1;
} finally {
  await rm(directory, { recursive: true, force: true });
}
