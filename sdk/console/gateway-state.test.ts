import { describe, expect, it } from 'vitest';
import { gatewayState, stateBadge } from './gateway-state.js';

const draining = { check: 'draining', reason: 'the gateway is stopping' };
const noWorker = { check: 'media', reason: 'no media worker takes calls' };
const noStore = { check: 'store', reason: 'the store cannot be written' };
const notReady = (...reasons: { check: string; reason: string }[]) => gatewayState({ ready: false, reasons });

describe('the badge of the console', () => {
  it.each([
    ['open', gatewayState({ ready: true, reasons: [] }), 'good', 'Live'],
    ['open', { is: 'unasked' }, 'busy', 'Connecting…'],
    // A proxy may keep that to itself.
    ['open', gatewayState(null), 'good', 'Live'],
    ['waiting', gatewayState(null), 'bad', 'Connection lost, trying again…'],
    ['connecting', gatewayState({ ready: true, reasons: [] }), 'busy', 'Connecting…'],
    // Another fault beside it changes nothing.
    ['open', notReady(noWorker, draining), 'warning', 'Takes no new calls; those in progress go on'],
    ['open', notReady(noWorker), 'warning', 'Takes no calls: no media worker takes calls'],
    [
      'open',
      notReady(noWorker, noStore),
      'warning',
      'Takes no calls: no media worker takes calls; the store cannot be written',
    ],
    ['waiting', gatewayState({ ready: true, reasons: [] }), 'bad', 'Connection lost, trying again…'],
    ['waiting', notReady(draining), 'bad', 'Connection lost, trying again…'],
    ['waiting', gatewayState('away'), 'bad', 'The gateway is away, trying again…'],
    // The stream may take a while to notice that nobody is there.
    ['open', gatewayState('away'), 'bad', 'The gateway is away, trying again…'],
    ['connecting', gatewayState('away'), 'bad', 'The gateway is away, trying again…'],
  ] as const)('with events %s and the gateway %j is %s: %s', (stream, gateway, look, text) => {
    expect(stateBadge(stream, gateway)).toEqual({ look, text });
  });
});
