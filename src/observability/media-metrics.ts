/** The media workers' figures. */
import type { Figures, FigureType } from './figures.js';

/** `divisor`: what the value is divided by to get the unit in the name. */
type FigureRow = readonly [type: FigureType, key: string, name: string, help: string, divisor: number];

const ofWorker = [
  ['gauge', 'phoneLegs', 'worker_phone_legs', 'Phone legs of a worker.', 1],
  ['gauge', 'browserLegs', 'worker_browser_legs', 'Browser legs of a worker.', 1],
  ['gauge', 'streams', 'worker_streams', 'Streams published at a worker.', 1],
  [
    'gauge',
    'eventLoopLagP99Ms',
    'worker_event_loop_lag_p99_seconds',
    'Lag of a worker’s event loop in the last second.',
    1000,
  ],
  ['counter', 'ticks', 'worker_ticks_total', 'The mixer’s 20 ms ticks.', 1],
  ['counter', 'ticksSkipped', 'worker_ticks_skipped_total', 'Ticks left out because they were too late.', 1],
  [
    'gauge',
    'tickLatenessP99Ms',
    'worker_tick_lateness_p99_seconds',
    'How late ticks came: 99 of 100 were no later.',
    1000,
  ],
  ['gauge', 'tickLatenessMaxMs', 'worker_tick_lateness_max_seconds', 'How late the latest tick came.', 1000],
  ['counter', 'cpuMs', 'worker_cpu_seconds_total', 'CPU time of a worker.', 1000],
  ['gauge', 'residentBytes', 'worker_resident_bytes', 'Memory of a worker.', 1],
  [
    'counter',
    'portsTakenUnrested',
    'worker_ports_taken_unrested_total',
    'RTP ports that were used again before they had rested, because no other was left.',
    1,
  ],
  [
    'counter',
    'linkPacketsDropped',
    'worker_link_packets_dropped_total',
    'Packets for other workers that found the link full.',
    1,
  ],
] as const satisfies readonly FigureRow[];

/** What the media plane counts; its statistics have this shape. */
export interface MediaFigures {
  readonly workers: readonly {
    readonly worker: number;
    /** Null before the worker's first report. */
    readonly health: Readonly<Record<(typeof ofWorker)[number][1], number>> | null;
  }[];
  readonly workersLost: number;
}

export function exposeMedia(figures: Figures, read: () => MediaFigures): void {
  for (const [type, key, name, help, divisor] of ofWorker) {
    const values = () =>
      read().workers.flatMap(({ worker, health }) =>
        health === null ? [] : [[worker, health[key] / divisor] as const],
      );
    figures[`${type}By`]('worker', name, help, () => Object.fromEntries(values()));
  }
  figures.gauge('workers', 'Media workers that stand.', () => read().workers.length);
  figures.counter('workers_lost_total', 'Media workers that died.', () => read().workersLost);
}
