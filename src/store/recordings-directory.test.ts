import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { claimRecordingsDirectory, ownerFileName } from './recordings-directory.js';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'landbridge-owner-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

const claim = (owner: string, isUsed: boolean) => claimRecordingsDirectory(directory, owner, isUsed);

describe('A directory of recordings', () => {
  it('is the first gateway’s that uses it, for good', async () => {
    await claim('one', false);
    await claim('one', true);
    await expect(claim('two', false)).rejects.toThrow('it belongs to the gateway one');
    await claim('one', false);
  });

  it('that is not the one used before is not taken for it, until an operator says so', async () => {
    await expect(claim('one', true)).rejects.toThrow('Is the right disk mounted?');
    writeFileSync(join(directory, ownerFileName), 'one');
    await claim('one', true);
  });
});
