import { describe, expect, it } from 'vitest';
import { parseDraft } from './draft.js';

describe('a message that an application wants sent', () => {
  it('may lack nearly everything', () => {
    const draft = parseDraft(Buffer.from('BYE sip:placeholder SIP/2.0\r\ncontent-length: 0\r\n\r\n'));
    expect(draft).toMatchObject({ kind: 'request', method: 'BYE', uri: 'sip:placeholder' });
    expect(parseDraft(Buffer.from('SIP/2.0 200 OK'))).toMatchObject({
      kind: 'response',
      status: 200,
      reason: 'OK',
    });
    expect(parseDraft(Buffer.from('SIP/2.0 486\r\n\r\n'))).toMatchObject({ status: 486, reason: '' });
  });

  it('has its whole body, though drachtio-srf counts characters for Content-Length', () => {
    const draft = parseDraft(Buffer.from('SIP/2.0 200 OK\r\ncontent-length: 7\r\n\r\nv=0 äöü'));
    expect(draft?.body.toString()).toBe('v=0 äöü');
  });

  it.each([
    [''],
    ['hello'],
    ['INVITE sip:a\r\n\r\n'],
    ['SIP/2.0 99 x'],
    ['INVITE sip:a b SIP/2.0\r\n\r\n'],
    ['BYE sip:a SIP/2.0\r\nx y\r\n\r\n'],
  ])('is not: %j', (text) => {
    expect(parseDraft(Buffer.from(text))).toBeNull();
  });
});
