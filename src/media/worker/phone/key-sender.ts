/** Presses keys for one phone to hear of (RFC 4733). */
import { eventOfKey, formatTelephoneEvent, telephoneEventLength } from '../codec/telephone-event.js';
import type { RtpOutput } from './rtp-output.js';
import { WorkerRefusal } from '../worker-refusal.js';
import type { EventFormat } from './phone-sdp.js';

/** What one phone may have waiting, all requests together: what would take longer is refused. */
const longestKeysMs = 60_000;
/** What a `,` between keys lasts. */
const keyPauseMs = 1000;
const shortestKeyMs = 40;
const longestKeyMs = 5000;
/** ITU-T Q.24: receivers need not tell presses apart that are closer. The end of one is sent again within it. */
const shortestGapMs = 40;

const tickMs = 20;
/** What the 16 bits of an event's duration can say (RFC 4733 §2.3). */
const maxDuration = 0xffff;
/** RFC 4733 §2.5.1.4: the last packet goes out three times, at the interval of the others. */
const endCopies = 3;
/** -10 dBm0, the usual level of a key. */
const volume = 10;

interface Step {
  /** Null: a pause. */
  readonly event: number | null;
  readonly durationMs: number;
  /** The time that it takes, with the gap after it. */
  readonly ticks: number;
  /** Settled with the last step of a request. */
  readonly request: Request;
  readonly isLast: boolean;
}

interface Request {
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/**
 * Key presses for one phone as telephone events (RFC 4733 §2.5), one after the other: a packet at each tick of 20 ms, within the
 * sequence numbers and the time of the audio, which makes way.
 */
export class KeySender {
  readonly #output: RtpOutput;
  readonly #payload = new Uint8Array(telephoneEventLength);
  #steps: Step[] = [];
  /** All steps' together, less what has gone by. */
  #ticksLeft = 0;
  /** Ticks of the first step that have gone by. */
  #tick = 0;

  constructor(output: RtpOutput) {
    this.#output = output;
  }

  get isBusy(): boolean {
    return this.#steps.length > 0;
  }

  /**
   * Sends `0`–`9`, `*`, `#`, `A`–`D`; a `,` is a pause. Resolves when all were sent and the last gap is over. Rejects with
   * WorkerRefusal, or RangeError for what is no key, no such duration or gap.
   */
  press(keys: string, durationMs: number, gapMs: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const steps = stepsOf(keys, durationMs, gapMs, { resolve, reject });
      if (steps.length === 0) return resolve();
      const ticks = steps.reduce((sum, step) => sum + step.ticks, 0);
      if ((this.#ticksLeft + ticks) * tickMs > longestKeysMs)
        throw new WorkerRefusal('too-many-keys', 'too many keys are waiting to be sent');
      this.#ticksLeft += ticks;
      this.#steps.push(...steps);
    });
  }

  /** Call once per tick. True where a packet was sent, or one that was lost may still be made up for: no audio then. */
  onTick(format: EventFormat, nowMs: number): boolean {
    const step = this.#steps[0];
    if (step === undefined) return false;
    const tick = this.#tick++;
    this.#ticksLeft--;
    const isSent = this.#sendEvent(step, tick, format, nowMs);
    if (this.#tick === step.ticks) {
      this.#tick = 0;
      this.#steps.shift();
      if (step.isLast) step.request.resolve();
    }
    return isSent;
  }

  /** Forgets all keys, the one that is being sent too. */
  fail(error: Error): void {
    const steps = this.#steps;
    this.#steps = [];
    this.#ticksLeft = 0;
    this.#tick = 0;
    for (const { request, isLast } of steps) if (isLast) request.reject(error);
  }

  #sendEvent({ event, durationMs }: Step, tick: number, format: EventFormat, nowMs: number): boolean {
    if (event === null) return false;
    const ticks = Math.ceil(durationMs / tickMs);
    if (tick >= ticks + endCopies - 1) return false;
    const unitsPerMs = format.clockRateHz / 1000;
    const segmentTicks = Math.floor(maxDuration / (tickMs * unitsPerMs));
    // The copies of the end stay with the last segment.
    const segment = Math.floor(Math.min(tick, ticks - 1) / segmentTicks);
    if (tick === 0) this.#output.beginEvent();
    else if (tick < ticks && tick % segmentTicks === 0) this.#output.continueEvent();
    const heardMs = Math.min((tick + 1) * tickMs, durationMs) - segment * segmentTicks * tickMs;
    const end = tick >= ticks - 1;
    formatTelephoneEvent({ event, end, volume, duration: heardMs * unitsPerMs }, this.#payload);
    this.#output.writeEvent(format.payloadType, this.#payload);
    this.#output.advance(tickMs * this.#output.unitsPerMs, nowMs);
    return true;
  }
}

function stepsOf(keys: string, durationMs: number, gapMs: number, request: Request): Step[] {
  if (!Number.isInteger(durationMs) || durationMs < shortestKeyMs || durationMs > longestKeyMs)
    throw new RangeError(`a key lasts from ${shortestKeyMs} to ${longestKeyMs} ms`);
  if (!Number.isInteger(gapMs) || gapMs < shortestGapMs || gapMs > longestKeyMs)
    throw new RangeError(`a gap lasts from ${shortestGapMs} to ${longestKeyMs} ms`);
  // No longer text could be sent in the time there is.
  if (keys.length > longestKeysMs / tickMs) throw new WorkerRefusal('too-many-keys', 'too many keys');
  return Array.from(keys).map((key, index) => {
    const isLast = index === keys.length - 1;
    if (key === ',') return { event: null, durationMs: 0, ticks: keyPauseMs / tickMs, request, isLast };
    const event = eventOfKey(key);
    if (event === null) throw new RangeError('keys are 0-9, *, #, A-D, and a comma is a pause');
    const ticks = Math.ceil(durationMs / tickMs) + Math.ceil(gapMs / tickMs);
    return { event, durationMs, ticks, request, isLast };
  });
}
