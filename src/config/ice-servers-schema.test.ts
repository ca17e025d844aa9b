import { describe, expect, it } from 'vitest';
import { useConfigDirectory } from '../../test/support/config-directory.js';

const { problemsOf } = useConfigDirectory();
const problems = (server: object): readonly string[] =>
  problemsOf({}, JSON.stringify({ browser: { iceServers: [server] } }));

describe('STUN and TURN servers in the configuration', () => {
  it.each([
    { urls: ['stun:stun.example.com'] },
    { urls: ['stun:192.0.2.1:3478', 'stuns:[2001:db8::1]:5349'] },
    { urls: ['turn:turn.example.com:3478?transport=udp'], username: 'a', credential: 'b' },
    { urls: ['turns:turn.example.com:443?transport=tcp'], secret: 'shared' },
  ])('are taken: %j', (server) => {
    expect(problems(server)).toEqual([]);
  });

  it.each([
    [{ urls: [] }, 'urls'],
    [{ urls: ['stun.example.com:3478'] }, 'must be a STUN or TURN URI'],
    [{ urls: ['https://turn.example.com'] }, 'must be a STUN or TURN URI'],
    [{ urls: ['stun:a b'] }, 'must be a STUN or TURN URI'],
    [{ urls: ['turn:turn.example.com'] }, 'must have username and credential, or a secret, for TURN'],
    [{ urls: ['turn:turn.example.com'], username: 'a' }, 'must have username and credential, or neither'],
    [
      { urls: ['turn:turn.example.com'], username: 'a', credential: 'b', secret: 'c' },
      'must have username and credential, or a secret that they are made with',
    ],
  ])('are refused: %j', (server, why) => {
    expect(problems(server).join('\n')).toContain(why);
  });
});
