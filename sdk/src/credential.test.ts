import { describe, expect, it } from 'vitest';
import { displayNameOf, showCredential } from './credential.js';

describe('showCredential', () => {
  it('shows a token in User-to-User', () => {
    expect(showCredential(' aaa.bb-b.c_c\n')).toEqual({
      user: 'join',
      headers: ['User-to-User: aaa.bb-b.c_c;encoding=jwt'],
    });
  });

  it('shows a join code as the user part, however it is written', () => {
    expect(showCredential('7k3m-9p2q abcd')).toEqual({ user: '7K3M9P2QABCD', headers: [] });
  });

  it.each(['', '   '])('says that %j is no credential', (text) => {
    expect(() => showCredential(text)).toThrow(expect.objectContaining({ code: 'token-missing' }));
  });

  it.each(['a.b', 'a.b.c.d', 'a.b.c\r\nX-Evil: 1', '7K3M9P2QABC', 'a b.c.d'])('never sends %j', (text) => {
    expect(() => showCredential(text)).toThrow(expect.objectContaining({ code: 'token-invalid' }));
  });
});

describe('displayNameOf', () => {
  it('leaves nothing that could end the quoted string or the header', () => {
    expect(displayNameOf('  Ann "A\\" Lee\r\nX-Evil: 1 ')).toBe('Ann  A   Lee  X-Evil: 1');
    expect(displayNameOf('x'.repeat(500))).toHaveLength(128);
  });
});
