import { describe, expect, it } from 'vitest';
import { DtmfReceiver, DtmfSender } from './dtmf-sender.js';

describe('DtmfSender', () => {
  it('sends each key as one event of growing duration whose end comes three times (RFC 4733 §2.5)', async () => {
    const sender = new DtmfSender();
    expect(sender.next(0)).toBe('sound');
    const done = sender.press('5#');
    const steps = Array.from({ length: 17 }, (_, n) => sender.next(1_000 + n * 160));
    const first = steps.slice(0, 8);
    expect(
      first.map((step) => (typeof step === 'object' ? [step.marker, step.copies, step.timestamp] : step)),
    ).toEqual([
      [true, 1, 1_000],
      [false, 1, 1_000],
      [false, 1, 1_000],
      [false, 1, 1_000],
      [false, 3, 1_000],
      'pause',
      'pause',
      'pause',
    ]);
    const payloads = steps.flatMap((step) =>
      typeof step === 'object' ? [step.payload.toString('hex')] : [],
    );
    expect(payloads.slice(3, 6)).toEqual(['050a0280', '058a0320', '0b0a00a0']);
    expect(steps.at(-1)).toBe('sound');
    await done;
  });

  it('refuses what is no key, and lets nobody wait for ever', async () => {
    const sender = new DtmfSender();
    expect(() => sender.press('1x')).toThrow(RangeError);
    await sender.press('');
    const pressed = sender.press('1');
    sender.close();
    await pressed;
    expect(sender.next(0)).toBe('sound');
  });
});

it('a key is heard once, however many packets tell of it', () => {
  const receiver = new DtmfReceiver();
  const event = (code: number): Buffer => Buffer.from([code, 10, 0, 160]);
  expect([event(1), event(1), event(1)].map((payload) => receiver.receive(payload, 800))).toEqual([
    '1',
    null,
    null,
  ]);
  expect(receiver.receive(event(1), 2_000)).toBe('1');
  expect(receiver.receive(event(99), 3_000)).toBeNull();
  expect(receiver.receive(Buffer.alloc(0), 4_000)).toBeNull();
});
