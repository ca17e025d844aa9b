/** Runs the benchmarks, or those named on the command line, and prints one table. */
import { availableParallelism, cpus } from 'node:os';
import { type Benchmark, type BenchmarkRow, formatTable } from './benchmark.js';
import { beside } from './beside.js';
import { browserDelay } from './browser-delay.js';
import { invite } from './invite.js';
import { memory } from './memory.js';
import { phoneDelay } from './phone-delay.js';
import { phoneLegs } from './phone-legs.js';
import { sessions } from './sessions.js';
import { flood, sip } from './sip.js';

const benchmarks: readonly Benchmark[] = [phoneLegs, phoneDelay, browserDelay, invite, sessions, memory];

/** Run only where they are named: one takes servers beside it, the others their time. */
const onlyNamed: readonly Benchmark[] = [beside, sip, flood];
const all = [...benchmarks, ...onlyNamed];

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !all.some((benchmark) => benchmark.name === name));
if (unknown.length > 0) {
  console.error(`no benchmark ${unknown.join(', ')}; there are: ${all.map(({ name }) => name).join(', ')}`);
  process.exit(1);
}
console.log(`${availableParallelism()} × ${cpus()[0]?.model ?? 'unknown CPU'}, Node ${process.version}\n`);
const rows: BenchmarkRow[] = [];
for (const benchmark of wanted.length === 0 ? benchmarks : all) {
  if (wanted.length > 0 && !wanted.includes(benchmark.name)) continue;
  console.error(`running ${benchmark.name} …`);
  try {
    rows.push(...(await benchmark.run()));
  } catch (error) {
    // The others' figures are worth printing all the same.
    console.error(error);
    rows.push({ what: benchmark.name, measured: 'failed' });
    process.exitCode = 1;
  }
}
console.log(formatTable(rows));
