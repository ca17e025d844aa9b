/** The dialogs that are alive, found by their tags or by the name that applications use; the one place where a dialog ends. */
import type { Flow } from '../transport/flow.js';
import { FlowCounts } from '../transport/flow-counts.js';
import { dialogKey, type Dialog } from './dialog.js';

export class DialogStore<Owner> implements Iterable<Dialog<Owner>> {
  readonly #limit: number;
  readonly #byKey = new Map<string, Dialog<Owner>>();
  readonly #byPublicId = new Map<string, Dialog<Owner>>();
  readonly #flows = new FlowCounts();
  /** How many dialogs have each Call-ID: forks, and calls to ourselves, share one. */
  readonly #callIds = new Map<string, number>();
  readonly #listeners: ((dialog: Dialog<Owner>) => void)[] = [];

  /** `limit`: early and confirmed dialogs together. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  get size(): number {
    return this.#byKey.size;
  }

  get isFull(): boolean {
    return this.#byKey.size >= this.#limit;
  }

  add(dialog: Dialog<Owner>): void {
    this.#byKey.set(dialog.key, dialog);
    this.#byPublicId.set(dialog.publicId, dialog);
    dialog.countIn(this.#flows);
    this.#callIds.set(dialog.callId, (this.#callIds.get(dialog.callId) ?? 0) + 1);
  }

  /** Whether some dialog has that Call-ID. */
  hasCallId(callId: string): boolean {
    return this.#callIds.has(callId);
  }

  /** Whether messages of some dialog come or go by this connection. */
  goOver(flow: Flow): boolean {
    return this.#flows.has(flow);
  }

  find(callId: string, localTag: string, remoteTag: string): Dialog<Owner> | undefined {
    return this.#byKey.get(dialogKey(callId, localTag, remoteTag));
  }

  findPublic(publicId: string): Dialog<Owner> | undefined {
    return this.#byPublicId.get(publicId);
  }

  /** A name for a new dialog: `wanted`, made different where another dialog (a fork, a call to ourselves) has it. */
  freePublicId(wanted: string, distinction: string): string {
    if (!this.#byPublicId.has(wanted)) return wanted;
    return `${wanted};${distinction}`.replace(/[|\s]/g, '_');
  }

  /** Calls back for each dialog that ends, for as long as the store lives. */
  onEnd(listener: (dialog: Dialog<Owner>) => void): void {
    this.#listeners.push(listener);
  }

  /** The dialog is over and nothing more is sent in it. Everybody who keeps something of it is told, once. */
  end(dialog: Dialog<Owner>): void {
    if (dialog.state === 'terminated') return;
    dialog.terminated();
    dialog.countIn(null);
    this.#forgetCallId(dialog.callId);
    if (this.#byKey.get(dialog.key) === dialog) this.#byKey.delete(dialog.key);
    if (this.#byPublicId.get(dialog.publicId) === dialog) this.#byPublicId.delete(dialog.publicId);
    for (const listener of this.#listeners) listener(dialog);
  }

  clear(): void {
    this.#byKey.clear();
    this.#byPublicId.clear();
    this.#flows.clear();
    this.#callIds.clear();
  }

  #forgetCallId(callId: string): void {
    const left = (this.#callIds.get(callId) ?? 0) - 1;
    if (left > 0) this.#callIds.set(callId, left);
    else this.#callIds.delete(callId);
  }

  /** A copy, so that dialogs may end while they are walked through. */
  [Symbol.iterator](): Iterator<Dialog<Owner>> {
    return [...this.#byKey.values()][Symbol.iterator]();
  }
}
