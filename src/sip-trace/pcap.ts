/**
 * Writes messages as a capture file (the format of libpcap, times in microseconds, link type RAW): each is given the IP and UDP or
 * TCP headers that it had, as far as they are known. What came over TLS or a WebSocket stands in TCP, decrypted and without frames,
 * with 5060 for the gateway's port, by which programs know it for SIP.
 */
import { isIPv6, SocketAddress } from 'node:net';
import type { Endpoint, TracedMessage } from './traced-message.js';

/** IP packets without a link layer's header. */
const linkTypeRaw = 101;
const snapLength = 262_144;
/** Below what the lengths in IP and TCP headers can say. */
const maxSegmentBytes = 65_000;
const sipPort = 5060;
const protocolNumbers = { tcp: 6, udp: 17 } as const;
/** PSH and ACK. */
const tcpFlags = 0x18;
const tcpWindow = 0xffff;
const timeToLive = 64;

export function formatCapture(messages: readonly TracedMessage[]): Buffer {
  const file = Buffer.alloc(24);
  file.writeUInt32LE(0xa1b2_c3d4, 0);
  file.writeUInt16LE(2, 4);
  file.writeUInt16LE(4, 6);
  file.writeUInt32LE(snapLength, 16);
  file.writeUInt32LE(linkTypeRaw, 20);
  const sequences = new Map<string, number>();
  return Buffer.concat([file, ...messages.flatMap((message) => packetsOf(message, sequences))]);
}

/** Each with its record header. `sequences`: bytes sent so far, by direction of each connection. */
function packetsOf(message: TracedMessage, sequences: Map<string, number>): Buffer[] {
  const { direction, protocol, bytes, atUs } = message;
  const remote = message.remote;
  const isClear = protocol === 'udp' || protocol === 'tcp';
  const local = isClear ? message.local : { ...message.local, port: sipPort };
  const [from, to] = direction === 'in' ? [remote, local] : [local, remote];
  const way = { from, to };
  if (protocol === 'udp') return [record(ipPacket(way, 'udp', udpSegment(way, bytes)), atUs)];
  const packets: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += maxSegmentBytes) {
    const part = bytes.subarray(at, at + maxSegmentBytes);
    const names = [nameOf(way.from, way.to), nameOf(way.to, way.from)] as const;
    const sent = sequences.get(names[0]) ?? 0;
    sequences.set(names[0], sent + part.length);
    const numbers = { sequence: 1 + sent, acknowledged: 1 + (sequences.get(names[1]) ?? 0) };
    packets.push(record(ipPacket(way, 'tcp', tcpSegment(way, numbers, part)), atUs));
  }
  return packets;
}

interface Way {
  readonly from: Endpoint;
  readonly to: Endpoint;
}

const nameOf = (from: Endpoint, to: Endpoint): string =>
  `${from.address} ${String(from.port)} ${to.address} ${String(to.port)}`;

function record(packet: Buffer, atUs: number): Buffer {
  const header = Buffer.alloc(16);
  header.writeUInt32LE(Math.floor(atUs / 1_000_000), 0);
  header.writeUInt32LE(Math.floor(atUs % 1_000_000), 4);
  header.writeUInt32LE(packet.length, 8);
  header.writeUInt32LE(packet.length, 12);
  return Buffer.concat([header, packet]);
}

function udpSegment({ from, to }: Way, payload: Buffer): Buffer {
  const segment = Buffer.concat([Buffer.alloc(8), payload]);
  segment.writeUInt16BE(from.port, 0);
  segment.writeUInt16BE(to.port, 2);
  segment.writeUInt16BE(Math.min(segment.length, 0xffff), 4);
  return segment;
}

function tcpSegment(
  { from, to }: Way,
  { sequence, acknowledged }: { readonly sequence: number; readonly acknowledged: number },
  payload: Buffer,
): Buffer {
  const segment = Buffer.concat([Buffer.alloc(20), payload]);
  segment.writeUInt16BE(from.port, 0);
  segment.writeUInt16BE(to.port, 2);
  segment.writeUInt32BE(sequence >>> 0, 4);
  segment.writeUInt32BE(acknowledged >>> 0, 8);
  segment.writeUInt8(5 << 4, 12);
  segment.writeUInt8(tcpFlags, 13);
  segment.writeUInt16BE(tcpWindow, 14);
  return segment;
}

function ipPacket({ from, to }: Way, protocol: 'udp' | 'tcp', segment: Buffer): Buffer {
  const isV6 = isIPv6(from.address) || isIPv6(to.address);
  const addresses = [from, to].map(({ address }) => (isV6 ? ipv6Bytes(address) : ipv4Bytes(address)));
  const number = protocolNumbers[protocol];
  const length = Buffer.alloc(8);
  length.writeUInt32BE(segment.length, 0);
  length.writeUInt32BE(number, 4);
  const checksumAt = protocol === 'udp' ? 6 : 16;
  const sum = checksum(Buffer.concat([...addresses, length, segment]));
  // In UDP 0 says that there is none (RFC 768).
  segment.writeUInt16BE(sum === 0 && protocol === 'udp' ? 0xffff : sum, checksumAt);
  const header = isV6 ? ipv6Header(number, segment.length) : ipv4Header(number, segment.length);
  const packet = Buffer.concat([header, ...addresses]);
  if (!isV6) packet.writeUInt16BE(checksum(packet), 10);
  return Buffer.concat([packet, segment]);
}

/** RFC 791 §3.1, without the addresses at its end. */
function ipv4Header(protocol: number, payloadLength: number): Buffer {
  const header = Buffer.alloc(12);
  header.writeUInt8(0x45, 0);
  header.writeUInt16BE(Math.min(20 + payloadLength, 0xffff), 2);
  header.writeUInt16BE(0x4000, 6);
  header.writeUInt8(timeToLive, 8);
  header.writeUInt8(protocol, 9);
  return header;
}

/** RFC 8200 §3, without the addresses at its end. */
function ipv6Header(protocol: number, payloadLength: number): Buffer {
  const header = Buffer.alloc(8);
  header.writeUInt8(0x60, 0);
  header.writeUInt16BE(Math.min(payloadLength, 0xffff), 4);
  header.writeUInt8(protocol, 6);
  header.writeUInt8(timeToLive, 7);
  return header;
}

/** RFC 1071; of what has a field for it, with zeros there. */
function checksum(bytes: Buffer): number {
  let sum = 0;
  for (let at = 0; at < bytes.length; at += 2) sum += ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 0x1_0000);
  return ~sum & 0xffff;
}

export function ipv4Bytes(address: string): Buffer {
  const parts = address.split('.').map(Number);
  return Buffer.from(parts.length === 4 ? parts : [0, 0, 0, 0]);
}

/** An IPv4 address as it is mapped into IPv6 (RFC 4291 §2.5.5.2); zeros for what is no address. */
export function ipv6Bytes(address: string): Buffer {
  const plain = address.replace(/%.*$/, '');
  if (!isIPv6(plain)) return Buffer.concat([Buffer.alloc(10), Buffer.from([0xff, 0xff]), ipv4Bytes(address)]);
  const canonical = new SocketAddress({ family: 'ipv6', address: plain }).address;
  const dotted = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(canonical);
  const quad = ipv4Bytes(dotted?.[2] ?? '');
  const text =
    dotted === null
      ? canonical
      : `${dotted[1] ?? ''}${quad.readUInt16BE(0).toString(16)}:${quad.readUInt16BE(2).toString(16)}`;
  const [before = '', after] = text.split('::');
  const head = before === '' ? [] : before.split(':');
  const tail = after === undefined || after === '' ? [] : after.split(':');
  const zeros = Array.from({ length: Math.max(0, 8 - head.length - tail.length) }, () => '0');
  const bytes = Buffer.alloc(16);
  [...head, ...zeros, ...tail].forEach((group, at) =>
    bytes.writeUInt16BE(Number.parseInt(group, 16), at * 2),
  );
  return bytes;
}
