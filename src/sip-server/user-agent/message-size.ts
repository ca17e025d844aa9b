/** Which requests are too long for a datagram. */
import type { Flow } from '../transport/flow.js';

/** Above this a request without a stated transport goes over TCP (RFC 3261 §18.1.1). */
export const largestDatagramBytes = 1_300;

/** Whether the request goes by a connection where there is one. */
export function isForStream({ protocol }: Flow, bytes: Buffer): boolean {
  return protocol === 'udp' && bytes.length > largestDatagramBytes;
}
