/** JSON-RPC 2.0 as Bandwidth's devices speak it: one message per text frame, no batches. Pure. */

export type RpcId = string | number | null;

export const rpcError = {
  parse: -32_700,
  invalidRequest: -32_600,
  methodNotFound: -32_601,
  invalidParams: -32_602,
  internal: -32_603,
  /** More requests than are kept waiting: a code of the server's own (§5.1). */
  busy: -32_000,
} as const;

export type RpcErrorCode = (typeof rpcError)[keyof typeof rpcError];

export type RpcMessage =
  | { readonly kind: 'request'; readonly id: RpcId; readonly method: string; readonly params: unknown }
  | { readonly kind: 'notification'; readonly method: string; readonly params: unknown }
  /** The answer to a request of ours; we make none, so there is nothing to do with it. */
  | { readonly kind: 'response' }
  | { readonly kind: 'invalid'; readonly id: RpcId; readonly code: RpcErrorCode; readonly reason: string };

/** What the device is answered with in place of a result. */
export class RpcFailure extends Error {
  override readonly name = 'RpcFailure';
  constructor(
    readonly code: RpcErrorCode,
    message: string,
  ) {
    super(message);
  }
}

export const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isId = (value: unknown): value is RpcId =>
  value === null || typeof value === 'string' || typeof value === 'number';

/** Reads one frame. Never throws. */
export function parseRpcMessage(text: string): RpcMessage {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { kind: 'invalid', id: null, code: rpcError.parse, reason: 'not JSON' };
  }
  const invalid = (reason: string, id: unknown = null): RpcMessage => ({
    kind: 'invalid',
    id: isId(id) ? id : null,
    code: rpcError.invalidRequest,
    reason,
  });
  if (!isRecord(value)) return invalid('not an object');
  const { jsonrpc, id, method, params } = value;
  if (jsonrpc !== '2.0') return invalid('not JSON-RPC 2.0', id);
  if (method === undefined && ('result' in value || 'error' in value)) return { kind: 'response' };
  if (typeof method !== 'string') return invalid('no method', id);
  if (!('id' in value)) return { kind: 'notification', method, params };
  return isId(id) ? { kind: 'request', id, method, params } : invalid('the id is neither text nor number');
}

export const formatRpcResult = (id: RpcId, result: unknown): string =>
  JSON.stringify({ jsonrpc: '2.0', result, id });

export const formatRpcError = (id: RpcId, code: RpcErrorCode, message: string): string =>
  JSON.stringify({ jsonrpc: '2.0', error: { code, message }, id });

export const formatRpcNotification = (method: string, params: unknown): string =>
  JSON.stringify({ jsonrpc: '2.0', method, params });
