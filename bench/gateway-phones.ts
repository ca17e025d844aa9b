/** Media plane and phone legs for the benchmarks that measure media alone. */
import { systemClock } from '../src/domain/clock.js';
import { workerEntry } from '../src/gateway/package-root.js';
import type { MediaLeg, MediaStreamInfo } from '../src/domain/media-plane.js';
import { createMediaPlane, type WorkerMediaPlane } from '../src/media/worker-media-plane.js';
import type { WorkerHealth } from '../src/media/worker/protocol.js';
import { mainConnection } from '../src/domain/media-plane.js';

const none = (): void => undefined;

/** A media plane with one worker: the figures are those of one core. */
export function benchmarkPlane(): Promise<WorkerMediaPlane> {
  return createMediaPlane({
    workers: 1,
    rtpPorts: { from: 40_000, to: 46_000 },
    bindAddress: '127.0.0.1',
    workerEntry,
    logger: { info: none, warn: none, error: (fields, message) => console.error(message, fields) },
    clock: systemClock,
  });
}

export interface BenchmarkLeg {
  readonly leg: MediaLeg;
  /** The gateway's RTP port. */
  readonly port: number;
  readonly streamId: string;
}

let legs = 0;

/** A phone leg for a phone that listens on `phonePort` of this host. */
export async function openPhoneLeg(
  plane: WorkerMediaPlane,
  sessionId: string,
  phonePort: number,
): Promise<BenchmarkLeg> {
  const id = ++legs;
  let onStreams: (streams: readonly MediaStreamInfo[]) => void = none;
  const published = new Promise<string>(
    (resolve) => (onStreams = ([stream]) => stream && resolve(stream.streamId)),
  );
  const lines = ['v=0', 'o=- 1 1 IN IP4 127.0.0.1', 's=-', 'c=IN IP4 127.0.0.1', 't=0 0'];
  const leg = await plane.openLeg({
    legId: `leg-${id}`,
    participantId: `participant-${id}`,
    sessionId,
    ...mainConnection('phone', [...lines, `m=audio ${phonePort} RTP/AVP 0`, ''].join('\r\n')),
    mayPublish: ['AUDIO'],
    listener: {
      onConnected: none,
      onStreams: (streams) => onStreams(streams),
      onKeyDown: () => undefined,
      onDtmf: none,
      onPlayed: none,
      onHeld: none,
      onNegotiationNeeded: none,
      onEnded: (reason) => console.error(`a leg ended: ${reason}`),
    },
  });
  const port = Number(/m=audio (\d+)/.exec(leg.connection('main').localDescription)?.[1]);
  return { leg, port, streamId: await published };
}

export interface WorkerSpan {
  readonly seconds: number;
  readonly cpuMs: number;
  readonly last: WorkerHealth;
}

/** Measures the worker from one of its pulses to another, so that both ends are exact. */
export async function measureWorker(plane: WorkerMediaPlane, pulses: number): Promise<WorkerSpan> {
  const first = await nextHealth(plane);
  const beganMs = performance.now();
  let last = first;
  for (let i = 0; i < pulses; i += 1) last = await nextHealth(plane);
  return { seconds: (performance.now() - beganMs) / 1000, cpuMs: last.cpuMs - first.cpuMs, last };
}

async function nextHealth(plane: WorkerMediaPlane): Promise<WorkerHealth> {
  const current = (): WorkerHealth | null => plane.statistics().workers[0]?.health ?? null;
  const before = current();
  for (;;) {
    const now = current();
    if (now !== null && now !== before) return now;
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}
