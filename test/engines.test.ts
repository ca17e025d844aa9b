/** What npm looks at before it installs: whether each package takes the Node that we say is enough, and which may run scripts. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

interface Described {
  readonly engines?: { readonly node?: string };
  readonly hasInstallScript?: boolean;
  /** Packages whose scripts npm may run as it installs them. */
  readonly allowScripts?: Readonly<Record<string, boolean>>;
}

const read = (name: string): unknown =>
  JSON.parse(readFileSync(new URL(`../${name}`, import.meta.url), 'utf8'));
const { engines, allowScripts = {} } = read('package.json') as Described;
const { packages } = read('package-lock.json') as { readonly packages: Readonly<Record<string, Described>> };

type Version = readonly [major: number, minor: number, patch: number];

/** Reads `20`, `18.x`, `>= 0.4.0`: what is left open is 0. */
function versionIn(text: string): Version {
  const [, major = '', minor = '', patch = ''] = /^(\d+)(?:\.(\d+|x))?(?:\.(\d+|x))?$/.exec(text) ?? [];
  if (major === '') throw new Error(`${text} is no version that this test can read`);
  const number = (part: string) => (part === '' || part === 'x' ? 0 : Number(part));
  return [Number(major), number(minor), number(patch)];
}

function isAtLeast(one: Version, other: Version): boolean {
  const at = one.findIndex((part, index) => part !== other[index]);
  return at === -1 || (one[at] ?? 0) > (other[at] ?? 0);
}

/** As npm reads ranges, as far as our dependencies use them: `^`, `>=`, `<`, a bare version, several together, `||`. */
function takes(range: string, version: Version): boolean {
  return range.split('||').some((alternative) =>
    [...alternative.matchAll(/(>=|<|\^|)\s*([\dx.*]+)/g)].every(([, operator, text = '']) => {
      if (text === '*') return true;
      const limit = versionIn(text);
      if (operator === '<') return !isAtLeast(version, limit);
      if (!isAtLeast(version, limit)) return false;
      return operator === '>=' || version[0] === limit[0];
    }),
  );
}

it.each([
  ['>=18', true],
  ['>= 0.4', true],
  ['^20.19.0 || >=22.12.0', true],
  ['^18.18.0 || ^20.9.0 || >=21.1.0', true],
  ['>=16 || 14 >=14.17', true],
  ['18 || 20 || >=22', true],
  ['>=14 <25', true],
  ['*', true],
  ['>=22.19.0', false],
  ['^22.13.0 || >=24', false],
  ['>=20.19.1', false],
  ['18 || 22', false],
  ['>=14 <20', false],
])('Node 20.19.0 is within %s: %s', (range, isWithin) => {
  expect(takes(range, [20, 19, 0])).toBe(isWithin);
});

it('No dependency makes npm warn of an unsupported engine on the oldest Node that is enough for us', () => {
  const oldest = versionIn((engines?.node ?? '').replace('>=', ''));
  const unsupported = Object.entries(packages).flatMap(([path, { engines: wants }]) =>
    wants?.node === undefined || takes(wants.node, oldest) ? [] : `${path} wants ${wants.node}`,
  );
  expect(unsupported).toEqual([]);
});

it('No dependency makes npm warn that it has a script that nobody has allowed', () => {
  const withScripts = Object.entries(packages).flatMap(([path, { hasInstallScript }]) =>
    hasInstallScript === true ? [path.replace(/^.*node_modules\//, '')] : [],
  );
  expect(Object.keys(allowScripts)).toEqual(withScripts);
});
