/** What failed in parts that Vitest ran: collected in files of their own while they run, told in a few lines at the very end. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';

/** A continuous integration often shows the end of a log only. */
const mostTold = 20;
const longestMessage = 300;

export class FailedTests {
  #directory = mkdtempSync(join(tmpdir(), 'landbridge-failed-tests-'));

  /** For Vitest's command line, beside the output that it always has. */
  get reporterWords() {
    return ['--reporter=default', '--reporter=./scripts/failed-tests-reporter.mjs'];
  }

  environmentOf(part) {
    return { LANDBRIDGE_TEST_FAILURES: this.#pathOf(part) };
  }

  /** A line for each failure of the part, in the order in which they happened; and the files in hand if it was cut short. */
  linesOf(part) {
    const path = this.#pathOf(part);
    if (!existsSync(path)) return [];
    // The last line of a part that was killed may be half a line.
    const written = readFileSync(path, 'utf8').split('\n').slice(0, -1);
    const entries = written.map((line) => JSON.parse(line));
    const failures = entries
      .filter(({ name }) => name !== undefined)
      .map(({ name, message }) => `${name}: ${oneLine(message)}`);
    const ended = new Set(entries.map((entry) => entry.ended));
    const inHand = entries.filter(({ begun }) => begun !== undefined && !ended.has(begun));
    return [...failures, ...inHand.map(({ begun }) => `${begun}: had not ended`)];
  }

  /** Says the first of `lines`, and how many more there are. */
  tell(lines) {
    if (lines.length === 0) return;
    console.log('\nWhat failed:');
    for (const line of lines.slice(0, mostTold)) console.log(line);
    if (lines.length > mostTold) console.log(`and ${lines.length - mostTold} more`);
  }

  close() {
    rmSync(this.#directory, { recursive: true, force: true });
  }

  #pathOf(part) {
    return join(this.#directory, `${part}.jsonl`);
  }
}

function oneLine(message) {
  const [first = ''] = stripVTControlCharacters(message).trim().split('\n');
  return first.length > longestMessage ? `${first.slice(0, longestMessage)}…` : first;
}
