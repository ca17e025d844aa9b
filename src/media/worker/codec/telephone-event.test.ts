import { describe, expect, it } from 'vitest';
import {
  DtmfDetector,
  eventOfKey,
  formatTelephoneEvent,
  keyOfEvent,
  parseTelephoneEvent,
} from './telephone-event.js';

interface Step {
  readonly event: number;
  readonly duration: number;
  readonly end?: boolean;
  readonly marker?: boolean;
  readonly timestamp: number;
  /** Default: one after the step before. */
  readonly sequence?: number;
  /** Default: 50 ms after the step before. */
  readonly atMs?: number;
}

function detect(steps: readonly Step[], expireAtMs = Infinity): string[] {
  const keys: string[] = [];
  const detector = new DtmfDetector((key, durationMs) => keys.push(`${key} ${durationMs}`));
  let sequence = 65_533;
  let atMs = 0;
  for (const step of steps) {
    sequence = step.sequence ?? (sequence + 1) & 0xffff;
    atMs = step.atMs ?? atMs + 50;
    detector.expire(atMs);
    const { event, duration, end = false, marker = false, timestamp } = step;
    const header = { sequenceNumber: sequence, timestamp, marker };
    detector.onPacket({ event, end, volume: 10, duration }, header, atMs);
  }
  detector.expire(expireAtMs);
  expect(detector.pressed).toBe(false);
  return keys;
}

const press = (event: number, timestamp: number, marker = true): Step[] => [
  { event, duration: 160, marker, timestamp },
  { event, duration: 560, timestamp },
  ...[1, 2, 3].map(() => ({ event, duration: 800, end: true, timestamp })),
];

describe('telephone events', () => {
  it('are read and written as RFC 4733 lays them out', () => {
    const payload = new Uint8Array(4);
    formatTelephoneEvent({ event: 11, end: true, volume: 10, duration: 0x0320 }, payload);
    expect([...payload]).toEqual([11, 0x8a, 0x03, 0x20]);
    expect(parseTelephoneEvent(payload)).toEqual({ event: 11, end: true, volume: 10, duration: 800 });
    expect(parseTelephoneEvent(payload, 0, 3)).toBeNull();
  });

  it('stand for the sixteen keys', () => {
    expect(Array.from({ length: 17 }, (_, event) => keyOfEvent(event) ?? '-').join('')).toBe(
      '0123456789*#ABCD-',
    );
    expect([eventOfKey('#'), eventOfKey('d'), eventOfKey('x'), eventOfKey('')]).toEqual([11, 15, null, null]);
  });
});

describe('DtmfDetector', () => {
  it.each<[string, Step[], string[]]>([
    ['a press with its end sent three times, once', press(5, 1000), ['5 100']],
    ['a press without a marker bit', press(5, 1000, false), ['5 100']],
    ['the same key pressed twice', [...press(5, 1000), ...press(5, 3000)], ['5 100', '5 100']],
    ['two keys', [...press(1, 1000), ...press(2, 3000, false)], ['1 100', '2 100']],
    ['two keys under one timestamp', [...press(1, 1000), ...press(2, 1000)], ['1 100', '2 100']],
    ['one key pressed twice under one timestamp', [...press(1, 1000), ...press(1, 1000)], ['1 100', '1 100']],
    [
      'a press of which only an end arrives',
      [{ event: 3, duration: 800, end: true, timestamp: 9 }],
      ['3 100'],
    ],
    [
      'a press that lost its end, before the next key',
      [...press(1, 1000).slice(0, 2), ...press(2, 3000)],
      ['1 70', '2 100'],
    ],
    [
      'a press that lost its end, before the same key',
      [...press(1, 1000).slice(0, 2), ...press(1, 3000)],
      ['1 70', '1 100'],
    ],
    [
      'a press whose packets are reordered and doubled',
      [
        { event: 4, duration: 160, timestamp: 7, sequence: 10 },
        { event: 4, duration: 800, end: true, timestamp: 7, sequence: 12 },
        { event: 4, duration: 560, timestamp: 7, sequence: 11 },
        { event: 4, duration: 800, end: true, timestamp: 7, sequence: 12 },
        { event: 4, duration: 800, end: true, timestamp: 7, sequence: 13 },
      ],
      ['4 100'],
    ],
    [
      'a press longer than one event can say',
      [
        { event: 9, duration: 0x8000, marker: true, timestamp: 0xffff_f000, atMs: 4096 },
        { event: 9, duration: 0xffff, timestamp: 0xffff_f000, atMs: 4200 },
        { event: 9, duration: 800, timestamp: 0xefff, atMs: 4250 },
        { event: 9, duration: 8000, end: true, timestamp: 0xefff, atMs: 4300 },
      ],
      ['9 9192'],
    ],
    [
      'a press whose timestamp wrongly moves along',
      [160, 320, 480, 640].map((duration, i) => ({ event: 6, duration, timestamp: 160 * i, end: i === 3 })),
      ['6 80'],
    ],
    ['nothing of flash and other events', [{ event: 16, duration: 800, end: true, timestamp: 1 }], []],
  ])('reports %s', (_what, steps, expected) => {
    expect(detect(steps)).toEqual(expected);
  });

  it('ends a press whose packets stop, once, and hears nothing more of it', () => {
    const steps: Step[] = [
      { event: 8, duration: 160, marker: true, timestamp: 1 },
      { event: 8, duration: 560, timestamp: 1, atMs: 100 },
      { event: 8, duration: 2400, timestamp: 1, atMs: 350 },
      { event: 8, duration: 2800, end: true, timestamp: 1, atMs: 400 },
    ];
    expect(detect(steps)).toEqual(['8 70']);
    expect(detect(steps.slice(0, 2), 300)).toEqual(['8 70']);
  });
});
