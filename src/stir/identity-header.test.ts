import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatIdentity, parseIdentity } from './identity-header.js';

const x5u = 'https://cert.example.org/a,b.pem';

describe('An Identity header', () => {
  it('names the signature, where the certificate is, and which kind it is', () => {
    const text = 'aGVhZA.Y2xhaW1z.c2ln;info=<https://cert.example.org/p.cer>;alg=ES256;ppt=shaken';
    const field = {
      ...{ header: 'aGVhZA', claims: 'Y2xhaW1z', signature: 'c2ln' },
      ...{ info: 'https://cert.example.org/p.cer', alg: 'ES256', ppt: 'shaken' },
    };
    expect(parseIdentity(text, 4)).toEqual([field]);
    const odd = ' aGVhZA.Y2xhaW1z.c2ln ; PPT = "shaken" ;Info=<https://cert.example.org/p.cer>; alg="ES256" ';
    expect(parseIdentity(odd.replace(' = ', '='), 4)).toEqual([field]);
  });

  it('stands beside others, whether in fields of their own or in one', () => {
    const one = formatIdentity('a.b.c', x5u, 'shaken');
    const other = formatIdentity('d.e.f', x5u, 'div');
    expect(parseIdentity(`${one},${other} , rubbish`, 4)).toMatchObject([
      { signature: 'c', info: x5u, ppt: 'shaken' },
      { signature: 'f', info: x5u, ppt: 'div' },
      null,
    ]);
  });

  it('is in its compact form with a signature alone', () => {
    expect(parseIdentity('..c2ln;info=<https://cert.example.org/p.cer>', 4)).toMatchObject([
      { header: '', claims: '', signature: 'c2ln' },
    ]);
    for (const half of ['a..c', '.b.c', 'a.b.', 'a.b', 'a.b.c.d', '...', '']) {
      expect(parseIdentity(`${half};info=<x>`, 4)).toEqual([null]);
    }
  });

  it('is one of so many that are looked at', () => {
    expect(parseIdentity(Array.from({ length: 1000 }, () => 'a.b.c').join(','), 3)).toHaveLength(3);
  });

  it('with a quote or bracket that is never closed spoils itself alone', () => {
    const good = formatIdentity('d.e.f', x5u, 'shaken');
    const field = { signature: 'f', info: x5u, ppt: 'shaken' };
    for (const open of ['a.b.c;ppt="shaken', 'a.b.c;info=<https://h/', 'rubbish "<', 'a.b.c;ppt="\\'])
      for (const blank of ['', ' ', '\t']) {
        const [first, second, third] = parseIdentity([good, open, blank + good].join(','), 4);
        expect([first, third]).toMatchObject([field, field]);
        expect(second?.ppt ?? null).not.toBe('shaken');
        expect(parseIdentity([open, `..f;info=<${x5u}>`].join(','), 4)[1]).toMatchObject({
          header: '',
          signature: 'f',
        });
      }
  });

  it('is read in time that grows with its length, whatever it holds', () => {
    for (const odd of ['"', '<', ';', ',', '\\', '"\\', '.', ' ', '",', '",a.a.', '<, ', '<a,a.a.a '])
      expect(parseIdentity(odd.repeat(200_000), 4).length).toBeLessThanOrEqual(4);
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom('"', '<', '>', ';', ',', '.', '\\', '=', 'a') }),
        (text) => {
          expect(parseIdentity(text, 4).length).toBeLessThanOrEqual(4);
        },
      ),
    );
  });

  it('reads as it was written', () => {
    const url = fc.stringMatching(/^https:\/\/[a-z.]{1,20}\/[a-z,;="]{0,20}$/);
    const word = fc.stringMatching(/^[\w-]{1,40}$/);
    fc.assert(
      fc.property(word, word, word, url, fc.option(word), (header, claims, signature, info, ppt) => {
        const text = formatIdentity(`${header}.${claims}.${signature}`, info, ppt);
        expect(parseIdentity(text, 2)).toEqual([{ header, claims, signature, info, alg: 'ES256', ppt }]);
      }),
    );
  });
});
