/** Requests to trunks outside of calls: where they go, and what came back. */
import type { TrunkTarget } from '../../domain/trunks/outbound.js';
import { formatHostPort, uriHost } from '../../domain/host-port.js';

export interface TrunkRequest {
  readonly method: 'REGISTER' | 'OPTIONS';
  readonly uri: string;
  /** The URI of the server that it is sent to. */
  readonly proxy: string;
  readonly headers: Readonly<Record<string, string>>;
}

export interface TrunkReply {
  /** 408 and 503 also where nothing came. */
  readonly status: number;
  /** The address that it came from; empty where nothing came, and the status is of our own making. */
  readonly source: string;
  /** Several fields of one name are joined with commas. */
  get(name: string): string | undefined;
}

/** Sends the request; settles with its final response. Rejects where it could not be sent. */
export type SendToTrunk = (request: TrunkRequest) => Promise<TrunkReply>;

/** What the server said; null where it said nothing. */
export function statusSaid({ status, source }: TrunkReply): number | null {
  return source === '' ? null : status;
}

/** The target as an application may write it. */
export function targetUri({ host, port, transport }: TrunkTarget): string {
  const place = port === null ? uriHost(host) : formatHostPort({ host, port });
  return `sip:${place}${transport === null ? '' : `;transport=${transport}`}`;
}

/** Where requests to the target go, for our SIP server. */
export function proxyUri(target: TrunkTarget): string {
  const { tlsServerName } = target;
  return `${targetUri(target)}${tlsServerName === null ? '' : `;server-name=${tlsServerName}`}`;
}

/** RFC 3261 §20.33; null where it says nothing of a time. */
export function retryAfterMs(reply: TrunkReply): number | null {
  const seconds = /^\s*(\d{1,9})/.exec(reply.get('Retry-After') ?? '')?.[1];
  return seconds === undefined ? null : Number(seconds) * 1000;
}
