/** Reads the command with which drachtio applications have a request passed on. */
import { HeaderFields } from '../message/header-fields.js';
import type { ProxyOrder } from '../proxy/proxy-order.js';
import { parseDraft } from './draft.js';

/**
 * `proxy|<transactionId>|remainInDialog|fullResponse|followRedirects|simultaneous or serial|<provisionalTimeout>|<finalTimeout>|uri…`,
 * times as `2s` or `1500ms`; behind it a request whose header fields are wanted in the one that goes on. Null where that is
 * missing, or there is no destination. Every final response is told, whether `fullResponse` is there or not: drachtio-srf always asks.
 */
export function parseProxyOrder(tokens: readonly string[], raw: Buffer | undefined): ProxyOrder | null {
  const [, , remainInDialog, , followRedirects, forking, provisional = '', final = '', ...destinations] =
    tokens;
  const draft = raw && parseDraft(raw);
  const wanted = destinations.filter((uri) => uri !== '');
  if (draft?.kind !== 'request' || wanted.length === 0) return null;
  return {
    destinations: wanted,
    isSimultaneous: forking === 'simultaneous',
    remainsInDialog: remainInDialog === 'remainInDialog',
    followsRedirects: followRedirects === 'followRedirects',
    provisionalTimeoutMs: readTimeMs(provisional),
    finalTimeoutMs: readTimeMs(final),
    fields: new HeaderFields(draft.headers),
  };
}

function readTimeMs(text: string): number | null {
  const parts = /^(\d{1,7})(ms|s)$/.exec(text.trim());
  return parts === null ? null : Number(parts[1]) * (parts[2] === 's' ? 1000 : 1);
}
