/** Looks whether ports for phone audio are to be had at all, before a gateway stands that could take no call. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { isIPv6 } from 'node:net';

/** Whether one pair of the range, from an even port on, is nobody's. Looks no further than the first that is. */
export async function hasFreeRtpPorts(
  { from, to }: { readonly from: number; readonly to: number },
  address: string,
): Promise<boolean> {
  for (let port = from + (from % 2); port < to; port += 2) {
    if ((await isFree(port, address)) && (await isFree(port + 1, address))) return true;
  }
  return false;
}

async function isFree(port: number, address: string): Promise<boolean> {
  const socket = createSocket({ type: isIPv6(address) ? 'udp6' : 'udp4' });
  try {
    socket.bind({ port, address, exclusive: true });
    await once(socket, 'listening');
    return true;
  } catch (error) {
    // Whatever else is wrong with the address is for whoever uses it to say.
    return error instanceof Error && 'code' in error && error.code !== 'EADDRINUSE';
  } finally {
    socket.close();
  }
}
