/** What comes to a phone's ports and no phone sends: none of it may end anything but, at most, the leg that it is for. */
import dgram, { type Socket } from 'node:dgram';
import { syncBuiltinESMExports } from 'node:module';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { usePhoneLegs } from '../../support/phone-legs.js';
import { takeRtpPorts } from '../../support/rtp-ports.js';

const { called, clock } = usePhoneLegs(await takeRtpPorts(400));

/** Those that the legs opened; the phones' of the test among them. */
let sockets: Socket[];

beforeEach(() => {
  sockets = [];
  const createSocket = dgram.createSocket;
  // What the system would hand over: no unprivileged test can send from port 0.
  vi.spyOn(dgram, 'createSocket').mockImplementation((...options: Parameters<typeof createSocket>) => {
    const socket = createSocket(...options);
    sockets.push(socket);
    return socket;
  });
  syncBuiltinESMExports();
});

afterEach(() => {
  vi.restoreAllMocks();
  syncBuiltinESMExports();
});

/** PCMU, sequence number 1. */
const rtp = Buffer.concat([Buffer.from('800000010000000000000001', 'hex'), Buffer.alloc(160, 0xff)]);
/** An empty receiver report (RFC 3550 §6.4.2). */
const rtcp = Buffer.from('80c9000100000001', 'hex');

function deliver(
  port: number,
  bytes: Buffer,
  from: { readonly address: string; readonly port: number },
): void {
  const socket = sockets.find((one) => isBoundTo(one, port));
  expect(socket).toBeDefined();
  socket?.emit('message', bytes, { ...from, family: 'IPv4', size: bytes.length });
}

function isBoundTo(socket: Socket, port: number): boolean {
  try {
    return socket.address().port === port;
  } catch {
    return false;
  }
}

it('a datagram from port 0 is a stranger’s, before and after the phone is heard: it is never answered', async () => {
  const faults: unknown[] = [];
  const a = await called({ rtcpIntervalMs: 200 }, 'PCMU', { onFault: (error) => faults.push(error) });
  deliver(a.port, rtp, { address: '127.0.0.1', port: 0 });
  deliver(a.port + 1, rtcp, { address: '127.0.0.1', port: 0 });
  expect(a.facts).not.toContain('connected');
  a.phone.talk(a.port, 440);
  await a.phone.listen(10);
  deliver(a.port, rtp, { address: '127.0.0.1', port: 0 });
  deliver(a.port + 1, rtcp, { address: '127.0.0.1', port: 0 });
  await a.phone.listen(70);
  expect(faults).toEqual([]);
  expect(a.leg.statistics().packetsFromStrangers).toBe(4);
});

it('a leg that fails is told of, and the others go on', async () => {
  const faults: unknown[] = [];
  const [a, b] = [await called({}, 'PCMU', { onFault: (error) => faults.push(error) }), await called()];
  await Promise.all([a.phone.listen(3), b.phone.listen(3)]);
  // Such as a destination that the system refuses.
  const own = sockets.find((one) => isBoundTo(one, a.port));
  vi.spyOn(own!, 'send').mockImplementation(() => {
    throw new Error('a defect');
  });
  await b.phone.listen(10);
  expect(faults.length).toBeGreaterThan(0);
  expect(clock().statistics().ticks).toBeGreaterThan(0);
});
