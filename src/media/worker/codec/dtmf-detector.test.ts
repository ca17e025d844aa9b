import { describe, expect, it } from 'vitest';
import { DtmfDetector } from './dtmf-detector.js';

interface Step {
  readonly event: number;
  readonly duration: number;
  readonly end?: boolean;
  readonly marker?: boolean;
  readonly timestamp: number;
  readonly ssrc?: number;
  /** Default: one after the step before. */
  readonly sequence?: number;
  /** Default: 50 ms after the step before. */
  readonly atMs?: number;
}

/** A detector that tells keys to this list, and nobody of those that are held. */
function detectorOf(keys: string[]): DtmfDetector {
  return new DtmfDetector({
    onKeyDown: () => undefined,
    onKey: (key, durationMs) => keys.push(`${key} ${durationMs}`),
  });
}

function detect(steps: readonly Step[], expireAtMs = Infinity): string[] {
  const keys: string[] = [];
  const detector = detectorOf(keys);
  let sequence = 65_533;
  let atMs = 0;
  for (const step of steps) {
    sequence = step.sequence ?? (sequence + 1) & 0xffff;
    atMs = step.atMs ?? atMs + 50;
    detector.expire(atMs);
    const { event, duration, end = false, marker = false, timestamp, ssrc = 1 } = step;
    const header = { ssrc, sequenceNumber: sequence, timestamp, marker };
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
      { event: 8, duration: 5600, timestamp: 1, atMs: 750 },
      { event: 8, duration: 6000, end: true, timestamp: 1, atMs: 800 },
    ];
    expect(detect(steps)).toEqual(['8 70']);
    expect(detect(steps.slice(0, 2), 700)).toEqual(['8 70']);
  });
});

/** A sender that keeps to RFC 4733 but for what `odd` changes: a press of `updates` packets and `ends`, `everyMs` apart. */
interface Sender {
  readonly everyMs?: number;
  readonly updates?: number;
  readonly ends?: number;
  /** Sent between two events, as where audio goes on beside them. */
  readonly audioBetween?: number;
  readonly odd?: (step: Step, index: number, ofPress: number) => Partial<Step>;
}

/** The packets of these keys, a press every `apartMs`. */
function typed(keys: string, apartMs: number, sender: Sender = {}): Step[] {
  const { everyMs = 20, updates = 5, ends = 3, audioBetween = 0, odd = () => ({}) } = sender;
  let sequence = 1000;
  return Array.from(keys).flatMap((key, ofPress) => {
    const beganMs = 1000 + ofPress * apartMs;
    // The audio between two presses.
    sequence += 5;
    return Array.from({ length: updates + ends }, (_, index): Step => {
      const step: Step = {
        event: Number(key),
        duration: Math.min(index + 1, updates + 1) * everyMs * 8,
        end: index >= updates,
        marker: index === 0,
        timestamp: beganMs * 8,
        sequence: (sequence += 1 + audioBetween),
        atMs: beganMs + index * everyMs,
      };
      return { ...step, ...odd(step, index, ofPress) };
    });
  });
}

const moving = (step: Step, index: number, everyMs = 20) => ({
  timestamp: step.timestamp + index * everyMs * 8,
});

describe('senders that do otherwise than RFC 4733', () => {
  it.each<[string, Sender]>([
    ['the timestamp moves in every packet', { odd: (step, index) => moving(step, index) }],
    [
      'it moves, and each packet has the marker',
      { odd: (step, index) => ({ ...moving(step, index), marker: true }) },
    ],
    ['it moves in updates 50 ms apart', { everyMs: 50, odd: (step, index) => moving(step, index, 50) }],
    [
      'it moves in updates 100 ms apart, beside audio',
      { everyMs: 100, updates: 2, audioBetween: 5, odd: (step, index) => moving(step, index, 100) },
    ],
    [
      'it moves in the updates, and the end names the beginning',
      { odd: (step, index) => (step.end ? {} : moving(step, index)) },
    ],
    [
      'it moves in the three end packets alone',
      { odd: (step, index) => (step.end ? moving(step, index) : {}) },
    ],
    [
      'it moves in end packets that go on growing',
      { odd: (step, index) => ({ duration: (index + 1) * 160, ...(step.end && moving(step, index)) }) },
    ],
    ['it wobbles', { odd: (step, index) => ({ timestamp: step.timestamp + ((index * 7) % 5) - 2 }) }],
    ['the duration stands still', { odd: () => ({ duration: 160 }) }],
    [
      'it stands still while the timestamp moves',
      { odd: (step, index) => ({ duration: 160, ...moving(step, index) }) },
    ],
    [
      'it stands still while the timestamp moves, 50 ms apart, all marked',
      { everyMs: 50, odd: (step, index) => ({ duration: 160, marker: true, ...moving(step, index, 50) }) },
    ],
    [
      'it stands still while the timestamp moves, 100 ms apart',
      { everyMs: 100, updates: 2, odd: (step, index) => ({ duration: 160, ...moving(step, index, 100) }) },
    ],
    ['it is 0 in the end packets', { odd: (step) => (step.end ? { duration: 0 } : {}) }],
    [
      'contiguous segments of 20 ms follow one another',
      { odd: (step, index) => ({ duration: 160, timestamp: step.timestamp + index * 160 }) },
    ],
    ['the end is sent eight times', { ends: 8 }],
    [
      'the end is sent six times, its timestamp moving',
      { ends: 6, odd: (step, index) => (step.end ? moving(step, index) : {}) },
    ],
    [
      'each packet comes twice',
      {
        odd: (step, index) =>
          index % 2 === 0 ? {} : { sequence: step.sequence! - 1, duration: index * 160, end: index > 5 },
      },
    ],
    ['the duration counts milliseconds', { odd: (step) => ({ duration: step.duration / 8 }) }],
    ['the duration begins where audio stopped', { odd: (step) => ({ duration: step.duration + 1600 }) }],
    ['the marker is set three times', { odd: (_step, index) => ({ marker: index < 3 }) }],
    ['no packet has the end bit', { odd: () => ({ end: false }) }],
    [
      'the octets of the duration are in the wrong order',
      { odd: ({ duration }) => ({ duration: ((duration & 0xff) << 8) | (duration >> 8) }) },
    ],
    ['the duration counts down', { odd: (_step, index) => ({ duration: 1600 - index * 160 }) }],
    ['its clock is set in the midst of it', { odd: (_step, index) => (index > 2 ? { timestamp: 5e8 } : {}) }],
    [
      'its clock is set in the midst of it, and the duration stands still',
      { odd: (_step, index) => ({ duration: 160, ...(index > 2 && { timestamp: 5e8 }) }) },
    ],
    ['the SSRC alternates', { odd: (_step, index) => ({ ssrc: 1 + (index % 2) }) }],
    [
      'the end has an SSRC of its own',
      { odd: ({ end, atMs = 0 }) => (end ? { ssrc: 9, sequence: atMs } : {}) },
    ],
    ['the end alone is sent', { updates: 0 }],
    ['the end alone is sent, once', { updates: 0, ends: 1 }],
    ['the sequence begins anew with each press', { odd: (_step, index) => ({ sequence: index }) }],
    [
      'the first end is overtaken by the second',
      {
        odd: (step, index) =>
          index === 5 || index === 6 ? { sequence: step.sequence! + 11 - 2 * index } : {},
      },
    ],
    [
      'the SSRC changes with each press, and its sequence falls behind the last',
      { odd: (_step, index, ofPress) => ({ ssrc: ofPress + 1, sequence: 1000 - ofPress * 10 + index }) },
    ],
  ])('each press is one key where %s', (_what, sender) => {
    const apartMs = (sender.everyMs ?? 20) > 50 ? 700 : 400;
    expect(
      detect(typed('1123', apartMs, sender), 1e6)
        .map((key) => key[0])
        .join(''),
    ).toBe('1123');
  });

  it.each<[string, Sender]>([
    ['it never moves', {}],
    ['it never moves, and no packet has the marker', { odd: () => ({ marker: false }) }],
    [
      'it never moves, and the duration stands still, unmarked',
      { odd: () => ({ marker: false, duration: 160 }) },
    ],
    ['it never moves, and no packet has the end bit', { odd: () => ({ marker: false, end: false }) }],
    ['it never moves, and the end alone is sent', { updates: 0, ends: 2, odd: () => ({ marker: false }) }],
    [
      'it moves by one a press',
      { odd: (_step, _index, ofPress) => ({ marker: false, timestamp: 42 + ofPress }) },
    ],
  ])(
    'equal keys 300 ms apart are all heard where the timestamp does not tell them apart: %s',
    (_what, sender) => {
      const odd: Sender['odd'] = (...of) => ({ timestamp: 42, ...sender.odd?.(...of) });
      const keys = detect(typed('112', 300, { ...sender, odd }), 1e6);
      expect(keys.map((key) => key[0]).join('')).toBe('112');
    },
  );

  it('quick keys of a dialler, 90 ms apart, are each one', () => {
    expect(
      detect(typed('00112', 90, { updates: 2 }), 1e6)
        .map((key) => key[0])
        .join(''),
    ).toBe('00112');
  });

  it('an end is that of the key that is pressed where two before it were lost and its timestamp moves', () => {
    const steps = typed('11', 300, { odd: (step, index) => (step.end ? moving(step, index) : {}) });
    const isLost = (index: number) => index % 8 === 5 || index % 8 === 6;
    expect(detect(steps.filter((_, index) => !isLost(index)))).toEqual(['1 120', '1 120']);
  });

  it('an end is that of a key that was pressed for 10 s where its timestamp moves', () => {
    const sender: Sender = { everyMs: 50, updates: 199 };
    const steps = typed('5', 0, {
      ...sender,
      odd: (step, index) => ({ duration: step.duration & 0xffff, ...(step.end && moving(step, index, 50)) }),
    });
    expect(detect(steps)).toHaveLength(1);
  });

  it('the last end of a key that comes when the same is pressed again from another SSRC is not that one’s', () => {
    const steps = typed('11', 300, { odd: (_step, _index, ofPress) => ({ ssrc: ofPress + 1 }) });
    const order = [...steps.keys()].map((index) => (index === 7 ? 8 : index === 8 ? 7 : index));
    const swapped = order.map((from, index) => ({ ...steps[from]!, atMs: steps[index]!.atMs! }));
    expect(detect(swapped)).toEqual(['1 120', '1 120']);
  });

  it.each<[string, number, Sender]>([
    [
      'for 0.3 s, whose timestamp moves',
      300,
      {
        updates: 1,
        odd: ({ timestamp, end }) => ({ duration: 160, timestamp: timestamp + (end ? 2400 : 0) }),
      },
    ],
    ['for 0.7 s', 700, { updates: 3 }],
    ['for 0.7 s, beside audio', 700, { updates: 3, audioBetween: 2 }],
    ['for 1.5 s, told of once, beside audio', 1500, { updates: 1, audioBetween: 4 }],
    ['for 8 s, beside audio', 8000, { updates: 3, audioBetween: 2 }],
  ])(
    'one key is one where nothing is sent between its beginning and its end: %s',
    (_what, lengthMs, sender) => {
      const { updates = 0, odd, audioBetween = 0 } = sender;
      const held: Sender['odd'] = (step, index, ofPress) => {
        const atEnd = {
          duration: lengthMs * 8,
          atMs: step.atMs! + lengthMs - 20 * updates,
          sequence: step.sequence! + (audioBetween * lengthMs) / 20,
        };
        const later = step.end ? { ...step, ...atEnd } : step;
        return { ...later, ...odd?.(later, index, ofPress) };
      };
      const keys = detect(typed('12', lengthMs + 1000, { ...sender, odd: held }), 1e6);
      expect(keys.map((key) => key[0]).join('')).toBe('12');
    },
  );

  it.each<[string, Sender]>([
    ['its updates 20 ms apart', {}],
    [
      'its updates 20 ms apart, the timestamp of the ends moving',
      { odd: (step, index) => (step.end ? moving(step, index - 5, 300) : {}) },
    ],
    [
      'the ends go on growing, their timestamp moving',
      {
        odd: (step, index) =>
          step.end ? { ...moving(step, index - 5, 300), duration: 960 + (index - 5) * 2400 } : {},
      },
    ],
    ['the duration is 0 in the ends', { odd: (step) => (step.end ? { duration: 0 } : {}) }],
    ['told of once before', { updates: 1 }],
    ['nothing but the ends is sent', { updates: 0 }],
    ['the timestamp never moves', { odd: () => ({ timestamp: 42 }) }],
  ])('one press is one key where its ends come 300 ms apart, beside audio: %s', (_what, sender) => {
    const { updates = 5, odd } = sender;
    const slow: Sender['odd'] = (step, index, ofPress) => {
      const atMs = step.atMs! + Math.max(0, index - updates) * 280;
      const late = { ...step, atMs, sequence: Math.floor(atMs / 10) & 0xffff };
      return { ...late, ...odd?.(late, index, ofPress) };
    };
    expect(
      detect(typed('1123', 1200, { ...sender, odd: slow }), 1e6)
        .map((key) => key[0])
        .join(''),
    ).toBe('1123');
  });

  it('ends that come 300 ms apart while other keys are pressed are those of their own', () => {
    const atMs = (step: Step, index: number) => step.atMs! + Math.max(0, index - 2) * 280;
    const steps = typed('1234', 150, { updates: 2, odd: (step, index) => ({ atMs: atMs(step, index) }) });
    const inOrder = steps.toSorted((a, b) => a.atMs! - b.atMs!);
    const keys = detect(
      inOrder.map((step, index) => ({ ...step, sequence: index * 5 })),
      1e6,
    );
    expect(keys.map((key) => key[0]).join('')).toBe('1234');
  });

  it('one key stays one where the SSRC changes while it is pressed', () => {
    const steps = typed('7', 300, {
      odd: (_step, index) => (index < 3 ? {} : { ssrc: 9, sequence: index, timestamp: 77 }),
    });
    expect(detect(steps)).toEqual(['7 120']);
  });

  it('an end that is repeated while the next key is pressed already counts for nothing', () => {
    const [one, two] = [typed('1', 300), typed('2', 300).map((step) => ({ ...step, timestamp: 9400 }))];
    const mixed = [...one.slice(0, 6), two[0]!, one[6]!, two[1]!, one[7]!, ...two.slice(2)];
    const steps = mixed.map((step, index) => ({ ...step, sequence: index, atMs: index * 20 }));
    expect(detect(steps)).toEqual(['1 120', '2 120']);
  });
});

describe('a key that is held', () => {
  it.each<[string, Step[], string[]]>([
    ['is told of once, before it is let go', press(5, 1000), ['down', '5']],
    ['is each key that follows another', [...press(5, 1000), ...press(6, 3000)], ['down', '5', 'down', '6']],
    [
      'is let go where the next is pressed before its end came',
      [...press(1, 1000).slice(0, 2), ...press(2, 3000)],
      ['down', '1', 'down', '2'],
    ],
    ['is none of which nothing but an end arrives', press(3, 9).slice(2), ['3']],
    ['is let go where its end never comes', press(7, 9).slice(0, 2), ['down', '7']],
  ])('%s', (_what, steps, expected) => {
    const told: string[] = [];
    const detector = new DtmfDetector({
      onKeyDown: () => told.push('down'),
      onKey: (key) => told.push(key),
    });
    for (const [index, { event, duration, end = false, marker = false, timestamp }] of steps.entries()) {
      const header = { ssrc: 1, sequenceNumber: index, timestamp, marker };
      detector.onPacket({ event, end, volume: 10, duration }, header, 50 * index);
    }
    detector.expire(60_000);
    expect(told).toEqual(expected);
  });
});

describe('several keys in one packet', () => {
  /** The packets, each of which is sent three times; what `parse` makes of one is told at once. */
  function heard(
    ...packets: readonly (readonly (readonly [event: number, duration: number, end: boolean])[])[]
  ) {
    const keys: string[] = [];
    const detector = detectorOf(keys);
    let sequence = 0;
    for (const [index, packed] of packets.entries()) {
      for (let copy = 0; copy < 3; copy++) {
        const events = packed.map(([event, duration, end]) => ({ event, duration, end, volume: 10 }));
        const header = { ssrc: 1, sequenceNumber: ++sequence, timestamp: 8000 * index, marker: copy === 0 };
        detector.onPackets(events, header, 1000 * index + 20 * copy);
      }
    }
    detector.expire(1e6);
    return keys;
  }

  it('are one each, however often the packet is sent, equal ones too', () => {
    expect(heard([[1, 800, true], [2, 800, true]])).toEqual(['1 100', '2 100']); // prettier-ignore
    expect(heard([[1, 800, true], [1, 800, true], [1, 400, true]])).toEqual(['1 100', '1 100', '1 50']); // prettier-ignore
    expect(heard([[1, 800, true], [1, 800, true]], [[1, 800, true]])).toEqual(['1 100', '1 100', '1 100']); // prettier-ignore
  });

  it('end the key that was pressed before them, and begin the one that goes on', () => {
    expect(heard([[5, 160, false]])).toEqual(['5 60']);
    expect(heard([[4, 800, true], [5, 160, false]])).toEqual(['4 100', '5 20']); // prettier-ignore
  });
});

describe('how long a key was pressed', () => {
  it.each<[string, Sender, string[]]>([
    ['updates are 300 ms apart', { everyMs: 300, updates: 4 }, ['5 1500']],
    ['updates are 500 ms apart', { everyMs: 500, updates: 4 }, ['5 2500']],
    [
      'updates are 300 ms apart and the timestamp moves along',
      { everyMs: 300, updates: 4, odd: (step, index) => moving(step, index, 300) },
      ['5 1500'],
    ],
    ['the duration stands still', { updates: 74, odd: () => ({ duration: 160 }) }, ['5 1500']],
    [
      'the duration stands still while the timestamp moves',
      { updates: 74, odd: (step, index) => ({ duration: 160, ...moving(step, index) }) },
      ['5 1500'],
    ],
    [
      'the timestamp moves along with it',
      { updates: 74, odd: (step, index) => moving(step, index) },
      ['5 1500'],
    ],
    [
      'segments of 50 ms follow one another',
      {
        everyMs: 25,
        updates: 59,
        odd: (step, index) => ({
          timestamp: step.timestamp + Math.floor(index / 2) * 400,
          duration: index % 2 === 0 ? 200 : 400,
        }),
      },
      ['5 1500'],
    ],
    [
      'it wraps at 16 bits under one timestamp',
      { everyMs: 50, updates: 199, odd: (step) => ({ duration: step.duration & 0xffff }) },
      ['5 10000'],
    ],
    [
      'it stays at its greatest value',
      { everyMs: 50, updates: 199, odd: (step) => ({ duration: Math.min(step.duration, 0xffff) }) },
      ['5 10000'],
    ],
  ])('is told whole where %s', (_what, sender, expected) => {
    expect(detect(typed('5', 0, sender), 1e6)).toEqual(expected);
  });

  it('is never told as longer than it can have been, where the clock is set in the midst of it', () => {
    const odd: Sender['odd'] = (_step, index) => ({ duration: 160, ...(index > 2 && { timestamp: 5e8 }) });
    expect(detect(typed('5', 0, { odd }), 1e6)).toEqual(['5 20']);
  });
});
