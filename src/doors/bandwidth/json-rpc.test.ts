import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatRpcError, formatRpcNotification, formatRpcResult, parseRpcMessage } from './json-rpc.js';

describe('a JSON-RPC message', () => {
  it.each<[text: string, message: object]>([
    ['{"jsonrpc":"2.0","method":"ping","params":{},"id":7}', { kind: 'request', id: 7, method: 'ping' }],
    ['{"jsonrpc":"2.0","method":"ping","id":"a"}', { kind: 'request', id: 'a', params: undefined }],
    ['{"jsonrpc":"2.0","method":"ping","id":null}', { kind: 'request', id: null }],
    ['{"jsonrpc":"2.0","method":"leave"}', { kind: 'notification', method: 'leave' }],
    ['{"jsonrpc":"2.0","result":{},"id":1}', { kind: 'response' }],
    ['{"jsonrpc":"2.0","error":{"code":1,"message":"x"},"id":1}', { kind: 'response' }],
    ['', { kind: 'invalid', id: null, code: -32_700 }],
    ['{"jsonrpc":"2.0"', { kind: 'invalid', id: null, code: -32_700 }],
    ['null', { kind: 'invalid', id: null, code: -32_600 }],
    ['[]', { kind: 'invalid', id: null, code: -32_600 }],
    ['{"method":"ping","id":1}', { kind: 'invalid', id: 1, code: -32_600 }],
    ['{"jsonrpc":"2.0","method":1,"id":2}', { kind: 'invalid', id: 2, code: -32_600 }],
    ['{"jsonrpc":"2.0","method":"ping","id":{}}', { kind: 'invalid', id: null, code: -32_600 }],
  ])('is read: %s', (text, message) => {
    expect(parseRpcMessage(text)).toMatchObject(message);
  });

  it('is read without a fault, whatever it is', () => {
    fc.assert(fc.property(fc.oneof(fc.string(), fc.json()), (text) => void parseRpcMessage(text)));
  });

  it('is written as the specification has it', () => {
    expect(JSON.parse(formatRpcResult(3, {}))).toEqual({ jsonrpc: '2.0', result: {}, id: 3 });
    expect(JSON.parse(formatRpcError(null, -32_700, 'not JSON'))).toEqual({
      jsonrpc: '2.0',
      error: { code: -32_700, message: 'not JSON' },
      id: null,
    });
    expect(JSON.parse(formatRpcNotification('sdpOffer', { a: 1 }))).toEqual({
      jsonrpc: '2.0',
      method: 'sdpOffer',
      params: { a: 1 },
    });
  });
});
