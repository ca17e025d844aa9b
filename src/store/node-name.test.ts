import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { nodeName } from './node-name.js';

let directory: string;
beforeEach(() => (directory = mkdtempSync(join(tmpdir(), 'landbridge-node-'))));
afterEach(() => rmSync(directory, { recursive: true }));

it('is made once and kept', () => {
  const name = nodeName(directory);
  expect(name).toMatch(/^[0-9a-f-]{36}$/);
  expect(nodeName(directory)).toBe(name);
  expect(statSync(join(directory, 'node-name')).mode & 0o777).toBe(0o600);
});

it('is made anew where what was kept is damaged', () => {
  writeFileSync(join(directory, 'node-name'), 'x\u0000');
  const name = nodeName(directory);
  expect(readFileSync(join(directory, 'node-name'), 'utf8').trim()).toBe(name);
});
