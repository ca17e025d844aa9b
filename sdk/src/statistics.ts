/** Reads the browser's figures (webrtc-stats) into one record for each track of each stream. Pure. */
import type { MediaType, TrackStatistics } from './api.js';

/** Which track stands in the section with this mid. */
export interface SectionTrack {
  readonly mid: string;
  readonly direction: TrackStatistics['direction'];
  readonly mediaType: MediaType;
  readonly alias: string;
  readonly streamId: string | null;
  readonly participantId: string | null;
}

/** Counters of the time before, by section and direction. */
export type CounterSnapshot = ReadonlyMap<string, Counters>;

interface Counters {
  readonly timestampMs: number;
  readonly bytes: number;
  readonly packets: number;
  readonly lost: number | null;
  readonly ssrc: number | null;
}

type Report = Readonly<Record<string, unknown>>;

export interface Reading {
  readonly roundTripMs: number | null;
  readonly tracks: readonly TrackStatistics[];
  readonly snapshot: CounterSnapshot;
}

export function readStatistics(
  reports: Iterable<Report>,
  sections: readonly SectionTrack[],
  before: CounterSnapshot,
): Reading {
  const all = [...reports];
  const byId = new Map(all.map((report) => [report['id'], report]));
  const ofType = (type: string): Report[] => all.filter((report) => report['type'] === type);
  const snapshot = new Map<string, Counters>();
  const tracks = sections.flatMap((section): TrackStatistics[] => {
    const isSent = section.direction === 'sent';
    // One for each section: nothing is sent in several layers (simulcast).
    const report = ofType(isSent ? 'outbound-rtp' : 'inbound-rtp').find(
      (candidate) =>
        candidate['mid'] === section.mid && candidate['kind'] === section.mediaType.toLowerCase(),
    );
    if (report === undefined) return [];
    const remote = ofType('remote-inbound-rtp').find((candidate) => candidate['localId'] === report['id']);
    const source = byId.get(report['mediaSourceId']);
    const reception = isSent ? remote : report;
    const now: Counters = {
      timestampMs: numberOf(report, 'timestamp') ?? 0,
      bytes: numberOf(report, isSent ? 'bytesSent' : 'bytesReceived') ?? 0,
      packets: numberOf(report, isSent ? 'packetsSent' : 'packetsReceived') ?? 0,
      lost: numberOf(reception, 'packetsLost'),
      ssrc: numberOf(report, 'ssrc'),
    };
    const key = `${section.direction} ${section.mid}`;
    snapshot.set(key, now);
    const known = before.get(key);
    // Another SSRC counts from nothing.
    const last = known?.ssrc === now.ssrc ? known : undefined;
    const { direction, mediaType, alias, streamId, participantId } = section;
    return [
      {
        ...{ direction, mediaType, alias, streamId, participantId },
        bitrateBps: bitrateBps(last, now),
        packets: now.packets,
        packetsLost: now.lost,
        lossRatio: lossRatio(last, now, isSent),
        jitterMs: scaled(numberOf(reception, 'jitter'), 1000),
        audioLevel: numberOf(isSent ? source : report, 'audioLevel'),
        frameWidth: numberOf(report, 'frameWidth'),
        frameHeight: numberOf(report, 'frameHeight'),
        framesPerSecond: numberOf(report, 'framesPerSecond'),
      },
    ];
  });
  return { roundTripMs: roundTripMs(all), tracks, snapshot };
}

function bitrateBps(last: Counters | undefined, now: Counters): number | null {
  if (last === undefined || now.timestampMs <= last.timestampMs) return null;
  return Math.round((Math.max(0, now.bytes - last.bytes) * 8000) / (now.timestampMs - last.timestampMs));
}

/** All packets that were sent are counted at our end; of those sent to us, only the ones that came. */
function lossRatio(last: Counters | undefined, now: Counters, isSent: boolean): number | null {
  if (last === undefined || last.lost === null || now.lost === null) return null;
  const lost = Math.max(0, now.lost - last.lost);
  const counted = Math.max(0, now.packets - last.packets);
  const sent = isSent ? counted : counted + lost;
  return sent === 0 ? 0 : Math.min(1, lost / sent);
}

function roundTripMs(all: readonly Report[]): number | null {
  const transport = all.find((report) => report['type'] === 'transport');
  const pair =
    all.find((report) => report['id'] === transport?.['selectedCandidatePairId']) ??
    all.find((report) => report['type'] === 'candidate-pair' && report['nominated'] === true);
  return scaled(numberOf(pair, 'currentRoundTripTime'), 1000);
}

function numberOf(report: Report | undefined, name: string): number | null {
  const value = report?.[name];
  return typeof value === 'number' ? value : null;
}

function scaled(value: number | null, factor: number): number | null {
  return value === null ? null : value * factor;
}
