import { describe, expect, it } from 'vitest';
import type { Credential } from '../participants/token.js';
import { Refusal } from '../refusal.js';
import { firstGood } from './first-good.js';

const code = (value: string): Credential => ({ kind: 'join-code', value });
const jwt = (value: string): Credential => ({ kind: 'jwt', value });

/** Knows what begins with `good`; tells what was looked up. */
async function chosen(...credentials: readonly Credential[]) {
  const asked: string[] = [];
  const identify = ({ value }: Credential): Promise<string> => {
    asked.push(value);
    if (value.startsWith('good')) return Promise.resolve(value);
    const refusals = { expired: 'token-expired', blocked: 'too-many-guesses' } as const;
    const isKnown = value === 'expired' || value === 'blocked';
    return Promise.reject(new Refusal(isKnown ? refusals[value] : 'token-invalid', value));
  };
  const result = await firstGood(credentials, identify).then(
    ({ identity }) => identity,
    (error: Refusal) => `${error.code} ${error.detail ?? ''}`.trim(),
  );
  return { result, asked };
}

describe('Of several credentials of one call', () => {
  it.each([
    ['a token that is ours, whatever has the form of a code before it', [code('bad'), jwt('good')], ['good']],
    ['a token that is ours behind another’s', [jwt('bad'), jwt('good')], ['bad', 'good']],
    ['the first code that somebody has', [code('bad'), code('good')], ['bad', 'good']],
    ['a code behind a token of others', [jwt('bad'), code('good')], ['bad', 'good']],
    ['a code behind a token of ours that has expired', [jwt('expired'), code('good')], ['expired', 'good']],
    ['the first of two that are good', [code('good'), code('good too')], ['good']],
  ])('counts %s', async (_, credentials, asked) => {
    expect(await chosen(...credentials)).toEqual({ result: 'good', asked });
  });

  it.each([
    ['none', [], 'token-missing'],
    ['two that nobody knows', [code('bad'), jwt('worse')], 'token-invalid worse'],
    ['one that has expired', [code('bad'), jwt('worse'), code('expired')], 'token-expired expired'],
  ])('%s: is refused for what says most', async (_, credentials, result) => {
    expect((await chosen(...credentials)).result).toBe(result);
  });

  it('no code is looked up after too many guesses', async () => {
    expect(await chosen(code('blocked'), code('good'))).toEqual({
      result: 'too-many-guesses blocked',
      asked: ['blocked'],
    });
  });

  it('eight tokens and three codes are looked at, and no more', async () => {
    const many = Array.from({ length: 20 }, (_, at) => [code(`code ${at}`), jwt(`token ${at}`)]).flat();
    expect((await chosen(...many)).asked).toHaveLength(11);
  });
});
