import { describe, expect, it } from 'vitest';
import { comparedName } from './x509-names.js';

const der = (tag: number, ...contents: readonly Buffer[]): Buffer => {
  const content = Buffer.concat(contents);
  return Buffer.concat([Buffer.from([tag, content.length]), content]);
};
const commonName = der(0x06, Buffer.from([0x55, 4, 3]));
const name = (tag: number, value: Buffer): Buffer => der(0x31, der(0x30, commonName, der(tag, value)));

describe('Distinguished names are compared', () => {
  const plain = comparedName(name(0x0c, Buffer.from('STI Authority')));

  it.each([
    ['PrintableString', 0x13, Buffer.from('STI Authority')],
    ['another case', 0x0c, Buffer.from('sti AUTHORITY')],
    ['more blanks', 0x13, Buffer.from(' STI   Authority ')],
    ['BMPString', 0x1e, Buffer.from('STI Authority', 'utf16le').swap16()],
  ])('whatever their form: %s (RFC 5280 §7.1)', (_what, tag, value) => {
    expect(comparedName(name(tag, value))).toBe(plain);
  });

  it('by all that stands in them, in its order', () => {
    const other = name(0x0c, Buffer.from('Other'));
    const own = name(0x0c, Buffer.from('STI Authority'));
    expect(comparedName(other)).not.toBe(plain);
    expect(comparedName(Buffer.concat([own, other]))).not.toBe(plain);
    expect(comparedName(Buffer.concat([own, other]))).not.toBe(comparedName(Buffer.concat([other, own])));
    expect(comparedName(Buffer.alloc(0))).toBe('[]');
  });

  it('as they are encoded where they are no text, and not at all where they are no names', () => {
    expect(comparedName(name(0x02, Buffer.from([1])))).not.toBe(comparedName(name(0x02, Buffer.from([2]))));
    expect(() => comparedName(der(0x30, commonName))).toThrow('a bad name');
  });
});
