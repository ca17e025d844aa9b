/** SRTP (RFC 3711) of one direction with AES_CM_128_HMAC_SHA1_80: for a phone of a test. It keeps no replay list. */
import { createCipheriv, createHmac } from 'node:crypto';

const tagBytes = 10;

export class Srtp {
  readonly #key: Buffer;
  readonly #authenticationKey: Buffer;
  readonly #salt: Buffer;
  #rollOver = 0;
  #lastSequence: number | null = null;

  /** @param keyAndSalt As in `a=crypto`, in base64. */
  constructor(keyAndSalt: string) {
    const master = Buffer.from(keyAndSalt, 'base64');
    // §4.3.1, §4.3.3: with a key derivation rate of 0.
    const derive = (label: number, bytes: number): Buffer => {
      const iv = Buffer.concat([master.subarray(16, 30), Buffer.alloc(2)]);
      iv[7]! ^= label;
      return keyStream(master.subarray(0, 16), iv, bytes);
    };
    this.#key = derive(0, 16);
    this.#authenticationKey = derive(1, 20);
    this.#salt = derive(2, 14);
  }

  protect(packet: Buffer): Buffer {
    const encrypted = this.#crypt(packet);
    return Buffer.concat([encrypted, this.#tag(encrypted)]);
  }

  /** Null where the tag is wrong. */
  unprotect(packet: Buffer): Buffer | null {
    const encrypted = packet.subarray(0, packet.length - tagBytes);
    this.#follow(encrypted.readUInt16BE(2));
    if (!this.#tag(encrypted).equals(packet.subarray(packet.length - tagBytes))) return null;
    return this.#crypt(encrypted);
  }

  /** §4.1.1; for headers without extension and contributing sources. */
  #crypt(packet: Buffer): Buffer {
    const sequence = packet.readUInt16BE(2);
    this.#follow(sequence);
    const iv = Buffer.concat([this.#salt, Buffer.alloc(2)]);
    for (let i = 0; i < 4; i += 1) iv[4 + i]! ^= packet[8 + i]!;
    const index = Buffer.alloc(6);
    index.writeUInt32BE(this.#rollOver, 0);
    index.writeUInt16BE(sequence, 4);
    for (let i = 0; i < 6; i += 1) iv[8 + i]! ^= index[i]!;
    const stream = keyStream(this.#key, iv, packet.length - 12);
    return Buffer.concat([packet.subarray(0, 12), packet.subarray(12).map((byte, i) => byte ^ stream[i]!)]);
  }

  #tag(encrypted: Buffer): Buffer {
    const rollOver = Buffer.alloc(4);
    rollOver.writeUInt32BE(this.#rollOver);
    const hmac = createHmac('sha1', this.#authenticationKey).update(encrypted).update(rollOver);
    return hmac.digest().subarray(0, tagBytes);
  }

  /** Packets come in order here. */
  #follow(sequence: number): void {
    if (this.#lastSequence !== null && sequence < this.#lastSequence - 32_768) this.#rollOver += 1;
    this.#lastSequence = sequence;
  }
}

function keyStream(key: Buffer, iv: Buffer, bytes: number): Buffer {
  return createCipheriv('aes-128-ctr', key, iv).update(Buffer.alloc(bytes));
}
