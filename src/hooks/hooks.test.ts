import Fastify, { type FastifyInstance } from 'fastify';
import { setImmediate } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../../test/support/manual-clock.js';
import { GuessLimiter } from '../domain/legs/guess-limiter.js';
import { silentLogger } from '../domain/logger.js';
import type { PhoneNumber } from '../domain/numbers/phone-number.js';
import { createHooks, type HooksOptions } from './hooks.js';

const id = '0b6a4a6e-3f2e-4d0e-9a53-0d1f2c3b4a59';
const nobody = '0b6a4a6e-3f2e-4d0e-9a53-0d1f2c3b4a50';
const credentials = { username: 'user', password: 'right' };

describe('a hook', () => {
  let clock: ManualClock;
  let server: FastifyInstance;
  /** Resolves look-ups, of which each waits for it. */
  let found: () => void;

  beforeEach(async () => {
    clock = new ManualClock();
    server = Fastify();
    const isFound = new Promise<void>((resolve) => (found = resolve));
    const calls = {
      findHook: async (platform: string, name: string) => {
        await isFound;
        return name === id
          ? ({ id, platform, credentials, route: { kind: 'session' } } as unknown as PhoneNumber)
          : null;
      },
      decide: () => Promise.resolve({ kind: 'refuse', reason: 'refused' }),
    };
    await server.register(
      createHooks({
        calls: calls as unknown as HooksOptions['calls'],
        orders: { send: () => undefined } as unknown as HooksOptions['orders'],
        address: () => ({ sipUri: 'sip:gw.example' }) as ReturnType<HooksOptions['address']>,
        publicUrl: null,
        clock,
        guesses: new GuessLimiter({ maxFailuresPerMinute: 100, maxSources: 10 }, clock),
        logger: silentLogger,
        error: (code) => Object.assign(new Error(code), { statusCode: 403 }),
      }),
    );
  });
  afterEach(() => server.close());

  /** The status, once it is there. */
  function ask(name: string, user: string, password: string): { readonly status: () => number | null } {
    const authorization = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
    const payload = { eventType: 'initiate', callId: 'c-1', from: '+15551112222', to: '+15553334444' };
    let status: number | null = null;
    void server
      .inject({ method: 'POST', url: `/hooks/bandwidth/${name}`, headers: { authorization }, payload })
      .then((response) => (status = response.statusCode));
    return { status: () => status };
  }

  async function settle(): Promise<void> {
    for (let turn = 0; turn < 20; turn += 1) await setImmediate();
  }

  it.each([
    ['is not there', nobody, 'user', 'right'],
    ['is shown a wrong password', id, 'user', 'wrong'],
    ['is shown a wrong user', id, 'nobody', 'right'],
  ])('that %s refuses at the same moment as any other, however soon that was known', async (_, ...shown) => {
    const answer = ask(...shown);
    await settle();
    found();
    await settle();
    expect(answer.status()).toBeNull();
    clock.advance(19);
    await settle();
    expect(answer.status()).toBeNull();
    clock.advance(1);
    await settle();
    expect(answer.status()).toBe(403);
  });

  it('that is shown what is right answers at once', async () => {
    const answer = ask(id, 'user', 'right');
    found();
    await settle();
    expect(answer.status()).toBe(200);
    expect(clock.pending).toBe(0);
  });
});
