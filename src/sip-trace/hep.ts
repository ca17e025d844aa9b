/** Writes a message as a HEP version 3 datagram (the Homer Encapsulation Protocol: `HEP3`, a length, and chunks), as Homer collects them. */
import { isIPv6 } from 'node:net';
import { ipv4Bytes, ipv6Bytes } from './pcap.js';
import type { TracedMessage } from './traced-message.js';

export interface HepAgent {
  /** By which the collector knows who sends. */
  readonly captureId: number;
  /** Null: none is asked for. */
  readonly password: string | null;
}

const chunkTypes = {
  ipFamily: 1,
  ipProtocol: 2,
  sourceIpv4: 3,
  destinationIpv4: 4,
  sourceIpv6: 5,
  destinationIpv6: 6,
  sourcePort: 7,
  destinationPort: 8,
  seconds: 9,
  microseconds: 10,
  payloadKind: 11,
  captureId: 12,
  password: 14,
  payload: 15,
  correlationId: 17,
} as const;

/** As the collector's system numbers them (Linux). */
const families = { ipv4: 2, ipv6: 10 } as const;
const sipPayload = 1;
const ipProtocols = { udp: 17, tcp: 6 } as const;
/** The datagram's length stands in two bytes, and UDP takes less. */
const maxDatagramBytes = 65_507;

/** Null where it is too long for a datagram. `correlationId`: the Call-ID. */
export function formatHep(message: TracedMessage, correlationId: string, agent: HepAgent): Buffer | null {
  const { direction, protocol, local, remote, atUs, bytes } = message;
  const [from, to] = direction === 'in' ? [remote, local] : [local, remote];
  const isV6 = isIPv6(from.address) || isIPv6(to.address);
  const write = isV6 ? ipv6Bytes : ipv4Bytes;
  const chunks = [
    chunk('ipFamily', number(1, isV6 ? families.ipv6 : families.ipv4)),
    chunk('ipProtocol', number(1, ipProtocols[protocol === 'udp' ? 'udp' : 'tcp'])),
    chunk(isV6 ? 'sourceIpv6' : 'sourceIpv4', write(from.address)),
    chunk(isV6 ? 'destinationIpv6' : 'destinationIpv4', write(to.address)),
    chunk('sourcePort', number(2, from.port)),
    chunk('destinationPort', number(2, to.port)),
    chunk('seconds', number(4, Math.floor(atUs / 1_000_000))),
    chunk('microseconds', number(4, Math.floor(atUs % 1_000_000))),
    chunk('payloadKind', number(1, sipPayload)),
    chunk('captureId', number(4, agent.captureId)),
    ...(agent.password === null ? [] : [chunk('password', Buffer.from(agent.password))]),
    chunk('correlationId', Buffer.from(correlationId, 'latin1')),
    chunk('payload', bytes),
  ];
  const length = chunks.reduce((sum, part) => sum + part.length, 6);
  if (length > maxDatagramBytes) return null;
  return Buffer.concat([Buffer.from('HEP3'), number(2, length), ...chunks]);
}

/** Vendor 0, type, length with these six bytes, and the value. */
function chunk(type: keyof typeof chunkTypes, value: Buffer): Buffer {
  const length = 6 + value.length;
  return Buffer.concat([number(2, 0), number(2, chunkTypes[type]), number(2, length & 0xffff), value]);
}

function number(size: 1 | 2 | 4, value: number): Buffer {
  const bytes = Buffer.alloc(size);
  bytes.writeUIntBE(value, 0, size);
  return bytes;
}
