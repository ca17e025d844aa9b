import { expect, it } from 'vitest';
import { readHep } from '../../test/support/read-hep.js';
import { formatHep } from './hep.js';
import type { TracedMessage } from './traced-message.js';

const message: TracedMessage = {
  ...{ direction: 'out', protocol: 'udp', atUs: 1_769_846_400_123_456, bytes: Buffer.from('OPTIONS') },
  local: { address: '198.51.100.1', port: 5060 },
  remote: { address: '192.0.2.5', port: 40_000 },
};

it('writes a message with its ends, its time, its Call-ID and who sends it', () => {
  const datagram = formatHep(message, 'c1', { captureId: 2001, password: 'pass' });
  expect(readHep(datagram!)).toEqual({
    ...{ family: 2, protocol: 17, from: 'c6336401', to: 'c0000205', fromPort: 5060, toPort: 40_000 },
    ...{ seconds: 1_769_846_400, microseconds: 123_456, kind: 1, captureId: 2001, password: 'pass' },
    ...{ correlationId: 'c1', payload: 'OPTIONS' },
  });
});

it('writes IPv6 and connections', () => {
  const ends = { remote: { address: '::1', port: 1 }, protocol: 'tls', direction: 'in' } as const;
  const datagram = formatHep({ ...message, ...ends }, '', { captureId: 1, password: null });
  expect(readHep(datagram!)).toMatchObject({
    family: 10,
    protocol: 6,
    from: `${'0'.repeat(31)}1`,
    password: null,
  });
});

it('writes nothing that is longer than a datagram', () => {
  const long = { ...message, bytes: Buffer.alloc(65_500) };
  expect(formatHep(long, '', { captureId: 1, password: null })).toBeNull();
});
