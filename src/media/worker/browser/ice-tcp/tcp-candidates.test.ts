import { expect, it } from 'vitest';
import type { IceCandidate } from '../../../../sdp/attributes.js';
import { tcpCandidates } from './tcp-candidates.js';

const udp = (address: string, foundation: string): IceCandidate => ({
  ...{ foundation, component: 1, transport: 'udp', priority: 2_114_977_791, address, port: 20_001 },
  ...{ type: 'host', extensions: '' },
});

it('names the one port at each address, below UDP and each with a priority of its own (RFC 6544 §4.2)', () => {
  const candidates = tcpCandidates([udp('192.0.2.1', '1'), udp('2001:db8::1', '2')], 443);
  expect(
    candidates.map(({ address, port, transport, extensions }) => [address, port, transport, extensions]),
  ).toEqual([
    ['192.0.2.1', 443, 'tcp', 'tcptype passive'],
    ['2001:db8::1', 443, 'tcp', 'tcptype passive'],
  ]);
  const [first, second] = candidates.map(({ priority }) => priority);
  expect(first).toBeLessThan(2_114_977_791);
  expect(second).toBeLessThan(first ?? 0);
  expect(first).toBeLessThan(2 ** 31);
  expect(new Set(candidates.map(({ foundation }) => foundation)).size).toBe(2);
});
