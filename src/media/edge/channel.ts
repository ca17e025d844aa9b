/** A channel in FreeSWITCH as the edge uses it, over drachtio-srf's dialog and, towards a carrier, drachtio-fsmrf's endpoint. */
import type { Socket } from 'node:net';
import { withTimer, type TimeLimit } from './with-timer.js';

/** Events: `destroy` when FreeSWITCH has sent BYE. */
export interface EdgeDialog {
  /** False once a BYE has come, also where nobody listened. */
  readonly connected: boolean;
  readonly remote: { readonly sdp: string };
  /** Sends a re-INVITE; resolves with FreeSWITCH's description, rejects with `{status}` where it refused. */
  modify(localSdp: string): Promise<string>;
  destroy(): Promise<unknown>;
  once(event: 'destroy', listener: () => void): void;
}

/** Events: `destroy` when the channel has hung up or its event socket is gone. */
export interface Endpoint {
  /** Null once that is closed. */
  readonly conn: EslConnection | null;
  once(event: 'destroy', listener: () => void): void;
}

export interface EslConnection {
  readonly socket: Socket | null;
  on(event: string, listener: (...parameters: never[]) => void): void;
  removeAllListeners(event: string): void;
  /** Asks FreeSWITCH for events. */
  subscribe: (events: string) => void;
  /** Asks for those of one channel alone. */
  filter: (header: string, value: string) => void;
}

/** FreeSWITCH said no to a description (RFC 3261 §21.4.26: 488; 606 alike). */
export class ChannelRefusal extends Error {
  override readonly name = 'ChannelRefusal';
  constructor(readonly status: number) {
    super(`FreeSWITCH answered ${status}`);
  }
}

/** One call to FreeSWITCH: a SIP dialog and a channel; towards a carrier also the event socket that FreeSWITCH opens for it. */
export interface Channel {
  /** FreeSWITCH's name for it. */
  readonly uuid: string;
  /** FreeSWITCH's description. */
  readonly description: string;
  readonly hasEnded: boolean;
  /** Offers anew; resolves with FreeSWITCH's answer. Throws ChannelRefusal, or an error when the time is up. */
  offer(description: string): Promise<string>;
  /** Calls back once, when the channel has ended; not after `endSilently`. */
  onEnded(listener: () => void): void;
  /** From now on its end is expected. */
  endSilently(): void;
  /** Resolves when FreeSWITCH has hung up; where it does not within the time, it is sent BYE. Never rejects. */
  gone(): Promise<void>;
  /** Lets go of it where FreeSWITCH is gone: nothing is waited for. */
  abandon(): void;
}

const ignore = (): void => undefined;

export class FreeSwitchChannel implements Channel {
  readonly uuid: string;
  readonly description: string;
  readonly #endpoint: Endpoint | null;
  readonly #dialog: EdgeDialog;
  readonly #limit: TimeLimit;
  #hasEnded = false;
  #onEnded: (() => void) | null = null;
  /** The SIP dialog is over, or nobody waits for that. */
  readonly #over: Promise<void>;
  #setOver: () => void = ignore;
  #isGone: Promise<void> | null = null;

  /** `limit` is for each request; `endpoint` is fsmrf's, where the channel has one. */
  constructor(uuid: string, dialog: EdgeDialog, limit: TimeLimit, endpoint: Endpoint | null) {
    this.uuid = uuid;
    this.description = dialog.remote.sdp;
    this.#endpoint = endpoint;
    this.#dialog = dialog;
    this.#limit = limit;
    this.#over = new Promise((resolve) => (this.#setOver = resolve));
    // fsmrf's own listener prints to standard error; the end is told anyway.
    endpoint?.conn?.removeAllListeners('error');
    endpoint?.conn?.on('error', ignore);
    endpoint?.once('destroy', () => this.#end());
    dialog.once('destroy', () => {
      this.#setOver();
      this.#end();
    });
    if (!dialog.connected) this.#setOver();
    if (endpoint?.conn === null || !dialog.connected) this.#hasEnded = true;
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  async offer(description: string): Promise<string> {
    try {
      return await withTimer(this.#dialog.modify(description), this.#limit, ignore);
    } catch (error) {
      throw refusalOf(error);
    }
  }

  onEnded(listener: () => void): void {
    if (this.#hasEnded) queueMicrotask(listener);
    else this.#onEnded = listener;
  }

  endSilently(): void {
    this.#onEnded = null;
  }

  gone(): Promise<void> {
    this.#isGone ??= withTimer(this.#over, this.#limit, ignore).catch(() => this.#sendBye());
    return this.#isGone;
  }

  abandon(): void {
    this.#hasEnded = true;
    this.#onEnded = null;
    this.#endpoint?.conn?.socket?.destroy();
    this.#setOver();
    // It comes to nothing, but drachtio-srf forgets the dialog by it.
    if (this.#dialog.connected) this.#dialog.destroy().then(ignore, ignore);
  }

  async #sendBye(): Promise<void> {
    await withTimer(this.#dialog.destroy(), this.#limit, ignore).then(ignore, ignore);
    this.#hasEnded = true;
  }

  #end(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    const listener = this.#onEnded;
    this.#onEnded = null;
    listener?.();
  }
}

/** drachtio-srf's errors have the status of the response that refused. */
export function refusalOf(error: unknown): unknown {
  const status = (error as { status?: unknown } | null)?.status;
  return typeof status === 'number' ? new ChannelRefusal(status) : error;
}
