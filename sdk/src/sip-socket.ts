/**
 * SIP over one WebSocket at a time (RFC 7118), as SIP.js wants its transport. Unlike SIP.js' own it can be opened anew
 * while the one before still believes that it is open, as it does after a change of network, and it notices that by itself.
 */
import { TransportState, type Transport } from 'sip.js';

export interface SipSocketOptions {
  readonly url: string;
  /** Proxies close WebSockets that are silent for a minute; RFC 5626 §4.4.1 keeps them open with CRLF CRLF. */
  readonly keepAliveMs?: number;
  /** A gateway that has answered such a ping before and does not answer this one in time is out of reach. */
  readonly pongTimeoutMs?: number;
}

type StateListener = (state: TransportState) => void;

const defaults = { keepAliveMs: 25_000, pongTimeoutMs: 10_000 };
const ping = '\r\n\r\n';

export class SipSocket implements Transport {
  readonly protocol: string;
  onConnect: (() => void) | undefined;
  /** Not after `disconnect`. */
  onDisconnect: ((error?: Error) => void) | undefined;
  onMessage: ((message: string) => void) | undefined;
  /** Nothing here listens; SIP.js asks for it. */
  readonly stateChange: Transport['stateChange'];
  readonly #options: SipSocketOptions & typeof defaults;
  readonly #stateListeners = new Set<StateListener>();
  #state: TransportState = TransportState.Disconnected;
  #socket: WebSocket | undefined;
  /** Ends an attempt to connect that is under way. */
  #abandon: (() => void) | undefined;
  #keepAlive: ReturnType<typeof setInterval> | undefined;
  /** Called with every sign of life. */
  readonly #waitingForLife = new Set<() => void>();
  #answersPings = false;

  constructor(_logger: unknown, options: SipSocketOptions) {
    this.#options = { ...defaults, ...options };
    this.protocol = options.url.startsWith('wss:') ? 'WSS' : 'WS';
    const add = (listener: StateListener): unknown => this.#stateListeners.add(listener);
    const remove = (listener: StateListener): unknown => this.#stateListeners.delete(listener);
    this.stateChange = {
      addListener: add,
      removeListener: remove,
      // SIP.js' interface of emitters still has these.
      /* eslint-disable @typescript-eslint/no-deprecated */
      on: add,
      off: remove,
      once: (listener) => {
        const once = (state: TransportState): void => {
          remove(once);
          listener(state);
        };
        add(once);
      },
      /* eslint-enable @typescript-eslint/no-deprecated */
    };
  }

  get state(): TransportState {
    return this.#state;
  }

  isConnected(): boolean {
    return this.#state === TransportState.Connected;
  }

  /** Leaves any WebSocket of before, open or not, and opens another. */
  connect(): Promise<void> {
    this.#leave();
    this.#to(TransportState.Connecting);
    return new Promise((resolve, reject) => {
      const socket = new WebSocket(this.#options.url, 'sip');
      this.#socket = socket;
      const failed = (): void => {
        this.#leave();
        this.#to(TransportState.Disconnected);
        reject(new Error('The WebSocket could not be opened.'));
      };
      this.#abandon = failed;
      socket.onclose = failed;
      socket.onopen = () => {
        this.#abandon = undefined;
        socket.onclose = () => this.#lost();
        socket.onmessage = ({ data }) => this.#onMessage(data);
        this.#keepAlive = setInterval(() => void this.#checkLife(), this.#options.keepAliveMs);
        // It shows early whether this gateway answers pings.
        socket.send(ping);
        this.#to(TransportState.Connected);
        this.onConnect?.();
        resolve();
      };
    });
  }

  disconnect(): Promise<void> {
    this.#leave();
    this.#to(TransportState.Disconnected);
    return Promise.resolve();
  }

  dispose(): Promise<void> {
    return this.disconnect();
  }

  send(message: string): Promise<void> {
    const socket = this.#socket;
    if (socket?.readyState !== WebSocket.OPEN) return Promise.reject(new Error('The WebSocket is closed.'));
    socket.send(message);
    return Promise.resolve();
  }

  /** False where the gateway, which has answered before, says nothing within the time, or the WebSocket is closed. */
  async probe(timeoutMs: number): Promise<boolean> {
    const socket = this.#socket;
    if (socket?.readyState !== WebSocket.OPEN) return false;
    if (!this.#answersPings) return true;
    return new Promise((resolve) => {
      const end = (isAlive: boolean): void => {
        clearTimeout(timer);
        this.#waitingForLife.delete(alive);
        resolve(isAlive && socket === this.#socket);
      };
      const alive = (): void => end(true);
      const timer = setTimeout(() => end(false), timeoutMs);
      this.#waitingForLife.add(alive);
      socket.send(ping);
    });
  }

  async #checkLife(): Promise<void> {
    const socket = this.#socket;
    if (!this.#answersPings) socket?.send(ping);
    else if (!(await this.probe(this.#options.pongTimeoutMs)) && socket === this.#socket) this.#lost();
  }

  #onMessage(data: unknown): void {
    if (typeof data !== 'string') return;
    const isPong = data.trim() === '';
    if (isPong) this.#answersPings = true;
    for (const alive of [...this.#waitingForLife]) alive();
    if (!isPong) this.onMessage?.(data);
  }

  #lost(): void {
    if (this.#socket === undefined) return;
    this.#leave();
    this.#to(TransportState.Disconnected);
    this.onDisconnect?.(new Error('The WebSocket was closed.'));
  }

  #leave(): void {
    const socket = this.#socket;
    this.#socket = undefined;
    clearInterval(this.#keepAlive);
    const abandon = this.#abandon;
    this.#abandon = undefined;
    if (socket !== undefined) {
      socket.onopen = null;
      socket.onclose = null;
      socket.onmessage = null;
      socket.close();
    }
    abandon?.();
  }

  #to(state: TransportState): void {
    if (state === this.#state) return;
    this.#state = state;
    for (const listener of [...this.#stateListeners]) listener(state);
  }
}
