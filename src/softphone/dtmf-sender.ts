/** RFC 4733 §2.3 payloads of one key press after another, in steps of one 20 ms packet. */

const dtmfKeys = '0123456789*#ABCD';
const stepMs = 20;
/** 100 ms on and 60 ms off: well above the 40 ms that every receiver must take (ITU-T Q.24). */
const onSteps = 5;
const offSteps = 3;
/** §2.5.1.4: the end of an event is sent three times, for it must not be lost. */
const endCopies = 3;
/** 0 dBm0 less 10 dB. */
const eventVolume = 10;

export interface EventPacket {
  readonly payload: Buffer;
  readonly marker: boolean;
  /** The timestamp of the event's first sample, the same in all its packets. */
  readonly timestamp: number;
  /** Times the packet goes out, with a new sequence number each. */
  readonly copies: number;
}

interface Press {
  readonly event: number;
  readonly done: (() => void) | undefined;
}

export class DtmfSender {
  readonly #waiting: Press[] = [];
  #step = 0;
  #timestamp = 0;

  /** Queues keys; the promise ends after the pause that follows the last. Throws RangeError for what is no key. */
  press(keys: string): Promise<void> {
    const events = Array.from(keys, (key) => dtmfKeys.indexOf(key.toUpperCase()));
    if (events.includes(-1)) throw new RangeError('keys are 0-9, *, # and A-D');
    if (events.length === 0) return Promise.resolve();
    return new Promise((resolve) => {
      events.forEach((event, index) => {
        this.#waiting.push({ event, done: index === events.length - 1 ? resolve : undefined });
      });
    });
  }

  /** What to send in this 20 ms step: an event, nothing (the pause after one), or the ordinary sound. */
  next(timestamp: number, clockRateHz = 8000): EventPacket | 'pause' | 'sound' {
    const press = this.#waiting[0];
    if (!press) return 'sound';
    if (this.#step === 0) this.#timestamp = timestamp;
    this.#step += 1;
    if (this.#step <= onSteps) {
      const isEnd = this.#step === onSteps;
      const payload = Buffer.from([press.event, isEnd ? 0x80 | eventVolume : eventVolume, 0, 0]);
      payload.writeUInt16BE((this.#step * stepMs * clockRateHz) / 1000, 2);
      return {
        payload,
        marker: this.#step === 1,
        timestamp: this.#timestamp,
        copies: isEnd ? endCopies : 1,
      };
    }
    if (this.#step === onSteps + offSteps) {
      this.#waiting.shift();
      this.#step = 0;
      press.done?.();
    }
    return 'pause';
  }

  /** Forgets the keys that wait; their promises end. */
  close(): void {
    for (const { done } of this.#waiting.splice(0)) done?.();
    this.#step = 0;
  }
}

/** The key of an event payload, once per press: null for its other packets. */
export class DtmfReceiver {
  #lastTimestamp: number | undefined;

  receive(payload: Buffer, timestamp: number): string | null {
    const key = dtmfKeys[payload[0] ?? 255];
    if (payload.length < 4 || key === undefined || timestamp === this.#lastTimestamp) return null;
    this.#lastTimestamp = timestamp;
    return key;
  }
}
