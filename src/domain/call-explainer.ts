/** What would become of a call, told without letting it in: for whoever asks why one of theirs is refused. */

/** A request as it was pasted out of a log or a capture. */
export interface CallInQuestion {
  readonly message: string;
  /** Where it comes from; null: where the message says. */
  readonly source: CallSource | null;
}

export interface CallSource {
  readonly address: string;
  /** Null: not known. */
  readonly port: number | null;
  /** `udp`, `tcp`, `tls`, `ws` or `wss`; null: as the message says. */
  readonly transport: string | null;
}

/**
 * What was looked at: `source` (where it comes from), `message` (whether it can be read), `rules` (of the protocol), `credential`
 * (what it shows), `form`, `caller`, `trunk` (which it is of), `digest` (the password that the trunk asks for), `lists` (who may call and
 * be called over it), `limits` (how many calls it may have), `stir` (who signed for the caller), `number` (what answers for the number
 * that is called), `token`, `participant`, `session`, `capacity` (whether the gateway takes calls), `media`.
 */
export type ExplainedStepName =
  | 'source'
  | 'message'
  | 'rules'
  | 'credential'
  | 'form'
  | 'caller'
  | 'trunk'
  | 'digest'
  | 'lists'
  | 'limits'
  | 'stir'
  | 'number'
  | 'token'
  | 'participant'
  | 'session'
  | 'capacity'
  | 'media';

export type ExplainedValue = string | number | boolean | null | readonly string[];

export interface ExplainedStep {
  readonly step: ExplainedStepName;
  /** `noted`: it decides nothing. `unknown`: it cannot be told beforehand, or not to this account. */
  readonly verdict: 'passed' | 'refused' | 'noted' | 'unknown';
  /** For people. Never a credential. */
  readonly text: string;
  /** The same for programs, and more of it. */
  readonly details: Readonly<Record<string, ExplainedValue>>;
  /** What to look at or set, and where it is described. */
  readonly hint: string | null;
}

/** What the caller would hear. */
export interface ExplainedAnswer {
  /** `none`: the request would be left without an answer. `unknown`: that depends on what this account is not told. */
  readonly result: 'answered' | 'refused' | 'none' | 'unknown';
  readonly sipStatus: number | null;
  /** The reason text of a refusal. */
  readonly reason: string | null;
  /** Where the caller would be told to send its further requests; null where that is not known. */
  readonly contact: string | null;
  /** The session description of the answer, with a port that stands for whichever would be free. */
  readonly description: string | null;
}

export interface CallExplanation {
  /** What was not as it is on the wire, and was mended before anything was looked at. */
  readonly mended: readonly string[];
  /** In the order in which they count: the first that is refused decides. Later ones are looked at all the same. */
  readonly steps: readonly ExplainedStep[];
  readonly answer: ExplainedAnswer;
}

export interface CallExplainer {
  /**
   * For this account: what is another's it is told in the same words as what does not exist. Nothing is claimed, counted or told to
   * anybody. Rejects with DomainError `too-many-explanations`.
   */
  explain(accountId: string, call: CallInQuestion): Promise<CallExplanation>;
}
