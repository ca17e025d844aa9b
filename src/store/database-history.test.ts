import { mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { silentLogger } from '../domain/logger.js';
import { DatabaseHistory } from './database-history.js';

let directory: string;
/** What the database says of itself. */
let seen: number;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'landbridge-history-'));
  seen = 0;
});
afterEach(() => rmSync(directory, { recursive: true }));

const file = (name: string) => join(directory, name);
const database = (text: string) => writeFileSync(file('landbridge.db'), text);
const log = (text: string) => writeFileSync(file('landbridge.db-wal'), text);

/** A start, up to its end in good order or a kill: what it warns of. */
function start({ isKilled = false, noted = [] as string[] } = {}): string[] {
  const warned: string[] = [];
  const logger = {
    ...silentLogger,
    warn: (_fields: unknown, message: string) => warned.push(message),
    info: (_fields: unknown, message: string) => noted.push(message),
  };
  const history = new DatabaseHistory({ directory, logger });
  seen = history.opened(seen);
  history.keep();
  database('what was written before');
  log('what was written last');
  if (isKilled) return warned;
  rmSync(file('landbridge.db-wal'));
  history.closed();
  return warned;
}

describe('a start says nothing of its database', () => {
  it('at first, after an end in good order, and after a kill', () => {
    expect(start()).toEqual([]);
    expect(start()).toEqual([]);
    expect(start({ isKilled: true })).toEqual([]);
    expect(start({ isKilled: true })).toEqual([]);
    expect(start()).toEqual([]);
    expect(seen).toBe(5);
  });

  it('where what is kept beside it is damaged, or from before that was kept', () => {
    start();
    for (const text of ['', 'hello', '{"starts":"x"}', 'null', '[]', '{"starts":1e99}', '{"starts":1}']) {
      writeFileSync(file('database-history.json'), text);
      expect(start()).toEqual([]);
    }
    rmSync(file('database-history.json'));
    expect(start()).toEqual([]);
  });

  it('where it came with its directory, or is newer than what is kept beside it', () => {
    start();
    seen = 7;
    expect(start()).toEqual([]);
    expect(JSON.parse(readFileSync(file('database-history.json'), 'utf8'))).toMatchObject({ starts: 8 });
  });
});

describe('a start warns once, in one line,', () => {
  it.each([
    ['emptied', () => database('')],
    ['removed', () => rmSync(file('landbridge.db'))],
    [
      'emptied, and what is kept beside it damaged',
      () => {
        database('');
        writeFileSync(file('database-history.json'), '');
      },
    ],
  ])('where its database was %s', (_, spoil) => {
    start();
    spoil();
    seen = 0;
    expect(start()).toEqual([
      expect.stringMatching(/^the database is empty or was removed.*bring landbridge\.db back from a copy$/),
    ]);
    expect(start()).toEqual([]);
  });

  it('where its database is an older copy', () => {
    start();
    start();
    seen = 1;
    expect(start()).toEqual([expect.stringContaining('is an older copy')]);
    expect(start()).toEqual([]);
  });

  it('where its log was removed after a kill, and with it the number of the last start', () => {
    start({ isKilled: true });
    rmSync(file('landbridge.db-wal'));
    seen = 0;
    expect(start()).toEqual([expect.stringContaining('has lost its write-ahead log')]);
    expect(start()).toEqual([]);
  });
});

it.each([
  ['removed', () => rmSync(file('landbridge.db-wal'))],
  ['emptied', () => log('')],
])(
  'a start warns of nothing, and advises nothing, where the log was %s after a kill and the database knows all starts',
  (_, writeBack) => {
    start({ isKilled: true });
    writeBack();
    const noted: string[] = [];
    expect(start({ noted })).toEqual([]);
    expect(noted).toEqual([expect.stringMatching(/written back.*cannot be told$/)]);
    expect(start({ noted })).toEqual([]);
    expect(noted).toHaveLength(1);
  },
);

it('a start says nothing of an empty database where the one before failed before it had made one', () => {
  writeFileSync(file('node-name'), 'a-name-of-a-gateway\n');
  database('');
  expect(start()).toEqual([]);
});

describe('the file', () => {
  const isAsItWasLeft = () => new DatabaseHistory({ directory, logger: silentLogger }).isAsItWasLeft;

  it('is as it was left until somebody touches it', () => {
    start();
    expect(isAsItWasLeft()).toBe(true);
    database('what was written before, and more');
    expect(isAsItWasLeft()).toBe(false);
  });

  it.each([
    ['after a kill', () => start({ isKilled: true })],
    ['with another’s log beside it', () => log('what another wrote')],
    ['without its history', () => rmSync(file('database-history.json'))],
    ['as a copy of another time', () => utimesSync(file('landbridge.db'), 1, 1)],
    ['when it is not there', () => rmSync(file('landbridge.db'))],
  ])('is not %s', (_, spoil) => {
    start();
    spoil();
    expect(isAsItWasLeft()).toBe(false);
  });
});

it('leaves nothing half-written', () => {
  start();
  expect(readdirSync(directory).sort()).toEqual(['database-history.json', 'landbridge.db']);
});
