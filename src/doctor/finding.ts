/** What `landbridge doctor` found. */
export interface Finding {
  /** `warn`: it works, and somebody may be surprised. `fail`: it does not. */
  readonly level: 'ok' | 'warn' | 'fail';
  /** What was looked at, in a word or two. */
  readonly what: string;
  readonly text: string;
}

export const ok = (what: string, text: string): Finding => ({ level: 'ok', what, text });
export const warn = (what: string, text: string): Finding => ({ level: 'warn', what, text });
export const fail = (what: string, text: string): Finding => ({ level: 'fail', what, text });
