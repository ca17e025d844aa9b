/** The keys of one call, and what they have been used for: between its sockets and what speaks RTP. */
import { randomBytes } from 'node:crypto';
import type { AgreedSrtp, SrtpKeys } from './srtp-negotiation.js';
import { SrtpOpener, type OpeningFailure } from './srtp-opener.js';
import { SrtpSealer } from './srtp-sealer.js';
import { masterLength, type SrtpMasterKey, type SrtpSuite } from './srtp-suite.js';

/** What was sent before a new key was agreed on comes for so long after it. */
const formerKeyMs = 5000;

/** RTP's version, in the first two bits: what has another keeps a NAT open, and is nothing that could be sealed. */
const isRtpOrRtcp = (packet: Buffer): boolean => packet.length > 0 && packet[0]! >>> 6 === 2;

/** Without an agreement on keys everything passes as it is. Knows no socket and no clock. */
export class SrtpSession implements SrtpKeys {
  /** A suite that comes back goes on where it was: its indices are used up. */
  readonly #own = new Map<SrtpSuite, { readonly key: SrtpMasterKey; readonly sealer: SrtpSealer }>();
  #agreed: AgreedSrtp | null = null;
  #sealer: SrtpSealer | null = null;
  #opener: SrtpOpener | null = null;
  #former: SrtpOpener | null = null;
  #formerUntilMs = 0;
  #forged = 0;
  #replayed = 0;

  /** The suite in use; null: none, nothing is encrypted. */
  get suite(): SrtpSuite | null {
    return this.#agreed?.suite ?? null;
  }

  /** Dropped because their tags were wrong: of strangers, or sealed with another key. */
  get packetsForged(): number {
    return this.#forged;
  }

  /** Dropped because they were there before, or were too old to tell. */
  get packetsReplayed(): number {
    return this.#replayed;
  }

  keyFor(suite: SrtpSuite): SrtpMasterKey {
    return this.#ownFor(suite).key;
  }

  /** From now on. A key that stays keeps what it has counted (RFC 3711 §3.3.1). */
  onAgreement(agreed: AgreedSrtp | null, nowMs: number): void {
    const before = this.#agreed;
    this.#agreed = agreed;
    this.#sealer = agreed === null ? null : this.#ownFor(agreed.suite).sealer;
    if (agreed !== null && before !== null && isSameKey(agreed, before)) return;
    this.#former = this.#opener;
    this.#formerUntilMs = nowMs + formerKeyMs;
    this.#opener =
      agreed === null
        ? null
        : new SrtpOpener({ key: agreed.remoteKey, mki: agreed.remoteMki, before: this.#opener });
  }

  /** The packet as it may go out, valid until the next; null for one that must not. */
  sealRtp(packet: Buffer): Buffer | null {
    return this.#sealer === null ? packet : this.#sealer.sealRtp(packet);
  }

  sealRtcp(packet: Buffer): Buffer | null {
    return this.#sealer === null ? packet : this.#sealer.sealRtcp(packet);
  }

  /** The packet as it was before it was sealed; null, and counted, where it is not genuine. */
  open(packet: Buffer, kind: 'rtp' | 'rtcp', nowMs: number): Buffer | null {
    const opener = this.#opener;
    if (opener === null || !isRtpOrRtcp(packet)) return packet;
    const opened = openWith(opener, packet, kind);
    if (typeof opened !== 'string') return opened;
    if (this.#former !== null && opened === 'forged') {
      if (nowMs > this.#formerUntilMs) this.#former = null;
      else {
        const late = openWith(this.#former, packet, kind);
        if (typeof late !== 'string') return late;
      }
    }
    if (opened === 'forged') this.#forged++;
    else this.#replayed++;
    return null;
  }

  #ownFor(suite: SrtpSuite): { readonly key: SrtpMasterKey; readonly sealer: SrtpSealer } {
    const known = this.#own.get(suite);
    if (known !== undefined) return known;
    const key: SrtpMasterKey = { suite, keyAndSalt: randomBytes(masterLength(suite)) };
    const made = { key, sealer: new SrtpSealer(key) };
    this.#own.set(suite, made);
    return made;
  }
}

const openWith = (opener: SrtpOpener, packet: Buffer, kind: 'rtp' | 'rtcp'): Buffer | OpeningFailure =>
  kind === 'rtp' ? opener.openRtp(packet) : opener.openRtcp(packet);

const isSameKey = (a: AgreedSrtp, b: AgreedSrtp): boolean =>
  a.suite === b.suite && a.remoteKey.keyAndSalt.equals(b.remoteKey.keyAndSalt);
