/** drachtio-srf with the types that the tests of the SIP server need. */
import type { EventEmitter } from 'node:events';
import Srf from 'drachtio-srf';
import type { SipServer } from '../../../src/sip-server/index.js';

/** What the tests use of drachtio-srf, which is used as it is installed. */
export interface SrfRequest extends EventEmitter {
  readonly method: string;
  readonly uri: string;
  readonly body: string;
  readonly source: string;
  readonly source_address: string;
  readonly protocol: string;
  get(name: string): string | undefined;
  cancel(options?: object): void;
}

export interface SrfResponse extends EventEmitter {
  readonly status: number;
  /** Empty where the server made it, because none came. */
  readonly source_address: string;
  readonly body: string;
  get(name: string): string | undefined;
  send(status: number, ...rest: unknown[]): void;
}

export interface SrfDialog extends EventEmitter {
  readonly id: string;
  readonly sip: { callId: string; localTag: string; remoteTag: string };
  readonly local: { sdp: string; contact: string };
  readonly remote: { sdp: string; uri: string };
  readonly connected: boolean;
  destroy(options?: object): Promise<unknown>;
  modify(sdp: string): Promise<string>;
  request(options: object): Promise<SrfResponse>;
}

export type SrfHandler = (request: SrfRequest, response: SrfResponse) => void;

/** What became of a request that was passed on. */
export interface ProxyResults {
  readonly connected: boolean;
  readonly finalStatus: number;
  readonly responses: readonly { readonly msgs: readonly { readonly status: number }[] }[];
}

export interface SrfApp extends EventEmitter {
  connect(options: object): void;
  disconnect(): void;
  use(method: string, handler: (request: SrfRequest, response: SrfResponse) => void): void;
  invite(handler: (request: SrfRequest, response: SrfResponse) => void): void;
  options(handler: SrfHandler): void;
  message(handler: SrfHandler): void;
  subscribe(handler: SrfHandler): void;
  notify(handler: SrfHandler): void;
  register(handler: SrfHandler): void;
  publish(handler: SrfHandler): void;
  info(handler: SrfHandler): void;
  refer(handler: SrfHandler): void;
  proxyRequest(request: SrfRequest, destinations: string | string[], options: object): Promise<ProxyResults>;
  createUAS(request: SrfRequest, response: SrfResponse, options: object): Promise<SrfDialog>;
  createUAC(uri: string, options: object, progress?: object): Promise<SrfDialog>;
  request(uri: string, options: object, callback: (error: Error | null, request: SrfRequest) => void): void;
  request(options: object, callback: (error: Error | null, request: SrfRequest) => void): void;
}

const Constructor = Srf as unknown as new () => SrfApp;

export const secret = 'a test secret';

/** A connected application; `configure` registers its handlers before. */
export async function connectApp(server: SipServer, configure: (srf: SrfApp) => void): Promise<SrfApp> {
  const srf = new Constructor();
  srf.on('error', () => undefined);
  configure(srf);
  srf.connect({ host: '127.0.0.1', port: server.adminAddress.port, secret: secret });
  await new Promise<void>((resolve, reject) => {
    srf.once('connect', (error: Error | null) => (error ? reject(error) : resolve()));
  });
  return srf;
}

/** Resolves with what the emitter gives with the event. */
export function happens<T extends unknown[]>(emitter: EventEmitter, event: string): Promise<T> {
  return new Promise((resolve) => emitter.once(event, (...values: T) => resolve(values)));
}

export function newSrf(): SrfApp {
  return new Constructor();
}
