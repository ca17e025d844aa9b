/** The benchmark `phone-delay`: what the gateway adds between two phones. */
import { atMost, type Benchmark, percentile } from './benchmark.js';
import { type BenchmarkLeg, benchmarkPlane, measureWorker, openPhoneLeg } from './gateway-phones.js';
import { PhoneBank, type PhoneTask } from './phone-bank.js';

/** Sessions side by side: the phones' packets lie at that many places between the gateway's ticks. */
const sessionCount = 20;
const measuredPulses = 8;

/** How much later a click is heard than it was made: one talker passed through, and one in a mix of two. */
export const phoneDelay: Benchmark = {
  name: 'phone-delay',
  async run() {
    const plane = await benchmarkPlane();
    const bank = new PhoneBank();
    try {
      // Three phones each: one clicks, one hums, one listens.
      const ports = await bank.open(sessionCount * 3);
      const legs: BenchmarkLeg[] = [];
      for (const [i, port] of ports.entries()) {
        legs.push(await openPhoneLeg(plane, `session-${Math.floor(i / 3)}`, port));
      }
      await bank.talk(
        legs.map(({ port }, phone): PhoneTask => {
          if (phone % 3 === 0) return { phone, port, sends: 'clicks' };
          if (phone % 3 === 1) return { phone, port, sends: 'quiet-tone' };
          return { phone, port, sends: 'quiet-tone', hearsClicksOf: phone - 2 };
        }),
      );
      const measure = async (sources: number): Promise<readonly number[]> => {
        await Promise.all(
          legs.map(({ leg }, i) => {
            const heard = legs.slice(i - 2, i - 2 + sources).map(({ streamId }) => streamId);
            return leg.receive({ main: i % 3 === 2 ? heard : [] }, false);
          }),
        );
        await measureWorker(plane, 2);
        await bank.report();
        await measureWorker(plane, measuredPulses);
        return (await bank.report()).delaysMs;
      };
      const passed = await measure(1);
      const mixed = await measure(2);
      return [
        atMost('delay phone → phone, passed through, p50', percentile(passed, 0.5), 'ms', 1),
        atMost(`  p95 of ${passed.length} clicks`, percentile(passed, 0.95), 'ms', 3),
        atMost('delay phone → phone, mixed, p50', percentile(mixed, 0.5), 'ms', 12),
        atMost(`  p95 of ${mixed.length} clicks`, percentile(mixed, 0.95), 'ms', 22),
      ];
    } finally {
      await plane.close();
      await bank.close();
    }
  },
};
