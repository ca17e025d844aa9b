/**
 * Builds the media worker once for all tests of a run: a child process cannot run TypeScript. Tests take its path with
 * `inject('workerEntry')` and give it to whatever makes a media plane. `faultyWorkerEntry` is a worker whose legs break
 * on request. `storesEntry` opens SQLite's stores, for a process that is killed.
 */
import { mkdtemp, mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  interface ProvidedContext {
    workerEntry: string;
    faultyWorkerEntry: string;
    storesEntry: string;
  }
}

const root = fileURLToPath(new URL('../..', import.meta.url));

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  // Inside the project, so that the packages that are not bundled are found; one directory per run, so that runs side by
  // side do not overwrite each other's.
  const cache = join(root, 'node_modules/.cache/landbridge');
  await mkdir(cache, { recursive: true });
  const directory = await mkdtemp(join(cache, 'test-worker-'));
  await build({
    absWorkingDir: root,
    entryPoints: {
      worker: 'src/media/worker/main.ts',
      faulty: 'test/setup/faulty-worker.ts',
      stores: 'src/store/sqlite/sqlite-stores.ts',
    },
    outdir: directory,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    target: 'node20',
    sourcemap: 'inline',
    logLevel: 'warning',
  });
  project.provide('workerEntry', join(directory, 'worker.mjs'));
  project.provide('faultyWorkerEntry', join(directory, 'faulty.mjs'));
  project.provide('storesEntry', join(directory, 'stores.mjs'));
  return () => rm(directory, { recursive: true, force: true });
}
