/**
 * `npm run test:beside`: phones that call a whole gateway, once for each combination of servers beside it: drachtio-server,
 * FreeSWITCH, both. What is not installed is skipped and named. `npm run test:beside -- drachtio+freeswitch` runs one
 * combination. Ends with what each ran and a status that is not 0 if anything failed.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runPart } from './run-part.mjs';
import { combinations, whyNot } from './servers-beside.mjs';

/** A part that hangs must fail, not hold up everybody. */
const partTimeoutMs = 10 * 60_000;

const integrationTests = (...names) => names.map((name) => `test/integration/${name}.test.ts`);
/** Where a phone calls a whole gateway. What only our own SIP server does, such as to bound its connections, is not here. */
const integration = [
  ...['calls', 'refusals', 'two-phones', 'platform-calls', 'try'].map((name) => `test/sipp/${name}.test.ts`),
  ...integrationTests('gateway-calls', 'gateway-keys', 'gateway-life', 'hostile-callers', 'call-records'),
  ...integrationTests('gateway-odd-phones', 'gateway-odd-media'),
  ...integrationTests('topologies', 'sounds-and-recordings'),
  ...integrationTests('voice/pin-by-phone', 'voice/numbers', 'voice/transfers'),
];
/** Once for each server: what it and our own do alike. */
const contracts = {
  drachtio: [
    'test/contract/sip-server.test.ts',
    ...integrationTests('replaces', 'gateway-odd-callers', 'foreign-credentials'),
  ],
  freeswitch: ['test/contract/phone-edge.test.ts'],
  // Tests that bring both servers themselves.
  'drachtio+freeswitch': ['test/sipp/burst.test.ts', ...integrationTests('beside-faults')],
};
const partsOf = (combination) => [
  ['integration', [...integration, ...contracts[combination]], ['--maxWorkers', '2']],
  ['browser', ['test/browser/session.test.ts', 'test/browser/beside.test.ts'], []],
];

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !combinations.includes(name));
if (unknown.length > 0) {
  console.error(`unknown combination ${unknown.join(', ')}; there are ${combinations.join(', ')}`);
  process.exit(2);
}

const directory = mkdtempSync(join(tmpdir(), 'landbridge-beside-'));
const results = [];
for (const combination of combinations) {
  if (wanted.length > 0 && !wanted.includes(combination)) continue;
  const reason = whyNot(combination);
  if (reason !== null) {
    results.push({ combination, part: '', ok: true, words: reason });
    continue;
  }
  for (const [part, files, words] of partsOf(combination)) {
    console.log(`\n=== ${combination}: ${part}`);
    const report = join(directory, `${combination}-${part}.json`);
    const begun = performance.now();
    const ok = await runPart(
      [
        ...['npx', 'vitest', 'run', '--project', part, ...words],
        ...['--reporter', 'default', '--reporter', 'json', '--outputFile.json', report, ...files],
      ],
      { timeoutMs: partTimeoutMs, environment: { LANDBRIDGE_TEST_BESIDE: combination } },
    );
    const seconds = ((performance.now() - begun) / 1000).toFixed(0);
    results.push({ combination, part, ok, words: `${summary(report)}, ${seconds} s` });
  }
}
rmSync(directory, { recursive: true });

console.log('');
for (const { combination, part, ok, words } of results) {
  console.log(`${ok ? 'ok    ' : 'FAILED'} ${combination.padEnd(20)} ${part.padEnd(12)} ${words}`);
}
process.exitCode = results.every(({ ok }) => ok) ? 0 : 1;

function summary(report) {
  try {
    const { numPassedTests, numFailedTests, numPendingTests, testResults } = JSON.parse(
      readFileSync(report, 'utf8'),
    );
    return `${testResults.length} files: ${numPassedTests} passed, ${numFailedTests} failed, ${numPendingTests} skipped`;
  } catch {
    return 'no report';
  }
}
