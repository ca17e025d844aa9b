/** The servers to try, one after the other, for a request outside of a dialog, and what became of each (RFC 3263 §4.3). */
import type { Flow } from '../transport/flow.js';

/** What was wrong with a server. A number: it takes nothing for so many milliseconds. */
export type TargetFault = 'silent' | 'unreachable' | number;

/** Where one server takes requests. */
export type ServerPlace = Pick<Flow, 'protocol'> & { readonly address: string; readonly port: number };

/** Connections beside datagrams, for requests in a call that are too long for those (RFC 3261 §18.1.1). */
export interface StreamsBeside {
  /** One to where the datagrams go; null where nobody takes it there, or did not a moment ago. Never rejects. */
  to(datagrams: Flow): Promise<Flow | null>;
  /** It came to nothing: for a while there is none to there. */
  broke(stream: Flow): void;
}

/** The servers that a request may go to, one after the other (RFC 3263 §4.3). */
export interface Way {
  /** True where there is one server and no other: nothing has to be kept for a second attempt. */
  readonly isSole: boolean;
  /** Leads nowhere: for a request that nobody can be found for. */
  readonly nowhere: Flow;
  /** A flow to the next of them that can be connected to; null where there is none left. Never rejects. */
  next(): Promise<Flow | null>;
  /** A connection to the server of this datagram flow, for a request that is too long for it; null where it takes none. */
  streamBeside(datagrams: Flow): Promise<Flow | null>;
  /** The server answered. */
  answered(flow: Flow): void;
  /** The server is of no use now: others are asked before it for a while. */
  failed(flow: Flow, fault: TargetFault): void;
}
