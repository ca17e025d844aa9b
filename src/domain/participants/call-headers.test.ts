import { describe, expect, it } from 'vitest';
import { isNeverShown, presentHeaders } from './call-headers.js';

describe('header fields of a call', () => {
  it.each([
    'Authorization',
    'user-to-user',
    'Identity',
    'FROM',
    'm',
    'P-Asserted-Identity',
    'Via',
    'X-Token',
  ])('%s is never shown', (name) => {
    expect(isNeverShown(name, ['x-token'])).toBe(true);
  });

  it.each(['X-Token', 'X-Twilio-CallSid', 'Diversion', 'P-Attestation-Indicator'])('%s may be', (name) => {
    expect(isNeverShown(name)).toBe(false);
  });

  it('that name people are shown where the account’s callers are', () => {
    const headers = { 'X-Account': '7', Diversion: '<sip:+4930123@pbx>' };
    expect(presentHeaders(headers, 'full')).toEqual(headers);
    expect(presentHeaders(headers, 'masked')).toEqual({ 'X-Account': '7' });
    expect(presentHeaders({ Diversion: '<sip:+4930123@pbx>' }, 'none')).toBeNull();
    expect(presentHeaders(null, 'full')).toBeNull();
  });
});
