/** Phones that press keys otherwise than RFC 4733 says, packet by packet. */
import { eventOfKey, formatTelephoneEvent } from '../../src/media/worker/codec/telephone-event.js';
import type { TestPhone } from './test-phone.js';

/** What one packet of a press says, in its header and payload. */
export interface KeyPacket {
  readonly duration: number;
  readonly end: boolean;
  readonly marker: boolean;
  readonly timestamp: number;
}

export interface OddPhone {
  /** Between two packets of a press, in packets of what the phone hears: 20 ms each. Default 1. */
  readonly everyPackets?: number;
  /** Packets of a press before its end. Default 5. */
  readonly updates?: number;
  /** How often the end is sent. Default 3. */
  readonly ends?: number;
  /** How many packets of silence stand between two presses. Default 8. */
  readonly pausePackets?: number;
  /** Default 101. */
  readonly payloadType?: number;
  /** What of the packet is otherwise. */
  readonly odd?: (packet: KeyPacket, index: number) => Partial<KeyPacket>;
  /** Before each press but the first. */
  readonly between?: (phone: TestPhone, pressNumber: number) => void;
}

const packetMs = 20;
const packetSamples = packetMs * 8;
const silence = new Uint8Array(packetSamples).fill(0xff);

/** Presses the keys one after the other, as fast as the phone hears packets. Its own audio is silence meanwhile. */
export async function pressOddly(
  phone: TestPhone,
  to: number,
  keys: string,
  oddPhone: OddPhone = {},
): Promise<void> {
  const { everyPackets = 1, updates = 5, ends = 3, pausePackets = 8, odd, between } = oddPhone;
  const { payloadType = 101 } = oddPhone;
  phone.hush();
  const payload = new Uint8Array(4);
  const pause = async (): Promise<void> => {
    for (let n = 0; n < pausePackets; n += 1) {
      phone.send(to, silence);
      await phone.listen(1);
    }
  };
  await pause();
  for (const [pressNumber, key] of Array.from(keys).entries()) {
    if (pressNumber > 0) between?.(phone, pressNumber);
    const began = phone.timestamp;
    for (let index = 0; index < updates + ends; index += 1) {
      const plain: KeyPacket = {
        duration: Math.min(index + 1, updates + 1) * everyPackets * packetSamples,
        end: index >= updates,
        marker: index === 0,
        timestamp: began,
      };
      const packet = { ...plain, ...odd?.(plain, index) };
      formatTelephoneEvent({ event: eventOfKey(key) ?? 0, volume: 10, ...packet }, payload);
      phone.timestamp = packet.timestamp >>> 0;
      phone.send(to, payload, { payloadType, samples: 0, marker: packet.marker });
      await phone.listen(everyPackets);
    }
    phone.timestamp = (began + (updates + ends) * everyPackets * packetSamples) >>> 0;
    await pause();
  }
}
