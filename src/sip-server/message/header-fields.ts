/** The header fields of a message, in order, found by name in any case and form. */
import { canonicalHeaderName, headerKey } from './header-names.js';
import { splitCommas } from './parameters.js';

/** One header field of a message (RFC 3261 §7.3). */
export interface HeaderField {
  /** Canonical long name, e.g. `Call-ID`, `Via`; unknown names keep the case they came in. */
  readonly name: string;
  /** Unfolded, trimmed value. */
  readonly value: string;
}

interface Entry extends HeaderField {
  readonly key: string;
}

function entry(name: string, value: string): Entry {
  return { name: canonicalHeaderName(name), key: headerKey(name), value: oneLine(value) };
}

/** A value can never begin a new header field: line breaks and NUL become a space, whoever supplied them. */
function oneLine(value: string): string {
  return /[\r\n\0]/.test(value) ? value.replace(/[\r\n\0]+[ \t]*/g, ' ').trim() : value;
}

/** An ordered multimap of header fields. Every name may be given in any case or in its compact form. */
export class HeaderFields implements Iterable<HeaderField> {
  #entries: Entry[];

  constructor(fields: Iterable<HeaderField> | Iterable<readonly [name: string, value: string]> = []) {
    this.#entries = [];
    for (const field of fields) {
      if ('name' in field) this.append(field.name, field.value);
      else this.append(field[0], field[1]);
    }
  }

  get size(): number {
    return this.#entries.length;
  }

  /** The value of the first field of that name. */
  get(name: string): string | undefined {
    const key = headerKey(name);
    return this.#entries.find((field) => field.key === key)?.value;
  }

  /** The value of every field of that name, top first; a value that lists several with commas is not split. */
  all(name: string): string[] {
    const key = headerKey(name);
    const values: string[] = [];
    for (const field of this.#entries) if (field.key === key) values.push(field.value);
    return values;
  }

  has(name: string): boolean {
    return this.#indexOf(headerKey(name)) >= 0;
  }

  /** Leaves one field of that name, at the place of the first, or at the end when there was none. */
  set(name: string, value: string): this {
    const added = entry(name, value);
    const at = this.#indexOf(added.key);
    if (at < 0) {
      this.#entries.push(added);
      return this;
    }
    this.#entries = this.#entries.filter((field, index) => index <= at || field.key !== added.key);
    this.#entries[at] = added;
    return this;
  }

  /** Adds a field at the end. */
  append(name: string, value: string): this {
    this.#entries.push(entry(name, value));
    return this;
  }

  /** Adds a field before the first of that name, or at the top when there is none (a new Via, Record-Route). */
  prepend(name: string, value: string): this {
    const added = entry(name, value);
    this.#entries.splice(Math.max(0, this.#indexOf(added.key)), 0, added);
    return this;
  }

  /** Changes the first field of that name and leaves the others; appends when there is none. */
  replaceFirst(name: string, value: string): this {
    const added = entry(name, value);
    const at = this.#indexOf(added.key);
    if (at < 0) this.#entries.push(added);
    else this.#entries[at] = added;
    return this;
  }

  /** Takes the first value of that name out, also of a field that lists several with commas; null when there is none. */
  takeFirst(name: string): string | null {
    const at = this.#indexOf(headerKey(name));
    const field = this.#entries[at];
    if (field === undefined) return null;
    const [first = '', ...rest] = splitCommas(field.value);
    if (rest.length === 0) this.#entries.splice(at, 1);
    else this.#entries[at] = { ...field, value: rest.join(', ') };
    return first;
  }

  /** Removes every field of that name. */
  remove(name: string): this {
    const key = headerKey(name);
    this.#entries = this.#entries.filter((field) => field.key !== key);
    return this;
  }

  *[Symbol.iterator](): Iterator<HeaderField> {
    yield* this.#entries;
  }

  #indexOf(key: string): number {
    return this.#entries.findIndex((field) => field.key === key);
  }
}
