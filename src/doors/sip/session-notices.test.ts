import { EventEmitter } from 'node:events';
import { describe, expect, it } from 'vitest';
import type { LegNotice } from '../../domain/legs/leg-notice.js';
import { silentLogger } from '../../domain/logger.js';
import { SessionNotices, takesNotices } from './session-notices.js';
import type { SrfDialog, SrfResponse } from './srf.js';

class FarEnd extends EventEmitter implements SrfDialog {
  readonly local = { contact: '<sip:gateway@192.0.2.1>' };
  readonly sip = { callId: 'c' };
  readonly bodies: unknown[] = [];
  #callback: Parameters<SrfDialog['request']>[1] | undefined;

  destroy(): Promise<unknown> {
    return Promise.resolve();
  }

  request(options: { body?: string }, callback: Parameters<SrfDialog['request']>[1]): void {
    this.bodies.push(JSON.parse(options.body ?? ''));
    this.#callback = callback;
  }

  answer(status: number): void {
    this.#callback?.(null, { status } as SrfResponse);
  }

  fail(): void {
    this.#callback?.(new Error('transport not available'));
  }
}

const key = (digit: string): LegNotice => ({ type: 'dtmf', participantId: 'a', digit, durationMs: 100 });
const people = (displayName: string): LegNotice => ({
  type: 'participants',
  sessionId: 's',
  unsubscribed: [],
  mutedStreams: [],
  participants: [
    { participantId: 'a', kind: 'phone', displayName, attributes: {}, caller: null, mutedStreams: [] },
  ],
});

function newNotices() {
  const farEnd = new FarEnd();
  return { farEnd, notices: new SessionNotices(farEnd, silentLogger) };
}

describe('notices', () => {
  it('go out one after the other, of several lists the latest only', () => {
    const { farEnd, notices } = newNotices();
    notices.tell(people('Ann'));
    notices.tell(key('1'));
    notices.tell(people('Ben'));
    notices.tell(people('Cem'));
    expect(farEnd.bodies).toEqual([people('Ann')]);
    farEnd.answer(100);
    expect(farEnd.bodies).toHaveLength(1);
    farEnd.answer(200);
    farEnd.answer(200);
    expect(farEnd.bodies).toEqual([people('Ann'), people('Cem'), key('1')]);
  });

  it('that found no way are sent when the far end is back, key presses not', () => {
    const { farEnd, notices } = newNotices();
    notices.tell(people('Ann'));
    notices.tell(key('1'));
    farEnd.fail();
    expect(farEnd.bodies).toHaveLength(1);
    notices.farEndHeard();
    farEnd.answer(200);
    notices.farEndHeard();
    expect(farEnd.bodies).toEqual([people('Ann'), people('Ann')]);
  });

  it('do not pile up, and end with the call', () => {
    const { farEnd, notices } = newNotices();
    for (let n = 0; n < 100; n += 1) notices.tell(key('1'));
    for (let n = 0; n < 50; n += 1) farEnd.answer(200);
    expect(farEnd.bodies).toHaveLength(33);
    notices.close();
    notices.tell(key('2'));
    expect(farEnd.bodies).toHaveLength(33);
  });
});

describe('takesNotices', () => {
  it.each([
    ['landbridge-session', true],
    ['other, Landbridge-Session', true],
    ['other', false],
    [undefined, false],
  ])('reads Recv-Info: %s', (value, expected) => {
    expect(takesNotices({ get: () => value })).toBe(expected);
  });
});
