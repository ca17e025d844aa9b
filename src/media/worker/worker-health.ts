import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks';
import type { EngineStatistics } from './engine.js';
import type { LinkCounters } from './link/exported-stream.js';
import type { WorkerHealth } from './protocol.js';

export interface TickLateness {
  readonly p99Ms: number;
  readonly maxMs: number;
}

const INTERVAL_MS = 1000;
const RESOLUTION_MS = 10;
const NS_PER_MS = 1e6;

/** Reports the worker's pulse every second until it is closed. */
export class HealthReporter {
  readonly #histogram: IntervalHistogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  readonly #timer: NodeJS.Timeout;

  constructor(
    private readonly sources: {
      readonly statistics: () => EngineStatistics;
      /** Since it was asked last. */
      readonly takeTickLateness: () => TickLateness;
      readonly link: LinkCounters;
      readonly report: (health: WorkerHealth) => void;
    },
  ) {
    this.#histogram.enable();
    this.#timer = setInterval(() => this.#report(), INTERVAL_MS);
  }

  close(): void {
    clearInterval(this.#timer);
    this.#histogram.disable();
  }

  #report(): void {
    const { statistics, takeTickLateness, link, report } = this.sources;
    const tick = takeTickLateness();
    const cpu = process.cpuUsage();
    report({
      ...statistics(),
      eventLoopLagP99Ms: this.#lagMs(this.#histogram.percentile(99)),
      eventLoopLagMaxMs: this.#lagMs(this.#histogram.max),
      tickLatenessP99Ms: tick.p99Ms,
      tickLatenessMaxMs: tick.maxMs,
      cpuMs: (cpu.user + cpu.system) / 1000,
      residentBytes: process.memoryUsage.rss(),
      linkPacketsSent: link.packetsSent,
      linkPacketsReceived: link.packetsReceived,
      linkPacketsDropped: link.packetsDropped,
    });
    this.#histogram.reset();
  }

  /** The histogram holds the time between two samples, which is the resolution where nothing is late. */
  #lagMs(sampleNs: number): number {
    return Math.max(0, sampleNs / NS_PER_MS - RESOLUTION_MS);
  }
}
