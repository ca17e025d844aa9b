/** Adding up what the connections of a leg have counted. */
import type { LegStatistics } from './leg.js';

export const noStatistics: LegStatistics = {
  packetsReceived: 0,
  packetsSent: 0,
  packetsLost: 0,
  packetsFromStrangers: 0,
  jitterMs: 0,
};

/** What two connections have counted together; the jitter is the worse of both. */
export const sumOfStatistics = (a: LegStatistics, b: LegStatistics): LegStatistics => ({
  packetsReceived: a.packetsReceived + b.packetsReceived,
  packetsSent: a.packetsSent + b.packetsSent,
  packetsLost: a.packetsLost + b.packetsLost,
  packetsFromStrangers: a.packetsFromStrangers + b.packetsFromStrangers,
  jitterMs: Math.max(a.jitterMs, b.jitterMs),
});
