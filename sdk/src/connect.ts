/** Opens a connection. */
import type { Connection, ConnectOptions } from './api.js';
import { displayNameOf, showCredential } from './credential.js';
import { LandbridgeError } from './errors.js';
import { GatewayConnection } from './gateway-connection.js';

const defaultTimeoutMs = 15_000;
const defaultReconnectTimeoutMs = 60_000;

/**
 * Joins as the participant that the token, or the join code, was made for. Resolves once the gateway has answered; what
 * the other participants publish is reported through events from then on.
 */
export async function connect(token: string, options: ConnectOptions = {}): Promise<Connection> {
  const credential = showCredential(token);
  const url = gatewayUrl(options.url);
  if (!('RTCPeerConnection' in globalThis)) {
    throw new LandbridgeError('not-supported', 'This browser has no WebRTC.');
  }
  const controller = new AbortController();
  const { signal, timeoutMs = defaultTimeoutMs } = options;
  const abort = (): void =>
    controller.abort(new LandbridgeError('aborted', 'Connecting was given up.', { cause: signal?.reason }));
  if (signal?.aborted === true) abort();
  signal?.addEventListener('abort', abort);
  const timer = setTimeout(
    () => controller.abort(new LandbridgeError('timeout', 'The gateway did not answer in time.')),
    timeoutMs,
  );
  try {
    return await GatewayConnection.open({
      url,
      credential,
      displayName: displayNameOf(options.displayName ?? ''),
      iceServers: options.iceServers ?? [],
      reconnectTimeoutMs: options.reconnectTimeoutMs ?? defaultReconnectTimeoutMs,
      signal: controller.signal,
    });
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', abort);
  }
}

/** The gateway that this module was read from; where it was made part of a file that has no address, the page's origin. */
function defaultUrl(): URL {
  const base = /^https?:/.test(import.meta.url) ? import.meta.url : location.href;
  return new URL('/sip', base);
}

function gatewayUrl(given: string | URL | undefined): URL {
  let url: URL;
  try {
    url = given === undefined ? defaultUrl() : new URL(given, location.href);
  } catch (cause) {
    throw new LandbridgeError('invalid-argument', 'The url is not a URL.', { cause });
  }
  if (url.protocol === 'https:') url.protocol = 'wss:';
  if (url.protocol === 'http:') url.protocol = 'ws:';
  if (url.protocol !== 'wss:' && url.protocol !== 'ws:') {
    throw new LandbridgeError('invalid-argument', 'The url must begin with wss:, ws:, https: or http:.');
  }
  return url;
}
