/**
 * Where the package lies: the nearest directory above this code that has a `package.json`. The build puts this code into files
 * of its own choosing, so nothing may be looked for by its distance from here.
 */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

function findPackageRoot(): string {
  let directory = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(directory, 'package.json'))) {
    const above = dirname(directory);
    if (above === directory) throw new Error('no package.json above the gateway’s code');
    directory = above;
  }
  return directory;
}

export const packageRoot = findPackageRoot();

/** The media worker as the build makes it, a process of its own. */
export const workerEntry = join(packageRoot, 'dist/media/worker/main.js');
