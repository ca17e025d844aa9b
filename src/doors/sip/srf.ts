/**
 * The part of drachtio-srf that this door uses, typed as the code behaves (5.0.29); the types it ships lag behind.
 * The only file that imports it.
 */
import type { EventEmitter } from 'node:events';
import SrfModule from 'drachtio-srf';

export interface SrfRequest extends EventEmitter {
  readonly method: string;
  readonly uri: string;
  /** Empty or missing where there is none. */
  readonly body?: string;
  readonly source_address: string;
  readonly source_port: number | string;
  readonly protocol: string;
  /** `application` where the SIP server made the request itself, e.g. a BYE because no ACK came. */
  readonly source: 'network' | 'application';
  /** Fields of one name are joined with commas. */
  get(header: string): string | undefined;
}

export interface SrfResponseOptions {
  headers?: Record<string, string>;
  body?: string;
}

export interface SrfResponse {
  readonly status: number;
  readonly reason: string;
  readonly body?: string;
  readonly finalResponseSent: boolean;
  get(header: string): string | undefined;
  send(
    status: number,
    options?: SrfResponseOptions,
    callback?: (error: Error | null | undefined) => void,
  ): void;
}

/** Events: `destroy` (request, reason), `ack` (request), `modify` | `update` | `info` (request, response). */
export interface SrfDialog extends EventEmitter {
  readonly local: { readonly contact: string };
  /** False once a BYE has come, also where `destroy` was emitted before anybody could listen. */
  /** Sends BYE; settles with its response. */
  destroy(options: SrfResponseOptions): Promise<unknown>;
  /** Calls back with every response, provisional ones too; acknowledges a final one to INVITE itself. */
  request(
    options: { method: string; headers?: Record<string, string>; body?: string },
    callback: (error: Error | null | undefined, response?: SrfResponse) => void,
  ): void;
}

export interface Srf extends EventEmitter {
  connect(options: { host: string; port: number; secret: string }): void;
  disconnect(): void;
  invite(handler: (request: SrfRequest, response: SrfResponse) => void): void;
  /**
   * Calls back in the turn in which the dialog comes to be. (Its promise settles a turn later, and a re-INVITE right behind
   * the ACK is answered by the library itself, with our old description, where nobody listens for `modify` yet.) The
   * error is a plain string after a CANCEL, SipError 487 for a CANCEL during it.
   */
  createUAS(
    request: SrfRequest,
    response: SrfResponse,
    options: { localSdp: string; headers: Record<string, string> },
    callback: (error: unknown, dialog?: SrfDialog) => void,
  ): void;
}

export function newSrf(): Srf {
  const Constructor = SrfModule as unknown as new () => Srf;
  return new Constructor();
}
