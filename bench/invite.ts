/** The benchmark `invite`: how fast calls are answered, what one costs, and how many a second are kept up with. */
import { atLeast, atMost, type Benchmark, type BenchmarkRow, percentile } from './benchmark.js';
import { CallLoad, troublesOf, type CallLoadReport } from './call-load.js';
import { GatewayProcess } from './gateway-process.js';

const sessionSize = 4;
/** A gateway that has run for a while: V8 optimizes what ran some thousand times, and until then a call costs several times as much. */
const warmUp = { callsPerSecond: 300, seconds: 6 };
const steadyLoads = [
  { callsPerSecond: 10, seconds: 8 },
  { callsPerSecond: 40, seconds: 8 },
] as const;
const steadyHoldMs = 1000;
/** So many that each is used again, at the highest rate, long after its call has ended. */
const tokenCount = 1200;
/** Until the first step with a failure or a retransmission. Calls are short here: it is signalling that is measured. */
const stepRates = [50, 100, 150, 200, 300, 400, 600, 800, 1000] as const;
const stepSeconds = 2;
const shortHoldMs = 100;
/** A load that is itself this late asks for less than it says. */
const lateLoadMs = 20;

/** From INVITE to 200 with token and media, through the whole gateway; CPU per call; calls per second it keeps up with. */
export const invite: Benchmark = {
  name: 'invite',
  async run() {
    // At the steps' rates a rest of 30 s would use up the ports, which is not what is measured.
    const gateway = await GatewayProcess.start({ LANDBRIDGE_RTP_PORT_REST_SECONDS: '1' });
    const load = new CallLoad();
    try {
      const { sipPort } = gateway;
      const tokens = await gateway.participants(tokenCount, sessionSize);
      const calls = (callsPerSecond: number, seconds: number, holdMs: number) =>
        load.run({ sipPort, tokens, callsPerSecond, calls: callsPerSecond * seconds, holdMs });
      const rows: BenchmarkRow[] = [atMost('start to ready', gateway.startMs / 1000, 's', 1)];
      await calls(warmUp.callsPerSecond, warmUp.seconds, shortHoldMs);
      for (const { callsPerSecond, seconds } of steadyLoads) {
        const before = gateway.cpuMs();
        const report = await calls(callsPerSecond, seconds, steadyHoldMs);
        const after = gateway.cpuMs();
        const total = callsPerSecond * seconds;
        const of = (share: number): number => percentile(report.setupMs, share);
        const goalMs = callsPerSecond === 40 ? 10 : undefined;
        rows.push(
          atMost(`INVITE → 200 at ${callsPerSecond} calls/s, p50`, of(0.5), 'ms'),
          atMost('  p95', of(0.95), 'ms', goalMs),
          atMost(`  p99 of ${report.setupMs.length}; ${troublesOf(report)}`, of(0.99), 'ms'),
        );
        if (callsPerSecond !== 40) continue;
        rows.push(
          atMost('signalling CPU per call, main process', (after.main - before.main) / total, 'ms', 0.6),
          atMost('  media CPU per call of 1 s, worker', (after.workers - before.workers) / total, 'ms'),
        );
      }
      rows.push(...(await capacity(gateway, calls)));
      return rows;
    } finally {
      await load.close();
      await gateway.stop();
    }
  },
};

async function capacity(
  gateway: GatewayProcess,
  calls: (callsPerSecond: number, seconds: number, holdMs: number) => Promise<CallLoadReport>,
): Promise<BenchmarkRow[]> {
  let reached = 0;
  let cpuPerCallMs = NaN;
  let why = 'the last step';
  for (const callsPerSecond of stepRates) {
    const before = gateway.cpuMs();
    const report = await calls(callsPerSecond, stepSeconds, shortHoldMs);
    const after = gateway.cpuMs();
    if (Object.keys(report.failed).length > 0 || report.retransmissions > 0) {
      why = `${callsPerSecond}: ${troublesOf(report)}`;
      break;
    }
    if (report.latenessP95Ms > lateLoadMs) {
      why = `${callsPerSecond}: the load itself was ${Math.round(report.latenessP95Ms)} ms late`;
      break;
    }
    reached = callsPerSecond;
    cpuPerCallMs = (after.main - before.main) / (callsPerSecond * stepSeconds);
  }
  return [
    atLeast(`calls/s of 0.1 s without failure or retransmission (${why})`, reached, 'calls/s', 1000),
    atMost('  signalling CPU per call there', cpuPerCallMs, 'ms'),
  ];
}
