import { createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../test/support/manual-clock.js';
import { configSchema } from '../config/config-schema.js';
import { iceServersOf } from './ice-servers.js';

const clock = new ManualClock();
const turn = { urls: ['turns:turn.example.com:443?transport=tcp'] };
const account = { username: 'u', password: 'p' };

describe('the STUN and TURN servers that a participant is told of', () => {
  it('have a name that says until when, and a password that the server makes of it, where they share a secret', () => {
    const config = configSchema.parse({
      browser: { iceServers: [{ urls: ['stun:stun.example.com'] }, { ...turn, secret: 'shared' }] },
      sessions: { tokenTtlSeconds: 3600 },
    });
    const [stun, server] = iceServersOf(config, clock)('acme', 'p-1');
    expect(stun).toEqual({ urls: ['stun:stun.example.com'] });
    const username = `${Math.floor(clock.now() / 1000) + 3600}:p-1`;
    const credential = createHmac('sha1', 'shared').update(username).digest('base64');
    expect(server).toEqual({ ...turn, username, credential });
    expect(JSON.stringify(server)).not.toContain('shared');
  });

  it('are an account’s own where it has some, or none', () => {
    const config = configSchema.parse({
      accounts: [
        { account: 'own', ...account, iceServers: [{ ...turn, username: 'a', credential: 'b' }] },
        { account: 'none', ...account, iceServers: [] },
        { account: 'others', ...account },
      ],
      browser: { iceServers: [{ urls: ['stun:stun.example.com'] }] },
    });
    const told = iceServersOf(config, clock);
    expect(told('own', 'p')).toEqual([{ ...turn, username: 'a', credential: 'b' }]);
    expect(told('none', 'p')).toEqual([]);
    for (const id of ['others', 'local'])
      expect(told(id, 'p')).toEqual([{ urls: ['stun:stun.example.com'] }]);
  });
});
