import { describe, expect, it } from 'vitest';
import { RtpPacket } from '../rtp/rtp-packet.js';
import { originalNumberLength, unwrapRetransmission, writeRetransmission } from './retransmission.js';

const header = { payloadType: 96, marker: true, sequenceNumber: 65_535, timestamp: 0xdeadbeef, ssrc: 8 };

function packetOf(payload: Buffer): Buffer {
  const buffer = Buffer.concat([Buffer.alloc(12), payload]);
  RtpPacket.writeHeader(buffer, header);
  return buffer;
}

function parsed(buffer: Buffer): RtpPacket {
  const packet = new RtpPacket();
  expect(RtpPacket.parse(buffer, packet)).toBe(true);
  return packet;
}

const payload = Buffer.from('a picture');

function retransmission(): Buffer {
  const into = Buffer.alloc(12 + originalNumberLength + payload.length);
  writeRetransmission(into, packetOf(payload), { payloadType: 97, sequenceNumber: 3, ssrc: 9 });
  return into;
}

describe('a packet that is sent again', () => {
  it('has numbers of its own, and the original one before the payload (RFC 4588 §4)', () => {
    const packet = parsed(retransmission());
    expect(packet).toMatchObject({ ...header, payloadType: 97, sequenceNumber: 3, ssrc: 9 });
    expect(packet.payload).toEqual(Buffer.concat([Buffer.from([0xff, 0xff]), payload]));
  });

  it('becomes what it repeats, with its extensions and without its padding', () => {
    const plain = retransmission();
    const extension = Buffer.from([0xbe, 0xde, 0, 1, 0x40, 0x61, 0, 0]);
    const long = Buffer.concat([
      plain.subarray(0, 12),
      extension,
      plain.subarray(12),
      Buffer.from([0, 0, 3]),
    ]);
    long[0]! |= 0x30;
    for (const buffer of [plain, long]) {
      const packet = parsed(buffer);
      expect(unwrapRetransmission(packet, { payloadType: 96, ssrc: 8 })).toBe(true);
      expect(packet).toMatchObject(header);
      expect(packet.payload).toEqual(payload);
      // What is handed on as octets is the same packet.
      expect(parsed(Buffer.from(packet.buffer))).toMatchObject(header);
    }
    expect(parsed(long.subarray(2)).extensionElement(4)?.toString()).toBe('a');
  });

  it('repeats nothing where there is no room for a number: a probe', () => {
    const probe = Buffer.concat([packetOf(Buffer.alloc(0)), Buffer.from([0, 0, 0, 4])]);
    probe[0]! |= 0x20;
    expect(unwrapRetransmission(parsed(probe), { payloadType: 96, ssrc: 8 })).toBe(false);
    expect(unwrapRetransmission(parsed(packetOf(Buffer.from([1]))), { payloadType: 96, ssrc: 8 })).toBe(
      false,
    );
  });
});
