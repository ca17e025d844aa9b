import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import type { MediaAddress } from '../../../sdp/media-address.js';
import { GatewayPorts, type GatewayPortsOptions } from './gateway-ports.js';

const asked: MediaAddress[] = [];
const options: GatewayPortsOptions = {
  addresses: ['192.0.2.1', '2001:db8::1', '127.0.0.1/8'],
  broadcasts: ['192.0.2.255'],
  media: { from: 20_000, to: 29_999 },
  own: { from: 20_000, to: 20_999 },
  others: [{ from: 5060, to: 5060 }],
  holds: (port) => port === 20_500,
  askOwner: (destination) => {
    asked.push(destination);
    return Promise.resolve(destination.port !== 25_678);
  },
};
const own = new GatewayPorts(options);
const refusal = { code: 'bad-sdp' };

describe('the addresses of the gateway itself', () => {
  it.each([
    ['of another worker', '192.0.2.1', 29_999],
    ['of another worker, in IPv6', '2001:0db8:0:0::1', 25_001],
    ['of another worker, IPv4 written as IPv6', '::ffff:192.0.2.1', 25_000],
    ['that a leg of this worker has', '192.0.2.1', 20_500],
    ['that nobody has', '192.0.2.1', 20_502],
    ['of SIP', '192.0.2.1', 5060],
    ['of another address of the loopback interface', '127.8.9.10', 25_000],
    ['of that, written as IPv6 in hexadecimal', '::ffff:7f08:90a', 25_000],
    ['whichever of all hosts of a network', '192.0.2.255', 4000],
    ['whichever of them, written as IPv6', '::ffff:192.0.2.255', 4000],
  ])('are no destination: a port %s', async (_what, address, port) => {
    await expect(own.refuse(null, { address, port })).rejects.toMatchObject(refusal);
    await expect(own.refuse({ address, port }, null)).rejects.toMatchObject(refusal);
  });

  it.each([
    ['beside the range', '192.0.2.1', 30_000],
    ['beside SIP', '192.0.2.1', 5061],
    ['of the range at another address', '192.0.2.2', 20_000],
    ['of the range at another address of IPv6', '2001:db8::2', 25_000],
  ])('are not those of a phone at a port %s', async (_what, address, port) => {
    asked.length = 0;
    await own.refuse({ address, port }, { address, port: port + 1 });
    expect(asked).toEqual([]);
  });

  it('are not those of a phone at a port that another worker says is not its', async () => {
    asked.length = 0;
    const rtp = { address: '192.0.2.1', port: 25_678 };
    // Its port for RTCP is the next one: nobody asks for that.
    await own.refuse(rtp, { ...rtp, port: 25_679 });
    expect(asked).toEqual([rtp]);
    await expect(own.refuse(rtp, { ...rtp, port: 25_680 })).rejects.toMatchObject(refusal);
  });

  it('are not those of a phone on the same machine that the system gave a port of the range, while it has it', async () => {
    const phone = createSocket('udp4').bind(0, '127.0.0.1');
    await once(phone, 'listening');
    const { port } = phone.address();
    const range = { from: port, to: port + 1 };
    const ports = new GatewayPorts({ ...options, addresses: ['127.0.0.1'], media: range, own: range });
    const at = { address: '127.0.0.1', port };
    await ports.refuse(at, { ...at, port: port + 1 });
    expect(await ports.owns(at)).toBe(false);
    phone.close();
    await once(phone, 'close');
    await expect(ports.refuse(at, null)).rejects.toMatchObject(refusal);
    expect(await ports.owns(at)).toBe(true);
  });
});
