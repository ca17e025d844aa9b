import { describe, expect, it } from 'vitest';
import { oneWayText, qualityText, reachableSipUri, withoutSessionText } from './model.js';

describe('reachableSipUri', () => {
  it.each([
    ['sip:7K3Q@127.0.0.1:5060', '127.0.0.1', 'sip:7K3Q@127.0.0.1:5060'],
    ['sip:7K3Q@127.0.0.1:5060', 'localhost', 'sip:7K3Q@127.0.0.1:5060'],
    ['sip:7K3Q@127.0.0.1:5060', 'gateway.example.com', 'sip:7K3Q@gateway.example.com:5060'],
    ['sip:7K3Q@[::1]:5070;transport=tcp', '[2001:db8::1]', 'sip:7K3Q@[2001:db8::1]:5070;transport=tcp'],
    ['sip:7K3Q@203.0.113.5:5060', 'gateway.example.com', 'sip:7K3Q@203.0.113.5:5060'],
    [
      'sip:7K3Q@sip.example.com;transport=udp',
      'gateway.example.com',
      'sip:7K3Q@sip.example.com;transport=udp',
    ],
  ])('of %s for a page at %s keeps the port', (sipUri, hostname, expected) => {
    expect(reachableSipUri(sipUri, hostname)).toBe(expected);
  });
});

describe('withoutSessionText', () => {
  const [phone, browser] = [{ kind: 'phone' }, { kind: 'browser' }] as const;

  it('says of nobody who is not connected what it hears, nor of a browser that it hears the hold sound', () => {
    expect(withoutSessionText([])).toBe('None of them is connected.');
    expect(withoutSessionText([browser])).toBe('Who is connected hears nobody.');
    expect(withoutSessionText([phone, browser])).toBe(
      'Phones that are connected hear the hold sound, and nobody else.',
    );
  });
});

describe('the quality of a connection', () => {
  const counts = { packetsReceived: 99, packetsLost: 1, jitterMs: 3.2, audio: null };
  const audio = { received: { mos: 4.41 }, sent: { mos: 3.6 }, oneWay: null };

  it('reads as loss, jitter and the scores that are known', () => {
    expect(qualityText(counts)).toBe('1.0 % lost, jitter 3 ms');
    expect(qualityText({ ...counts, audio })).toBe('1.0 % lost, jitter 3 ms, MOS 4.4 in, 3.6 out');
    expect(qualityText({ ...counts, audio: { ...audio, sent: null } })).toMatch(/MOS 4\.4 in$/);
    expect(qualityText({ ...counts, packetsReceived: 0 })).toBe('');
  });

  it('says that audio goes one way only, and nothing where it goes both', () => {
    expect(oneWayText({ ...counts, audio: { ...audio, oneWay: 'not-heard' } })).toBe('Does not hear us');
    expect([{ ...counts, audio }, counts, null].map(oneWayText)).toEqual(['', '', '']);
  });
});
