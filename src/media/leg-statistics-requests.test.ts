import { describe, expect, it } from 'vitest';
import { LegStatisticsRequests } from './leg-statistics-requests.js';

const figures = (packetsReceived: number) => ({
  packetsReceived,
  packetsSent: 0,
  packetsLost: 0,
  packetsFromStrangers: 0,
  jitterMs: 0,
});

describe('the statistics of legs', () => {
  it('are asked of each worker once, however many are wanted at the same time', async () => {
    const asked: [number, readonly string[]][] = [];
    const requests = new LegStatisticsRequests((worker, legIds) => {
      asked.push([worker, legIds]);
      return Promise.resolve(legIds.map((legId) => (legId === 'gone' ? null : figures(Number(legId)))));
    });
    const wanted = [requests.of(0, '1'), requests.of(1, '2'), requests.of(0, 'gone'), requests.of(0, '1')];
    expect((await Promise.all(wanted)).map((one) => one?.packetsReceived)).toEqual([1, 2, undefined, 1]);
    expect(asked).toEqual([
      [0, ['1', 'gone']],
      [1, ['2']],
    ]);
    await requests.of(0, '3');
    expect(asked).toHaveLength(3);
  });

  it('are null where the worker does not answer', async () => {
    const requests = new LegStatisticsRequests(() => Promise.reject(new Error('gone')));
    expect(await Promise.all([requests.of(0, '1'), requests.of(0, '2')])).toEqual([null, null]);
  });
});
