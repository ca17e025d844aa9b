import { describe, expect, it } from 'vitest';
import { presentCaller } from './caller.js';

const caller = { number: '+15551230142', name: 'Ann Smith' };

describe('a caller', () => {
  it('is shown whole, masked or not at all, as the account has it', () => {
    expect(presentCaller(caller, 'full')).toEqual(caller);
    expect(presentCaller(caller, 'masked')).toEqual({ number: '+********142', name: null });
    expect(presentCaller(caller, 'none')).toBeNull();
  });

  it.each([
    ['+4930123456789', '+*********6789'],
    ['110', '**0'],
    ['12', '**'],
    ['1', '*'],
    ['0301234567', '*******567'],
  ])('with the number %s is masked as %s', (number, masked) => {
    expect(presentCaller({ number, name: 'x' }, 'masked')).toEqual({ number: masked, name: null });
  });

  it('of whom nothing is known is nobody', () => {
    expect(presentCaller(null, 'full')).toBeNull();
    expect(presentCaller({ number: null, name: null }, 'full')).toBeNull();
    expect(presentCaller({ number: null, name: 'Ann' }, 'masked')).toBeNull();
    expect(presentCaller({ number: null, name: 'Ann' }, 'full')).toEqual({ number: null, name: 'Ann' });
  });
});
