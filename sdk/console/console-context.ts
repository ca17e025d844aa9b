/** What every part of the console shares: the state, the gateway, and how an action is done and its failure told. */
import { ApiError, type GatewayApi } from './gateway-api.js';
import { initialState, type State } from './state.js';
import { Observed } from './view/observed.js';

const toastMs = 8000;

export class ConsoleContext {
  readonly store = new Observed<State>(initialState);
  /** While signed in. */
  api: GatewayApi | undefined;
  readonly #refresh: () => void;
  #toastId = 0;

  constructor(refresh: () => void) {
    this.#refresh = refresh;
  }

  get state(): State {
    return this.store.state;
  }

  refresh(): void {
    this.#refresh();
  }

  /** Does something once at a time, says what went wrong, and looks at the state afterwards. */
  async act(name: string, action: (api: GatewayApi) => Promise<unknown>): Promise<void> {
    const { api } = this;
    if (api === undefined || this.state.busy.has(name)) return;
    await this.busy(name, async () => {
      try {
        await action(api);
      } catch (error) {
        this.toast('error', messageOf(error));
      }
    });
    this.refresh();
  }

  async busy(name: string, action: () => Promise<void>): Promise<void> {
    this.store.update({ busy: new Set([...this.state.busy, name]) });
    try {
      await action();
    } finally {
      this.store.update({ busy: new Set([...this.state.busy].filter((other) => other !== name)) });
    }
  }

  toast(tone: 'error' | 'info', text: string): void {
    const id = (this.#toastId += 1);
    this.store.update({ toasts: [...this.state.toasts.slice(-3), { id, tone, text }] });
    setTimeout(() => this.dismissToast(id), toastMs);
  }

  dismissToast(id: number): void {
    this.store.update({ toasts: this.state.toasts.filter((toast) => toast.id !== id) });
  }
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The selected session may be gone already. */
export function noneWhereGone(error: unknown): null {
  if (error instanceof ApiError && error.status === 404) return null;
  throw error;
}
