/** The hand-written pages name what is there: closers, wings and folders, settings. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { listSettings } from '../src/config/settings.js';
import { newTrunkFrom, readTrunkPresets } from '../src/rest/trunk-presets.js';
import { isTestFile, listSourceFiles, projectRoot } from './support/source-files.js';

const read = (file: string): string => readFileSync(join(projectRoot, file), 'utf8');

/** What stands in backticks. */
function quotedIn(text: string): string[] {
  return [...text.matchAll(/`([^`\n]+)`/g)].map(([, quoted = '']) => quoted);
}

it('docs/closures.md names every closer of the gateway', () => {
  const sources = listSourceFiles('src').filter(
    (file) => file.startsWith('src/gateway') && !isTestFile(file),
  );
  const closers = sources.flatMap((file) =>
    [...read(file).matchAll(/\.onClose\(\s*'([^']+)'/g)].map(([, name = '']) => name),
  );
  expect(closers.length).toBeGreaterThan(20);
  const named = new Set(quotedIn(read('docs/closures.md')));
  expect(closers.filter((name) => !named.has(name))).toEqual([]);
});

describe('docs/architecture.md', () => {
  const page = read('docs/architecture.md');

  it('names the wings of the domain', () => {
    const [, list = ''] = /The domain's wings, from the ground up:([^.]*)\./.exec(page) ?? [];
    const wings = readdirSync(join(projectRoot, 'src/domain'), { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => name);
    expect(quotedIn(list).toSorted()).toEqual(wings.toSorted());
  });

  it('names the folders of the product', () => {
    const [table = ''] = /\| folder[^]*?\n\n/.exec(page) ?? [];
    const named = quotedIn(table).map((name) => name.replace(/\/\*?$/, ''));
    const folders = readdirSync(join(projectRoot, 'src'), { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => `src/${name}`);
    expect(folders.filter((folder) => !named.includes(folder))).toEqual([]);
  });
});

describe('the page of a trunk preset', () => {
  const presets = readTrunkPresets(join(projectRoot, 'assets/trunk-presets'));
  const list = read('docs/trunks.md');
  const pages = readdirSync(join(projectRoot, 'docs/trunks'));

  it('is there for each, and for nothing else', () => {
    expect(pages.toSorted()).toEqual(presets.map(({ name }) => `${name}.md`));
  });

  it.each(presets.map((preset) => [preset.name, preset] as const))(
    'is linked, names its sources and shows requests that are good: %s',
    (name, { sources }) => {
      expect(list).toContain(`[\`${name}\`](trunks/${name}.md)`);
      const page = read(`docs/trunks/${name}.md`);
      for (const { url, read: day } of sources) {
        expect(page).toContain(url);
        expect(page).toContain(day);
      }
      const requests = [...page.matchAll(/\/trunks -H [^\n]* -d '([^']*)'/g)].map(([, body = '']) => body);
      expect(requests.length).toBeGreaterThan(0);
      for (const request of requests) {
        const body = JSON.parse(request) as { preset: string };
        expect(body.preset).toBe(name);
        expect(newTrunkFrom(presets).safeParse(body).error).toBeUndefined();
      }
    },
  );
});

describe('settings named on a page', () => {
  const settings = new Set(listSettings().map(({ path }) => path.join('.')));
  const sections = new Set([...settings].map((name) => name.split('.', 1)[0]));
  const pages = ['README.md', 'SECURITY.md', 'CONTRIBUTING.md'].concat(
    readdirSync(join(projectRoot, 'docs'), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.md') && !file.startsWith('reference'))
      .map((file) => join('docs', file)),
  );

  it.each(pages)('are there: %s', (page) => {
    const named = quotedIn(read(page)).filter(
      (text) =>
        /^[a-z][a-zA-Z]*\.(?!m?[jt]s$)[a-z][a-zA-Z]*$/.test(text) && sections.has(text.split('.', 1)[0]),
    );
    expect(named.filter((name) => !settings.has(name))).toEqual([]);
  });
});
