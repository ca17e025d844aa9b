import { expect, it } from 'vitest';
import { configSchema } from '../config/config-schema.js';
import { sipAddress, type ListenedSip } from './sip-address.js';

const nowhere = { udp: undefined, tcp: undefined, tls: undefined };

function told(settings: object, listened: Partial<ListenedSip['server']> = {}, host = '127.0.0.1'): string {
  const server = { tlsAddress: { address: host, port: 5061 }, otherAddresses: [], ...listened };
  const sip = { server, address: () => ({ host, port: 5060 }) };
  return sipAddress(configSchema.parse(settings), sip).sipUri;
}

const tls = { cert: 'a.crt', key: 'a.key' };

it.each([
  [{}, '127.0.0.1', 'sip:join@127.0.0.1:5060'],
  [{ sip: { host: '0.0.0.0' } }, '0.0.0.0', 'sip:join@127.0.0.1:5060'],
  [{ sip: { host: '::' } }, '::', 'sip:join@[::1]:5060'],
  [{ sip: { host: '2001:db8::1' } }, '2001:db8::1', 'sip:join@[2001:db8::1]:5060'],
  [{ publicIp: '203.0.113.5' }, '0.0.0.0', 'sip:join@203.0.113.5:5060'],
  [{ publicIp: '2001:db8::5' }, '::', 'sip:join@[2001:db8::5]:5060'],
  [{ transfers: { sipAddress: 'gw.example:5070' } }, '0.0.0.0', 'sip:join@gw.example:5070'],
  [{ tls, transfers: { sipTransport: 'tls' } }, '127.0.0.1', 'sip:join@127.0.0.1:5061;transport=tls'],
])('%j at %s sends calls to %s', (settings, host, uri) => {
  expect(told(settings, {}, host)).toBe(uri);
});

it.each([
  ['a public one', { host: '198.51.100.7' }, 'sip:join@198.51.100.7:5060'],
  ['one that others know by a name', { host: '10.1.2.4', name: 'sbc.example' }, 'sip:join@sbc.example:5060'],
  ['one behind a NAT of its own', { host: '10.1.2.4', address: '203.0.113.5' }, 'sip:join@203.0.113.5:5060'],
])('beside an address inside calls are sent to %s', (_what, place, uri) => {
  const sip = {
    host: '10.1.2.3',
    listen: [
      { host: '10.1.2.9', port: 5062 },
      { port: 5060, ...place },
    ],
  };
  expect(told({ sip }, {}, '10.1.2.3')).toBe(uri);
});

it('calls are sent to where their transport is spoken, and to the port that the system chose there', () => {
  const listen = [
    { host: '198.51.100.7', transports: ['udp'] },
    { host: '203.0.113.9', transports: ['tls'], tlsPort: 0 },
  ];
  const otherAddresses = [nowhere, { ...nowhere, tls: { address: '203.0.113.9', port: 40_001 } }];
  const settings = { tls, sip: { host: '10.1.2.3', listen }, transfers: { sipTransport: 'tls' } };
  expect(told(settings, { otherAddresses })).toBe('sip:join@203.0.113.9:40001;transport=tls');
});
