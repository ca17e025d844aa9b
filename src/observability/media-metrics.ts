/** The media workers' figures. */
import type { Registry } from 'prom-client';
import { registerFigure } from './figures.js';

export interface WorkerFigures {
  readonly worker: number;
  readonly legs: number;
  /** Null before the worker's first report. */
  readonly health: {
    readonly phoneLegs: number;
    readonly browserLegs: number;
    readonly streams: number;
    readonly eventLoopLagP99Ms: number;
    readonly ticks: number;
    readonly ticksSkipped: number;
    readonly tickLatenessP99Ms: number;
    readonly tickLatenessMaxMs: number;
    readonly cpuMs: number;
    readonly residentBytes: number;
    readonly portsTakenUnrested: number;
    readonly linkPacketsDropped: number;
  } | null;
}

/** What the media plane counts; its statistics have this shape. */
export interface MediaFigures {
  readonly workers: readonly WorkerFigures[];
  readonly workersLost: number;
}

type HealthKey = keyof NonNullable<WorkerFigures['health']>;

/** Type, key, name, help, what the value is divided by to get the name's unit. */
const ofWorker: readonly (readonly ['counter' | 'gauge', HealthKey, string, string, number])[] = [
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
];

export function exposeMedia(registry: Registry, read: () => MediaFigures): void {
  for (const [type, key, name, help, divisor] of ofWorker) {
    registerFigure(registry, {
      type,
      name,
      help,
      labels: ['worker'],
      read: () =>
        read().workers.flatMap(({ worker, health }) =>
          health === null ? [] : [{ labels: { worker: String(worker) }, value: health[key] / divisor }],
        ),
    });
  }
  registerFigure(registry, {
    type: 'gauge',
    name: 'workers',
    help: 'Media workers that stand.',
    read: () => [{ value: read().workers.length }],
  });
  registerFigure(registry, {
    type: 'counter',
    name: 'workers_lost_total',
    help: 'Media workers that died.',
    read: () => [{ value: read().workersLost }],
  });
}
