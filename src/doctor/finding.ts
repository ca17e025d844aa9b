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

/** What is to be said of what was thrown. */
export const whyOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** What a look finds; that it failed, where it throws: one thing that cannot be looked at keeps nobody from the others. */
export async function lookAt(
  what: string,
  look: () => readonly Finding[] | Promise<readonly Finding[]>,
): Promise<readonly Finding[]> {
  try {
    return await look();
  } catch (error) {
    return [fail(what, `could not be looked at: ${whyOf(error)}`)];
  }
}
