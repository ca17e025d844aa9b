import { expect, it } from 'vitest';
import { nearest } from './nearest.js';

const names = ['http.port', 'http.host', 'sip.port', 'LANDBRIDGE_HTTP_PORT', 'serve', 'doctor', 'call'];

it.each([
  ['http.prot', 'http.port'],
  ['http_port', 'http.port'],
  ['httpPort', 'http.port'],
  ['HTTP.HOST', 'http.host'],
  ['LANDBRIDGE_HTTPPORT', 'LANDBRIDGE_HTTP_PORT'],
  ['LANDBRIGE_HTTP_PORT', 'LANDBRIDGE_HTTP_PORT'],
  ['sevre', 'serve'],
  ['docotr', 'doctor'],
  ['cal', 'call'],
  ['dance', null],
  ['x', null],
  ['', null],
  ['—', null],
])('%j is near %j', (written, meant) => {
  expect(nearest(written, names)).toBe(meant);
});
