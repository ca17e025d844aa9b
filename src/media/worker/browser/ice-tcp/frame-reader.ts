/** Packets out of a TCP connection: each stands behind its length in two octets (RFC 4571). Pure. */

/** Longer packets are no browser's: what was UDP fits an Ethernet frame. */
export const maxFrameLength = 1500;
const headLength = 2;

export class FrameReader {
  /** The beginning of a frame whose end has not come. */
  #rest: Buffer = Buffer.alloc(0);

  /** Hands over each packet that is whole now; empty ones are left out. False for one that is too long: nothing after it can be read. */
  read(chunk: Buffer, onPacket: (packet: Buffer) => void): boolean {
    const data = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    let offset = 0;
    while (data.length - offset >= headLength) {
      const length = data.readUInt16BE(offset);
      if (length > maxFrameLength) return false;
      const begin = offset + headLength;
      if (data.length - begin < length) break;
      offset = begin + length;
      if (length > 0) onPacket(data.subarray(begin, offset));
    }
    // A copy, so that a few octets do not keep the whole chunk.
    this.#rest = Buffer.from(data.subarray(offset));
    return true;
  }
}

export function formatFrame(packet: Buffer): Buffer {
  const frame = Buffer.allocUnsafe(headLength + packet.length);
  frame.writeUInt16BE(packet.length, 0);
  packet.copy(frame, headLength);
  return frame;
}
