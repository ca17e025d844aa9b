/** Which address a phone’s packets come from and go to: locked on to once, then kept. */
import type { MediaAddress } from '../../../sdp/media-address.js';

/** How long after a change of address packets from the old one are still heard, but not locked on to. */
const graceMs = 2000;

/** What to do with a packet: it is the first of a newly locked address, of the peer, or of a stranger. */
export type LatchVerdict = 'locked' | 'peer' | 'stranger';

/**
 * Symmetric RTP: the peer is at the address that packets come from, whatever its SDP says, because between us may be a
 * NAT. Locks once, except that the address which the SDP names takes the lock from any other: who came first may have been a
 * stranger that sends to every port. A re-INVITE that moves the peer unlocks.
 */
export class AddressLatch {
  #signalled: MediaAddress | null = null;
  #locked: MediaAddress | null = null;
  #previous: MediaAddress | null = null;
  #previousUntilMs = 0;

  /** Where to send: the locked address, before that the signalled one. */
  get destination(): MediaAddress | null {
    return this.#locked ?? this.#signalled;
  }

  get locked(): boolean {
    return this.#locked !== null;
  }

  /** Takes over what the SDP says. An address other than the one signalled before unlocks. */
  signal(address: MediaAddress | null, nowMs: number): void {
    const { address: host, port } = this.#signalled ?? { address: '', port: 0 };
    if (address?.address === host && address.port === port) return;
    this.#signalled = address;
    // One that moves to where its packets already come from has not moved.
    if (this.#locked === null || isSame(this.#locked, address)) return;
    this.#previous = this.#locked;
    this.#previousUntilMs = nowMs + graceMs;
    this.#locked = null;
  }

  onPacket(address: string, port: number, nowMs: number): LatchVerdict {
    const locked = this.#locked;
    if (locked !== null && locked.port === port && locked.address === address) return 'peer';
    if (
      nowMs < this.#previousUntilMs &&
      this.#previous?.port === port &&
      this.#previous.address === address
    ) {
      return 'peer';
    }
    if (locked !== null && !(this.#signalled?.port === port && this.#signalled.address === address)) {
      return 'stranger';
    }
    this.#locked = { address, port };
    return 'locked';
  }
}

function isSame(a: MediaAddress | null, b: MediaAddress | null): boolean {
  return a?.address === b?.address && a?.port === b?.port;
}
