import { expect, it } from 'vitest';
import { isWithheld } from './withheld-number.js';

it.each([
  ...[
    null,
    '',
    ' ',
    'anonymous',
    'Anonymous',
    '+anonymous',
    'sip:anonymous@192.0.2.1',
    'Restricted',
    'UNKNOWN',
  ],
  // ANONYMOUS, RESTRICTED, BLOCKED, UNKNOWN and UNAVAILABLE on a keypad.
  ...['+266696687', '266696687', '+7378742833', '+2562533', '+8656696', '+86282452253'],
])('%j is nobody’s number', (from) => {
  expect(isWithheld(from)).toBe(true);
});

it.each([
  ...['+15550001', '0142', 'client:alice', 'sip:alice@192.0.2.1', 'sip:unknown1@carrier.example'],
  ...['privateer', '+12666966870', 'anonymous2'],
])('%s is somebody', (from) => {
  expect(isWithheld(from)).toBe(false);
});
