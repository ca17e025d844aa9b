/** Adding up what the connections of a leg have counted. */
import type { LegStatistics } from './leg.js';
import type { AudioQuality, DirectionQuality } from './quality/audio-quality.js';

export const noStatistics: LegStatistics = {
  packetsReceived: 0,
  packetsSent: 0,
  packetsLost: 0,
  packetsFromStrangers: 0,
  jitterMs: 0,
  audio: null,
};

/** What two connections have counted together; the jitter is the worse of both, and of each direction the audio that scores worse. */
export const sumOfStatistics = (a: LegStatistics, b: LegStatistics): LegStatistics => ({
  packetsReceived: a.packetsReceived + b.packetsReceived,
  packetsSent: a.packetsSent + b.packetsSent,
  packetsLost: a.packetsLost + b.packetsLost,
  packetsFromStrangers: a.packetsFromStrangers + b.packetsFromStrangers,
  jitterMs: Math.max(a.jitterMs, b.jitterMs),
  audio: a.audio === null || b.audio === null ? (a.audio ?? b.audio) : worseAudio(a.audio, b.audio),
});

const worseAudio = (a: AudioQuality, b: AudioQuality): AudioQuality => ({
  received: worse(a.received, b.received),
  sent: worse(a.sent, b.sent),
  roundTripMs:
    a.roundTripMs === null || b.roundTripMs === null
      ? (a.roundTripMs ?? b.roundTripMs)
      : Math.max(a.roundTripMs, b.roundTripMs),
  oneWay: a.oneWay ?? b.oneWay,
});

function worse(a: DirectionQuality | null, b: DirectionQuality | null): DirectionQuality | null {
  if (a === null || b === null) return a ?? b;
  return b.mos < a.mos ? b : a;
}
