/** This gateway as a machine that somebody runs: whether it takes calls, and whom it does not hear. */
export interface NodeState {
  readonly name: string;
  readonly version: string;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  readonly isDraining: boolean;
  /** Live connections of all accounts. */
  readonly legs: number;
}

export interface SourceBan {
  /** An IPv4 address, or an IPv6 network like `2001:db8:0:1::/64`. */
  readonly source: string;
  /** Milliseconds since the epoch. */
  readonly until: number;
}

export interface NodeControl {
  state(): NodeState;
  /** New calls are refused as `draining`, and `/ready` says so, until `resume`. */
  drain(): void;
  /** False where the gateway is stopping: then there is no way back. */
  resume(): boolean;
  bans(): readonly SourceBan[];
  /** Null: all of them. False where there was none. */
  liftBan(source: string | null): boolean;
}
