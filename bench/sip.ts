/** The benchmark `sip`: the SIP server with an application that only answers, and the whole gateway under a flood. */
import { setTimeout as pause } from 'node:timers/promises';
import { atLeast, atMost, type Benchmark, type BenchmarkRow, percentile } from './benchmark.js';
import { CallLoad, troublesOf, type CallLoadReport } from './call-load.js';
import { GatewayProcess } from './gateway-process.js';
import { SipApplication } from './sip-application.js';
import { floodKinds, SipFlood, type FloodKind } from './sip-flood.js';

const tokens = ['none'];
const shortHoldMs = 100;
/** V8 optimizes what ran some thousand times. */
const warmUp = { callsPerSecond: 400, seconds: 10 };
/** CPU of server and application together, and how soon the 200 comes. */
const loads = [
  { callsPerSecond: 40, seconds: 10, cpuGoalMs: 2.5, p99GoalMs: undefined },
  { callsPerSecond: 400, seconds: 10, cpuGoalMs: 1.0, p99GoalMs: 20 },
  { callsPerSecond: 1000, seconds: 10, cpuGoalMs: 0.6, p99GoalMs: undefined },
] as const;
const tlsLoad = { callsPerSecond: 600, seconds: 10 } as const;
/** No more than a slow machine keeps up with: whoever gives up on a call leaves it standing. */
const lifeLoad = { callsPerSecond: 400, calls: 100_000 } as const;
const idle = { dialogs: 5000, callsPerSecond: 500 } as const;
const strangers = { perSecond: 2000, seconds: 15 } as const;
const goodCalls = { callsPerSecond: 20, seconds: 12 } as const;

export const sip: Benchmark = {
  name: 'sip',
  async run() {
    return [...(await serverAlone()), ...(await flood.run())];
  },
};

/** A part of `sip`, and by itself. */
export const flood: Benchmark = {
  name: 'flood',
  async run() {
    const rows: BenchmarkRow[] = [];
    for (const kind of Object.keys(floodKinds) as FloodKind[]) {
      if (kind === 'invite') rows.push(...(await underFlood(kind, 1)));
      rows.push(...(await underFlood(kind, 400)));
    }
    return rows;
  },
};

async function serverAlone(): Promise<BenchmarkRow[]> {
  const application = new SipApplication();
  const load = new CallLoad();
  const rows: BenchmarkRow[] = [];
  try {
    const { udpPort, tlsPort } = await application.figures();
    const run = async (
      callsPerSecond: number,
      calls: number,
      transport: 'udp' | 'tls' = 'udp',
    ): Promise<CallLoadReport & { readonly cpuMs: number }> => {
      const sipPort = transport === 'udp' ? udpPort : tlsPort;
      const before = await application.figures();
      const report = await load.run({
        sipPort,
        transport,
        tokens,
        callsPerSecond,
        calls,
        holdMs: shortHoldMs,
      });
      const after = await application.figures();
      return { ...report, cpuMs: (after.cpuMs - before.cpuMs) / calls };
    };
    await run(warmUp.callsPerSecond, warmUp.callsPerSecond * warmUp.seconds);
    for (const { callsPerSecond, seconds, cpuGoalMs, p99GoalMs } of loads) {
      const report = await run(callsPerSecond, callsPerSecond * seconds);
      rows.push(
        atMost(
          `CPU per call, server and application, ${callsPerSecond} calls/s (UDP)`,
          report.cpuMs,
          'ms',
          cpuGoalMs,
        ),
        atMost(
          `  INVITE → 200, p99; ${troublesOf(report)}`,
          percentile(report.setupMs, 0.99),
          'ms',
          p99GoalMs,
        ),
      );
      if (callsPerSecond === 1000) rows.push(keptUp('UDP', 1000, report));
    }
    const overTls = await run(tlsLoad.callsPerSecond, tlsLoad.callsPerSecond * tlsLoad.seconds, 'tls');
    rows.push(
      atMost(`CPU per call, ${tlsLoad.callsPerSecond} calls/s (TLS, kept connections)`, overTls.cpuMs, 'ms'),
      atMost(`  INVITE → 200, p99; ${troublesOf(overTls)}`, percentile(overTls.setupMs, 0.99), 'ms'),
      keptUp('TLS', tlsLoad.callsPerSecond, overTls),
    );
    try {
      rows.push(...(await life(application, run)), await idleDialogs(application, load));
    } catch (error) {
      // The others' figures are worth printing all the same.
      console.error(error);
      rows.push({ what: 'heap after many calls, and of idle dialogs', measured: 'failed' });
    }
    return rows;
  } finally {
    await load.close();
    await application.close();
  }
}

function keptUp(transport: string, callsPerSecond: number, report: CallLoadReport): BenchmarkRow {
  const isKept = Object.keys(report.failed).length === 0 && report.retransmissions === 0;
  return atLeast(
    `calls/s (${transport}) without a failure or a retransmission`,
    isKept ? callsPerSecond : 0,
    'calls/s',
    callsPerSecond,
  );
}

async function life(
  application: SipApplication,
  run: (callsPerSecond: number, calls: number) => Promise<CallLoadReport>,
): Promise<BenchmarkRow[]> {
  const before = await atRest(application);
  const report = await run(lifeLoad.callsPerSecond, lifeLoad.calls);
  const after = await atRest(application);
  return [
    atMost(
      `heap after ${lifeLoad.calls} calls, above before; ${troublesOf(report)}`,
      (after / before - 1) * 100,
      '%',
      5,
    ),
  ];
}

async function idleDialogs(application: SipApplication, load: CallLoad): Promise<BenchmarkRow> {
  const { dialogs: calls, callsPerSecond } = idle;
  const before = await atRest(application);
  const { udpPort: sipPort } = await application.figures();
  // All stand at once from the last answer until the first BYE, and longer than transactions last (RFC 3261 §17: 32 s).
  const buildUpMs = (calls / callsPerSecond) * 1000;
  const holdMs = buildUpMs + transactionsMs + 5000;
  const ended = load.run({ sipPort, tokens, callsPerSecond, calls, holdMs });
  const standing = await until(
    application,
    ({ dialogs, transactions }) => dialogs >= calls && transactions === 0,
  );
  const { failed } = await ended;
  const failures = Object.values(failed).reduce((sum, count) => sum + count, 0);
  return atMost(
    `heap per idle dialog, ${calls} dialogs, ${failures} failed`,
    (standing - before) / calls / 1000,
    'kB',
    10,
  );
}

const transactionsMs = 35_000;
const restTries = 60;

/** The heap once no dialog and no transaction is left. */
function atRest(application: SipApplication): Promise<number> {
  return until(application, ({ dialogs, transactions }) => dialogs === 0 && transactions === 0);
}

async function until(
  application: SipApplication,
  isSo: (figures: Awaited<ReturnType<SipApplication['figures']>>) => boolean,
): Promise<number> {
  let figures = await application.figures();
  for (let tries = 0; tries < restTries; tries += 1) {
    if (isSo(figures)) return figures.heapBytes;
    await pause(1000);
    figures = await application.figures();
  }
  throw new Error(`the SIP server does not come to rest: ${JSON.stringify(figures)}`);
}

async function underFlood(kind: FloodKind, sources: number): Promise<BenchmarkRow[]> {
  const gateway = await GatewayProcess.start();
  const load = new CallLoad();
  const sender = new SipFlood();
  try {
    const { sipPort } = gateway;
    const { callsPerSecond, seconds } = goodCalls;
    const guests = await gateway.participants(callsPerSecond * seconds, 4);
    const good = (calls: number) => load.run({ sipPort, tokens: guests, callsPerSecond, calls, holdMs: 500 });
    await good(callsPerSecond * 5);
    const flooding = sender.run({ kind, sipPort, sources, ...strangers });
    const report = await good(callsPerSecond * seconds);
    const { sent, bytesSent, bytesReceived } = await flooding;
    const from = sources === 1 ? 'one address' : `${sources} addresses`;
    return [
      atMost(
        `good calls beside ${strangers.perSecond} ${floodKinds[kind]} a second from ${from}, p95; ${troublesOf(report)}`,
        percentile(report.setupMs, 0.95),
        'ms',
        50,
      ),
      atMost(`  bytes back for each byte of ${sent} of these`, bytesReceived / bytesSent, '×', 3),
    ];
  } finally {
    await sender.close();
    await load.close();
    await gateway.stop();
  }
}
