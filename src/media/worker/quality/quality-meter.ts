/**
 * The quality of a leg's audio, both ways, from what is counted and what the far end reports. Is told once a second or so how
 * far the counts are; sums up every ten seconds.
 */
import type { AudioQuality, OneWayAudio } from './audio-quality.js';
import { DirectionMeter } from './direction-meter.js';
import type { ReportedReception } from './remote-reception.js';

/** What has been counted so far. */
export interface AudioCounts {
  readonly packetsReceived: number;
  readonly packetsLost: number;
  readonly jitterMs: number;
  readonly packetsSent: number;
}

const windowMs = 10_000;
/** Packets that are sent in a window where sound is sent at all: a tenth of what there is without pauses. */
const packetsOfSound = 50;
/** So many reports, none of which names our stream, are no accident. */
const reportsToTell = 3;

export class QualityMeter {
  readonly #received = new DirectionMeter();
  readonly #sent = new DirectionMeter();
  #counts: AudioCounts = { packetsReceived: 0, packetsLost: 0, jitterMs: 0, packetsSent: 0 };
  #windowEndsMs = -1;
  #receivedInWindow = 0;
  #sentInWindow = 0;
  #saysItSends = false;
  #roundTripMs: number | null = null;
  /** What the reports of this window say of what is sent. */
  #heardInWindow = false;
  #unheardInWindow = false;
  #wasReported = false;
  /** Reports that name nothing of ours, since the first packet that was sent. */
  #reportsWithoutUs = 0;
  #oneWay: OneWayAudio | null = null;

  /** The far end reports that it has sent since its last report. */
  onSending(): void {
    this.#saysItSends = true;
  }

  /** The far end has reported on what we send. */
  onReported(reception: ReportedReception | null, isHeard: boolean, roundTripMs: number | null): void {
    this.#wasReported = true;
    if (isHeard) this.#heardInWindow = true;
    else this.#unheardInWindow = true;
    this.#roundTripMs = roundTripMs ?? this.#roundTripMs;
    if (reception !== null) this.#sent.add(reception.came, reception.lost, reception.jitterMs);
  }

  /** The far end has reported, and never yet on what we send. */
  onReportWithoutUs(): void {
    if (this.#counts.packetsSent > 0 && this.#reportsWithoutUs < reportsToTell) this.#reportsWithoutUs += 1;
  }

  /** `isMutual`: sound is to go both ways now, as far as is agreed. */
  onCounts(counts: AudioCounts, isMutual: boolean, nowMs: number): void {
    this.#take(counts);
    if (this.#windowEndsMs < 0) this.#windowEndsMs = nowMs + windowMs;
    if (nowMs < this.#windowEndsMs) return;
    this.#windowEndsMs = nowMs + windowMs;
    this.#oneWay = isMutual ? this.#oneWayAudio() : null;
    this.#received.endWindow(this.#roundTripMs);
    this.#sent.endWindow(this.#roundTripMs);
    this.#receivedInWindow = 0;
    this.#sentInWindow = 0;
    this.#saysItSends = false;
    this.#heardInWindow = false;
    this.#unheardInWindow = false;
  }

  quality(counts: AudioCounts): AudioQuality {
    this.#take(counts);
    const roundTripMs = this.#roundTripMs;
    return {
      received: this.#received.quality(roundTripMs),
      sent: this.#sent.quality(roundTripMs),
      roundTripMs: roundTripMs === null ? null : Math.round(roundTripMs * 10) / 10,
      oneWay: this.#oneWay,
    };
  }

  /** A late packet was no loss after all: the count goes back, and what is lost next makes up for it. */
  #take(counts: AudioCounts): void {
    const before = this.#counts;
    this.#counts = { ...counts, packetsLost: Math.max(counts.packetsLost, before.packetsLost) };
    const came = Math.max(0, counts.packetsReceived - before.packetsReceived);
    const lost = Math.max(0, counts.packetsLost - before.packetsLost);
    this.#receivedInWindow += came;
    this.#sentInWindow += Math.max(0, counts.packetsSent - before.packetsSent);
    if (came > 0 || lost > 0) this.#received.add(came, lost, counts.jitterMs);
  }

  #oneWayAudio(): OneWayAudio | null {
    if (this.#receivedInWindow === 0) return this.#saysItSends ? 'not-received' : null;
    if (this.#sentInWindow < packetsOfSound) return null;
    if (this.#wasReported) return this.#unheardInWindow && !this.#heardInWindow ? 'not-heard' : null;
    return this.#reportsWithoutUs >= reportsToTell ? 'not-reported' : null;
  }
}
