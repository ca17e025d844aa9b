import { describe, expect, it } from 'vitest';
import { parseReasonText, refusalError } from './refusal.js';

describe('parseReasonText', () => {
  it.each([
    [['SIP;cause=403;text="token-expired"'], 'token-expired'],
    [['Q.850;cause=16;text="Terminated", SIP;cause=200;text="participant-deleted"'], 'participant-deleted'],
    [['Q.850;cause=16;text="Normal, clearing"'], 'Normal, clearing'],
    [['SIP ;cause=486; text=participant-occupied'], 'participant-occupied'],
    [['SIP;cause=500;text="a \\"quoted\\" word"'], 'a "quoted" word'],
    [['SIP;cause=200'], undefined],
    [['SIP;text=""'], undefined],
    [[], undefined],
  ])('%j reads %j', (headers, text) => {
    expect(parseReasonText(headers)).toBe(text);
  });
});

describe('refusalError', () => {
  it('takes the code from the reason text', () => {
    const error = refusalError(403, ['SIP;cause=403;text="token-expired"'], undefined);
    expect(error).toMatchObject({ name: 'LandbridgeError', code: 'token-expired', sipStatus: 403 });
  });

  it('says how long to wait', () => {
    const error = refusalError(503, ['SIP;cause=503;text="draining"'], '30 (soon);duration=5');
    expect(error).toMatchObject({ code: 'draining', retryAfterSeconds: 30 });
  });

  it('calls an unknown reason refused and keeps its text, and a silent peer a timeout', () => {
    expect(refusalError(403, ['SIP;cause=403;text="toString"'], undefined)).toMatchObject({
      code: 'refused',
      message: 'The gateway refused the connection: toString.',
    });
    expect(refusalError(488, [], undefined)).toMatchObject({ code: 'refused', sipStatus: 488 });
    expect(refusalError(408, [], undefined).code).toBe('timeout');
  });
});
