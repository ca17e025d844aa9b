/** A UDP port that was free an instant ago, for what wants to be told a number. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';

export async function freeUdpPort(address = '127.0.0.1'): Promise<number> {
  const socket = createSocket('udp4').bind(0, address);
  await once(socket, 'listening');
  const { port } = socket.address();
  await new Promise<void>((resolve) => socket.close(resolve));
  return port;
}
