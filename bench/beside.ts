/** The benchmark `beside`: calls through drachtio-server, FreeSWITCH or both. */
import { atMost, type Benchmark, type BenchmarkRow, percentile } from './benchmark.js';
import { CallLoad, troublesOf } from './call-load.js';
import { GatewayProcess } from './gateway-process.js';

const sessionSize = 4;
const holdMs = 1000;
/** So many that each is used again long after its call has ended. */
const tokenCount = 400;
const warmUp = { callsPerSecond: 20, seconds: 15 };
const measuredLoads = [
  { callsPerSecond: 20, seconds: 30, goals: { p50: 25, p95: 60 } },
  { callsPerSecond: 40, seconds: 60, goals: {} },
] as const;

/**
 * From INVITE to 200 through the drachtio-server and the FreeSWITCH that LANDBRIDGE_DRACHTIO and LANDBRIDGE_FREESWITCH name
 * in the benchmark's environment, as they would for the gateway: with one of them, both, or neither.
 */
export const beside: Benchmark = {
  name: 'beside',
  async run() {
    const environment = besideFromEnvironment();
    const gateway = await GatewayProcess.start({
      ...environment,
      LANDBRIDGE_EDGE_FALLBACK: 'refuse',
      LANDBRIDGE_EDGE_MAX_LEGS: '1000',
      LANDBRIDGE_RTP_PORT_REST_SECONDS: '1',
    });
    const load = new CallLoad();
    try {
      const { sipPort } = gateway;
      const tokens = await gateway.participants(tokenCount, sessionSize);
      const calls = (callsPerSecond: number, seconds: number) =>
        load.run({ sipPort, tokens, callsPerSecond, calls: callsPerSecond * seconds, holdMs: holdMs });
      await calls(warmUp.callsPerSecond, warmUp.seconds);
      const rows: BenchmarkRow[] = [];
      for (const { callsPerSecond, seconds, goals } of measuredLoads) {
        const before = gateway.cpuMs();
        const report = await calls(callsPerSecond, seconds);
        const after = gateway.cpuMs();
        const of = (share: number): number => percentile(report.setupMs, share);
        const through = Object.keys(environment).length === 0 ? 'nothing beside' : names(environment);
        const [p50, p95] = 'p50' in goals ? [goals.p50, goals.p95] : [undefined, undefined];
        rows.push(
          atMost(
            `INVITE → 200, ${through}, ${callsPerSecond} calls/s for ${seconds} s, p50`,
            of(0.5),
            'ms',
            p50,
          ),
          atMost('  p95', of(0.95), 'ms', p95),
          atMost(`  p99 of ${report.setupMs.length}; ${troublesOf(report)}`, of(0.99), 'ms'),
          atMost(
            '  CPU per call, main process',
            (after.main - before.main) / (callsPerSecond * seconds),
            'ms',
          ),
        );
      }
      return rows;
    } finally {
      await load.close();
      await gateway.stop();
    }
  },
};

function besideFromEnvironment(): Record<string, string> {
  const names = ['LANDBRIDGE_DRACHTIO', 'LANDBRIDGE_FREESWITCH'];
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = process.env[name];
      return value === undefined || value === '' ? [] : [[name, value]];
    }),
  );
}

function names(environment: Readonly<Record<string, string>>): string {
  return [
    ...('LANDBRIDGE_DRACHTIO' in environment ? ['drachtio-server'] : []),
    ...('LANDBRIDGE_FREESWITCH' in environment ? ['FreeSWITCH'] : []),
  ].join(' and ');
}
