/**
 * `npm run test:node -- 24 [part …]`: `npm test` on another Node, such as 20.19, 22 or 24; further words are its parts. The Node
 * comes from npm's registry, which has it as one package for each platform, and is kept under node_modules/.cache.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';

const root = join(import.meta.dirname, '..');
const [wanted, ...parts] = process.argv.slice(2);
if (wanted === undefined || !/^\d+(\.\d+){0,2}$/.test(wanted)) {
  console.error('Usage: npm run test:node -- <version, such as 24 or 20.19> [part …]');
  process.exit(2);
}

const platform = process.platform === 'win32' ? 'win' : process.platform;
const packageName = `node-${platform}-${process.arch}`;
const directory = join(root, 'node_modules/.cache/landbridge', `node-${wanted}`);
const programs = join(directory, 'node_modules', packageName, 'bin');
const node = join(programs, platform === 'win' ? 'node.exe' : 'node');

if (!existsSync(node)) {
  mkdirSync(directory, { recursive: true });
  console.log(`Fetching ${packageName}@${wanted}`);
  const quiet = ['--no-audit', '--no-fund', '--no-save', '--no-package-lock'];
  // Its scripts would look for another platform's; the binary is in the package.
  const words = ['install', '--ignore-scripts', ...quiet, '--prefix', directory, `${packageName}@${wanted}`];
  // Without a package.json of its own npm would take the one that it finds above.
  const { status } = spawnSync('npm', words, { stdio: 'inherit', cwd: directory });
  if (status !== 0 || !existsSync(node)) {
    console.error(`There is no ${packageName}@${wanted}, or it cannot be fetched`);
    process.exit(1);
  }
}

// First on the search path, so that npm, npx and all that the tests start by the name `node` are on it, too.
const environment = { ...process.env, PATH: `${programs}${delimiter}${process.env.PATH ?? ''}` };
const { stdout } = spawnSync(node, ['--version'], { encoding: 'utf8' });
console.log(`Testing on Node ${stdout.trim()}`);
const tests = spawnSync(node, [join(root, 'scripts/test.mjs'), ...parts], {
  stdio: 'inherit',
  cwd: root,
  env: environment,
});
process.exitCode = tests.status ?? 1;
