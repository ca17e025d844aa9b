/** Whether the gateway is there and takes calls, and how that is said. */
import type { GatewayApi, Readiness } from './gateway-api.js';
import type { StreamState } from './event-stream.js';

/**
 * `ready`: it takes calls. `draining`: it takes no new ones, as it is about to stop or out of service; those in progress go on. `not-ready`: it
 * takes none now, for the reason that it gives. `away`: it does not answer. `unasked`: not yet. `untold`: it does not say.
 */
export type GatewayState =
  | { readonly is: 'unasked' | 'untold' | 'ready' | 'draining' | 'away' }
  | { readonly is: 'not-ready'; readonly reason: string };

export interface StateBadge {
  /** How it looks: `good`, `busy`, `warning`, `bad`. */
  readonly look: 'good' | 'busy' | 'warning' | 'bad';
  readonly text: string;
}

/** @param readiness Null where the gateway may not be asked. */
export function gatewayState(readiness: Readiness | 'away' | null): GatewayState {
  if (readiness === null) return { is: 'untold' };
  if (readiness === 'away') return { is: 'away' };
  if (readiness.ready) return { is: 'ready' };
  const { reasons } = readiness;
  if (reasons.some(({ check }) => check === 'draining')) return { is: 'draining' };
  return { is: 'not-ready', reason: reasons.map(({ reason }) => reason).join('; ') };
}

/** What the top bar says: whether the page is up to date, and beside that what the gateway is about. */
export function stateBadge(stream: StreamState, gateway: GatewayState): StateBadge {
  if (gateway.is === 'away') return { look: 'bad', text: 'The gateway is away, trying again…' };
  if (stream === 'waiting') return { look: 'bad', text: 'Connection lost, trying again…' };
  if (gateway.is === 'draining')
    return { look: 'warning', text: 'Takes no new calls; those in progress go on' };
  if (gateway.is === 'not-ready') return { look: 'warning', text: `Takes no calls: ${gateway.reason}` };
  const isLive = stream === 'open' && gateway.is !== 'unasked';
  return isLive ? { look: 'good', text: 'Live' } : { look: 'busy', text: 'Connecting…' };
}

const intervalMs = 3000;

/** Asks the gateway from time to time, until it is closed. */
export class GatewayWatch {
  readonly #api: Pick<GatewayApi, 'readiness'>;
  readonly #onState: (state: GatewayState) => void;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isAsking = false;
  #isClosed = false;

  constructor(api: Pick<GatewayApi, 'readiness'>, onState: (state: GatewayState) => void) {
    this.#api = api;
    this.#onState = onState;
    this.ask();
  }

  /** Now rather than at the next time. */
  ask(): void {
    if (!this.#isAsking && !this.#isClosed) void this.#ask();
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
  }

  async #ask(): Promise<void> {
    this.#isAsking = true;
    clearTimeout(this.#timer);
    const readiness = await this.#api.readiness();
    this.#isAsking = false;
    if (this.#isClosed) return;
    this.#onState(gatewayState(readiness));
    this.#timer = setTimeout(() => this.ask(), intervalMs);
  }
}
