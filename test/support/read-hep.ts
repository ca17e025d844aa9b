/** Reads a HEP version 3 datagram back. */
export interface HepMessage {
  readonly family: number;
  readonly protocol: number;
  /** In hexadecimal digits. */
  readonly from: string;
  readonly to: string;
  readonly fromPort: number;
  readonly toPort: number;
  readonly seconds: number;
  readonly microseconds: number;
  readonly kind: number;
  readonly captureId: number;
  readonly password: string | null;
  readonly correlationId: string;
  readonly payload: string;
}

export function readHep(datagram: Buffer): HepMessage {
  if (datagram.toString('latin1', 0, 4) !== 'HEP3') throw new Error('no HEP3');
  if (datagram.readUInt16BE(4) !== datagram.length) throw new Error('wrong length of the datagram');
  const chunks = new Map<number, Buffer>();
  for (let at = 6; at < datagram.length;) {
    const length = datagram.readUInt16BE(at + 4);
    if (length < 6 || at + length > datagram.length) throw new Error('wrong length of a chunk');
    chunks.set(datagram.readUInt16BE(at + 2), datagram.subarray(at + 6, at + length));
    at += length;
  }
  const number = (type: number): number => {
    const bytes = chunks.get(type) ?? Buffer.alloc(1);
    return bytes.readUIntBE(0, bytes.length);
  };
  const isV6 = number(1) === 10;
  const hex = (type: number): string => chunks.get(type)?.toString('hex') ?? '';
  return {
    ...{ family: number(1), protocol: number(2), from: hex(isV6 ? 5 : 3), to: hex(isV6 ? 6 : 4) },
    ...{ fromPort: number(7), toPort: number(8), seconds: number(9), microseconds: number(10) },
    ...{ kind: number(11), captureId: number(12), password: chunks.get(14)?.toString() ?? null },
    correlationId: chunks.get(17)?.toString('latin1') ?? '',
    payload: chunks.get(15)?.toString('latin1') ?? '',
  };
}
