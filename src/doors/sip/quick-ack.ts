/**
 * drachtio-server writes its messages with Nagle's algorithm (RFC 896): a small one waits until the last is acknowledged, and
 * a busy peer's kernel acknowledges 40 ms late. Linux' TCP_QUICKACK has it do so at once; Node has no way to set it, so
 * libc is called. Where that cannot be done messages come up to 40 ms late, and nothing else is lost.
 */
import { createRequire } from 'node:module';
import type { Socket } from 'node:net';

/** setsockopt(2). */
type SetSocketOption = (
  ...parameters: [fd: number, level: number, name: number, value: Int32Array, length: number]
) => number;

/** tcp(7), socket numbers of Linux. */
const ipprotoTcp = 6;
const tcpQuickAck = 12;
const on = new Int32Array([1]);

export interface QuickAck {
  /** What comes over this socket is acknowledged at once from now on. False where that cannot be had. */
  acknowledgeAtOnce(socket: Socket): boolean;
}

/** Finds the C library's setsockopt, once for all sockets. */
export function createQuickAck(): QuickAck {
  const setSocketOption = loadSetSocketOption();
  return {
    acknowledgeAtOnce(socket) {
      if (setSocketOption === null) return false;
      // The kernel forgets it again, so that it must be said anew after each message.
      const say = (): void => {
        const fd = (socket as Socket & { readonly _handle?: { readonly fd?: number } | null })._handle?.fd;
        if (fd !== undefined && fd >= 0) setSocketOption(fd, ipprotoTcp, tcpQuickAck, on, 4);
      };
      say();
      socket.prependListener('data', say);
      return true;
    },
  };
}

function loadSetSocketOption(): SetSocketOption | null {
  if (process.platform !== 'linux') return null;
  try {
    const koffi = createRequire(import.meta.url)('koffi') as {
      load(library: string): { func(prototype: string): SetSocketOption };
    };
    // The process has its C library loaded, whichever that is.
    const libc = koffi.load('');
    return libc.func('int setsockopt(int fd, int level, int name, const int32_t *value, uint32_t length)');
  } catch {
    return null;
  }
}
