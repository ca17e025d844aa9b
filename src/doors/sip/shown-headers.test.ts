import { describe, expect, it } from 'vitest';
import { shownHeaders } from './shown-headers.js';

const jwt = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJwMSJ9.c2lnbmF0dXJl';

function shown(fields: Record<string, string>, names: readonly string[], uri = 'sip:+4930123@gw') {
  return shownHeaders({ uri, get: (name) => fields[name] }, names, ['X-Landbridge-Token']);
}

describe('header fields that applications see of a call', () => {
  it('are those that its trunk names, as they came', () => {
    const fields = { 'X-Account': 'a;b="c"', 'X-Other': '1', Diversion: '<sip:+4930@h>, <sip:+4931@h>' };
    expect(shown(fields, ['X-Account', 'Diversion', 'X-Missing'])).toEqual({
      'X-Account': 'a;b="c"',
      Diversion: '<sip:+4930@h>, <sip:+4931@h>',
    });
    expect(shown(fields, [])).toBeNull();
    expect(shown({}, ['X-Account'])).toBeNull();
  });

  it('are never those that let a call in, by whatever name', () => {
    const fields = {
      'X-Landbridge-Token': jwt,
      Authorization: 'Digest username="a"',
      'X-Copy': `token ${jwt};encoding=jwt`,
      'X-Fine': '1',
    };
    expect(shown(fields, ['X-Landbridge-Token', 'Authorization', 'X-Copy', 'X-Fine'])).toEqual({
      'X-Fine': '1',
    });
    const code = { 'User-to-User': 'ABCDEFGHJKMN', 'X-Copy': 'code=abcd-efgh-jkmn' };
    expect(shown(code, ['User-to-User', 'X-Copy'])).toBeNull();
  });

  it('are without those that name people, where the caller asks for privacy', () => {
    const fields = { Privacy: 'id', Diversion: '<sip:+4930@h>', 'X-Account': '7' };
    expect(shown(fields, ['Diversion', 'X-Account'])).toEqual({ 'X-Account': '7' });
  });

  it('are short, and have no line ends', () => {
    const long = 'x'.repeat(1025);
    expect(shown({ 'X-Long': long, 'X-Folded': 'a\r\n b' }, ['X-Long', 'X-Folded'])).toEqual({
      'X-Folded': 'a  b',
    });
    const names = Array.from({ length: 20 }, (_, at) => `X-Field-${String(at)}`);
    const many = Object.fromEntries(names.map((name) => [name, 'x'.repeat(1000)]));
    expect(Object.keys(shown(many, names) ?? {})).toHaveLength(8);
  });
});
