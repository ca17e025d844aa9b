/** Which address a phone’s packets come from and go to. */
import type { MediaAddress } from '../../../sdp/media-address.js';
import { sequenceDistance } from '../rtp/sequence.js';

/** How long after a change of address packets from the old one are still heard, but not locked on to. */
const graceMs = 2000;
/** RFC 3550 §A.1 (MAX_DROPOUT): as far ahead as a sequence may go on. */
const maxDropout = 3000;
/** As far as two packets of a candidate may be apart; more is another stream. */
const maxGap = 50;
/** So many packets in sequence are a stream, and no stray. */
const packetsOfStream = 3;
/** For how long an address that was locked on to by chance must be silent while another one sends. */
const silentMs = 200;
/** After so much of one stream an address is locked on to for good: another stream never takes its place. */
const settledMs = 200;
const settledPackets = 10;

/** What to do with a packet: it is the first of a newly locked address, of the peer, or of a stranger. */
export type LatchVerdict = 'locked' | 'peer' | 'stranger';

/** What tells one stream from another. */
export interface StreamPosition {
  readonly ssrc: number;
  readonly sequenceNumber: number;
}

/** An address, and the stream that comes from it. */
interface Sender extends MediaAddress {
  ssrc: number;
  newestSequence: number;
  /** Packets in sequence, the first of them, the last of them. */
  packets: number;
  firstMs: number;
  lastMs: number;
}

/**
 * Symmetric RTP: the peer is at the address that packets come from, whatever its SDP says, because between us may be a NAT.
 * It moves only
 * - to the address that the SDP names, from any other: who came first may have been a stranger that sends to every port;
 * - to where the same stream goes on, its SSRC and its sequence, while the old address has fallen silent: a NAT that gave
 *   the phone another port, a carrier that sends by another way;
 * - from an address that sent little before it fell silent to one that sends steadily: a stranger's packet that was there
 *   before the phone's.
 *
 * So whoever sends beside the phone, for however long, never takes its place. A re-INVITE that moves the peer unlocks.
 */
export class AddressLatch {
  #signalled: MediaAddress | null = null;
  #locked: Sender | null = null;
  #isSettled = false;
  /** Somebody else, since the locked address was last heard of. */
  #candidate: Sender | null = null;
  #previous: MediaAddress | null = null;
  #previousUntilMs = 0;

  /** Where to send: the locked address, before that the signalled one. */
  get destination(): MediaAddress | null {
    return this.#locked ?? this.#signalled;
  }

  get locked(): boolean {
    return this.#locked !== null;
  }

  isLockedOn(from: MediaAddress): boolean {
    return isSame(this.#locked, from);
  }

  /** Takes over what the SDP says. An address other than the one signalled before unlocks. */
  signal(address: MediaAddress | null, nowMs: number): void {
    if (isSame(this.#signalled, address)) return;
    this.#signalled = address;
    // One that moves to where its packets already come from has not moved.
    if (this.#locked === null || isSame(this.#locked, address)) return;
    this.#previous = this.#locked;
    this.#previousUntilMs = nowMs + graceMs;
    this.#locked = null;
    this.#candidate = null;
  }

  /** A packet in an agreed format, or any of the locked address. */
  onPacket(position: StreamPosition, from: MediaAddress, nowMs: number): LatchVerdict {
    const locked = this.#locked;
    if (locked !== null && isSame(locked, from)) {
      follow(locked, position, nowMs);
      this.#candidate = null;
      this.#isSettled ||= locked.packets >= settledPackets && nowMs - locked.firstMs >= settledMs;
      return 'peer';
    }
    if (nowMs < this.#previousUntilMs && isSame(this.#previous, from)) return 'peer';
    if (locked === null || isSame(this.#signalled, from)) {
      return this.#lock(newSender(position, from, nowMs), isSame(this.#signalled, from));
    }
    const candidate = this.#candidate;
    if (candidate === null || !isSame(candidate, from) || !goesOn(candidate, position, maxGap)) {
      this.#candidate = newSender(position, from, nowMs);
      return 'stranger';
    }
    follow(candidate, position, nowMs);
    return this.#isProven(candidate, locked) ? this.#lock(candidate, true) : 'stranger';
  }

  #lock(sender: Sender, isSettled: boolean): LatchVerdict {
    this.#isSettled = isSettled;
    this.#locked = sender;
    this.#candidate = null;
    return 'locked';
  }

  #isProven(candidate: Sender, locked: Sender): boolean {
    if (candidate.packets < packetsOfStream) return false;
    const { ssrc, newestSequence } = candidate;
    if (goesOn(locked, { ssrc, sequenceNumber: newestSequence }, maxDropout)) return true;
    return (
      !this.#isSettled &&
      candidate.lastMs - candidate.firstMs >= silentMs &&
      candidate.lastMs - locked.lastMs >= silentMs
    );
  }
}

function newSender({ ssrc, sequenceNumber }: StreamPosition, from: MediaAddress, nowMs: number): Sender {
  const { address, port } = from;
  return { address, port, ssrc, newestSequence: sequenceNumber, packets: 1, firstMs: nowMs, lastMs: nowMs };
}

function goesOn(sender: Sender, { ssrc, sequenceNumber }: StreamPosition, limit: number): boolean {
  const ahead = sequenceDistance(sequenceNumber, sender.newestSequence);
  return ssrc === sender.ssrc && ahead > 0 && ahead <= limit;
}

function follow(sender: Sender, position: StreamPosition, nowMs: number): void {
  sender.lastMs = nowMs;
  if (goesOn(sender, position, maxGap)) {
    sender.packets++;
  } else if (
    position.ssrc !== sender.ssrc ||
    sequenceDistance(position.sequenceNumber, sender.newestSequence) > 0
  ) {
    // Another stream of the same address begins.
    sender.ssrc = position.ssrc;
    sender.packets = 1;
    sender.firstMs = nowMs;
  } else return;
  sender.newestSequence = position.sequenceNumber;
}

function isSame(a: MediaAddress | null, b: MediaAddress | null): boolean {
  return a?.address === b?.address && a?.port === b?.port;
}
