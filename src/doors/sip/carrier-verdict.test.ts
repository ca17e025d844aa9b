import { describe, expect, it } from 'vitest';
import { callerPlaces } from '../../domain/trunks/trunk.js';
import { carrierVerdict } from './carrier-verdict.js';

function verdict(
  fields: Record<string, string>,
  places = callerPlaces as readonly (typeof callerPlaces)[number][],
) {
  const { verification, attestation, reason, by } = carrierVerdict({ get: (name) => fields[name] }, places);
  expect(by).toBe('carrier');
  return [verification, attestation, reason];
}

const asserted = (uri: string) => ({ 'P-Asserted-Identity': `"Ann" <${uri}>` });

describe('What a carrier says of who calls', () => {
  it.each([
    ['sip:+15551230142;verstat=TN-Validation-Passed@carrier.example;user=phone', ['passed', null, null]],
    ['sip:+15551230142@carrier.example;user=phone;verstat=TN-Validation-Passed', ['passed', null, null]],
    ['tel:+15551230142;verstat=TN-Validation-Passed-B', ['passed', 'B', null]],
    ['tel:+15551230142;verstat=TN-Validation-Passed-A-Diverted', ['passed', 'A', null]],
    ['tel:+15551230142;verstat=TN-Validation-Failed-C-Passthrough', ['failed', null, 'carrier-failed']],
    ['tel:+15551230142;Verstat=tn-validation-passed-a', ['passed', 'A', null]],
    ['tel:+15551230142;verstat=TN-Validation-Failed', ['failed', null, 'carrier-failed']],
    ['tel:+15551230142;verstat=No-TN-Validation', ['none', null, 'carrier-silent']],
    ['tel:+15551230142;verstat=TN-Validation-Passed-Z', ['none', null, 'carrier-silent']],
    ['tel:+15551230142;x-verstat=TN-Validation-Passed', ['none', null, 'carrier-silent']],
    ['tel:+15551230142', ['none', null, 'carrier-silent']],
  ])('is read of %s', (uri, expected) => {
    expect(verdict(asserted(uri))).toEqual(expected);
  });

  it('is read of either of two identities of the number that is shown, and of From where there is no other', () => {
    expect(
      verdict({
        'P-Asserted-Identity': '<sip:+1555@h>, <tel:+1-555;verstat=TN-Validation-Passed>',
      }),
    ).toEqual(['passed', null, null]);
    const From = '<sip:+1555;verstat=TN-Validation-Passed@h>;tag=1';
    expect(verdict({ From })).toEqual(['passed', null, null]);
    expect(verdict({ From, ...asserted('sip:+1666@h') }, ['from'])).toEqual(['passed', null, null]);
  });

  it('is read of the identity that is believed and shown, and of no other', () => {
    const none = ['none', null, 'carrier-silent'];
    for (const number of ['+1555', '+1666']) {
      const From = `<sip:${number};verstat=TN-Validation-Passed-A@h>;tag=1`;
      expect(verdict({ From, ...asserted('sip:+1555@h') })).toEqual(none);
      expect(verdict({ From, 'Remote-Party-ID': '<sip:+1555@h>;party=calling' })).toEqual(none);
    }
    const two = '<sip:+1555@h>, <tel:+1666;verstat=TN-Validation-Passed-A>';
    expect(verdict({ 'P-Asserted-Identity': two })).toEqual(none);
    const nobody = '<sip:anonymous@anonymous.invalid;verstat=TN-Validation-Passed>';
    expect(verdict({ From: nobody })).toEqual(none);
    expect(verdict({ From: '<sip:ann@h;verstat=TN-Validation-Passed>' })).toEqual(none);
  });

  it('is not read of a place that is not believed, nor of a name or another parameter’s value', () => {
    const From = '<sip:+1555;verstat=TN-Validation-Passed@h>;tag=1';
    expect(verdict({ From, ...asserted('sip:+1555@h') }, ['p-asserted-identity'])[0]).toBe('none');
    expect(verdict({ From: '";verstat=TN-Validation-Passed" <sip:+1555@h>' })[0]).toBe('none');
    expect(verdict({ From: '<sip:+1555@h;x=";verstat=TN-Validation-Passed">' })[0]).toBe('none');
  });
});

describe('What a carrier says of who calls in a field of its own', () => {
  const From = '"Ann" <sip:+15551230142@carrier.example>;tag=1';
  const own = (source: 'twilio' | 'plivo', fields: Record<string, string>, places = ['from'] as const) => {
    const { verification, attestation, reason } = carrierVerdict(
      { get: (name) => fields[name] },
      places,
      source,
    );
    return [verification, attestation, reason];
  };
  const silent = ['none', null, 'carrier-silent'];

  it.each([
    ['TN-Validation-Passed-A', ['passed', 'A', null]],
    ['TN-Validation-Passed-C', ['passed', 'C', null]],
    ['TN-Validation-Failed-B', ['failed', null, 'carrier-failed']],
    ['No-TN-Validation', silent],
    ['TN-Validation-Passed-A, TN-Validation-Failed-A', silent],
  ])('is read of Twilio’s %s', (value, expected) => {
    expect(own('twilio', { From, 'X-Twilio-VerStat': value })).toEqual(expected);
  });

  it.each([
    ['Verified', ['passed', 'A', null]],
    ['Not Verified', silent],
    ['Not Applicable', silent],
  ])('is read of Plivo’s %s', (value, expected) => {
    expect(own('plivo', { From, 'X-Plivo-Stir-Verification': value })).toEqual(expected);
  });

  it('counts for the number in From, for a trunk of that carrier, and for nothing else', () => {
    const twilios = { From, 'X-Twilio-VerStat': 'TN-Validation-Passed-A' };
    expect(own('plivo', twilios)).toEqual(silent);
    expect(verdict(twilios, ['from'])).toEqual(silent);
    const other = { ...twilios, ...asserted('sip:+1666@h') };
    expect(
      carrierVerdict({ get: (name) => other[name as keyof typeof other] }, callerPlaces, 'twilio').reason,
    ).toBe('carrier-silent');
    const nobody = { ...twilios, From: '<sip:anonymous@anonymous.invalid>;tag=1' };
    expect(own('twilio', nobody)).toEqual(silent);
    // What only the other source writes.
    expect(own('twilio', { From: '<sip:+1555;verstat=TN-Validation-Passed@h>;tag=1' })).toEqual(silent);
  });
});
