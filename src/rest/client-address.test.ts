import { describe, expect, it } from 'vitest';
import { clientAddressBehind } from './client-address.js';

const proxies = ['127.0.0.1', '10.0.0.0/8', 'fd00::/8'];

function find(remoteAddress: string | undefined, forwardedFor?: string, trusted = proxies): string {
  const headers = forwardedFor === undefined ? {} : { 'x-forwarded-for': forwardedFor };
  return clientAddressBehind(trusted)({ headers, socket: { remoteAddress } });
}

describe('the address of a client', () => {
  it.each([
    ['is the socket’s where there is no proxy', '192.0.2.1', undefined, '192.0.2.1'],
    ['is the socket’s where a stranger claims another', '192.0.2.1', '10.1.1.1', '192.0.2.1'],
    ['is what a trusted proxy says', '10.0.0.1', '192.0.2.1', '192.0.2.1'],
    ['is found behind several proxies', '127.0.0.1', '192.0.2.1, 10.9.9.9,10.0.0.2', '192.0.2.1'],
    ['is not what the client itself said to the proxy', '10.0.0.1', '198.51.100.7, 192.0.2.1', '192.0.2.1'],
    ['is the proxy’s where it says nothing', '10.0.0.1', undefined, '10.0.0.1'],
    ['is the proxy’s where it says nonsense', '10.0.0.1', '192.0.2.1, unknown', '10.0.0.1'],
    ['is the farthest proxy’s where there are only proxies', '10.0.0.1', '10.0.0.3, 10.0.0.2', '10.0.0.3'],
    ['is IPv4 also on a dual-stack socket', '::ffff:10.0.0.1', '::ffff:192.0.2.1', '192.0.2.1'],
    ['may come with a port', '10.0.0.1', '192.0.2.1:4444', '192.0.2.1'],
    ['may be IPv6 with a port', '10.0.0.1', '[2001:db8::5]:4444', '2001:db8::5'],
    ['may be IPv6', 'fd00::1', '2001:db8::5', '2001:db8::5'],
    ['is none where the socket is gone', undefined, '192.0.2.1', ''],
  ])('%s', (_, socket, forwardedFor, expected) => {
    expect(find(socket, forwardedFor)).toBe(expected);
  });

  it('is the socket’s where no proxy is trusted', () => {
    expect(find('127.0.0.1', '192.0.2.1', [])).toBe('127.0.0.1');
  });
});
