/** What is to be passed on where, and who hears of it. */
import type { HeaderFields } from '../message/header-fields.js';
import type { SipResponse } from '../message/message.js';
import type { Flow } from '../transport/flow.js';

/** What an application asks for. */
export interface ProxyOrder {
  /** URIs, tried one after the other, or all at once. */
  readonly destinations: readonly string[];
  readonly isSimultaneous: boolean;
  /** Whether what follows in the call is to come by here. */
  readonly remainsInDialog: boolean;
  /** Whether the Contacts of a 3xx are tried as well. */
  readonly followsRedirects: boolean;
  /** After so long without a provisional response the next one is tried; null: no limit. */
  readonly provisionalTimeoutMs: number | null;
  /** The same without a final response. */
  readonly finalTimeoutMs: number | null;
  /** Added to the request, or in place of what it has. */
  readonly fields: HeaderFields;
}

/** Hears what becomes of a request that is passed on. */
export interface ProxyListener {
  /** A final response of one of the destinations. */
  responded(response: SipResponse, flow: Flow): void;
  /** There is nothing more to come. */
  done(): void;
}

/** An order as it is carried out for one request. */
export interface ProxiedOrder extends Omit<ProxyOrder, 'remainsInDialog'> {
  /** It begins a call: there are call detail records of it. */
  readonly isNew: boolean;
  /** The Request-URI for a destination; null: as it came. */
  readonly requestUri: (target: string) => string | null;
  readonly recordRoutes: (to: Flow) => readonly string[];
  /** The connection that leads to a destination; null: its URI says where it is. */
  readonly flowTo: (target: string) => Flow | null;
  /** Whether it may go there, wherever its name has led. */
  readonly mayTake: (flow: Flow) => boolean;
}
