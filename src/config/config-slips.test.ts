/** Slips of the pen in a configuration: names that are almost right, values that are left out, files in other encodings. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { useConfigDirectory } from '../../test/support/config-directory.js';

const { directory, load, problemsOf } = useConfigDirectory();

it.each([
  ['http: {prot: 1}', 'http.prot', 'http.port'],
  ['htpp: {port: 1}', 'htpp', 'http'],
  ['httpPort: 1', 'httpPort', 'http.port'],
  ['http.port: 1', 'http.port', 'http.port'],
  ['Account: a', 'Account', 'account'],
  ['LANDBRIDGE_HTTP_PORT: 1', 'LANDBRIDGE_HTTP_PORT', 'http.port'],
  ['sip: {tls_port: 1}', 'sip.tls_port', 'sip.tlsPort'],
])('%s: the setting that was meant is named', (yaml, written, meant) => {
  expect(problemsOf({}, yaml)).toEqual([`${written} is no setting of Landbridge; did you mean ${meant}?`]);
});

it('names the variable that was meant, and none where none is near', () => {
  expect(problemsOf({ LANDBRIDGE_HTTPPORT: '1' })).toEqual([
    'LANDBRIDGE_HTTPPORT is no setting of Landbridge; did you mean LANDBRIDGE_HTTP_PORT?',
  ]);
  expect(problemsOf({ LANDBRIDGE_PASWORD_FILE: 'x' })).toEqual([
    'LANDBRIDGE_PASWORD_FILE is no setting of Landbridge; did you mean LANDBRIDGE_PASSWORD_FILE?',
  ]);
  expect(problemsOf({ LANDBRIDGE_FROBNICATE: '1' }, 'frobnicate: 1\n"": 2')).toEqual([
    'LANDBRIDGE_FROBNICATE is no setting of Landbridge',
    'frobnicate is no setting of Landbridge',
    'the empty name is no setting of Landbridge',
  ]);
});

it.each(['http:', 'http:\n  port:\n', 'publicIp:\n', 'publicIp: null\ntls: ~'])(
  'counts a line without a value, as in the example file, as unset: %j',
  (yaml) => {
    expect(load({}, yaml)).toEqual(load({}, ''));
  },
);

it('in Latin-1 or UTF-16 is refused, and so is such a secret: letters would be lost in silence', () => {
  const file = join(directory(), 'landbridge.yaml');
  for (const octets of [
    Buffer.from('password: pässword', 'latin1'),
    Buffer.from('\ufeffaccount: a', 'utf16le'),
  ]) {
    writeFileSync(file, octets);
    expect(problemsOf({})).toEqual([`${file} cannot be read (it is no UTF-8 text)`]);
  }
  expect(problemsOf({ LANDBRIDGE_PASSWORD_FILE: file }, undefined)).toContain(
    `LANDBRIDGE_PASSWORD_FILE: cannot read ${file} (it is no UTF-8 text)`,
  );
});

it('takes a file, and a secret’s, with a byte order mark', () => {
  const file = join(directory(), 'secret');
  writeFileSync(file, '\ufeffa password\r\n');
  expect(load({ LANDBRIDGE_PASSWORD_FILE: file }, '\ufeffaccount: a\r\n')).toMatchObject({
    account: 'a',
    password: 'a password',
  });
});
