/** What all transactions share: they run a table of states with timers. */
import type { Flow } from '../transport/flow.js';
import type { Clock } from './clock.js';
import type { Action, Edge, Machine, TimerInput } from './machine.js';
import { timerDelayMs, type TimerName, type TimerSettings } from './timers.js';

export interface TransactionContext {
  readonly clock: Clock;
  readonly timers: TimerSettings;
  readonly counters: {
    retransmissionsSent: number;
    retransmissionsReceived: number;
    transactionTimeouts: number;
  };
  /** The transaction is over: forget it. */
  ended(transaction: Transaction<string, string>): void;
}

export interface TransactionBeginning<State extends string, Input extends string> {
  /** What incoming messages are matched by (RFC 3261 §17.1.3, §17.2.3). */
  readonly key: string;
  readonly machine: Machine<State | 'terminated', Input>;
  readonly state: State;
  /** The way that what it sends goes. */
  readonly flow: Flow;
}

/** Runs one state machine: looks the edge up, takes the step, performs the actions, keeps the timers. */
export abstract class Transaction<State extends string, Input extends string> {
  /** What incoming messages are matched by (RFC 3261 §17.1.3, §17.2.3). */
  readonly key: string;
  /** The way that what it sends goes. */
  readonly flow: Flow;
  readonly #machine: Machine<State | 'terminated', Input>;
  protected readonly context: TransactionContext;
  #state: State | 'terminated';
  #timers: Partial<Record<TimerName, unknown>> | undefined;
  #rounds: Partial<Record<TimerName, number>> | undefined;

  constructor(beginning: TransactionBeginning<State, Input>, context: TransactionContext) {
    this.key = beginning.key;
    this.#machine = beginning.machine;
    this.#state = beginning.state;
    this.flow = beginning.flow;
    this.context = context;
  }

  get state(): State | 'terminated' {
    return this.#state;
  }

  /** Takes one step. False when the input means nothing in this state, and nothing happened. */
  protected step(input: Input): boolean {
    const row: { readonly [name in Input]?: Edge<State | 'terminated'> } = this.#machine[this.#state];
    const edge = row[input];
    if (!edge) return false;
    this.#state = edge.next;
    let due: TimerName | undefined;
    for (const action of edge.actions) {
      if (action === 'start E at T2') this.#start('E', this.context.timers.t2Ms);
      else if (action.startsWith('start ')) {
        const name = action.slice(6) as TimerName;
        if (this.#startByTable(name)) due = name;
      } else if (action.startsWith('stop ')) this.#stop(action.slice(5) as TimerName);
      else this.perform(action);
    }
    if (edge.next === 'terminated') this.#end();
    // "Zero seconds for reliable transports" fires here and now, but after what the user had to hear.
    else if (due !== undefined) this.step(`timer ${due}` satisfies TimerInput as Input);
    return true;
  }

  /** Starts a timer as its row says; for the ones that run from the first state on. */
  protected startTimer(name: TimerName): void {
    this.#startByTable(name);
  }

  protected transmit(bytes: Buffer): void {
    this.flow.send(bytes).catch(() => {
      this.step('transport error' as Input);
    });
  }

  /** Does what an action says that is not about timers. */
  protected abstract perform(action: Action): void;

  /** Ends at once and silently, whatever the state: the server closes. */
  destroy(): void {
    this.#state = 'terminated';
    this.#stopAll();
  }

  #end(): void {
    this.#stopAll();
    this.context.ended(this);
  }

  #stopAll(): void {
    for (const name in this.#timers) this.#stop(name as TimerName);
    this.#timers = undefined;
  }

  /** True when the timer is due at once. */
  #startByTable(name: TimerName): boolean {
    const rounds = (this.#rounds ??= {});
    const round = rounds[name] ?? 0;
    rounds[name] = round + 1;
    const delayMs = timerDelayMs(name, this.flow.reliable, round, this.context.timers);
    if (delayMs === 0) return true;
    if (delayMs !== null) this.#start(name, delayMs);
    return false;
  }

  #start(name: TimerName, delayMs: number): void {
    this.#stop(name);
    (this.#timers ??= {})[name] = this.context.clock.setTimer(delayMs, () => {
      if (this.#timers) this.#timers[name] = undefined;
      this.step(`timer ${name}` satisfies TimerInput as Input);
    });
  }

  #stop(name: TimerName): void {
    const handle = this.#timers?.[name];
    if (handle === undefined || !this.#timers) return;
    this.#timers[name] = undefined;
    this.context.clock.clearTimer(handle);
  }
}
