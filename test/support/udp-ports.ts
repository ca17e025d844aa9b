/** Which UDP ports processes have open, as the kernel sees it. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';

/** Others' do not count: the system gives any program ports of the same span. */
export function openUdpPorts(pids: readonly number[]): number[] {
  const inodes = new Set(pids.flatMap(socketInodes));
  return readFileSync('/proc/net/udp', 'utf8')
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
    .filter(([, , , , , , , , , inode = '']) => inodes.has(inode))
    .map(([, address = '']) => parseInt(address.split(':')[1] ?? '0', 16));
}

function socketInodes(pid: number): string[] {
  const directory = `/proc/${pid}/fd`;
  return readdirSync(directory).flatMap((descriptor) => {
    try {
      return /^socket:\[(\d+)\]$/.exec(readlinkSync(join(directory, descriptor)))?.[1] ?? [];
    } catch {
      // Closed in the meantime.
      return [];
    }
  });
}
