import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseHostPorts, probeAddresses } from './host-ports.js';

const udp = { protocol: 'udp', host: '10.0.0.1', port: 5060 };
const tcp = { protocol: 'tcp', host: '10.0.0.1', port: 5060 };
const ws = { protocol: 'ws', host: '10.0.0.1', port: 5066 };
const outside = { protocol: 'udp', host: '192.0.2.1', port: 5060 };

describe('the addresses of a SIP server', () => {
  it('are read from its greeting, IPv6 too', () => {
    expect(parseHostPorts('ws/10.0.0.1:5066,tcp/10.0.0.1:5060,udp/10.0.0.1:5060')).toEqual([ws, tcp, udp]);
    expect(parseHostPorts('udp/[2001:db8::1]:5060')).toEqual([
      { protocol: 'udp', host: '2001:db8::1', port: 5060 },
    ]);
  });

  it('are none where there are none', () => {
    for (const text of [undefined, null, '', 'udp', 'udp/x', 'udp/x:0', 'udp/x:99999', 'x'.repeat(5000)])
      expect(parseHostPorts(text)).toEqual([]);
    fc.assert(fc.property(fc.string(), (text) => void parseHostPorts(text)));
  });

  it('are probed over UDP before TCP, its own address before that outside, each once', () => {
    expect(probeAddresses([tcp, udp], [ws, outside, tcp])).toEqual([udp, outside, tcp]);
  });
});
