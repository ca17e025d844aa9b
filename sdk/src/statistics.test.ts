import { describe, expect, it } from 'vitest';
import { readStatistics, type SectionTrack } from './statistics.js';

const sent: SectionTrack = {
  mid: '0',
  direction: 'sent',
  mediaType: 'AUDIO',
  alias: 'microphone',
  streamId: null,
  participantId: null,
};
const received: SectionTrack = {
  mid: '1',
  direction: 'received',
  mediaType: 'VIDEO',
  alias: 'camera',
  streamId: 'p.1',
  participantId: 'p',
};

function reports(atMs: number, grown: number, ssrc = 7) {
  return [
    { id: 'T', type: 'transport', selectedCandidatePairId: 'P' },
    { id: 'P', type: 'candidate-pair', currentRoundTripTime: 0.025 },
    { id: 'M', type: 'media-source', audioLevel: 0.5 },
    {
      id: 'O',
      type: 'outbound-rtp',
      kind: 'audio',
      mid: '0',
      ssrc: 1,
      timestamp: atMs,
      bytesSent: 4000 * grown,
      packetsSent: 50 * grown,
      mediaSourceId: 'M',
    },
    { id: 'R', type: 'remote-inbound-rtp', localId: 'O', packetsLost: 5 * (grown - 1), jitter: 0.002 },
    {
      id: 'I',
      type: 'inbound-rtp',
      kind: 'video',
      mid: '1',
      ssrc,
      timestamp: atMs,
      bytesReceived: 100_000 * grown,
      packetsReceived: 90 * grown,
      packetsLost: 10 * grown,
      jitter: 0.01,
      frameWidth: 640,
      frameHeight: 360,
      framesPerSecond: 30,
    },
  ];
}

describe('readStatistics', () => {
  it('gives each track its figures, and rates from the second time on', () => {
    const first = readStatistics(reports(1000, 1), [sent, received], new Map());
    expect(first.roundTripMs).toBe(25);
    expect(first.tracks.map(({ bitrateBps, lossRatio }) => [bitrateBps, lossRatio])).toEqual([
      [null, null],
      [null, null],
    ]);
    const { tracks } = readStatistics(reports(2000, 2), [sent, received], first.snapshot);
    expect(tracks).toEqual([
      {
        direction: 'sent',
        mediaType: 'AUDIO',
        alias: 'microphone',
        streamId: null,
        participantId: null,
        bitrateBps: 32_000,
        packets: 100,
        packetsLost: 5,
        lossRatio: 0.1,
        jitterMs: 2,
        audioLevel: 0.5,
        frameWidth: null,
        frameHeight: null,
        framesPerSecond: null,
      },
      {
        direction: 'received',
        mediaType: 'VIDEO',
        alias: 'camera',
        streamId: 'p.1',
        participantId: 'p',
        bitrateBps: 800_000,
        packets: 180,
        packetsLost: 20,
        lossRatio: 0.1,
        jitterMs: 10,
        audioLevel: null,
        frameWidth: 640,
        frameHeight: 360,
        framesPerSecond: 30,
      },
    ]);
  });

  it('counts anew where a section carries another sender, and leaves out what has sent nothing yet', () => {
    const first = readStatistics(reports(1000, 3), [received], new Map());
    const [track] = readStatistics(reports(2000, 1, 8), [received], first.snapshot).tracks;
    expect([track?.bitrateBps, track?.lossRatio]).toEqual([null, null]);
    expect(readStatistics([], [sent], new Map()).tracks).toEqual([]);
  });
});
