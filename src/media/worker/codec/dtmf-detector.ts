/** One key of each press out of telephone events (RFC 4733), as senders send them: by the standard, and otherwise. */
import type { RtpHeader } from '../rtp/rtp-packet.js';
import { sequenceDistance, timestampDistance } from '../rtp/sequence.js';
import { keyOfEvent, type TelephoneEvent } from './telephone-event.js';

/** Who hears of keys. */
export interface KeyListener {
  /** A key is held: its `onKey` follows. Not told of a press whose beginning got lost. */
  onKeyDown(): void;
  /** A key was let go. */
  onKey(key: string, durationMs: number): void;
}

/** What the header of an event's packet adds to its payload. */
export type EventHeader = Readonly<Pick<RtpHeader, 'ssrc' | 'sequenceNumber' | 'timestamp' | 'marker'>>;

interface Press {
  readonly key: string;
  readonly event: number;
  readonly ssrc: number;
  /** As the first packet that arrived has it. */
  readonly firstTimestamp: number;
  readonly firstDuration: number;
  readonly firstMs: number;
  /** As the last packet has it. */
  timestamp: number;
  sequenceNumber: number;
  lastMs: number;
  /** The longest time between two packets of it: how slowly this sender sends. */
  longestGapMs: number;
  /** What its last packet says, and what was before that began to count: both in timestamp units. */
  duration: number;
  durationBefore: number;
  /** A packet without the end bit has come. */
  begun: boolean;
  /** How often its end has come. */
  ends: number;
  reported: boolean;
}

/** A press that came in one packet with others, by what is its own. */
interface PackedPress {
  readonly event: number;
  readonly ssrc: number;
  readonly timestamp: number;
}

/** A packet, as it stands to a press of the same key. */
interface Step {
  readonly payload: TelephoneEvent;
  readonly marker: boolean;
  /** Later than the press' last packet, in timestamp units and in packets. */
  readonly ahead: number;
  readonly skip: number;
  readonly gapMs: number;
  /** Later than its first packet, in timestamp units. */
  readonly sinceFirst: number;
}

/** A second press cannot begin sooner after the first, and their beginnings cannot be closer (ITU-T Q.24: 40 ms each). */
const shortestPauseMs = 20;
const closestPressesMs = 60;
/** How far the timestamp may move from one packet of a press to the next where nothing was lost, or where the duration grows. */
const nextPacketMs = 200;
const growingMs = 400;
/** The end of a press is repeated for so long, or for two of its sender's intervals. */
const repetitionMs = 250;
/** So often it is sent (RFC 4733 §2.5.1.4). */
const maxEnds = 3;
/** So far apart the ends may be of a press of which nothing else came. */
const slowestEndsMs = 500;
/** Presses before the current one whose end may still be repeated. */
const maxPrevious = 3;
/** A press that begins anew with the same duration: not within this, which the same press' packets arrive in. */
const anewMs = 100;
/** An end that says how long its press was: so far it may be off from the time since the press began. */
const lengthOffMs = 200;
/** RFC 3550 §A.1 (MAX_MISORDER); and no packet is that late. */
const maxMisorder = 100;
const maxLateMs = 1000;
/** Presses that came packed with others and are remembered. */
const maxPacked = 32;
/** 16 bits of duration are full (RFC 4733 §2.5.1.3): a new segment follows, or wrongly the same one from 0. */
const fullDuration = 0xf000;

/**
 * Makes one call of `onKey` per key press, at its end, and one of `onKeyDown` before it; an end that got lost is made up for by `expire`. By RFC 4733 all
 * packets of a press have one timestamp and a growing duration; but senders are seen whose timestamp moves along, in
 * updates or in the repeated end, whose duration stands still, who never move the timestamp, set no marker or set it
 * always, or begin their sequence anew. So what decides is what no sender can do: press the same key again before it was
 * let go.
 */
export class DtmfDetector {
  readonly #listener: KeyListener;
  readonly #timeoutMs: number;
  readonly #unitsPerMs: number;
  #press: Press | null = null;
  /** Those before, the newest first: their ends may still be repeated. */
  #previous: readonly Press[] = [];
  /** Presses that came in one packet with others: the packet may be sent again. */
  #packed: PackedPress[] = [];

  /**
   * @param timeoutMs Silence after which a press counts as ended, or two intervals of its sender where that is longer.
   *   Default 600: twice the slowest updates that are seen.
   * @param clockRateHz The rate the format was negotiated with, which is that of the audio beside it. Default 8000.
   */
  constructor(listener: KeyListener, timeoutMs = 600, clockRateHz = 8000) {
    this.#listener = listener;
    this.#timeoutMs = timeoutMs;
    this.#unitsPerMs = clockRateHz / 1000;
  }

  /** True while a press has begun and neither ended nor expired. */
  get pressed(): boolean {
    return this.#press !== null && !this.#press.reported;
  }

  onPacket(payload: TelephoneEvent, header: EventHeader, nowMs: number): void {
    if (keyOfEvent(payload.event) === null) return;
    const press = this.#press;
    if (press !== null) {
      if (this.#isOld(press, header, nowMs)) return;
      if (header.ssrc !== press.ssrc && this.#isOfPrevious(payload, header, nowMs)) return;
      if (this.#isOf(press, payload, header, nowMs)) {
        this.#follow(press, payload, header, nowMs);
        return;
      }
      if (this.#isOfPrevious(payload, header, nowMs)) return;
    }
    this.#begin(payload, header, nowMs);
  }

  /** The end of a key before, repeated when this one has begun already. */
  #isOfPrevious(payload: TelephoneEvent, header: EventHeader, nowMs: number): boolean {
    if (!payload.end) return false;
    const previous = this.#previous.find(
      (press) => press.ssrc === header.ssrc && this.#isOf(press, payload, header, nowMs),
    );
    if (previous === undefined) return false;
    this.#follow(previous, payload, header, nowMs);
    return true;
  }

  /** Another press than the one before. */
  #begin(payload: TelephoneEvent, header: EventHeader, nowMs: number): void {
    const key = keyOfEvent(payload.event);
    if (key === null) return;
    if (this.#press !== null) {
      this.#report(this.#press);
      this.#previous = [this.#press, ...this.#previous].slice(0, maxPrevious);
    }
    this.#press = beginPress(key, payload, header, nowMs);
    if (payload.end) this.#end(this.#press);
    else this.#listener.onKeyDown();
  }

  /** All events of one packet: they follow on each other, and each but the last is over. */
  onPackets(events: readonly TelephoneEvent[], header: EventHeader, nowMs: number): void {
    const [first] = events;
    if (first === undefined) return;
    if (events.length === 1) return this.onPacket(first, header, nowMs);
    let { timestamp } = header;
    for (const event of events) {
      const own = { ...header, timestamp };
      if (!this.#wasPacked(event.event, own)) {
        // What is behind the first cannot be told from it by time: they follow on each other.
        if (event === first) this.onPacket(event, own, nowMs);
        else this.#begin(event, own, nowMs);
      }
      timestamp = (timestamp + event.duration) >>> 0;
    }
  }

  #wasPacked(event: number, { ssrc, timestamp }: EventHeader): boolean {
    const isSame = (press: PackedPress): boolean =>
      press.event === event && press.ssrc === ssrc && press.timestamp === timestamp;
    if (this.#packed.some(isSame)) return true;
    this.#packed = [...this.#packed.slice(1 - maxPacked), { event, ssrc, timestamp }];
    return false;
  }

  /** Ends a press whose packets have stopped coming. Call it now and then while `pressed`. */
  expire(nowMs: number): void {
    const press = this.#press;
    if (press === null) return;
    if (nowMs - press.lastMs >= Math.max(this.#timeoutMs, 2 * press.longestGapMs)) this.#report(press);
  }

  /** Overtaken by later ones, or doubled. One whose timestamp is later comes from a sequence that began anew. */
  #isOld(press: Press, header: EventHeader, nowMs: number): boolean {
    if (header.ssrc !== press.ssrc || nowMs - press.lastMs >= maxLateMs) return false;
    const behind = sequenceDistance(header.sequenceNumber, press.sequenceNumber);
    if (behind > 0 || behind <= -maxMisorder) return false;
    return timestampDistance(header.timestamp, press.timestamp) <= this.#reach(press);
  }

  #isOf(press: Press, payload: TelephoneEvent, header: EventHeader, nowMs: number): boolean {
    if (press.event !== payload.event) return false;
    const gapMs = nowMs - press.lastMs;
    if (header.ssrc !== press.ssrc) {
      // A stream that is sent anew in the midst of a press; timestamps of two cannot be compared.
      return gapMs <= nextPacketMs && payload.duration >= press.duration && (payload.end || press.ends === 0);
    }
    const step: Step = {
      payload,
      gapMs,
      marker: header.marker,
      ahead: timestampDistance(header.timestamp, press.timestamp),
      skip: sequenceDistance(header.sequenceNumber, press.sequenceNumber),
      sinceFirst: timestampDistance(header.timestamp, press.firstTimestamp),
    };
    return press.reported ? this.#repeats(press, step) : this.#continues(press, step);
  }

  /** What comes after a press was told is of it, or begins another. */
  #repeats(press: Press, step: Step): boolean {
    const { payload, marker, ahead, skip, gapMs, sinceFirst } = step;
    const isInReach = ahead <= this.#reach(press) && sinceFirst >= -closestPressesMs * this.#unitsPerMs;
    if (payload.end && press.ends === 0 && this.#closes(press, step)) return true;
    if (!payload.end) {
      if (!isInReach || payload.duration < press.duration) return false;
      return press.ends === 0 || !(marker || (payload.duration === press.duration && gapMs > anewMs));
    }
    if ((ahead === 0 && skip <= maxEnds) || this.#isLateEnd(press, step)) return true;
    if (gapMs > Math.max(repetitionMs, 2 * press.longestGapMs)) return false;
    return isInReach || (skip === 1 && ahead > 0 && ahead <= nextPacketMs * this.#unitsPerMs);
  }

  /**
   * An end that is sent again long after it came first, with audio between: nothing says how soon it has to follow. A sender that
   * told of this press before its end would tell of another one, too; of one that sends ends alone the timestamp has to say it.
   */
  #isLateEnd(press: Press, { payload, ahead, gapMs }: Step): boolean {
    if (press.ends === 0 || press.ends >= maxEnds) return false;
    const isSame = ahead === 0 && payload.duration === press.duration;
    if (!press.begun) return isSame && press.ends === 1 && gapMs <= slowestEndsMs;
    const isMoved = Math.abs(ahead / this.#unitsPerMs - gapMs) <= lengthOffMs;
    const hasGrown = payload.duration === 0 || payload.duration >= press.duration;
    return gapMs < maxLateMs && (isSame || (hasGrown && (ahead === 0 || isMoved)));
  }

  /**
   * An end long after the last update, from senders that tell of beginning and end only: of this press where nothing was sent
   * between, or where it says that the press began when this one did.
   */
  #closes(press: Press, { payload, skip, ahead, gapMs }: Step): boolean {
    if (skip === 1) return true;
    if (ahead !== 0) return false;
    const lastedMs = press.lastMs + gapMs - press.firstMs + press.firstDuration / this.#unitsPerMs;
    return Math.abs(payload.duration / this.#unitsPerMs - lastedMs) <= lengthOffMs;
  }

  #continues(press: Press, step: Step): boolean {
    const { payload, marker, ahead, skip, gapMs, sinceFirst } = step;
    const { duration, end } = payload;
    // Nothing but its end can follow so closely, whatever its timestamp: another press begins before it ends.
    if (end && skip <= maxEnds && gapMs <= repetitionMs) return true;
    if (end && this.#closes(press, step)) return true;
    // Nor can anything but an update, whatever it says: a press needs a pause before it, and sound or an end stands there.
    if (skip === 1 && gapMs < closestPressesMs && !marker) return true;
    const isFull = press.duration >= fullDuration;
    if (isFull && ahead >= fullDuration && ahead <= 0x10000) return true;
    if (ahead <= this.#reach(press) && sinceFirst >= -closestPressesMs * this.#unitsPerMs) {
      // Smaller than before: a press that began anew, unless it is a segment that follows where the one before ended.
      const isSegment = ahead * 2 >= press.duration || isFull;
      return end || duration >= press.duration || isSegment;
    }
    if (ahead < 0 || duration < press.duration) return false;
    if (skip === 1 && ahead <= nextPacketMs * this.#unitsPerMs) return true;
    return duration > press.duration && ahead <= growingMs * this.#unitsPerMs && (skip === 1 || !marker);
  }

  /** How much later a packet of the same press may be, in timestamp units: the next press begins after it. */
  #reach(press: Press): number {
    return Math.max(press.duration + shortestPauseMs * this.#unitsPerMs, closestPressesMs * this.#unitsPerMs);
  }

  #follow(press: Press, payload: TelephoneEvent, header: EventHeader, nowMs: number): void {
    if (!press.reported) this.#count(press, payload.duration, header, nowMs);
    press.longestGapMs = Math.max(press.longestGapMs, Math.min(nowMs - press.lastMs, this.#timeoutMs));
    press.timestamp = header.timestamp;
    press.sequenceNumber = header.sequenceNumber;
    press.lastMs = nowMs;
    if (payload.end) this.#end(press);
    else press.begun = true;
  }

  /** Adds up a press whose duration begins anew with each segment, or stands still while the timestamp moves. */
  #count(press: Press, duration: number, header: EventHeader, nowMs: number): void {
    const moved = header.ssrc === press.ssrc ? timestampDistance(header.timestamp, press.timestamp) : 0;
    // A clock that was set says nothing of how long the press lasts.
    const isSet = Math.abs(moved) > (nowMs - press.lastMs + maxLateMs) * this.#unitsPerMs;
    const ahead = isSet ? 0 : moved;
    const hasGrown = duration > press.duration;
    if (ahead < 0) press.durationBefore = Math.max(0, press.durationBefore + ahead);
    else if (ahead > 0 && !hasGrown) press.durationBefore += ahead;
    else if (press.duration >= fullDuration && duration <= 0xffff - fullDuration)
      press.durationBefore += 0x10000;
    else if (!hasGrown) return;
    press.duration = duration;
  }

  #end(press: Press): void {
    press.ends += 1;
    this.#report(press);
  }

  #report(press: Press): void {
    if (press.reported) return;
    press.reported = true;
    const told = (press.durationBefore + press.duration) / this.#unitsPerMs;
    const standsStill =
      press.timestamp === press.firstTimestamp &&
      (press.duration === press.firstDuration || press.duration === 0xffff);
    const lasted = press.lastMs - press.firstMs + press.firstDuration / this.#unitsPerMs;
    this.#listener.onKey(press.key, Math.round(standsStill ? Math.max(told, lasted) : told));
  }
}

function beginPress(key: string, payload: TelephoneEvent, header: EventHeader, nowMs: number): Press {
  const { ssrc, sequenceNumber, timestamp } = header;
  return {
    key,
    event: payload.event,
    ssrc,
    firstTimestamp: timestamp,
    firstDuration: payload.duration,
    firstMs: nowMs,
    timestamp,
    sequenceNumber,
    lastMs: nowMs,
    longestGapMs: 0,
    duration: payload.duration,
    durationBefore: 0,
    begun: !payload.end,
    ends: 0,
    reported: false,
  };
}
