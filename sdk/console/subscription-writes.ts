/** Changes of who hears whom. Every click counts: shown at once, written one after the other, and the gateway has the last word. */
import { messageOf, type ConsoleContext } from './console-context.js';
import type { StateLoader } from './state-loader.js';
import type { Subscriptions } from './subscriptions.js';

export class SubscriptionWrites {
  readonly #context: ConsoleContext;
  readonly #loader: StateLoader;
  /** In the order of the clicks. */
  #tail: Promise<void> = Promise.resolve();

  constructor(context: ConsoleContext, loader: StateLoader) {
    this.#context = context;
    this.#loader = loader;
  }

  async change(
    sessionId: string,
    listenerId: string,
    change: (subscriptions: Subscriptions, memberIds: readonly string[]) => Subscriptions,
  ): Promise<void> {
    const { api, store, state } = this.#context;
    if (api === undefined) return;
    const members = state.members ?? [];
    const listener = members.find(({ id }) => id === listenerId);
    const subscriptions = change(
      listener?.subscriptions ?? {},
      members.map(({ id }) => id),
    );
    store.update({
      members: members.map((member) => (member.id === listenerId ? { ...member, subscriptions } : member)),
    });
    this.#loader.written();
    this.#tail = this.#tail
      .then(() => api.setSubscriptions(sessionId, listenerId, subscriptions))
      .catch((error: unknown) => this.#context.toast('error', messageOf(error)))
      .finally(() => {
        this.#loader.written();
        this.#loader.refresh();
      });
    await this.#tail;
  }
}
