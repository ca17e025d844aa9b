/** Finds a UDP port that can be bound: the WebRTC library ends the process where it cannot. */
import { randomInt } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { isIPv4 } from 'node:net';
import { WorkerRefusal } from '../worker-refusal.js';

export interface PortRange {
  readonly from: number;
  /** Inclusive. */
  readonly to: number;
}

/** Ports tried before the range counts as full. */
const maxTries = 500;

/** Ports of this process that are being tried or handed over: another's trial would be in the way of the binding. */
const inHand = new Set<number>();

/** Resolves with the port once it was bound and closed again, or with the code of the error. */
function probe(address: string, port: number): Promise<number | string> {
  return new Promise((resolve) => {
    const socket = createSocket(isIPv4(address) ? 'udp4' : 'udp6');
    socket.once('error', (error: NodeJS.ErrnoException) => {
      socket.close();
      resolve(error.code ?? 'unknown');
    });
    socket.bind({ address, port, exclusive: true }, () => {
      const bound = socket.address().port;
      socket.close();
      resolve(bound);
    });
  });
}

/**
 * Calls `use` with a UDP port that was free an instant ago. libdatachannel aborts the process when it finds no port to
 * bind, no file descriptor, or an address that is not this host's; so all that is tried here first. Throws WorkerRefusal
 * `overloaded`. Without a range the system chooses.
 */
export async function withFreeUdpPort<T>(
  bindAddress: string | undefined,
  range: PortRange | undefined,
  use: (port: number) => T | Promise<T>,
): Promise<T> {
  const size = range === undefined ? 1 : range.to - range.from + 1;
  const start = range === undefined ? 0 : randomInt(0, size);
  let lastError = '';
  for (let n = 0; n < Math.min(size, maxTries); n++) {
    const wanted = range === undefined ? 0 : range.from + ((start + n) % size);
    if (wanted !== 0 && inHand.has(wanted)) continue;
    inHand.add(wanted);
    try {
      let result = await probe(bindAddress ?? '::', wanted);
      // All addresses of a host without IPv6 are those of IPv4.
      if (result === 'EAFNOSUPPORT' && bindAddress === undefined) result = await probe('0.0.0.0', wanted);
      if (typeof result === 'number') return await use(result);
      lastError = result;
    } finally {
      inHand.delete(wanted);
    }
  }
  throw new WorkerRefusal('overloaded', `no UDP port is free: ${lastError}`);
}
