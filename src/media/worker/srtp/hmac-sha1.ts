/** HMAC-SHA1 (RFC 2104) of many short messages under one key. */
import { hash } from 'node:crypto';

const blockLength = 64;
const digestLength = 20;

/**
 * The message is written where it is hashed. Two hashes in one go each cost half of what an object for each HMAC does (1.6 µs
 * for a packet of a phone, instead of 3).
 */
export class HmacSha1 {
  readonly #inner: Buffer;
  readonly #outer = Buffer.alloc(blockLength + digestLength);
  /** Inner block and message as long as the last was: nearly all are alike, and a view costs. */
  #hashed: Buffer;
  /** Where the message is to be written. */
  readonly message: Buffer;

  /** @param key Of at most 64 octets. */
  constructor(key: Buffer, maxMessageLength: number) {
    this.#inner = Buffer.alloc(blockLength + maxMessageLength);
    this.message = this.#inner.subarray(blockLength);
    this.#hashed = this.#inner;
    for (let i = 0; i < blockLength; i++) {
      const octet = key[i] ?? 0;
      this.#inner[i] = octet ^ 0x36;
      this.#outer[i] = octet ^ 0x5c;
    }
  }

  /** That of the first octets of `message`, each octet as a character of Latin-1. */
  digest(messageLength: number): string {
    const length = blockLength + messageLength;
    if (this.#hashed.length !== length) this.#hashed = this.#inner.subarray(0, length);
    this.#outer.write(hash('sha1', this.#hashed, 'binary'), blockLength, 'latin1');
    return hash('sha1', this.#outer, 'binary');
  }
}
