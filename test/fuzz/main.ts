/** `npm run fuzz`: ten million mutated bytes, or as many as fit into the time. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { fuzzSip } from './sip-fuzz.js';

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
    bytes: { type: 'string', default: '10000000' },
    seconds: { type: 'string', default: '300' },
  },
});
const seed = Number(values.seed);
const folder = join(process.cwd(), 'test/integration/sip-conformance/rfc4475');
const corpus = readdirSync(folder).map((name) => readFileSync(join(folder, name)));
const untilMs = performance.now() + Number(values.seconds) * 1000;
process.stdout.write(`seed ${String(seed)}\n`);
const report = fuzzSip({
  ...{ seed, corpus },
  bytes: Number(values.bytes),
  goesOn: () => performance.now() < untilMs,
  nowMs: cpuMs,
});
process.stdout.write(`${JSON.stringify(report)}\n`);
// A message costs a fraction of a microsecond a byte; a pause of the collector is in it.
const mostMicrosecondsPerByte = 100;
if (report.slowestMicrosecondsPerByte > mostMicrosecondsPerByte) {
  process.stdout.write('a message took longer than its length explains\n');
  process.exitCode = 1;
}

/** CPU time of this process, so that others on the machine do not count. */
function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
