/**
 * Builds the benchmarks with the sources that they measure and runs them, all or those named: `npm run bench --
 * phone-legs`. Built apart from `dist` and side by side, so that `../src` means the same as in the sources.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import esbuild from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));
const cache = join(root, 'node_modules/.cache/landbridge');
await mkdir(cache, { recursive: true });
const directory = await mkdtemp(join(cache, 'bench-'));
// Ctrl-C ends the benchmark, which is in the same process group; what it was built into is still to be removed.
process.on('SIGINT', () => undefined);
try {
  const files = await Promise.all(
    ['src', 'bench'].map(async (folder) =>
      (await readdir(join(root, folder), { recursive: true })).map((file) => join(folder, file)),
    ),
  );
  await esbuild.build({
    absWorkingDir: root,
    entryPoints: [
      ...files.flat().filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts')),
      'test/integration/far-end.ts',
      'test/support/certificates.ts',
    ],
    outbase: '.',
    outdir: directory,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    sourcemap: 'inline',
    logLevel: 'warning',
  });
  // What the gateway reads beside its code.
  for (const name of ['package.json', 'assets', 'dist'])
    await symlink(join(root, name), join(directory, name));
  const main = spawn(
    process.execPath,
    [...process.execArgv, join(directory, 'bench/main.js'), ...process.argv.slice(2)],
    {
      stdio: 'inherit',
    },
  );
  const [code] = await once(main, 'exit');
  process.exitCode = code ?? 1;
} finally {
  await rm(directory, { recursive: true, force: true });
}
