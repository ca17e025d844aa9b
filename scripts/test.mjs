/**
 * `npm test`: every test, those with drachtio-server and FreeSWITCH where these are installed. Installs SIPp and Chromium from the distribution's packages where it
 * may (as root, with apt-get), else says what to install; then builds, checks, and runs the tests part by part. Ends with
 * what each part took, the names of the tests that failed, and a status that is not 0 if any failed. `npm test -- build unit` runs only the named parts.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { FailedTests } from './failed-tests.mjs';
import { runPart } from './run-part.mjs';
import { whyNot } from './servers-beside.mjs';

/** A part that hangs must fail, not hold up everybody. */
const partTimeoutMs = 20 * 60_000;

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

const failedTests = new FailedTests();
process.once('exit', () => failedTests.close());
const vitest = (...words) => ['npx', 'vitest', 'run', ...failedTests.reporterWords, ...words];
// By its path: a package that the tests read sources with brings an older compiler of the same name.
const tsc = (project) => ['node', 'node_modules/typescript/bin/tsc', '-p', project];
/** What a phone does, through both servers that may stand beside the gateway; `npm run test:beside` does far more. */
const besideFiles = ['test/sipp/calls.test.ts', 'test/sipp/two-phones.test.ts'];
/** Parts of one stage run side by side. A part: its name, its command, its environment, and why it is not for this machine. */
const stages = [
  [['build', ['npm', 'run', '--silent', 'build']]],
  [
    ['format', ['npx', 'oxfmt', '--check', '.']],
    ['lint', ['npx', 'oxlint']],
    ['types', tsc('tsconfig.json')],
    ['types-sdk', tsc('sdk/tsconfig.json')],
    ['types-browser', tsc('test/browser/tsconfig.json')],
  ],
  // Vitest's own default leaves a core to itself, which it does not need.
  [['unit', vitest('--project', 'unit', '--maxWorkers', String(availableParallelism()))]],
  // These mostly wait for timers and for processes: more of them at once than there are cores.
  [['integration', vitest('--project', 'integration', '--maxWorkers', '4')]],
  [['browser', vitest('--project', 'browser')]],
  [
    [
      'beside',
      vitest('--project', 'integration', ...besideFiles),
      { LANDBRIDGE_TEST_BESIDE: 'drachtio+freeswitch' },
      whyNot('drachtio+freeswitch'),
    ],
  ],
];
const parts = stages.flat();

function isChosen(name) {
  return wanted.length === 0 || wanted.includes(name);
}

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

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !parts.some(([part]) => part === name));
if (unknown.length > 0) {
  console.error(`unknown part ${unknown.join(', ')}; there are ${parts.map(([name]) => name).join(', ')}`);
  process.exit(2);
}

const results = [];
const callsOut = ['integration', 'browser', 'beside'];
if (callsOut.some((name) => isChosen(name)) && !install())
  results.push({ name: 'install', ok: false, seconds: 0 });
const begunAll = performance.now();
for (const stage of stages) {
  const chosen = stage.filter(([name]) => isChosen(name));
  const ended = await Promise.all(
    chosen.map(async ([name, command, environment, skipped = null]) => {
      console.log(`\n=== ${name}`);
      if (skipped !== null) {
        console.log(skipped);
        return { name, ok: true, seconds: 0, skipped };
      }
      const begun = performance.now();
      const ok = await runPart(command, {
        timeoutMs: partTimeoutMs,
        environment: { ...failedTests.environmentOf(name), ...environment },
      });
      return { name, ok, seconds: (performance.now() - begun) / 1000 };
    }),
  );
  results.push(...ended);
  // Without a build there is nothing to test.
  if (ended.some(({ name, ok }) => name === 'build' && !ok)) break;
}

console.log('');
for (const { name, ok, seconds, skipped = '' } of results) {
  console.log(
    `${ok ? 'ok    ' : 'FAILED'} ${name.padEnd(12)} ${seconds.toFixed(1).padStart(7)} s  ${skipped}`.trim(),
  );
}
const total = (performance.now() - begunAll) / 1000;
console.log(`       ${'total'.padEnd(12)} ${total.toFixed(1).padStart(7)} s`);
const failed = results.filter(({ ok }) => !ok);
failedTests.tell(
  failed.flatMap(({ name }) => failedTests.linesOf(name).map((line) => `${name.padEnd(12)} ${line}`)),
);
process.exitCode = results.every(({ ok }) => ok) ? 0 : 1;
