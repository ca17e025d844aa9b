/** Presses keys for applications: a phone is sent them as telephone events, or by signalling where it takes none. */
import type { Clock } from '../clock.js';
import { DomainError } from '../domain-error.js';
import { participantSubject } from '../facts/event-subjects.js';
import type { EventRecorder } from '../facts/event-recorder.js';
import { KnownRequests } from './known-requests.js';
import { keyTiming, lengthOfKeysMs } from './key-timing.js';
import type { LegObserver } from '../legs/live-leg.js';
import type { LegRegistry } from '../legs/leg-registry.js';
import type { LiveLeg } from '../legs/live-leg.js';
import { MediaRefusal, type MediaRefusalCode } from '../media-plane.js';
import type { SessionService } from '../sessions/session-service.js';
import { SignalledKeys, type KeysOutcome } from './signalled-keys.js';

export interface NewKeys {
  /** `0`–`9`, `*`, `#`, `A`–`D` in either case; a `,` is a pause. Secret: they may be a PIN. */
  readonly digits: string;
  /** How long each key is pressed. */
  readonly durationMs: number;
}

export interface DtmfServiceOptions {
  readonly sessions: Pick<SessionService, 'getParticipant'>;
  readonly legs: Pick<LegRegistry, 'ofParticipant'>;
  readonly events: EventRecorder;
  readonly clock: Clock;
}

/** What is remembered, until its end, of a leg that keys were sent to. */
interface Sending {
  readonly known: KnownRequests<NewKeys>;
  signalled: SignalledKeys | null;
}

/** How many idempotency keys are remembered of one leg; the oldest are forgotten. */
const maxKnownKeys = 100;

export class DtmfService implements LegObserver {
  readonly #options: DtmfServiceOptions;
  readonly #sendings = new Map<LiveLeg, Sending>();

  constructor(options: DtmfServiceOptions) {
    this.#options = options;
  }

  /**
   * Resolves when the participant's phone was sent all of them. A request whose idempotency key is known from this connection
   * sends nothing more. Throws DomainError `participant-not-found`, `participant-not-connected`, `not-a-phone`,
   * `dtmf-unusable`, `dtmf-not-possible`, `dtmf-refused`, `dtmf-busy`, `dtmf-key-reused`, `phone-on-hold`, `media-overloaded`.
   */
  async send(accountId: string, participantId: string, wanted: NewKeys, key: string | null): Promise<void> {
    await this.#options.sessions.getParticipant(accountId, participantId);
    check(wanted);
    const leg = this.#options.legs.ofParticipant(participantId);
    if (leg?.state !== 'established') throw notConnected();
    if (leg.kind !== 'phone') throw new DomainError('not-a-phone', 'The participant is no phone');
    const sending = this.#sendingTo(leg);
    if (key === null) return this.#send(leg, sending, wanted);
    const known = sending.known.get(key);
    if (known !== null) {
      const { digits, durationMs } = known.wanted;
      if (digits === wanted.digits && durationMs === wanted.durationMs) return known.done;
      throw new DomainError('dtmf-key-reused', 'The Idempotency-Key was used for other keys');
    }
    const done = this.#send(leg, sending, wanted);
    sending.known.remember(key, wanted, done);
    return done;
  }

  /** The phone of the new call is another: what the one before was still to be sent is not sent to it. */
  legTakenOver(leg: LiveLeg): void {
    const sending = this.#sendings.get(leg);
    sending?.signalled?.close();
    if (sending !== undefined) sending.signalled = null;
  }

  legEnded(leg: LiveLeg): void {
    const sending = this.#sendings.get(leg);
    this.#sendings.delete(leg);
    sending?.signalled?.close();
  }

  #sendingTo(leg: LiveLeg): Sending {
    let sending = this.#sendings.get(leg);
    if (sending === undefined) {
      sending = { known: new KnownRequests(maxKnownKeys), signalled: null };
      this.#sendings.set(leg, sending);
    }
    return sending;
  }

  async #send(leg: LiveLeg, sending: Sending, { digits, durationMs }: NewKeys): Promise<void> {
    try {
      await leg.media.sendDtmf(digits, durationMs);
    } catch (error) {
      if (leg.hasEnded) throw notConnected();
      if (!(error instanceof MediaRefusal)) throw error;
      if (error.code !== 'no-telephone-event' || !leg.takesSignalledKeys) throw explain(error.code);
      sending.signalled ??= new SignalledKeys((...press) => leg.signalKey(...press), this.#options.clock);
      const outcome = await sending.signalled.send(digits, durationMs);
      if (outcome !== 'sent') throw explainSignalled(outcome);
    }
    // Never which: they may be somebody's PIN.
    const count = Array.from(digits).filter((key) => key !== ',').length;
    this.#options.events.record('dtmf.sent', participantSubject(leg.participant), {
      legId: leg.legId,
      count,
    });
  }
}

function check({ digits, durationMs }: NewKeys): void {
  const { shortestMs, longestMs, longestInAllMs } = keyTiming;
  const isUsable =
    /^[0-9*#A-D,]+$/i.test(digits) &&
    Number.isInteger(durationMs) &&
    durationMs >= shortestMs &&
    durationMs <= longestMs;
  if (!isUsable) throw new DomainError('dtmf-unusable', 'These keys cannot be sent');
  if (lengthOfKeysMs(digits, durationMs) > longestInAllMs) {
    throw new DomainError('dtmf-unusable', `The keys would take more than ${longestInAllMs / 1000} seconds`);
  }
}

function explain(code: MediaRefusalCode): DomainError {
  switch (code) {
    case 'no-telephone-event':
      return new DomainError('dtmf-not-possible', 'The phone takes no key presses');
    case 'on-hold':
      return new DomainError('phone-on-hold', 'The phone holds the call: keys were not sent, or not all');
    case 'too-many-keys':
      return tooMany();
    default:
      return new DomainError('media-overloaded', 'The media worker cannot send keys at the moment');
  }
}

function explainSignalled(outcome: Exclude<KeysOutcome, 'sent'>): DomainError {
  switch (outcome) {
    case 'refused':
      return new DomainError('dtmf-refused', 'The phone refused a key: it and those after it were not taken');
    case 'gone':
      return notConnected();
    case 'too-many':
      return tooMany();
  }
}

function tooMany(): DomainError {
  return new DomainError('dtmf-busy', 'Too many keys wait to be sent to the phone');
}

function notConnected(): DomainError {
  return new DomainError('participant-not-connected', 'The participant is not connected');
}
