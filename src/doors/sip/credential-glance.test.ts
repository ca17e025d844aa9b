import { describe, expect, it } from 'vitest';
import { credentialGlance } from './credential-glance.js';
import { findCredentials } from './credential.js';

const tokenHeaders = ['X-Landbridge-Token', 'X-PH-Token', 'X-Odd.Name*'];
const mayShow = credentialGlance(tokenHeaders);
const head = (uri: string, ...fields: string[]) =>
  [`INVITE ${uri} SIP/2.0`, 'Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1', ...fields].join('\r\n');
const code = '7K3Q9XWT2MBD';

describe('A glance at an INVITE', () => {
  it.each([
    [`sip:${code}@gw`],
    [`sip:7k3q-9xwt-2mbd@gw`],
    [`sip:7k3q%2D9xwt-2mbd@gw`],
    [`sip:${code};x=y@gw`],
    [`sip:${code}:secret@gw`],
    [`SIPS:${code}@gw`],
    [`tel:${code}`],
    ['sip:join@gw;token=a.b.c'],
    ['sip:join@gw;transport=udp;TOKEN=a.b.c'],
    ['sip:gw;token=a.b.c'],
    ['sip:join@gw', 'user-to-user: a.b.c;encoding=jwt'],
    ['sip:join@gw', 'X-PH-Token : a.b.c'],
    ['sip:join@gw', 'x-odd.name*:a.b.c'],
    ['sip:join@gw', 'Authorization: Digest username="a"'],
  ])('sees what %s %s shows', (uri, ...fields) => {
    expect(mayShow(head(uri, ...fields))).toBe(true);
  });

  it.each([
    ['sip:join@gw'],
    ['sip:+14155550100@gw'],
    ['tel:+14155550100'],
    ['sip:gw'],
    ['sip:join@gw', 'X-Other: a.b.c', 'X-OddaName*: x', 'Subject: User-to-User: x'],
    ['nonsense'],
  ])('sees that %s %s shows nothing', (uri, ...fields) => {
    expect(mayShow(head(uri, ...fields))).toBe(false);
  });

  it('misses nothing that is found on reading', () => {
    const uris = [`sip:${code}@gw`, 'sip:join@gw;token=a.b.c', `sip:${code}%20@gw`, 'sip:join@gw'];
    const values = ['', 'a.b.c', code, 'a.b.c;encoding=jwt'];
    for (const uri of uris)
      for (const name of ['User-to-User', ...tokenHeaders])
        for (const value of values) {
          const { credentials } = findCredentials(
            { uri, get: (one) => (one === name ? value : undefined) },
            tokenHeaders,
          );
          const isSeen = mayShow(head(uri, ...(value === '' ? [] : [`${name}: ${value}`])));
          if (credentials.length > 0) expect([uri, name, value, isSeen]).toEqual([uri, name, value, true]);
        }
  });
});
