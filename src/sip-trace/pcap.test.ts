import { describe, expect, it } from 'vitest';
import { readCapture } from '../../test/support/read-capture.js';
import { formatCapture, ipv6Bytes } from './pcap.js';
import type { TracedMessage } from './traced-message.js';

const atUs = Date.UTC(2026, 0, 31, 8) * 1000 + 123_456;

function message(wanted: Partial<TracedMessage> & { readonly text?: string } = {}): TracedMessage {
  const { text = 'OPTIONS sip:a SIP/2.0\r\n\r\n', ...more } = wanted;
  return {
    ...{ direction: 'in', protocol: 'udp', atUs, bytes: Buffer.from(text, 'latin1') },
    local: { address: '198.51.100.1', port: 5060 },
    remote: { address: '192.0.2.5', port: 40_000 },
    ...more,
  };
}

describe('A capture file', () => {
  it('has each message in UDP with both addresses and its time to the microsecond', () => {
    const [there, back] = readCapture(formatCapture([message(), message({ direction: 'out', text: 'odd' })]));
    const ends = { protocol: 'udp', atUs };
    expect(there).toMatchObject({
      ...ends,
      from: 'c0000205',
      to: 'c6336401',
      fromPort: 40_000,
      toPort: 5060,
    });
    expect(back).toMatchObject({ ...ends, from: 'c6336401', to: 'c0000205', fromPort: 5060, payload: 'odd' });
  });

  it('has connections as TCP whose bytes follow one another in both directions, long messages in parts', () => {
    const ask = message({ protocol: 'tcp', text: 'a'.repeat(70_000) });
    const answer = message({ protocol: 'tcp', direction: 'out', text: 'bcd' });
    const packets = readCapture(formatCapture([ask, answer, ask]));
    expect(packets.map(({ sequence, acknowledged }) => [sequence, acknowledged])).toEqual([
      ...[
        [1, 1],
        [65_001, 1],
        [1, 70_001],
        [70_001, 4],
        [135_001, 4],
      ],
    ]);
    expect(packets.map(({ payload }) => payload.length)).toEqual([65_000, 5000, 3, 65_000, 5000]);
  });

  it('has TLS and WebSockets as TCP to port 5060', () => {
    for (const protocol of ['tls', 'ws', 'wss'] as const)
      expect(
        readCapture(formatCapture([message({ protocol, local: { address: '::1', port: 8080 } })])),
      ).toMatchObject([{ protocol: 'tcp', toPort: 5060 }]);
  });

  it('has IPv6, also where only one end is', () => {
    const remote = { address: '2001:db8::1:2', port: 5060 };
    const [packet] = readCapture(formatCapture([message({ remote, local: { address: '::', port: 5060 } })]));
    expect(packet).toMatchObject({ from: '20010db8000000000000000000010002', to: '0'.repeat(32) });
    const [mixed] = readCapture(formatCapture([message({ remote })]));
    expect(mixed?.to).toBe('00000000000000000000ffffc6336401');
  });

  it.each([
    ['::1', '00000000000000000000000000000001'],
    ['::', '00000000000000000000000000000000'],
    ['fe80::1%eth0', 'fe800000000000000000000000000001'],
    ['::ffff:192.0.2.1', '00000000000000000000ffffc0000201'],
    ['1:2:3:4:5:6:7:8', '00010002000300040005000600070008'],
    ['2001:db8::', '20010db8000000000000000000000000'],
    ['nonsense', '00000000000000000000ffff00000000'],
  ])('writes the address %s', (address, hex) => {
    expect(ipv6Bytes(address).toString('hex')).toBe(hex);
  });
});
