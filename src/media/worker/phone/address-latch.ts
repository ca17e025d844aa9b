/**
 * Which address a phone’s packets come from and go to: symmetric RTP. Between us may be a NAT, so it counts where packets come
 * from, whatever the SDP says; but anybody may send to our port. The nearer to what signalling says, the better:
 *
 *   best    the address that the SDP names, and its port;
 *   near    any other port of that host, any port of the host that the call's signalling comes from: a phone behind a NAT;
 *   far     any other host: a stranger's, or a carrier's, whose media often comes from a third host.
 *
 * | locked on                     | who sends                                        | what happens                                    |
 * | ----------------------------- | ------------------------------------------------ | ----------------------------------------------- |
 * | nobody                        | anybody                                          | is locked on to at once                         |
 * | near or far, early in a call  | best                                             | has the lock at once                            |
 * | near or far, later            | best, three packets in sequence                  | has the lock                                    |
 * | far, early                    | near, three packets in sequence                  | has the lock, however steadily the other sends  |
 * | far, later                    | near                                             | is as good as any other                         |
 * | any, silent for 100 ms        | anybody with the same stream: its SSRC, its      | has the lock: a NAT gave the phone another      |
 * |                               | sequence going on, three packets                 | port, a carrier sends by another way            |
 * | one that came so, and sends   | the address that was left, and the stream goes   | has the lock again, and for good: who took it   |
 * |                               | on there too, three packets                      | had copied the stream of a phone that paused    |
 * | any that sent for less than   | anybody, for 200 ms                              | has the lock: a stray packet was there before   |
 * | 200 ms and was silent as long |                                                  | the phone's                                     |
 * | any that is silent for 200 ms | the same host or a near one, with any stream,    | has the lock: a NAT forgot the phone while it   |
 * | since the phone took up a     | for 200 ms, within 10 s                          | held, and the phone began a stream anew         |
 * | call that it held             |                                                  |                                                 |
 * | any that sends                | as good or worse, whatever its SSRC and sequence | is a stranger                                   |
 *
 * So who sends beside a phone never takes its place, unless the phone is far and the other one near, early in the call: from
 * outside the two cannot be told from a stranger that came before a phone behind a NAT. A re-INVITE that moves the peer begins anew.
 */
import type { MediaAddress } from '../../../sdp/media-address.js';
import { sequenceDistance } from '../rtp/sequence.js';

/** How long after a change of address packets from the old one are still heard, but not locked on to. */
const graceMs = 2000;
/** RFC 3550 §A.1 (MAX_DROPOUT, MAX_MISORDER): as far ahead as a sequence may go on, and as far behind as a packet is late. */
const maxDropout = 3000;
const maxMisorder = 100;
/** As far as two packets of a candidate may be apart; more is another stream. */
const maxGap = 50;
/** So many packets in sequence are a stream, and no stray. */
const packetsOfStream = 3;
/** Since the first lock: who sends far from what signalling says has not yet proven to be the phone. */
const earlyMs = 10_000;
/** An address whose stream goes on elsewhere must be silent for this long: more than packets' jitter. */
const leftMs = 100;
/** So long a phone has after a hold to be heard from another port. */
const resumingMs = 10_000;
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
  /** Where its stream before this one stood: some send telephone events with an SSRC of their own. */
  before: StreamPosition | null;
  /** Packets in sequence, the first of them, the last of them. */
  packets: number;
  firstMs: number;
  lastMs: number;
}

const [far, near, best] = [0, 1, 2] as const;

export class AddressLatch {
  readonly #signallingHost: string | null;
  #signalled: MediaAddress | null = null;
  #locked: Sender | null = null;
  #isSettled = false;
  /** When the first address was locked on to, since the SDP last moved; null before. */
  #firstLockMs: number | null = null;
  /** Nearer to what signalling says than the locked address. */
  #nearer: Sender | null = null;
  /** Where the locked stream goes on, since the locked address was last heard of. */
  #heir: Sender | null = null;
  /** Anybody, since then. */
  #newcomer: Sender | null = null;
  /** The address whose stream went on at the locked one. */
  #left: Sender | null = null;
  /** The stream was copied: where it goes on says nothing any more. */
  #isCopied = false;
  /** Until when a phone that has taken the call up again may show where it is now. */
  #resumedUntilMs = 0;
  #previous: MediaAddress | null = null;
  #previousUntilMs = 0;

  /** `signallingHost`: the address that the call's signalling comes from, where it is known. */
  constructor(signallingHost: string | null = null) {
    this.#signallingHost = signallingHost;
  }

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

  /** Whether the peer's other packets, of RTCP, come from this host. Before the lock: any that signalling names. */
  isHostOfPeer(host: string): boolean {
    if (this.#locked !== null) return host === this.#locked.address;
    return host === this.#signalled?.address || host === this.#signallingHost;
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
    this.#firstLockMs = null;
    this.#isCopied = false;
    this.#forgetOthers();
  }

  /** By signalling, the phone takes the call up again that it held: a NAT may have forgotten meanwhile where it was. */
  resume(nowMs: number): void {
    this.#resumedUntilMs = nowMs + resumingMs;
    this.#newcomer = null;
  }

  /** A packet in an agreed format, or any of the locked address. */
  onPacket(position: StreamPosition, from: MediaAddress, nowMs: number): LatchVerdict {
    const locked = this.#locked;
    if (locked !== null && isSame(locked, from)) {
      follow(locked, position, nowMs);
      this.#heir = null;
      this.#newcomer = null;
      this.#resumedUntilMs = 0;
      this.#isSettled ||= locked.packets >= settledPackets && nowMs - locked.firstMs >= settledMs;
      return 'peer';
    }
    if (nowMs < this.#previousUntilMs && isSame(this.#previous, from)) return 'peer';
    if (locked === null) return this.#lock(newSender(position, from, nowMs), nowMs);
    const packet = { position, from, nowMs };
    return this.#comesNearer(packet, locked) ||
      this.#comesBack(packet, locked) ||
      this.#goesOn(packet, locked) ||
      this.#comesAnew(packet, locked)
      ? 'locked'
      : 'stranger';
  }

  /** From an address nearer to what signalling says. True: it has the lock now. */
  #comesNearer(packet: Packet, locked: Sender): boolean {
    const rank = this.#rankOf(packet.from);
    if (rank <= this.#rankOf(locked)) return false;
    const isEarly = packet.nowMs - (this.#firstLockMs ?? 0) < earlyMs;
    if (rank < best && !isEarly) return false;
    this.#nearer = track(this.#nearer, packet);
    const isEnough = isStream(this.#nearer, packet) || (rank === best && isEarly);
    if (isEnough) this.#lock(newSender(packet.position, packet.from, packet.nowMs), packet.nowMs);
    return isEnough;
  }

  /** From the address that was left for the locked one, which sends at the same time. */
  #comesBack(packet: Packet, locked: Sender): boolean {
    const left = this.#left;
    const isBoth = packet.nowMs - locked.lastMs < leftMs;
    if (left === null || !isBoth || !isSame(left, packet.from)) return false;
    if (!isStreamOf(left, packet.position)) return false;
    follow(left, packet.position, packet.nowMs);
    if (left.packets < packetsOfStream) return false;
    this.#lock(left, packet.nowMs);
    this.#isSettled = true;
    this.#isCopied = true;
    return true;
  }

  /** The locked stream, from elsewhere. */
  #goesOn(packet: Packet, locked: Sender): boolean {
    if (this.#isCopied || !isStreamOf(locked, packet.position)) return false;
    this.#heir = track(this.#heir, packet);
    if (!isStream(this.#heir, packet) || packet.nowMs - locked.lastMs < leftMs) return false;
    this.#lock(this.#heir, packet.nowMs);
    this.#isSettled = true;
    this.#left = { ...locked, packets: 0 };
    return true;
  }

  /** From anybody, while the locked address has not shown that it is the phone's; from nearby, once the phone is back from a hold. */
  #comesAnew(packet: Packet, locked: Sender): boolean {
    if (this.#isSettled && !this.#mayResume(packet, locked)) return false;
    this.#newcomer = track(this.#newcomer, packet);
    const { firstMs, lastMs } = this.#newcomer;
    const isSteady = isStream(this.#newcomer, packet) && lastMs - firstMs >= silentMs;
    if (!isSteady || packet.nowMs - locked.lastMs < silentMs) return false;
    this.#lock(this.#newcomer, packet.nowMs);
    this.#isSettled = true;
    return true;
  }

  #mayResume({ from, nowMs }: Packet, locked: Sender): boolean {
    return nowMs < this.#resumedUntilMs && (from.address === locked.address || this.#rankOf(from) >= near);
  }

  #lock(sender: Sender, nowMs: number): 'locked' {
    this.#locked = sender;
    this.#resumedUntilMs = 0;
    this.#isSettled = this.#rankOf(sender) === best;
    this.#firstLockMs ??= nowMs;
    this.#forgetOthers();
    return 'locked';
  }

  #forgetOthers(): void {
    this.#nearer = null;
    this.#heir = null;
    this.#newcomer = null;
    this.#left = null;
  }

  #rankOf(from: MediaAddress): typeof far | typeof near | typeof best {
    if (isSame(this.#signalled, from)) return best;
    const isNear = from.address === this.#signalled?.address || from.address === this.#signallingHost;
    return isNear ? near : far;
  }
}

interface Packet {
  readonly position: StreamPosition;
  readonly from: MediaAddress;
  readonly nowMs: number;
}

function newSender({ ssrc, sequenceNumber }: StreamPosition, from: MediaAddress, nowMs: number): Sender {
  const { address, port } = from;
  return {
    address,
    port,
    ssrc,
    newestSequence: sequenceNumber,
    before: null,
    packets: 1,
    firstMs: nowMs,
    lastMs: nowMs,
  };
}

/** A candidate after this packet. While one sends, no other takes its place: or whoever sends beside it would keep it from ever having sent enough. */
function track(candidate: Sender | null, { position, from, nowMs }: Packet): Sender {
  if (candidate === null) return newSender(position, from, nowMs);
  if (!isSame(candidate, from))
    return nowMs - candidate.lastMs < silentMs ? candidate : newSender(position, from, nowMs);
  if (isLate(candidate, position)) return candidate;
  if (!goesOn(candidate, position, maxGap)) return newSender(position, from, nowMs);
  follow(candidate, position, nowMs);
  return candidate;
}

/** Whether the packet is one of the candidate's, and these are a stream. */
const isStream = (candidate: Sender, { from }: Packet): boolean =>
  isSame(candidate, from) && candidate.packets >= packetsOfStream;

type StreamState = Pick<Sender, 'ssrc' | 'newestSequence'>;

function goesOn(stream: StreamState, { ssrc, sequenceNumber }: StreamPosition, limit: number): boolean {
  const ahead = sequenceDistance(sequenceNumber, stream.newestSequence);
  return ssrc === stream.ssrc && ahead > 0 && ahead <= limit;
}

/** Overtaken, or come twice: says nothing new. */
function isLate({ ssrc, newestSequence }: StreamState, position: StreamPosition): boolean {
  const ahead = sequenceDistance(position.sequenceNumber, newestSequence);
  return position.ssrc === ssrc && ahead <= 0 && ahead >= -maxMisorder;
}

/** Goes on where one of the sender's last two streams stood. */
function isStreamOf(sender: Sender, position: StreamPosition): boolean {
  const { before } = sender;
  if (goesOn(sender, position, maxDropout)) return true;
  if (before === null) return false;
  return goesOn({ ssrc: before.ssrc, newestSequence: before.sequenceNumber }, position, maxDropout);
}

function follow(sender: Sender, position: StreamPosition, nowMs: number): void {
  sender.lastMs = nowMs;
  if (isLate(sender, position)) return;
  if (goesOn(sender, position, maxGap)) sender.packets++;
  else {
    // Another stream of the same address begins, or this one anew.
    const { ssrc, newestSequence } = sender;
    if (position.ssrc !== ssrc) sender.before = { ssrc, sequenceNumber: newestSequence };
    sender.ssrc = position.ssrc;
    sender.packets = 1;
    sender.firstMs = nowMs;
  }
  sender.newestSequence = position.sequenceNumber;
}

function isSame(a: MediaAddress | null, b: MediaAddress | null): boolean {
  return a?.address === b?.address && a?.port === b?.port;
}
