/** Reads a capture file (pcap, link type RAW) back, and checks every length and checksum on the way. */
export interface CapturedPacket {
  /** Microseconds since the epoch. */
  readonly atUs: number;
  readonly protocol: 'udp' | 'tcp';
  /** In hexadecimal digits: four bytes, or sixteen. */
  readonly from: string;
  readonly to: string;
  readonly fromPort: number;
  readonly toPort: number;
  /** Null for UDP, as is what is acknowledged. */
  readonly sequence: number | null;
  readonly acknowledged: number | null;
  readonly payload: string;
}

export function readCapture(file: Buffer): CapturedPacket[] {
  const header = [file.readUInt32LE(0), file.readUInt16LE(4), file.readUInt16LE(6), file.readUInt32LE(20)];
  if (header.join() !== [0xa1b2c3d4, 2, 4, 101].join()) throw new Error(`no capture file: ${header.join()}`);
  const packets: CapturedPacket[] = [];
  for (let at = 24; at < file.length;) {
    const [seconds, micros, length] = [0, 4, 8].map((offset) => file.readUInt32LE(at + offset));
    if (length === undefined || length !== file.readUInt32LE(at + 12)) throw new Error('a packet was cut');
    const packet = file.subarray(at + 16, at + 16 + length);
    if (packet.length !== length) throw new Error('the file ends within a packet');
    packets.push({ atUs: (seconds ?? 0) * 1_000_000 + (micros ?? 0), ...readPacket(packet) });
    at += 16 + length;
  }
  return packets;
}

function readPacket(packet: Buffer): Omit<CapturedPacket, 'atUs'> {
  const isV6 = packet.readUInt8(0) >> 4 === 6;
  const headerLength = isV6 ? 40 : 20;
  if (!isV6 && sumOf(packet.subarray(0, 20)) !== 0xffff) throw new Error('wrong checksum in an IP header');
  const total = isV6 ? 40 + packet.readUInt16BE(4) : packet.readUInt16BE(2);
  if (total !== packet.length) throw new Error('wrong length in an IP header');
  const protocol = packet.readUInt8(isV6 ? 6 : 9) === 17 ? 'udp' : 'tcp';
  const size = isV6 ? 16 : 4;
  const addresses = packet.subarray(headerLength - 2 * size, headerLength);
  const segment = packet.subarray(headerLength);
  const pseudo = Buffer.alloc(8);
  pseudo.writeUInt32BE(segment.length, 0);
  pseudo.writeUInt32BE(protocol === 'udp' ? 17 : 6, 4);
  if (sumOf(Buffer.concat([addresses, pseudo, segment])) !== 0xffff) throw new Error('wrong checksum');
  if (protocol === 'udp' && segment.readUInt16BE(4) !== segment.length) throw new Error('wrong UDP length');
  return {
    protocol,
    from: addresses.subarray(0, size).toString('hex'),
    to: addresses.subarray(size).toString('hex'),
    fromPort: segment.readUInt16BE(0),
    toPort: segment.readUInt16BE(2),
    sequence: protocol === 'tcp' ? segment.readUInt32BE(4) : null,
    acknowledged: protocol === 'tcp' ? segment.readUInt32BE(8) : null,
    payload: segment.subarray(protocol === 'udp' ? 8 : 20).toString('latin1'),
  };
}

/** RFC 1071, before it is turned over: all ones where the checksum within is right. */
function sumOf(bytes: Buffer): number {
  const even = bytes.length % 2 === 0 ? bytes : Buffer.concat([bytes, Buffer.alloc(1)]);
  let sum = 0;
  for (let at = 0; at < even.length; at += 2) sum += even.readUInt16BE(at);
  while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 0x10000);
  return sum;
}
