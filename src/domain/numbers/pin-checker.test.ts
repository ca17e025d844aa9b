/** Guessing PINs: whoever guesses is slowed down, and nobody else is shut out for long. */
import { beforeEach, describe, expect, it } from 'vitest';
import { cutOut, keptBytes, littleBytes } from '../../../test/support/heap.js';
import { ManualClock } from '../../../test/support/manual-clock.js';
import { silentLogger } from '../logger.js';
import { PinChecker } from './pin-checker.js';
import { hashPin } from './pin.js';

const secret = 'a secret';
const right = hashPin(secret, 'number', '4711');
const pin = { id: 'pin', sessionId: 'session', pinHash: right, length: 4, createdAt: 0 };
let clock: ManualClock;
let lookUps: number;
let isAway: boolean;
let pins: PinChecker;
beforeEach(() => {
  clock = new ManualClock();
  lookUps = 0;
  isAway = false;
  pins = new PinChecker({
    numbers: {
      async findPin(numberId, pinHash) {
        lookUps += 1;
        await Promise.resolve();
        if (isAway) throw new Error('away');
        if (pinHash !== right) return null;
        return { ...pin, numberId };
      },
    },
    secrets: [secret],
    clock,
    logger: silentLogger,
    limits: {
      perCaller: { maxFailuresPerMinute: 5, maxSources: 1000 },
      maxWrongPinsOverAllNumbers: 20,
      maxWrongPinsPerAddress: 100,
      maxWrongPinsPerNumber: 60,
      maxWaitMs: 5000,
    },
  });
});

const settle = () => new Promise((resolve) => setImmediate(resolve));
const resultOf = async (
  from: string | null,
  digits: string,
  source: string | null = null,
  { numberId = 'number', callId = 'call' } = {},
) => (await pins.check(numberId, { from, source, callId }, digits)).result;

/** Wrong PINs of so many callers, one each, one after the other. */
async function guess(times: number): Promise<void> {
  for (let at = 0; at < times; at += 1) await resultOf(`+1555${String(at).padStart(7, '0')}`, '0000');
}

describe('A caller who guesses', () => {
  it('has five looked up in a minute, also where all come at the same moment', async () => {
    // All 300 were looked up: they were counted only once each was known to be wrong.
    const results = await Promise.all(Array.from({ length: 300 }, () => resultOf('+15550001', '0000')));
    expect(lookUps).toBe(5);
    expect(results.filter((result) => result === 'wrong')).toHaveLength(5);
    expect(await resultOf('+15550001', '4711')).toBe('too-many-guesses');
    clock.advance(60_000);
    expect(await resultOf('+15550001', '4711')).toBe('right');
  });

  it('is none who gives the right PIN, however many do at the same moment', async () => {
    const results = await Promise.all(Array.from({ length: 100 }, () => resultOf(null, '4711')));
    expect(new Set(results)).toEqual(new Set(['right']));
  });

  it('shuts out no other caller', async () => {
    for (let at = 0; at < 20; at += 1) await resultOf('+15550001', '0000');
    expect(await resultOf('+15550002', '4711')).toBe('right');
  });

  it('in the name of somebody else, from another address, neither shuts that one out nor goes before others', async () => {
    expect(await resultOf('+15550001', '4711', '192.0.2.1')).toBe('right');
    for (let at = 0; at < 20; at += 1) await resultOf('+15550001', '0000', '198.51.100.1');
    expect(await resultOf('+15550001', '4711', '192.0.2.1')).toBe('right');
    await guess(55);
    const stranger = resultOf('+15550001', '4711', '198.51.100.2');
    expect(await Promise.race([stranger, settle()])).toBeUndefined();
    clock.advance(1000);
    expect(await stranger).toBe('right');
  });

  it.each([null, '', 'anonymous', 'Restricted', '+266696687'])(
    'and withholds the number (%j) shuts out no other who does',
    async (from) => {
      for (let at = 0; at < 20; at += 1) await resultOf(from, '0000', null, { callId: 'bad' });
      // In one call, too, five are looked up in a minute.
      expect(lookUps).toBe(5);
      expect(await resultOf(from, '4711', null, { callId: 'bad' })).toBe('too-many-guesses');
      expect(await resultOf(from, '4711', null, { callId: 'good' })).toBe('right');
      for (const source of ['192.0.2.1', '198.51.100.1'])
        expect(await resultOf(from, '4711', source, { callId: 'good' })).toBe('right');
    },
  );

  it('and withholds the number goes no faster than the number’s pace, in however many calls', async () => {
    for (let at = 0; at < 60; at += 1)
      expect(await resultOf(null, '0000', null, { callId: `bad ${String(at)}` })).toBe('wrong');
    const next = resultOf(null, '0000', null, { callId: 'one more' });
    expect(await Promise.race([next, settle()])).toBeUndefined();
    clock.advance(1000);
    expect(await next).toBe('wrong');
  });

  it('from many addresses of one IPv6 network is one caller', async () => {
    for (let at = 0; at < 20; at += 1) await resultOf('+15550001', '0000', `2001:db8::${String(at)}`);
    expect(lookUps).toBe(5);
  });
});

describe('Who guesses at many numbers', () => {
  it('has twenty looked up in a minute in all, and shuts out nobody else', async () => {
    for (let at = 0; at < 100; at += 1)
      await resultOf('+15550001', '0000', null, { numberId: `number-${String(at)}` });
    expect(lookUps).toBe(20);
    expect(await resultOf('+15550001', '4711')).toBe('too-many-guesses');
    expect(await resultOf('+15550002', '4711')).toBe('right');
    clock.advance(60_000);
    expect(await resultOf('+15550001', '4711')).toBe('right');
  });

  it('has a hundred from one address, in whatever name; at its other numbers nobody notices', async () => {
    for (let at = 0; at < 500; at += 1)
      await resultOf(`+1777${String(at)}`, '0000', '192.0.2.1', { numberId: `number-${String(at)}` });
    expect(lookUps).toBe(100);
    expect(await resultOf('+15550001', '4711', '192.0.2.1')).toBe('too-many-guesses');
    expect(await resultOf('+15550001', '4711', '192.0.2.2')).toBe('right');
  });

  it('without a number of its own, through a platform, shuts out no others without one', async () => {
    for (let at = 0; at < 100; at += 1)
      await resultOf(null, '0000', null, { numberId: `number-${String(at)}`, callId: `call ${String(at)}` });
    expect(lookUps).toBe(100);
    expect(await resultOf(null, '4711')).toBe('right');
  });

  it('loses none of its guesses to what is refused by another limit', async () => {
    for (let at = 0; at < 50; at += 1) await resultOf('+15550001', '0000');
    expect(lookUps).toBe(5);
    for (let at = 0; at < 50; at += 1)
      await resultOf('+15550001', '0000', null, { numberId: `number-${String(at)}` });
    expect(lookUps).toBe(20);
  });
});

describe('Callers who know one PIN and guess others', () => {
  const names = (times: number, prefix = '+1777') =>
    Array.from({ length: times }, (_, at) => `${prefix}${String(at)}`);
  /** Those of the guesses that were looked up, of so many callers who each give the right PIN first, one after the other. */
  const wrongOf = async (callers: readonly string[]): Promise<number> => {
    let wrong = 0;
    for (const from of callers) {
      const proof = await Promise.race([resultOf(from, '4711'), settle()]);
      if (proof !== 'right') continue;
      const result = await Promise.race([resultOf(from, '0000'), settle()]);
      if (result === 'wrong') wrong += 1;
    }
    return wrong;
  };

  it('take as many of the number’s guesses as everybody else', async () => {
    // The right one between two wrong ones made each of them free.
    expect(await wrongOf(names(200))).toBe(60);
    clock.advance(60_000);
    await settle();
    clock.advance(60_000);
    expect(await wrongOf(names(200, '+1888'))).toBe(60);
  });

  it('that are known from before go no faster, and shut out nobody for long', async () => {
    for (const from of names(500)) expect(await resultOf(from, '4711')).toBe('right');
    const before = lookUps;
    const results = names(500).map((from) => resultOf(from, '0000'));
    await settle();
    // What all callers have, and as much again that is kept for those who were right the last time.
    expect(lookUps - before).toBe(120);
    const innocent = resultOf('+15559999', '4711');
    clock.advance(1000);
    expect(await innocent).toBe('right');
    clock.advance(5000);
    await Promise.all(results);
    expect(lookUps - before).toBe(120 + 5 + 1);
  });
});

describe('A number at which many callers guess', () => {
  it('lets an innocent caller in within a second of their end', async () => {
    // 66 wrong ones in 3.5 s shut it for the rest of the minute.
    await guess(60);
    const innocent = resultOf('+15559999', '4711');
    clock.advance(1000);
    expect(await innocent).toBe('right');
  });

  it('looks up one a second while they go on, and lets nobody wait for long', async () => {
    await guess(60);
    const waiting = Array.from({ length: 50 }, (_, at) => resultOf(`+1666${String(at)}`, '0000'));
    await settle();
    clock.advance(5000);
    const results = await Promise.all(waiting);
    expect(results.filter((result) => result === 'wrong')).toHaveLength(5);
    expect(lookUps).toBe(65);
    clock.advance(1000);
    expect(await resultOf('+15559999', '4711')).toBe('right');
  });

  it('lets in at once who gave the right PIN the last time', async () => {
    expect(await resultOf('+15559999', '4711')).toBe('right');
    await guess(60);
    expect(await resultOf('+15559999', '4711')).toBe('right');
    expect(await resultOf('+15559999', '1174')).toBe('wrong');
  });

  it('takes nothing of them for a PIN that could not be looked up', async () => {
    isAway = true;
    for (let at = 0; at < 200; at += 1)
      await expect(resultOf(`+1555${String(at)}`, '4711')).rejects.toThrow('away');
    isAway = false;
    expect(await resultOf('+15559999', '4711')).toBe('right');
  });

  it('is no other number', async () => {
    await guess(60);
    expect(
      (await pins.check('other', { from: '+15559999', source: null, callId: 'call' }, '0000')).result,
    ).toBe('wrong');
  });
});

it('Callers from the many addresses of one IPv6 network of 64 bits guess as one, whatever number they dial', async () => {
  const dial = (at: number, network: string) =>
    resultOf(null, '0000', `2001:db8:7:${network}:${at.toString(16)}::1`, {
      numberId: `number ${at}`,
      callId: `call ${at}`,
    });
  for (let at = 0; at < 100; at += 1) expect(await dial(at, '1')).toBe('wrong');
  expect(await dial(100, '1')).toBe('too-many-guesses');
  expect(await dial(101, '2')).toBe('wrong');
});

it('Callers are remembered without the messages that they came in', async () => {
  const bytes = await keptBytes(async () => {
    for (let at = 0; at < 1000; at += 1) {
      const [from, source] = [
        cutOut(`+1999555${String(at)}123`),
        cutOut(`192.168.100.${String(100 + (at % 100))}`),
      ];
      await resultOf(from, at < 950 ? '4711' : '0000', source);
    }
  });
  expect(bytes).toBeLessThan(littleBytes);
  expect(await resultOf('+19995550123', '4711', '192.168.100.100')).toBe('right');
});
