/** Traces: the last messages of calls, kept in memory for whoever asked for them beforehand. */

/** Which calls are traced: by a number that is called or calls, by their Call-ID, or by where they come from. */
export type TraceMatch =
  | { readonly kind: 'number'; readonly number: string }
  | { readonly kind: 'call-id'; readonly callId: string }
  /** An address, or a network like `10.0.0.0/8`. */
  | { readonly kind: 'source'; readonly source: string };

export interface Trace {
  readonly name: string;
  readonly match: TraceMatch;
  /** Milliseconds since the epoch: messages are kept until then. What was kept stays for a while longer. */
  readonly until: number;
  readonly calls: number;
}

export interface TracedCall {
  readonly callId: string;
  /** Milliseconds since the epoch. */
  readonly firstAt: number;
  readonly lastAt: number;
  readonly messages: number;
  /** Earlier messages that are no longer kept. */
  readonly messagesDropped: number;
}

/**
 * An account is shown the calls that are known for its own; the operator's account all. Secrets are taken out before anything is kept.
 * The methods that are given the name of a trace, `put` apart, reject with DomainError `trace-not-found` where the account has none of it.
 */
export interface CallTraces {
  /** Phones' messages are seen here; false where they go through another server, and only browsers' are. */
  readonly seesPhones: boolean;
  /** Begins it anew where there is one of that name: what was kept is forgotten. Rejects with DomainError `too-many-traces`. */
  put(accountId: string, name: string, match: TraceMatch, minutes: number): Promise<Trace>;
  list(accountId: string): Promise<readonly Trace[]>;
  remove(accountId: string, name: string): Promise<void>;
  calls(accountId: string, name: string): Promise<readonly TracedCall[]>;
  /** The messages as people read them: who said what to whom. `callId`: of that call alone. */
  ladder(accountId: string, name: string, callId: string | null): Promise<string>;
  /** The same as a capture file (pcap). */
  capture(accountId: string, name: string, callId: string | null): Promise<Uint8Array>;
}
