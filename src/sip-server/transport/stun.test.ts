import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { answerStun, bindingRequest, readBindingResponse } from './stun.js';

const transactionId = 'b7e7a701bc34d686fa87dfae';
const request = (attributes = ''): Buffer =>
  Buffer.from(
    `0001${(attributes.length / 2).toString(16).padStart(4, '0')}2112a442${transactionId}${attributes}`,
    'hex',
  );

describe('a Binding request', () => {
  // RFC 5769 §2.2 and §2.3: the mapped addresses of its sample responses.
  it.each([
    ['192.0.2.1', '0101000c2112a442' + transactionId + '002000080001a147e112a643'],
    [
      '2001:db8:1234:5678:11:2233:4455:6677',
      '010100182112a442' + transactionId + '002000140002a1470113a9faa5d3f179bc25f4b5bed2b9d9',
    ],
  ])('is answered with the address that it came from: %s', (address, answer) => {
    expect(answerStun(request(), address, 32_853)?.toString('hex')).toBe(answer);
  });

  it('may bear attributes that need not be understood', () => {
    // SOFTWARE "test", and FINGERPRINT.
    const answer = answerStun(request('8022000474657374' + '80280004e57a3bcf'), '192.0.2.1', 1);
    expect(answer?.readUInt16BE(0)).toBe(0x0101);
  });

  it('is answered 420 where one must be that is not', () => {
    const answer = answerStun(request('0003000400000006'), '192.0.2.1', 1);
    expect(answer?.readUInt16BE(0)).toBe(0x0111);
    expect(answer?.toString('latin1')).toContain('Unknown Attribute');
    expect(answer?.subarray(-8).toString('hex')).toBe('000a000200030000');
  });
});

it.each([
  ['SIP', Buffer.from('OPTIONS sip:a@b SIP/2.0\r\n\r\n')],
  ['nothing', Buffer.alloc(0)],
  ['half a header', request().subarray(0, 12)],
  ['a response', Buffer.from(`010100002112a442${transactionId}`, 'hex')],
  ['RFC 3489, without the cookie', Buffer.from(`00010000deadbeef${transactionId}`, 'hex')],
  ['a length that is not its own', Buffer.from(`000100082112a442${transactionId}`, 'hex')],
  ['an attribute that is cut short', request('00030040')],
])('%s is no Binding request', (_, bytes) => {
  expect(answerStun(bytes, '192.0.2.1', 1)).toBeNull();
});

describe('the answer to a Binding request of ours', () => {
  const seen = (address: string, port: number, id: string): string | undefined =>
    readBindingResponse(answerStun(bindingRequest(Buffer.from(id, 'hex')), address, port)!)?.seenAs;
  const ids = [transactionId, 'a7e7a701bc34d686fa87dfaf'] as const;

  it.each(['192.0.2.1', '2001:db8::1'])('shows as whom we are seen, the same each time: %s', (address) => {
    expect(seen(address, 5060, ids[0])).toBe(seen(address, 5060, ids[1]));
    expect(seen(address, 5060, ids[0])).not.toBe(seen(address, 5061, ids[0]));
    expect(seen(address, 5060, ids[0])).not.toBe(seen('198.51.100.7', 5060, ids[0]));
    expect(seen(address, 5060, ids[0])).not.toBe('');
  });

  it.each(['192.0.2.1', '2001:db8::1', '2001:db8:0:1::'])('says the address: %s', (address) => {
    const answer = answerStun(bindingRequest(Buffer.from(transactionId, 'hex')), address, 5060)!;
    expect(readBindingResponse(answer)?.address).toBe(address);
  });

  it('may be an error, which names nobody', () => {
    const error = answerStun(request('0003000400000006'), '192.0.2.1', 1)!;
    expect(readBindingResponse(error)).toMatchObject({ seenAs: '', address: null });
    expect(readBindingResponse(error)?.transactionId.toString('hex')).toBe(transactionId);
  });

  it.each([request(), Buffer.from('SIP/2.0 200 OK\r\n\r\n'), Buffer.alloc(3)])(
    'is nothing else: %s',
    (bytes) => {
      expect(readBindingResponse(bytes)).toBeNull();
    },
  );

  it('may be any octets', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (tail) => {
        const bytes = Buffer.concat([
          Buffer.from(`010100002112a442${transactionId}`, 'hex'),
          Buffer.from(tail),
        ]);
        bytes.writeUInt16BE(tail.length, 2);
        expect(readBindingResponse(bytes)?.transactionId.toString('hex')).toBe(transactionId);
      }),
    );
  });
});

it('takes any octets without an error, and never answers with more than it may', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (tail) => {
      const bytes = Buffer.concat([request(), Buffer.from(tail)]);
      bytes.writeUInt16BE(tail.length, 2);
      const answer = answerStun(bytes, '2001:db8::1', 5060);
      expect(answer === null || answer.length <= 20 + 24 + 4 + 24 + tail.length).toBe(true);
    }),
  );
});
