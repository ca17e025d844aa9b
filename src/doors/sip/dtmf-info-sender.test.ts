import { EventEmitter } from 'node:events';
import { beforeEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../../../test/support/manual-clock.js';
import { silentLogger } from '../../domain/logger.js';
import { DtmfInfoSender, takesInfo } from './dtmf-info-sender.js';
import type { SrfDialog, SrfResponse } from './srf.js';

type Sent = Parameters<SrfDialog['request']>[0];

class FarEnd extends EventEmitter implements SrfDialog {
  readonly local = { contact: '<sip:gateway@192.0.2.1>' };
  readonly sip = { callId: 'c' };
  readonly sent: Sent[] = [];
  answer: Parameters<SrfDialog['request']>[1] = () => undefined;
  destroy(): Promise<unknown> {
    return Promise.resolve();
  }
  request(options: Sent, callback: Parameters<SrfDialog['request']>[1]): void {
    this.sent.push(options);
    this.answer = callback;
  }
}

const status = (code: number) => ({ status: code }) as SrfResponse;

describe('keys by INFO', () => {
  let clock: ManualClock;
  let farEnd: FarEnd;
  let sender: DtmfInfoSender;
  beforeEach(() => {
    clock = new ManualClock();
    farEnd = new FarEnd();
    sender = new DtmfInfoSender(farEnd, clock, silentLogger);
  });

  it('are one request each, taken with a 2xx', async () => {
    const taken = sender.press({ digit: '5', durationMs: 160 });
    expect(farEnd.sent).toEqual([
      {
        method: 'INFO',
        headers: { 'Content-Type': 'application/dtmf-relay' },
        body: 'Signal=5\r\nDuration=160\r\n',
      },
    ]);
    farEnd.answer(null, status(100));
    farEnd.answer(null, status(200));
    expect(await taken).toBe(true);
    expect(clock.pending).toBe(0);
  });

  it.each([
    ['an error', (to: FarEnd) => to.answer(new Error('no transport'))],
    ['415', (to: FarEnd) => to.answer(null, status(415))],
    ['481', (to: FarEnd) => to.answer(null, status(481))],
  ])('are not taken with %s', async (_what, answer) => {
    const taken = sender.press({ digit: '5', durationMs: 160 });
    answer(farEnd);
    expect(await taken).toBe(false);
    expect(clock.pending).toBe(0);
  });

  it('that find no way to a far end that is gone are told of without a stack', async () => {
    const lines: object[] = [];
    const logger = { ...silentLogger, info: (fields: object) => void lines.push(fields) };
    const taken = new DtmfInfoSender(farEnd, clock, logger).press({ digit: '5', durationMs: 160 });
    farEnd.answer(new Error('no transport'));
    expect(await taken).toBe(false);
    expect(lines).toEqual([{ detail: 'no transport', status: undefined }]);
  });

  it('are not taken where no word comes at all, nor after the call’s end', async () => {
    const unanswered = sender.press({ digit: '5', durationMs: 160 });
    clock.advance(35_000);
    expect(await unanswered).toBe(false);
    const cutOff = sender.press({ digit: '5', durationMs: 160 });
    sender.close();
    expect(await cutOff).toBe(false);
    farEnd.answer(null, status(200));
    expect(await sender.press({ digit: '5', durationMs: 160 })).toBe(false);
    expect(farEnd.sent).toHaveLength(2);
    expect(clock.pending).toBe(0);
  });

  it.each([
    [undefined, true],
    ['INVITE, ACK, info', true],
    ['INVITE,ACK,INFO,BYE', true],
    ['INVITE, ACK, BYE', false],
    ['INVITE, INFORM', false],
  ])('go to who allows %j: %s', (allow, expected) => {
    expect(takesInfo({ get: (name) => (name === 'Allow' ? allow : undefined) })).toBe(expected);
  });
});
