/** The header fields of a message, in order, found by name in any case and form. */
import { headerKey, headerName, type HeaderName } from './header-names.js';
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
  /** What was read out of the value last, and by whom. */
  reading: Reading | null;
}

interface Reading {
  readonly read: (value: string) => unknown;
  readonly result: unknown;
}

function entry(written: string, value: string): Entry {
  return entryOf(headerName(written), value);
}

function entryOf({ name, key }: HeaderName, value: string): Entry {
  return { name, key, value: oneLine(value), reading: null };
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
    return this.#first(headerKey(name))?.value;
  }

  /**
   * What `read` makes of the first field of that name, null where there is none. Several layers want the same of a message: it is read
   * once, so `read` must be a function that always gives the same, and nobody may change the result.
   */
  read<Result>(name: string, read: (value: string) => Result): Result | null {
    const field = this.#first(headerKey(name));
    if (field === undefined) return null;
    if (field.reading?.read !== read) field.reading = { read, result: read(field.value) };
    return field.reading.result as Result;
  }

  /** The value of every field of that name, top first; a value that lists several with commas is not split. */
  all(name: string): string[] {
    const key = headerKey(name);
    const values: string[] = [];
    for (const field of this.#entries) if (field.key === key) values.push(field.value);
    return values;
  }

  /** Those of the names, in their long form, that more than one field has. */
  repeated(names: ReadonlySet<string>): readonly string[] {
    const seen: string[] = [];
    const repeated: string[] = [];
    for (const { name } of this.#entries) {
      if (!names.has(name)) continue;
      if (!seen.includes(name)) seen.push(name);
      else if (!repeated.includes(name)) repeated.push(name);
    }
    return repeated;
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
    else this.#entries[at] = entryOf(field, rest.join(', '));
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

  #first(key: string): Entry | undefined {
    for (const field of this.#entries) if (field.key === key) return field;
    return undefined;
  }

  #indexOf(key: string): number {
    return this.#entries.findIndex((field) => field.key === key);
  }
}
