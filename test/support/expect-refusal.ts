/** Asserts that a call is not let in, and as what. */
import { expect } from 'vitest';
import { Refusal, type RefusalCode } from '../../src/domain/refusal.js';

export async function expectRefusal(code: RefusalCode, attempt: Promise<unknown>): Promise<void> {
  const refusal: unknown = await attempt.then(
    () => 'admitted',
    (error: unknown) => error,
  );
  expect(refusal).toBeInstanceOf(Refusal);
  expect(refusal).toMatchObject({ code });
}
