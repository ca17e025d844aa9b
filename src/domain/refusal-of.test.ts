import { describe, expect, it } from 'vitest';
import { DomainError } from './domain-error.js';
import { MediaRefusal } from './media-plane.js';
import { Refusal } from './refusal.js';
import { refusalOf } from './refusal-of.js';

describe('what keeps a leg out', () => {
  it.each([
    [new Refusal('token-used', 'by a leg before'), 'token-used', 'by a leg before'],
    [new MediaRefusal('overloaded', 'no port is free'), 'overloaded', 'no port is free'],
    [new MediaRefusal('no-common-codec', 'G.729 alone'), 'no-common-codec', 'G.729 alone'],
    [new DomainError('store-unavailable', 'The store cannot be reached'), 'overloaded', 'store-unavailable'],
    [new DomainError('session-full', 'Session is full'), 'session-full', 'session-full'],
    [new DomainError('session-not-found', 'gone'), 'participant-gone', 'session-not-found'],
    [new DomainError('too-many-attributes', 'too many'), 'overloaded', 'too-many-attributes'],
  ])('is told to its far end: %s', (error, code, detail) => {
    expect(refusalOf(error)).toMatchObject({ name: 'Refusal', code, detail });
  });

  it.each([new TypeError('x is undefined'), new Error('media worker: fault'), 'text', null])(
    'is no refusal where it is a fault: %s',
    (fault) => {
      expect(refusalOf(fault)).toBeNull();
    },
  );
});
