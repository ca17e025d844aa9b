/** How a value stands in a table: reading a row, writing one and the text of the statements are made of one list of columns. */

export type SqlValue = string | number | null;

/** A column that holds JSON (NULL for null): nothing queries inside it. */
export interface JsonColumn {
  readonly json: string;
}

/** A column that holds 0 or 1. */
export interface FlagColumn {
  readonly flag: string;
}

/** The column of each field. Text, numbers and null stand as they are. */
export type Columns<T> = {
  readonly [Field in keyof T]: T[Field] extends boolean
    ? FlagColumn
    : T[Field] extends SqlValue
      ? string
      : JsonColumn;
};

type AnyColumn = string | JsonColumn | FlagColumn;

export class RowMapping<T extends object> {
  readonly #table: string;
  readonly #columns: Columns<T>;
  readonly #fields: readonly (keyof T)[];

  constructor(table: string, columns: Columns<T>) {
    this.#table = table;
    this.#columns = columns;
    this.#fields = Object.keys(columns) as (keyof T)[];
  }

  /** The statement that inserts a row; it takes `values`, then those of `more` columns that are no fields. */
  insertSql(...more: readonly string[]): string {
    const names = [...this.#fields.map((field) => nameOf(this.#columns[field])), ...more];
    return `INSERT INTO ${this.#table} (${names.join(', ')}) VALUES (${names.map(() => '?').join(', ')})`;
  }

  /** The statement that changes these fields, without its condition; it takes their `values`. */
  updateSql(fields: readonly (keyof T)[]): string {
    const assignments = fields.map((field) => `${nameOf(this.#columns[field])} = ?`);
    return `UPDATE ${this.#table} SET ${assignments.join(', ')}`;
  }

  /** What the row has for these fields; all of them unless told. */
  values(value: T, fields: readonly (keyof T)[] = this.#fields): SqlValue[] {
    return fields.map((field) => write(this.#columns[field], value[field]));
  }

  /** Null where there is no row. */
  read(row: unknown): T | null {
    return row === undefined ? null : this.#read(row as Record<string, SqlValue>);
  }

  readAll(rows: readonly unknown[]): T[] {
    return rows.map((row) => this.#read(row as Record<string, SqlValue>));
  }

  #read(row: Record<string, SqlValue>): T {
    const value: Partial<Record<keyof T, unknown>> = {};
    for (const field of this.#fields) {
      const column: AnyColumn = this.#columns[field];
      value[field] = read(column, row[nameOf(column)] ?? null);
    }
    return value as T;
  }
}

/** The first `limit` of rows that have a rising `position`, and where the next page begins; null where there are no more. */
export function firstPage(rows: readonly unknown[], limit: number): { page: unknown[]; next: number | null } {
  const page = rows.slice(0, limit);
  const last = page.at(-1) as { readonly position: number } | undefined;
  return { page, next: rows.length > page.length ? (last?.position ?? null) : null };
}

function nameOf(column: AnyColumn): string {
  if (typeof column === 'string') return column;
  return 'json' in column ? column.json : column.flag;
}

function read(column: AnyColumn, stored: SqlValue): unknown {
  if (typeof column === 'string' || stored === null) return stored;
  return 'json' in column ? parseJson(column.json, String(stored)) : stored === 1;
}

/** What was written here is JSON; what is none was damaged since, as SQLite itself says it. */
function parseJson(column: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw Object.assign(new Error(`the column ${column} of a row is damaged`), { code: 'SQLITE_CORRUPT' });
  }
}

function write(column: AnyColumn, value: unknown): SqlValue {
  if (typeof column === 'string' || value === null) return value as SqlValue;
  return 'json' in column ? JSON.stringify(value) : value === true ? 1 : 0;
}
