import { beforeEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../../../test/support/manual-clock.js';
import { DomainError } from '../domain-error.js';
import type { Logger } from '../logger.js';
import type { ToneSound } from '../media-plane.js';
import type { PinVerdict } from './pin-checker.js';
import { PinDialogue } from './pin-dialogue.js';

const rightPin = '481516';

let clock: ManualClock;
/** What the caller hears, and what becomes of it; checks by their digits. */
let log: string[];
let lines: string[];
let dialogue: PinDialogue;
let verdictOf: (digits: string) => Promise<PinVerdict>;
let entering: () => Promise<void>;
let removing: () => Promise<void>;

beforeEach(() => setUp());

function setUp(pinLength: number | null = null): void {
  clock = new ManualClock();
  log = [];
  lines = [];
  verdictOf = (digits) =>
    Promise.resolve(digits === rightPin ? { result: 'right', sessionId: 's' } : { result: 'wrong' });
  entering = () => Promise.resolve();
  removing = () => Promise.resolve();
  const keep = (...said: unknown[]) => void lines.push(JSON.stringify(said));
  const logger: Logger = { debug: keep, info: keep, warn: keep, error: keep, child: () => logger };
  dialogue = new PinDialogue({
    check: (digits) => {
      log.push(`check ${digits}`);
      return verdictOf(digits);
    },
    enter: async (sessionId) => {
      await entering();
      log.push(`enter ${sessionId}`);
      dialogue.legEntered();
    },
    remove: () => {
      log.push('remove');
      return removing();
    },
    pinLength,
    clock,
    logger,
    limits: { maxTries: 3, timeoutMs: 60_000 },
  });
}

const leg = {
  answeredAt: 0,
  prompt: (sound: string | null, repeatAfterMs: number | null, next?: string) => {
    log.push(`say ${sound ?? 'nothing'}${repeatAfterMs === null || next === sound ? '' : `, then ${next}`}`);
  },
  tone: ({ frequenciesHz }: ToneSound) => void log.push(`tone ${frequenciesHz.join(' ')}`),
  terminate: ({ reason }: { reason: string }) => {
    log.push(`end ${reason}`);
    return Promise.resolve();
  },
};

const settled = () => new Promise((resolve) => setImmediate(resolve));

function press(key: string): void {
  if (key === '(') dialogue.keyDown();
  else if (key === ')') dialogue.keyUp();
  else dialogue.keyPressed(key);
}

/** Keys one by one, each let go at once; `(` holds one, `)` lets go; a number waits for so many seconds. The ACK came so long after the answer. */
async function play(script: readonly (string | number)[], ackAfterMs = 500): Promise<void> {
  leg.answeredAt = clock.now() - ackAfterMs;
  dialogue.legEstablished(leg);
  for (const step of script) {
    if (typeof step === 'number') clock.advance(step * 1000);
    else for (const key of step) press(key);
    await settled();
  }
}

const asked = ['say pin', 'say quiet'];
const again = (digits: string) => [`check ${digits}`, 'say pin-wrong, then pin'];
/** Let in, and told so. */
const entered = ['enter s', 'tone 440'];
const left = ['say goodbye', 'end pin-refused'];

describe('the dialogue for a PIN', () => {
  it.each<[string, readonly (string | number)[], readonly string[]]>([
    ['asks and waits', [59], ['say pin']],
    ['lets a right PIN in at the pound key', ['481516#'], [...asked, 'check 481516', ...entered]],
    ['takes a pause of five seconds for it', ['4815', 4.9, '16', 5], [...asked, 'check 481516', ...entered]],
    [
      'asks again for a wrong one, and lets the right one in',
      ['1111#', '481516#'],
      [...asked, ...again('1111'), 'say quiet', 'check 481516', ...entered],
    ],
    [
      'says goodbye after the third wrong one, and ends the call then',
      ['1#', '2#', '3#', 1.4, '481516#', 0.1],
      [...asked, ...again('1'), 'say quiet', ...again('2'), 'say quiet', 'check 3', ...left],
    ],
    [
      'begins anew at the star key',
      ['99*481516#'],
      [...asked, 'say pin', 'say quiet', 'check 481516', ...entered],
    ],
    ['does not count a pound key alone', ['####', 6], ['say pin']],
    ['hears no other key', ['4ABCD81516#'], [...asked, 'check 481516', ...entered]],
    ['keeps no more than it needs', ['1'.repeat(500) + '#'], [...asked, ...again('1'.repeat(13))]],
    ['ends when its time is over', [60, 1.5], ['say pin', ...left]],
    ['ends amidst the digits, too', [58, '48', 2, '1516#', 1.5], [...asked, ...left]],
    [
      'lets no pause run out while a key is held, and waits its whole length then',
      ['4815', 4, '(', 20, '1)', 4.9, '(', 20, '6)', 4.9, 0.1],
      [...asked, 'check 481516', ...entered],
    ],
    [
      'takes a key that is told while it is held, and waits until it is let go',
      ['48151', 1, '(6', 20, ')', 4.9, 0.1],
      [...asked, 'check 481516', ...entered],
    ],
    ['hears a held key out where nothing came before it', ['(', 20, ')', 20], ['say pin']],
    ['ends when its time is over though a key is held', ['48', '(', 60, '1)', 1.5], [...asked, ...left]],
    [
      'stops for good once it is in',
      ['481516#', '123#', 120],
      [...asked, 'check 481516', ...entered, 'tone 660'],
    ],
  ])('%s', async (_, script, expected) => {
    await play(script);
    expect(log).toEqual(expected);
    expect(lines.join()).not.toMatch(/4815|1111/);
  });

  it.each<[string, readonly (string | number)[], readonly string[]]>([
    [
      'waits a second only after as many digits',
      ['481516', 0.9, 0.1],
      [...asked, 'check 481516', ...entered],
    ],
    [
      'takes a pound key within it for the same',
      ['481516#', 2],
      [...asked, 'check 481516', ...entered, 'tone 660'],
    ],
    [
      'waits on for a pound key that is held',
      ['481516', 0.9, '(', 3, '#)', 2],
      [...asked, 'check 481516', ...entered, 'tone 660'],
    ],
    ['waits on after fewer', ['48151', 4.9, '6', 1], [...asked, 'check 481516', ...entered]],
    ['takes more for what they are: wrong', ['4815167', 5], [...asked, ...again('4815167')]],
  ])('where all PINs are of one length %s', async (_, script, expected) => {
    setUp(6);
    await play(script);
    expect(log).toEqual(expected);
  });

  it.each<[string, number, readonly (string | number)[], readonly string[]]>([
    ['0.5 s after the answer', 0, [0.499, 0.001], ['say quiet', 'say pin']],
    ['0.5 s after the answer where the ACK is late', 300, [0.199, 0.001], ['say quiet', 'say pin']],
    ['at once where the ACK is later than that', 800, [], ['say pin']],
    ['at the latest 0.5 s after the ACK, whatever the clock says', -60_000, [0.5], ['say quiet', 'say pin']],
    ['never where a key came first', 0, ['4', 2], ['say quiet', 'say quiet']],
    [
      '0.5 s after the answer though the star key was pressed',
      0,
      ['*', 0.499, 0.001],
      ['say quiet', 'say quiet', 'say pin'],
    ],
    [
      '0.5 s after the answer where the PIN was wrong before',
      0,
      ['1#', 0.5],
      ['say quiet', 'say quiet', 'check 1', 'say quiet', 'say pin-wrong, then pin'],
    ],
  ])('first speaks %s', async (_, ackAfterMs, script, expected) => {
    await play([], ackAfterMs);
    const beforeMs = clock.now();
    for (const step of script) {
      if (typeof step === 'number') clock.advance(step * 1000);
      else for (const key of step) dialogue.keyPressed(key);
      await settled();
      if (clock.now() - beforeMs < 500 - Math.max(ackAfterMs, 0)) expect(log).not.toContain('say pin');
    }
    expect(log).toEqual(expected);
  });

  it('says once that a PIN was wrong, and asks anew then', async () => {
    await play(['1#', '*']);
    expect(log).toEqual([...asked, ...again('1'), 'say pin']);
  });

  it('says with two notes that one is in, also where an application put one there, and not once one has hung up', async () => {
    await play(['48']);
    dialogue.legEntered();
    expect(log).toEqual([...asked, 'tone 440']);
    clock.advance(119);
    await dialogue.legEnded();
    clock.advance(1000);
    expect(log).toEqual([...asked, 'tone 440', 'remove']);
    expect(clock.pending).toBe(0);
  });

  it.each<[string, PinVerdict | Error]>([
    ['was guessed at too often', { result: 'too-many-guesses' }],
    ['cannot be looked up', new DomainError('store-unavailable', 'no store')],
    ['cannot be looked up for a fault of ours', new Error('a fault')],
  ])('ends at once, also with the right PIN, where it %s', async (_, outcome) => {
    verdictOf = () => (outcome instanceof Error ? Promise.reject(outcome) : Promise.resolve(outcome));
    await play([`${rightPin}#`, 1.5]);
    expect(log).toEqual([...asked, `check ${rightPin}`, ...left]);
    expect(clock.pending).toBe(0);
  });

  it('ends where the session is full', async () => {
    entering = () => Promise.reject(new DomainError('session-full', 'Session is full'));
    await play([`${rightPin}#`, 1.5]);
    expect(log).toEqual([...asked, `check ${rightPin}`, ...left]);
    expect(lines.join()).toContain('session-full');
  });

  it('lets in who was right when the time ran out while it was looked up, and nobody else', async () => {
    let answer: (verdict: PinVerdict) => void = () => undefined;
    verdictOf = () => new Promise((resolve) => (answer = resolve));
    await play([`${rightPin}#`, 61, '5']);
    answer({ result: 'right', sessionId: 's' });
    await settled();
    expect(log).toEqual([...asked, `check ${rightPin}`, ...entered]);
  });

  it('does not ask again after a wrong one when the time is over', async () => {
    let answer: (verdict: PinVerdict) => void = () => undefined;
    verdictOf = () => new Promise((resolve) => (answer = resolve));
    await play(['1#', 61]);
    answer({ result: 'wrong' });
    await settled();
    expect(log).toEqual([...asked, 'check 1', 'say goodbye']);
  });

  it.each<[string, readonly (string | number)[]]>([
    ['before anything was keyed in', []],
    ['amidst the digits', ['48']],
    ['while goodbye is said', [60]],
  ])('does and holds nothing after a hang-up %s', async (_, script) => {
    await play(script);
    await dialogue.legEnded();
    const before = log.length;
    dialogue.keyPressed('#');
    dialogue.legEstablished(leg);
    clock.advance(120_000);
    await settled();
    expect(log.slice(before)).toEqual([]);
    expect(log.at(-1)).toBe('remove');
    expect(clock.pending).toBe(0);
  });

  it('does not let in who hung up while the PIN was looked up', async () => {
    let answer: (verdict: PinVerdict) => void = () => undefined;
    verdictOf = () => new Promise((resolve) => (answer = resolve));
    await play([`${rightPin}#`]);
    await dialogue.legEnded();
    answer({ result: 'right', sessionId: 's' });
    await settled();
    expect(log).toEqual([...asked, `check ${rightPin}`, 'remove']);
  });

  it('does not mind that its participant is gone already, and tells the log of any other trouble', async () => {
    removing = () => Promise.reject(new DomainError('participant-not-found', 'gone'));
    await dialogue.legEnded();
    expect(lines).toEqual([]);
    removing = () => Promise.reject(new DomainError('store-unavailable', 'no store'));
    await dialogue.legEnded();
    expect(lines).toHaveLength(1);
  });
});
