import { X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestAuthority } from '../../../test/support/certificates.js';
import { identityFault, isServer } from './server-identity.js';

let authority: TestAuthority;

beforeAll(async () => {
  authority = await TestAuthority.open();
});

afterAll(() => authority.remove());

/** `commonName` in the subject, `names` in the alternative names. */
async function certificate(names: readonly string[], commonName = 'cn.example'): Promise<X509Certificate> {
  return new X509Certificate((await authority.issue({ names, commonName })).certPem);
}

describe('a SIP server’s certificate (RFC 5922 §7.1) is for', () => {
  it.each([
    ['the domain of a sip URI, in any case', ['sip:Example.com'], 'example.COM'],
    ['a sip URI beside others', ['sip:a.example', 'http://b.example/', 'sip:c.example'], 'c.example'],
    ['a DNS name', ['sbc.example.com'], 'sbc.example.com'],
    ['a name with a dot at its end', ['sbc.example.com'], 'sbc.example.com.'],
    ['a DNS name beside a sip URI', ['sip:example.com', 'sbc.example.com'], 'sbc.example.com'],
    ['one label in the place of a wildcard', ['*.pstnhub.example'], 'sip2.pstnhub.example'],
    ['an address', ['192.0.2.1', '2001:db8::1'], '192.0.2.1'],
    ['an IPv6 address, however it is written', ['2001:db8::1'], '2001:DB8:0::1'],
    ['its common name where it has no alternative names', [], 'cn.example'],
    ['its common name where those are of no server', ['http://b.example/'], 'cn.example'],
  ])('%s', async (_what, names, serverName) => {
    expect(isServer(await certificate(names), serverName)).toBe(true);
  });

  it.each([
    ['the user of a sip URI', ['sip:alice@example.com'], 'example.com'],
    ['a sips URI', ['sips:example.com'], 'example.com'],
    ['a sip URI with a port or parameters', ['sip:example.com:5061', 'sip:example.com;a=b'], 'example.com'],
    ['a host below the domain of a sip URI', ['sip:example.com'], 'sbc.example.com'],
    ['what a wildcard in a sip URI would stand for', ['sip:*.example.com'], 'a.example.com'],
    ['two labels in the place of a wildcard', ['*.example.com'], 'a.b.example.com'],
    ['the domain above a wildcard', ['*.example.com'], 'example.com'],
    ['its common name beside a sip URI', ['sip:example.com'], 'cn.example'],
    ['its common name beside a DNS name', ['sbc.example.com'], 'cn.example'],
    ['its common name beside an address', ['192.0.2.1'], 'cn.example'],
    ['an address that stands there as a name', ['192.0.2.2'], '192.0.2.1'],
    ['a name within a URI of another kind', ['http://a.example/, URI:sip:b.example'], 'b.example'],
  ])('not %s', async (_what, names, serverName) => {
    expect(isServer(await certificate(names), serverName)).toBe(false);
  });

  it('nobody else, and the fault says for whom', async () => {
    const { raw } = await certificate(['sip:example.com']);
    expect(identityFault(raw, 'example.com')).toBeUndefined();
    expect(identityFault(raw, 'example.org')?.message).toBe(
      "the server's certificate is not for example.org, but for URI:sip:example.com",
    );
  });
});
