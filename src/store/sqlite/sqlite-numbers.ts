/** Numbers and their PINs in SQLite. */
import type { NumberPin, NumberStore, PhoneNumber } from '../../domain/numbers/phone-number.js';
import { RowMapping } from './row-mapping.js';
import type { SqliteConnection } from './sqlite-connection.js';

const numberRows = new RowMapping<PhoneNumber>('numbers', {
  id: 'id',
  accountId: 'account_id',
  number: 'number',
  platform: 'platform',
  credentials: { json: 'credentials' },
  route: { json: 'route' },
  participant: { json: 'participant' },
  allowFrom: { json: 'allow_from' },
  createdAt: 'created_at',
});
const replaceable = ['number', 'platform', 'credentials', 'route', 'participant', 'allowFrom'] as const;

const pinRows = new RowMapping<NumberPin>('number_pins', {
  id: 'id',
  numberId: 'number_id',
  pinHash: 'pin_hash',
  sessionId: 'session_id',
  length: 'length',
  createdAt: 'created_at',
});

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
      this.#sql.insert.run(...numberRows.values(number));
      return true;
    });
  }

  replaceNumber(number: PhoneNumber): Promise<'replaced' | 'taken' | 'gone'> {
    return this.#connection.writeDurably(() => {
      if (this.#isTaken(number)) return 'taken';
      const { changes } = this.#sql.replace.run(
        ...numberRows.values(number, replaceable),
        number.id,
        number.accountId,
      );
      return changes === 1 ? 'replaced' : 'gone';
    });
  }

  getNumber(accountId: string, numberId: string): Promise<PhoneNumber | null> {
    return this.#connection.read(() => numberRows.read(this.#sql.get.get(numberId, accountId)));
  }

  findNumber(numberId: string): Promise<PhoneNumber | null> {
    return this.#connection.read(() => numberRows.read(this.#sql.find.get(numberId)));
  }

  findNumberByE164(number: string): Promise<PhoneNumber | null> {
    return this.#connection.read(() => numberRows.read(this.#sql.findByE164.get(number)));
  }

  numbersWithNetworks(): Promise<readonly Pick<PhoneNumber, 'id' | 'allowFrom'>[]> {
    return this.#connection.read(() => numberRows.readAll(this.#sql.withNetworks.all()));
  }

  listNumbers(accountId: string, limit: number): Promise<readonly PhoneNumber[]> {
    return this.#connection.read(() => numberRows.readAll(this.#sql.list.all(accountId, limit)));
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
      this.#sql.insertPin.run(...pinRows.values(pin));
      return true;
    });
  }

  findPin(numberId: string, pinHash: string): Promise<NumberPin | null> {
    return this.#connection.read(() => pinRows.read(this.#sql.findPin.get(numberId, pinHash)));
  }

  listPins(numberId: string): Promise<readonly NumberPin[]> {
    return this.#connection.read(() => pinRows.readAll(this.#sql.listPins.all(numberId)));
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
    const holder = numberRows.read(this.#sql.findByE164.get(number));
    return holder !== null && holder.id !== id;
  }
}

function prepare(connection: SqliteConnection) {
  return {
    insert: connection.prepare(numberRows.insertSql()),
    replace: connection.prepare(`${numberRows.updateSql(replaceable)} WHERE id = ? AND account_id = ?`),
    get: connection.prepare('SELECT * FROM numbers WHERE id = ? AND account_id = ?'),
    find: connection.prepare('SELECT * FROM numbers WHERE id = ?'),
    findByE164: connection.prepare('SELECT * FROM numbers WHERE number = ?'),
    withNetworks: connection.prepare("SELECT * FROM numbers WHERE allow_from <> '[]'"),
    list: connection.prepare(
      'SELECT * FROM numbers WHERE account_id = ? ORDER BY created_at DESC, rowid DESC LIMIT ?',
    ),
    remove: connection.prepare('DELETE FROM numbers WHERE id = ? AND account_id = ?'),
    removePins: connection.prepare('DELETE FROM number_pins WHERE number_id = ?'),
    insertPin: connection.prepare(pinRows.insertSql()),
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
