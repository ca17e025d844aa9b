/** The pair of sockets of a phone’s leg: RTP and RTCP. */
import { createSocket, type Socket, type SocketOptions } from 'node:dgram';
import { isIPv6 } from 'node:net';
import type { PortAllocator } from './port-allocator.js';
import { WorkerRefusal } from '../worker-refusal.js';

/** Ports that strangers hold are tried past, but not through a whole range. */
const maxAttempts = 32;

/** An RTP socket on an even port and its RTCP socket on the odd port above, out of an allocator's range. */
export interface RtpSockets {
  readonly port: number;
  readonly rtp: Socket;
  readonly rtcp: Socket;
  /** Closes both at once and lets the ports rest. Idempotent. */
  close(): void;
}

/**
 * Opens a pair of sockets on `bindAddress`. Ports that another program holds are passed over and rest as if released.
 * Throws WorkerRefusal `overloaded` when no pair can be had.
 */
export async function openRtpSockets(ports: PortAllocator, bindAddress: string): Promise<RtpSockets> {
  for (let attempt = 0; attempt < maxAttempts; attempt++) {
    const port = ports.take();
    const rtp = await bind(port, bindAddress);
    const rtcp = rtp === null ? null : await bind(port + 1, bindAddress);
    if (rtp === null || rtcp === null) {
      rtp?.close();
      ports.release(port);
      continue;
    }
    let open = true;
    const close = (): void => {
      if (!open) return;
      open = false;
      for (const socket of [rtp, rtcp]) {
        socket.removeAllListeners('message');
        socket.close();
      }
      ports.release(port);
    };
    return { port, rtp, rtcp, close };
  }
  throw new WorkerRefusal('overloaded', `${maxAttempts} RTP ports in a row could not be bound`);
}

/** Whether nobody has this port here. True too for an address that is not of this machine: nobody here has it. */
export async function isPortFree(port: number, address: string): Promise<boolean> {
  const socket = createSocket(isIPv6(address) ? 'udp6' : 'udp4');
  return new Promise((resolve) => {
    socket.once('error', (error: NodeJS.ErrnoException) => {
      socket.close();
      resolve(error.code !== 'EADDRINUSE');
    });
    socket.bind({ port, address, exclusive: true }, () => socket.close(() => resolve(true)));
  });
}

function bind(port: number, address: string): Promise<Socket | null> {
  const family = isIPv6(address) ? 6 : 4;
  // Only literal addresses are ever sent to. Answering at once keeps name resolution out of the packet path, and means
  // that a send buffer may be reused as soon as `send` returns.
  const lookup: SocketOptions['lookup'] = (host, _options, callback) => callback(null, host, family);
  const socket = createSocket({ type: family === 6 ? 'udp6' : 'udp4', lookup });
  return new Promise((resolve) => {
    const onFailure = (): void => {
      socket.close();
      resolve(null);
    };
    socket.once('error', onFailure);
    socket.bind({ port, address, exclusive: true }, () => {
      socket.removeListener('error', onFailure);
      // An unreachable destination is no fault of ours: RTP that cannot be sent is RTP that is lost.
      socket.on('error', () => {});
      resolve(socket);
    });
  });
}
