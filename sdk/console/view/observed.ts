/** Holds the state and tells its one listener, once per turn, that it changed. */
export class Observed<State extends object> {
  #state: State;
  #listener: () => void = () => undefined;
  #scheduled = false;

  constructor(state: State) {
    this.#state = state;
  }

  get state(): Readonly<State> {
    return this.#state;
  }

  update(change: Partial<State>): void {
    this.#state = { ...this.#state, ...change };
    if (this.#scheduled) return;
    this.#scheduled = true;
    queueMicrotask(() => {
      this.#scheduled = false;
      this.#listener();
    });
  }

  onChange(listener: () => void): void {
    this.#listener = listener;
  }
}
