/** Which drachtio application takes a request: by method, in turns. */
import type { Application, ApplicationDirectory } from '../user-agent/application.js';

const maxKnownMethods = 64;
/** Call detail records have routes like methods, and are none. */
const recordRoutes: ReadonlySet<string> = new Set(['CDR:ATTEMPT', 'CDR:START', 'CDR:STOP']);

/** Which applications asked for which methods; new requests go round robin. */
export class Routes implements ApplicationDirectory {
  readonly #applications = new Map<string, Application[]>();
  readonly #next = new Map<string, number>();
  readonly #known = new Set<string>();

  /** `method` in any case, as the admin protocol has it. False when it is no method name. */
  add(method: string, application: Application): boolean {
    const name = method.toUpperCase();
    const isMethod = /^[A-Z0-9\-.!%*_+`'~]{1,32}$/.test(name);
    if (!isMethod && !recordRoutes.has(name)) return false;
    const list = this.#applications.get(name) ?? [];
    if (!list.includes(application)) list.push(application);
    this.#applications.set(name, list);
    if (isMethod && this.#known.size < maxKnownMethods) this.#known.add(name);
    return true;
  }

  remove(method: string, application: Application): void {
    const name = method.toUpperCase();
    const list = this.#applications.get(name)?.filter((other) => other !== application) ?? [];
    if (list.length === 0) this.#applications.delete(name);
    else this.#applications.set(name, list);
  }

  removeAll(application: Application): void {
    for (const method of [...this.#applications.keys()]) this.remove(method, application);
  }

  choose(method: string): Application | null {
    const list = this.#applications.get(method);
    if (!list) return null;
    const turn = this.#next.get(method) ?? 0;
    this.#next.set(method, (turn + 1) % list.length);
    return list[turn % list.length] ?? null;
  }

  isKnown(method: string): boolean {
    return this.#known.has(method);
  }

  knownMethods(): Iterable<string> {
    return this.#known;
  }
}
