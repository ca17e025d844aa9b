/** The Via header field (RFC 3261 §20.42). */
import { formatHostPort, parseHostPort } from './host-port.js';
import { formatParameters, parseParameters, type Parameters } from './parameters.js';

/** One Via value (RFC 3261 §20.42). */
export interface Via {
  /** Upper case: `UDP`, `TCP`, `TLS`, `WS`, `WSS`, … */
  readonly transport: string;
  /** sent-by: IPv6 without brackets. */
  readonly host: string;
  readonly port?: number;
  /** `branch`, `received`, `rport` (undefined value: asked for, not filled in), … */
  readonly params: Parameters;
}

const viaPattern =
  /^SIP\s*\/\s*2\.0\s*\/\s*([A-Za-z0-9\-.!%*_+`'~]+)\s+(\[[^\]\s]*\]|[^\s:;[\]]+)(?:\s*:\s*(\d+))?\s*(;.*)?$/is;

/** Reads one value, not a list; null when it is malformed. A comment behind it is that of RFC 2543 (§6.40), and left out. */
export function parseVia(value: string): Via | null {
  const text = value.trim();
  const comment = text.endsWith(')') ? text.lastIndexOf('(') : -1;
  const parts = viaPattern.exec(comment < 0 ? text : text.slice(0, comment).trim());
  if (!parts) return null;
  const [, transport = '', host = '', port, tail = ''] = parts;
  const sentBy = parseHostPort(port === undefined ? host : `${host}:${port}`);
  const params = parseParameters(tail);
  return sentBy && params && { transport: transport.toUpperCase(), ...sentBy, params };
}

export function formatVia(via: Via): string {
  return `SIP/2.0/${via.transport} ${formatHostPort(via.host, via.port)}${formatParameters(via.params)}`;
}
