/** The benchmark `phone-legs`: CPU and memory of phones that all talk. */
import { atMost, type Benchmark, type BenchmarkRow } from './benchmark.js';
import { type BenchmarkLeg, benchmarkPlane, measureWorker, openPhoneLeg } from './gateway-phones.js';
import { PhoneBank } from './phone-bank.js';

const sessionSize = 4;
const legCounts = [20, 100] as const;
/** Twenty legs are few: V8 has optimized what runs for each packet only after some ten seconds. */
const warmUpPulses = 12;
const measuredPulses = 10;

/** CPU and memory per G.711 phone leg, all talking, in sessions of four: each leg hears a mix of three. */
export const phoneLegs: Benchmark = {
  name: 'phone-legs',
  async run() {
    const rows: BenchmarkRow[] = [];
    const plane = await benchmarkPlane();
    const bank = new PhoneBank();
    try {
      const legs: BenchmarkLeg[] = [];
      const memory: { readonly legs: number; readonly bytes: number }[] = [];
      for (const count of legCounts) {
        const ports = await bank.open(count - legs.length);
        const first = legs.length;
        for (const [i, port] of ports.entries()) {
          legs.push(await openPhoneLeg(plane, `session-${Math.floor((first + i) / sessionSize)}`, port));
        }
        await bank.talk(
          legs.map(({ port }, phone) => ({ phone, port, sends: 'tone' }) as const).slice(first),
        );
        await Promise.all(legs.map(({ leg }, index) => leg.receive({ main: othersOf(legs, index) }, false)));

        await measureWorker(plane, warmUpPulses);
        await bank.report();
        const { cpuMs, seconds, last } = await measureWorker(plane, measuredPulses);
        const heard = await bank.report();
        memory.push({ legs: count, bytes: last.residentBytes });
        const share = cpuMs / 10 / seconds / count;
        rows.push(
          atMost(`CPU per G.711 leg, ${count} legs all talking`, share, '% of a core', 0.07, 3),
          atMost(`  ticks late, p99 with ${count} legs`, last.tickLatenessP99Ms, 'ms', undefined, 0),
          {
            what: `  packets back per packet sent, ${count} legs`,
            measured: (heard.received / heard.sent).toFixed(3),
          },
        );
      }
      const [small, large] = memory;
      if (small && large) {
        const perLegMb = (large.bytes - small.bytes) / (large.legs - small.legs) / 2 ** 20;
        rows.push(
          atMost(`memory per further phone leg, from ${small.legs} to ${large.legs}`, perLegMb, 'MB', 0.1, 3),
        );
      }
      return rows;
    } finally {
      await plane.close();
      await bank.close();
    }
  },
};

function othersOf(legs: readonly BenchmarkLeg[], index: number): string[] {
  const first = index - (index % sessionSize);
  return legs
    .slice(first, first + sessionSize)
    .filter((_, i) => first + i !== index)
    .map(({ streamId }) => streamId);
}
