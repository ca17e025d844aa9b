/**
 * `npm test`: every test that needs no foreign server. Installs SIPp and Chromium from the distribution's packages where it
 * may (as root, with apt-get), else says what to install; then builds, checks, and runs the tests part by part. Ends with
 * what each part took and a status that is not 0 if any failed. `npm test -- build unit` runs only the named parts.
 */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
/** A part that hangs must fail, not hold up everybody. */
const partTimeoutMs = 6 * 60_000;

const needs = [
  {
    name: 'SIPp',
    debianPackage: 'sip-tester',
    isThere: () => spawnSync('sipp', ['-v'], { stdio: 'ignore' }).error === undefined,
  },
  {
    name: 'Chromium',
    debianPackage: 'chromium',
    isThere: () => existsSync(process.env.CHROMIUM_PATH ?? '/usr/bin/chromium'),
  },
];

const vitest = (...words) => ['npx', 'vitest', 'run', ...words];
/** Parts of one stage run side by side. */
const stages = [
  [['build', ['npm', 'run', '--silent', 'build']]],
  [
    ['format', ['npx', 'prettier', '--check', '--log-level', 'warn', '.']],
    ['lint', ['npx', 'eslint', '.']],
    ['types', ['npx', 'tsc', '-p', 'tsconfig.json']],
    ['types-sdk', ['npx', 'tsc', '-p', 'sdk/tsconfig.json']],
    ['types-browser', ['npx', 'tsc', '-p', 'test/browser/tsconfig.json']],
  ],
  [['unit', vitest('--project', 'unit')]],
  // These mostly wait for timers and for processes: more of them at once than there are cores.
  [['integration', vitest('--project', 'integration', '--maxWorkers', '3')]],
  [['browser', vitest('--project', 'browser')]],
];
const parts = stages.flat();

function install() {
  const missing = needs.filter(({ isThere }) => !isThere());
  if (missing.length === 0) return true;
  const packages = missing.map(({ debianPackage }) => debianPackage);
  const names = missing.map(({ name }) => name).join(' and ');
  const hasApt = spawnSync('apt-get', ['--version'], { stdio: 'ignore' }).error === undefined;
  if (hasApt && process.getuid?.() === 0) {
    console.log(`Installing ${names}: apt-get install ${packages.join(' ')}`);
    const environment = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
    const apt = (...words) =>
      spawnSync('apt-get', words, { stdio: 'inherit', env: environment }).status === 0;
    // The lists may be fresh enough already, or the network away while the packages are in the cache.
    const simply = ['install', '-y', '--no-install-recommends', ...packages];
    if (!apt(...simply)) {
      apt('update');
      apt(...simply);
    }
  }
  const stillMissing = missing.filter(({ isThere }) => !isThere());
  for (const { name, debianPackage } of stillMissing) {
    console.error(`${name} is missing. Install it: sudo apt-get install ${debianPackage}`);
  }
  return stillMissing.length === 0;
}

/** Runs one part; resolves with whether it went well. Ctrl-C reaches it through the terminal. */
function run([command, ...words]) {
  return new Promise((resolve) => {
    // A group of its own, so that a part that hangs goes with all its children.
    const child = spawn(command, words, { cwd: root, stdio: 'inherit', detached: true });
    const end = () => {
      try {
        process.kill(-child.pid, 'SIGKILL');
      } catch {
        // It is gone already.
      }
    };
    const timer = setTimeout(() => {
      console.error(`${command} ${words.join(' ')}: not done within ${partTimeoutMs / 60_000} minutes`);
      end();
    }, partTimeoutMs);
    const interrupt = () => {
      end();
      process.exit(130);
    };
    process.once('SIGINT', interrupt);
    process.once('SIGTERM', interrupt);
    child.once('error', (error) => console.error(String(error)));
    child.once('close', (code) => {
      clearTimeout(timer);
      process.off('SIGINT', interrupt);
      process.off('SIGTERM', interrupt);
      resolve(code === 0);
    });
  });
}

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !parts.some(([part]) => part === name));
if (unknown.length > 0) {
  console.error(`unknown part ${unknown.join(', ')}; there are ${parts.map(([name]) => name).join(', ')}`);
  process.exit(2);
}

const results = [];
if (!install()) results.push({ name: 'install', ok: false, seconds: 0 });
const begunAll = performance.now();
for (const stage of stages) {
  const chosen = stage.filter(([name]) => wanted.length === 0 || wanted.includes(name));
  const ended = await Promise.all(
    chosen.map(async ([name, command]) => {
      console.log(`\n=== ${name}`);
      const begun = performance.now();
      const ok = await run(command);
      return { name, ok, seconds: (performance.now() - begun) / 1000 };
    }),
  );
  results.push(...ended);
  // Without a build there is nothing to test.
  if (ended.some(({ name, ok }) => name === 'build' && !ok)) break;
}

console.log('');
for (const { name, ok, seconds } of results) {
  console.log(`${ok ? 'ok    ' : 'FAILED'} ${name.padEnd(12)} ${seconds.toFixed(1).padStart(7)} s`);
}
const total = (performance.now() - begunAll) / 1000;
console.log(`       ${'total'.padEnd(12)} ${total.toFixed(1).padStart(7)} s`);
process.exitCode = results.every(({ ok }) => ok) ? 0 : 1;
