/** The figures that a worker sends every second: its pulse. */
import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks';
import type { EngineStatistics } from './engine.js';
import type { LinkCounters } from './link/exported-stream.js';
import type { WorkerHealth } from './protocol.js';

/** How well the mixers' 20 ms ticks were kept since the worker began. */
export interface TickFigures {
  readonly ticks: number;
  readonly skipped: number;
  readonly latenessP99Ms: number;
  readonly latenessMaxMs: number;
}

const intervalMs = 1000;
const resolutionMs = 20;
const nsPerMs = 1e6;

/** Reports the worker's pulse every second until it is closed. */
export class HealthReporter {
  readonly #histogram: IntervalHistogram = monitorEventLoopDelay({ resolution: resolutionMs });
  readonly #timer: NodeJS.Timeout;

  constructor(
    private readonly sources: {
      readonly statistics: () => EngineStatistics;
      readonly tickFigures: () => TickFigures;
      readonly portsTakenUnrested: () => number;
      readonly link: LinkCounters;
      readonly report: (health: WorkerHealth) => void;
    },
  ) {
    this.#histogram.enable();
    this.#timer = setInterval(() => this.#report(), intervalMs);
  }

  close(): void {
    clearInterval(this.#timer);
    this.#histogram.disable();
  }

  #report(): void {
    const { statistics, tickFigures, portsTakenUnrested, link, report } = this.sources;
    const tick = tickFigures();
    const cpu = process.cpuUsage();
    report({
      ...statistics(),
      eventLoopLagP99Ms: this.#lagMs(this.#histogram.percentile(99)),
      eventLoopLagMaxMs: this.#lagMs(this.#histogram.max),
      ticks: tick.ticks,
      ticksSkipped: tick.skipped,
      tickLatenessP99Ms: tick.latenessP99Ms,
      tickLatenessMaxMs: tick.latenessMaxMs,
      cpuMs: (cpu.user + cpu.system) / 1000,
      residentBytes: process.memoryUsage.rss(),
      portsTakenUnrested: portsTakenUnrested(),
      linkPacketsSent: link.packetsSent,
      linkPacketsReceived: link.packetsReceived,
      linkPacketsDropped: link.packetsDropped,
    });
    this.#histogram.reset();
  }

  /** The histogram holds the time between two samples, which is the resolution where nothing is late. */
  #lagMs(sampleNs: number): number {
    return Math.max(0, sampleNs / nsPerMs - resolutionMs);
  }
}
