/** Subscriptions (RFC 6665, and the implicit ones of RFC 3515): they keep a dialog alive that no INVITE began. */
import { beginsSubscription } from '../dialog/dialog.js';
import { HeaderFields } from '../message/header-fields.js';
import type { SipRequest, SipResponse } from '../message/message.js';
import { parseParameters } from '../message/parameters.js';
import type { OwnedDialog } from './application.js';
import type { UserAgentEnvironment } from './environment.js';

/** Where neither side says how long it is to last. Event packages have their own; an hour is the usual one. */
const usualSeconds = 3600;
/** As long as a timer can run: a subscription that is to last longer ends then. */
const longestSeconds = 1_814_400;

/** `Event` and its `id`: what tells two subscriptions of one dialog apart (RFC 6665 §4.4.1). */
interface Subscription {
  readonly event: string;
  timer: unknown;
}

/** Keeps the time of all subscriptions, and ends their dialogs with the last one. */
export class Subscriptions {
  readonly #environment: UserAgentEnvironment;
  /** Its time is over, and nobody has said that it goes on. */
  readonly #expired: (dialog: OwnedDialog) => void;
  readonly #known = new Map<OwnedDialog, Map<string, Subscription>>();

  constructor(environment: UserAgentEnvironment, expired: (dialog: OwnedDialog) => void) {
    this.#environment = environment;
    this.#expired = expired;
    environment.dialogs.onEnd((dialog) => this.#stop(dialog));
  }

  /** A request in such a dialog, of either side, has its final response. */
  answered(dialog: OwnedDialog, request: SipRequest, response: SipResponse): void {
    if (dialog.usage !== 'subscription' || dialog.state === 'terminated') return;
    const { method, headers } = request;
    const isAccepted = response.status < 300;
    if (beginsSubscription(method)) {
      if (isAccepted) this.#keep(dialog, eventOf(request), expiresOf(response.headers) ?? expiresOf(headers));
    } else if (method === 'NOTIFY') {
      const state = stateOf(headers);
      if (state.isTerminated) this.#drop(dialog, eventOf(request));
      else if (isAccepted && state.seconds !== null) this.#keep(dialog, eventOf(request), state.seconds);
    }
  }

  /** The events that the dialog's peer is to be told are over. */
  eventsOf(dialog: OwnedDialog): readonly string[] {
    return [...(this.#known.get(dialog)?.values() ?? [])].map(({ event }) => event);
  }

  /** The last NOTIFY of a subscription whose application is gone: the peer may subscribe anew (RFC 6665 §4.1.3). */
  farewell(event: string): SipRequest {
    const headers = new HeaderFields([
      ['Event', event],
      ['Subscription-State', 'terminated;reason=deactivated'],
    ]);
    return { kind: 'request', method: 'NOTIFY', uri: '', headers, body: Buffer.alloc(0) };
  }

  close(): void {
    for (const dialog of [...this.#known.keys()]) this.#stop(dialog);
  }

  /** `seconds` 0: the last NOTIFY is still to come (RFC 6665 §4.1.2.3). */
  #keep(dialog: OwnedDialog, event: string, seconds = usualSeconds): void {
    const { clock, timers } = this.#environment;
    const known = this.#known.get(dialog) ?? new Map<string, Subscription>();
    this.#known.set(dialog, known);
    const key = event.toLowerCase();
    const subscription = known.get(key) ?? { event, timer: undefined };
    if (subscription.timer !== undefined) clock.clearTimer(subscription.timer);
    known.set(key, subscription);
    // Timer N of RFC 6665 §4.1.2: a refresh, or the NOTIFY that ends it, may still be on its way.
    const delayMs = Math.min(seconds, longestSeconds) * 1000 + 64 * timers.t1Ms;
    subscription.timer = clock.setTimer(delayMs, () => {
      subscription.timer = undefined;
      known.delete(key);
      if (known.size === 0) this.#expired(dialog);
    });
  }

  #drop(dialog: OwnedDialog, event: string): void {
    const { clock, dialogs } = this.#environment;
    const known = this.#known.get(dialog);
    const key = event.toLowerCase();
    // The first REFER of a dialog need not be named in `id` (RFC 3515 §2.4.6), so with one only there is no doubt.
    const [only] = known?.size === 1 ? known.keys() : [];
    const subscription = known?.get(known.has(key) ? key : (only ?? key));
    if (subscription?.timer !== undefined) clock.clearTimer(subscription.timer);
    known?.delete(known.has(key) ? key : (only ?? key));
    if (known === undefined || known.size === 0) dialogs.end(dialog);
  }

  #stop(dialog: OwnedDialog): void {
    for (const { timer } of this.#known.get(dialog)?.values() ?? []) {
      if (timer !== undefined) this.#environment.clock.clearTimer(timer);
    }
    this.#known.delete(dialog);
  }
}

/** `presence`, or `refer;id=7`. */
function eventOf({ method, headers }: SipRequest): string {
  if (method === 'REFER') return 'refer';
  const [event = '', ...rest] = (headers.get('Event') ?? '').split(';');
  const id = parseParameters(rest.map((part) => `;${part}`).join(''))?.get('id');
  return id === undefined ? event.trim() : `${event.trim()};id=${id}`;
}

function expiresOf(headers: HeaderFields): number | undefined {
  const value = headers.get('Expires') ?? '';
  return /^\d{1,10}$/.test(value) ? Number(value) : undefined;
}

/** Subscription-State (RFC 6665 §8.2.3). */
function stateOf(headers: HeaderFields): { isTerminated: boolean; seconds: number | null } {
  const [state = '', ...rest] = (headers.get('Subscription-State') ?? '').split(';');
  const expires = parseParameters(rest.map((part) => `;${part}`).join(''))?.get('expires') ?? '';
  return {
    isTerminated: state.trim().toLowerCase() === 'terminated',
    seconds: /^\d{1,10}$/.test(expires) ? Number(expires) : null,
  };
}
