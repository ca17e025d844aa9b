import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { GatewayPorts } from './gateway-ports.js';
import { PortAllocator } from './port-allocator.js';

const allocator = new PortAllocator({ from: 20_000, to: 20_999 });
const own = new GatewayPorts({
  addresses: ['192.0.2.1', '2001:db8::1'],
  ranges: [
    { from: 20_000, to: 29_999 },
    { from: 5060, to: 5060 },
  ],
  own: { from: 20_000, to: 20_999 },
  allocator,
});

describe('the addresses of the gateway itself', () => {
  it.each([
    ['192.0.2.1', 29_999],
    ['192.0.2.1', 5060],
    ['192.0.2.1', allocator.take()],
    ['192.0.2.1', allocator.take() + 1],
    ['::ffff:192.0.2.1', 25_000],
    ['2001:db8::1', 25_001],
    ['2001:0db8:0:0::1', 25_001],
  ])('are no destination: %s port %i', async (address, port) => {
    await expect(own.refuse(null, { address, port })).rejects.toMatchObject({ code: 'bad-sdp' });
  });

  it.each([
    ['192.0.2.1', 30_000],
    ['192.0.2.1', 5061],
    ['192.0.2.2', 20_000],
    ['2001:db8::2', 25_000],
  ])('are not those of a phone beside it: %s port %i', async (address, port) => {
    await own.refuse({ address, port }, { address, port: port + 1 });
  });

  it('are not those of a phone on the same machine that the system gave a port of the range, while it has it', async () => {
    const phone = createSocket('udp4').bind(0, '127.0.0.1');
    await once(phone, 'listening');
    const { port } = phone.address();
    const range = { from: port, to: port + 1 };
    const ports = new GatewayPorts({
      addresses: ['127.0.0.1'],
      ranges: [range],
      own: range,
      allocator: new PortAllocator(range),
    });
    await ports.refuse({ address: '127.0.0.1', port }, { address: '127.0.0.1', port: port + 1 });
    phone.close();
    await once(phone, 'close');
    await expect(ports.refuse({ address: '127.0.0.1', port }, null)).rejects.toMatchObject({
      code: 'bad-sdp',
    });
  });
});
