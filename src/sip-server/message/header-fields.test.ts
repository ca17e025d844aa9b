import { describe, expect, it } from 'vitest';
import { HeaderFields } from './header-fields.js';

const sample = () =>
  new HeaderFields([
    ['v', 'one'],
    ['X-Own', 'x'],
    ['VIA', 'two'],
    ['i', 'call'],
  ]);

describe('HeaderFields', () => {
  it('knows names in any case and in compact form, and writes the long name', () => {
    expect([...sample()].map(({ name }) => name)).toEqual(['Via', 'X-Own', 'Via', 'Call-ID']);
    expect(sample().get('call-id')).toBe('call');
    expect(sample().all('V')).toEqual(['one', 'two']);
    expect(sample().has('x-own')).toBe(true);
    expect(sample().get('Subject')).toBeUndefined();
  });

  it('replaces all by one at the place of the first', () => {
    expect([...sample().set('Via', 'new')].map(({ value }) => value)).toEqual(['new', 'x', 'call']);
    expect([...sample().set('Subject', 's')].at(-1)).toEqual(
      expect.objectContaining({ name: 'Subject', value: 's' }),
    );
  });

  it('prepends before the first of the name, or at the top', () => {
    expect(sample().prepend('Via', 'zero').all('Via')).toEqual(['zero', 'one', 'two']);
    expect([...sample().prepend('Record-Route', 'rr')][0]).toMatchObject({ name: 'Record-Route' });
  });

  it('changes the first only, or removes all', () => {
    expect(sample().replaceFirst('v', '1').all('v')).toEqual(['1', 'two']);
    expect(sample().remove('Via').size).toBe(2);
  });

  it('lets no value begin another header field', () => {
    expect(new HeaderFields().set('Subject', 'a\r\nContact: <sip:evil@x>\0').get('Subject')).toBe(
      'a Contact: <sip:evil@x>',
    );
    expect(new HeaderFields().set('A\r\nB', 'x').get('a b')).toBeUndefined();
  });
});

describe('what several layers want of one field', () => {
  it('is read once, and anew once the field is another', () => {
    let readings = 0;
    const read = (value: string): string => {
      readings += 1;
      return value.toUpperCase();
    };
    const headers = new HeaderFields([
      ['From', 'a'],
      ['f', 'b'],
    ]);
    expect([headers.read('from', read), headers.read('From', read)]).toEqual(['A', 'A']);
    expect(readings).toBe(1);
    headers.set('From', 'c');
    expect(headers.read('From', read)).toBe('C');
    expect(headers.read('To', read)).toBeNull();
  });

  it('tells which names several fields have, in whatever form they came', () => {
    const headers = new HeaderFields([
      ['To', 'a'],
      ['t', 'a'],
      ['TO', 'b'],
      ['Via', 'x'],
      ['v', 'y'],
    ]);
    expect(headers.repeated(new Set(['To', 'From']))).toEqual(['To']);
  });
});
