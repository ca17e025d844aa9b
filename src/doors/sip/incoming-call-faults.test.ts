/** A fault of ours in one call, and what it must not do to the others. */
import { EventEmitter } from 'node:events';
import { expect, it } from 'vitest';
import { DomainFixture } from '../../../test/support/domain-fixture.js';
import { ManualClock } from '../../../test/support/manual-clock.js';
import { Request, Response } from '../../../test/support/sip-call-stage.js';
import { DomainError } from '../../domain/domain-error.js';
import { LimitedLines, strangersLines } from '../../domain/limited-lines.js';
import { type Logger, silentLogger } from '../../domain/logger.js';
import { MediaRefusal } from '../../domain/media-plane.js';
import { Refusal } from '../../domain/refusal.js';
import { IncomingCall, type IncomingCallOptions } from './incoming-call.js';
import { ownServer } from './server-traits.js';
import { StandingDialogs } from './standing-dialogs.js';
import type { Srf, SrfRequest, SrfResponse } from './srf.js';

const refusalLines = new LimitedLines({
  ...{ clock: new ManualClock(), ...strangersLines },
  tellMore: () => undefined,
});

it('writes a hundred lines in ten seconds of calls that are refused, and how many there were more', async () => {
  const lines: string[] = [];
  const write = (_: object, message: string) => void lines.push(message);
  const logger: Logger = { ...silentLogger, info: write, child: () => logger };
  const clock = new ManualClock();
  const limited = new LimitedLines({
    ...{ clock, ...strangersLines },
    tellMore: ({ calls }) => void lines.push(`${String(calls)} more`),
  });
  for (let nth = 0; nth < 130; nth += 1) {
    const request = new Request('INVITE', { 'Call-ID': `c${nth}`, Contact: '<sip:a@192.0.2.1>' }, 'v=0\r\n');
    await new IncomingCall({
      ...{ srf: {} as Srf, request, response: new Response(), clock, logger, traits: ownServer },
      legs: {
        admit: () => Promise.reject(new Refusal('too-many-guesses')),
        identify: () => Promise.reject(new Refusal('too-many-guesses')),
        succeed: () => Promise.reject(new Refusal('participant-gone')),
      },
      dialogs: new StandingDialogs(),
      settings: { tokenHeaders: [], answerTimeoutMs: 10_000, retryAfterSeconds: 5 },
      refusalLines: limited,
      ...{ onRefused: () => undefined, onFarewell: () => undefined, onClosed: () => undefined },
    }).run();
  }
  expect(lines).toEqual(Array.from({ length: 100 }, () => 'call refused'));
  clock.advance(10_000);
  expect(lines.at(-1)).toBe('30 more');
});

it.each([
  [new DomainError('store-unavailable', 'The store cannot be reached'), 503, 'overloaded'],
  [new DomainError('session-full', 'Session is full'), 486, 'session-full'],
  [new MediaRefusal('overloaded', 'no port is free'), 503, 'overloaded'],
])(
  'refuses a call that a limit or an outage keeps out, and calls that no fault: %s',
  async (error, status, code) => {
    const log: [level: string, message: string, fields: object][] = [];
    const write = (level: string) => (fields: object, message: string) =>
      void log.push([level, message, fields]);
    const logger: Logger = {
      ...{ debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') },
      child: () => logger,
    };
    const request = new Request('INVITE', { 'Call-ID': 'c1', Contact: '<sip:caller@192.0.2.1>' }, 'v=0\r\n');
    const response = new Response();
    const refused: string[] = [];
    const call = new IncomingCall({
      ...{ srf: {} as Srf, request, response, clock: new ManualClock(), logger, traits: ownServer },
      legs: {
        admit: () => Promise.reject(error),
        identify: () => Promise.reject(error),
        succeed: () => Promise.reject(error),
      },
      dialogs: new StandingDialogs(),
      settings: { tokenHeaders: [], answerTimeoutMs: 10_000, retryAfterSeconds: 5 },
      refusalLines,
      onRefused: (one) => void refused.push(one.code),
      onFarewell: () => undefined,
      onClosed: () => undefined,
    });
    await call.run();
    expect([response.status, refused]).toEqual([status, [code]]);
    expect(response.sent[0]?.options.headers?.['Retry-After']).toBe(status === 503 ? '5' : undefined);
    expect(log.filter(([level]) => level !== 'debug' && level !== 'info')).toEqual([]);
    expect(log.find(([, message]) => message === 'call refused')?.[2]).not.toHaveProperty('err');
  },
);

it('ends the call whose answer fails half-way, and nothing reaches drachtio-srf, which would hang up on the server', async () => {
  const domain = new DomainFixture();
  const { token } = await domain.participant(await domain.session());
  const headers: Record<string, string> = {
    'Call-ID': 'c1',
    Contact: '<sip:caller@192.0.2.1>',
    'User-to-User': token,
  };
  const request = Object.assign(new EventEmitter(), {
    ...{ method: 'INVITE', uri: 'sip:join@gateway.example', body: 'v=0\r\n', source_address: '192.0.2.1' },
    ...{ source_port: 5060, protocol: 'udp', source: 'network', get: (name: string) => headers[name] },
  }) as unknown as SrfRequest;
  const response = { finalResponseSent: true, send: () => undefined } as unknown as SrfResponse;
  const byes: unknown[] = [];
  const dialog = {
    ...{
      local: { contact: '' },
      sip: { callId: 'c1' },
      destroy: (options: unknown) => Promise.resolve(byes.push(options)),
    },
    once: () => {
      throw new Error('a fault');
    },
  };
  const thrown: unknown[] = [];
  const srf = {
    createUAS: (...parameters: unknown[]) => {
      const callback = parameters.at(-1) as (error: null, made: unknown) => void;
      try {
        callback(null, dialog);
      } catch (error) {
        thrown.push(error);
      }
    },
  } as unknown as Srf;
  const closed: unknown[] = [];
  const options: IncomingCallOptions = {
    ...{ srf, request, response, legs: domain.legs, clock: domain.clock, logger: silentLogger },
    settings: { tokenHeaders: [], answerTimeoutMs: 10_000, retryAfterSeconds: 5 },
    traits: ownServer,
    dialogs: new StandingDialogs(),
    refusalLines,
    onRefused: () => undefined,
    onFarewell: () => undefined,
    onClosed: (call) => void closed.push(call),
  };
  await new IncomingCall(options).run();
  expect(thrown).toEqual([]);
  expect([byes.length, closed.length, domain.legs.size]).toEqual([1, 1, 0]);
});
