/**
 * Builds the gateway once for all tests of a run, apart from `dist`, so that a build in another terminal disturbs no
 * test. Tests take the path of its `main.js` with `inject('gatewayEntry')`. Types are not checked here: `npm run check` does.
 */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  interface ProvidedContext {
    gatewayEntry: string;
  }
}

const root = fileURLToPath(new URL('../..', import.meta.url));

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  // Inside the project, so that packages are found; one directory per run, so that runs side by side do not meet.
  const cache = join(root, 'node_modules/.cache/landbridge');
  await mkdir(cache, { recursive: true });
  const directory = await mkdtemp(join(cache, 'test-gateway-'));
  for (const script of ['bundle-gateway.mjs', 'build-sdk.mjs'])
    await promisify(execFile)(process.execPath, [join(root, 'scripts', script), join(directory, 'dist')]);
  for (const name of ['package.json', 'assets']) {
    if (existsSync(join(root, name))) await symlink(join(root, name), join(directory, name));
  }
  project.provide('gatewayEntry', join(directory, 'dist/main.js'));
  return () => rm(directory, { recursive: true, force: true });
}
