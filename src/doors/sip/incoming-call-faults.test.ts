/** A fault of ours in one call, and what it must not do to the others. */
import { EventEmitter } from 'node:events';
import { expect, it } from 'vitest';
import { DomainFixture } from '../../../test/support/domain-fixture.js';
import { silentLogger } from '../../domain/logger.js';
import { IncomingCall, type IncomingCallOptions } from './incoming-call.js';
import { ownServer } from './server-traits.js';
import type { Srf, SrfRequest, SrfResponse } from './srf.js';

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
    ...{ local: { contact: '' }, destroy: (options: unknown) => Promise.resolve(byes.push(options)) },
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
    onRefused: () => undefined,
    onFarewell: () => undefined,
    onClosed: (call) => void closed.push(call),
  };
  await new IncomingCall(options).run();
  expect(thrown).toEqual([]);
  expect([byes.length, closed.length, domain.legs.size]).toEqual([1, 1, 0]);
});
