/** Numbers and their PINs in SQLite. */
import type { NumberPin, NumberRoute, NumberStore, PhoneNumber } from '../../domain/numbers/phone-number.js';
import type { SqliteConnection } from './sqlite-connection.js';

interface NumberRow {
  readonly id: string;
  readonly account_id: string;
  readonly number: string | null;
  readonly platform: string | null;
  readonly credentials: string;
  readonly route: string;
  readonly participant: string;
  readonly allow_from: string;
  readonly created_at: number;
}

interface PinRow {
  readonly id: string;
  readonly number_id: string;
  readonly pin_hash: string;
  readonly session_id: string;
  readonly length: number;
  readonly created_at: number;
}

export class SqliteNumbers implements NumberStore {
  readonly #connection: SqliteConnection;
  readonly #sql: ReturnType<typeof prepare>;

  constructor(connection: SqliteConnection) {
    this.#connection = connection;
    this.#sql = prepare(connection);
  }

  createNumber(number: PhoneNumber): Promise<boolean> {
    return this.#connection.writeDurably(() => {
      if (this.#isTaken(number)) return false;
      const { id, accountId, createdAt } = number;
      this.#sql.insert.run(id, accountId, createdAt, ...values(number));
      return true;
    });
  }

  replaceNumber(number: PhoneNumber): Promise<'replaced' | 'taken' | 'gone'> {
    return this.#connection.writeDurably(() => {
      if (this.#isTaken(number)) return 'taken';
      const { changes } = this.#sql.replace.run(...values(number), number.id, number.accountId);
      return changes === 1 ? 'replaced' : 'gone';
    });
  }

  getNumber(accountId: string, numberId: string): Promise<PhoneNumber | null> {
    return this.#connection.read(() => toNumber(this.#sql.get.get(numberId, accountId)));
  }

  findNumber(numberId: string): Promise<PhoneNumber | null> {
    return this.#connection.read(() => toNumber(this.#sql.find.get(numberId)));
  }

  findNumberByE164(number: string): Promise<PhoneNumber | null> {
    return this.#connection.read(() => toNumber(this.#sql.findByE164.get(number)));
  }

  listNumbers(accountId: string, limit: number): Promise<readonly PhoneNumber[]> {
    return this.#connection.read(() =>
      this.#sql.list.all(accountId, limit).flatMap((row) => toNumber(row) ?? []),
    );
  }

  deleteNumber(accountId: string, numberId: string): Promise<boolean> {
    return this.#connection.writeDurably(() => {
      if (this.#sql.remove.run(numberId, accountId).changes !== 1) return false;
      this.#sql.removePins.run(numberId);
      return true;
    });
  }

  createPin(pin: NumberPin, limit: number): Promise<boolean> {
    return this.#connection.writeDurably(() => {
      if (this.#sql.findPin.get(pin.numberId, pin.pinHash) !== undefined) return false;
      const { pins } = this.#sql.countPins.get(pin.numberId) as { pins: number };
      if (pins >= limit) return false;
      this.#sql.insertPin.run(pin.id, pin.numberId, pin.pinHash, pin.sessionId, pin.length, pin.createdAt);
      return true;
    });
  }

  findPin(numberId: string, pinHash: string): Promise<NumberPin | null> {
    return this.#connection.read(() => {
      const row = this.#sql.findPin.get(numberId, pinHash) as PinRow | undefined;
      return row === undefined ? null : toPin(row);
    });
  }

  listPins(numberId: string): Promise<readonly NumberPin[]> {
    return this.#connection.read(() => (this.#sql.listPins.all(numberId) as PinRow[]).map(toPin));
  }

  pinLength(numberId: string): Promise<number | null> {
    return this.#connection.read(() => {
      const lengths = this.#sql.pinLengths.get(numberId, numberId) as {
        readonly shortest: number | null;
        readonly longest: number | null;
      };
      return lengths.shortest === lengths.longest && lengths.shortest !== 0 ? lengths.shortest : null;
    });
  }

  deletePin(numberId: string, pinId: string): Promise<boolean> {
    return this.#connection.run(() => this.#sql.removePin.run(pinId, numberId).changes === 1);
  }

  #isTaken({ id, number }: PhoneNumber): boolean {
    if (number === null) return false;
    const holder = this.#sql.findByE164.get(number) as NumberRow | undefined;
    return holder !== undefined && holder.id !== id;
  }
}

function prepare(connection: SqliteConnection) {
  return {
    insert: connection.prepare(
      `INSERT INTO numbers (id, account_id, created_at, number, platform, credentials, route, participant, allow_from)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    ),
    replace: connection.prepare(
      `UPDATE numbers SET number = ?, platform = ?, credentials = ?, route = ?, participant = ?, allow_from = ?
       WHERE id = ? AND account_id = ?`,
    ),
    get: connection.prepare('SELECT * FROM numbers WHERE id = ? AND account_id = ?'),
    find: connection.prepare('SELECT * FROM numbers WHERE id = ?'),
    findByE164: connection.prepare('SELECT * FROM numbers WHERE number = ?'),
    list: connection.prepare(
      'SELECT * FROM numbers WHERE account_id = ? ORDER BY created_at DESC, rowid DESC LIMIT ?',
    ),
    remove: connection.prepare('DELETE FROM numbers WHERE id = ? AND account_id = ?'),
    removePins: connection.prepare('DELETE FROM number_pins WHERE number_id = ?'),
    insertPin: connection.prepare(
      'INSERT INTO number_pins (id, number_id, pin_hash, session_id, length, created_at) VALUES (?, ?, ?, ?, ?, ?)',
    ),
    findPin: connection.prepare('SELECT * FROM number_pins WHERE number_id = ? AND pin_hash = ?'),
    countPins: connection.prepare('SELECT count(*) AS pins FROM number_pins WHERE number_id = ?'),
    listPins: connection.prepare('SELECT * FROM number_pins WHERE number_id = ? ORDER BY created_at, rowid'),
    pinLengths: connection.prepare(
      `SELECT (SELECT min(length) FROM number_pins WHERE number_id = ?) AS shortest,
              (SELECT max(length) FROM number_pins WHERE number_id = ?) AS longest`,
    ),
    removePin: connection.prepare('DELETE FROM number_pins WHERE id = ? AND number_id = ?'),
  };
}

function values(number: PhoneNumber): (string | null)[] {
  return [
    number.number,
    number.platform,
    JSON.stringify(number.credentials),
    JSON.stringify(number.route),
    JSON.stringify(number.participant),
    JSON.stringify(number.allowFrom),
  ];
}

function toNumber(found: unknown): PhoneNumber | null {
  if (found === undefined) return null;
  const row = found as NumberRow;
  return {
    id: row.id,
    accountId: row.account_id,
    number: row.number,
    platform: row.platform,
    credentials: JSON.parse(row.credentials) as Record<string, string>,
    route: JSON.parse(row.route) as NumberRoute,
    participant: JSON.parse(row.participant) as PhoneNumber['participant'],
    allowFrom: JSON.parse(row.allow_from) as string[],
    createdAt: row.created_at,
  };
}

function toPin(row: PinRow): NumberPin {
  return {
    id: row.id,
    numberId: row.number_id,
    pinHash: row.pin_hash,
    sessionId: row.session_id,
    length: row.length,
    createdAt: row.created_at,
  };
}
