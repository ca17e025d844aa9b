/** What the linter cannot say of modules (CONTRIBUTING.md, “Code”): they keep no state, their constants are in camelCase, and docstrings begin with what a thing is. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from '@typescript/typescript6';
import { expect, it } from 'vitest';
import { isTestFile, listSourceFiles, projectRoot } from './support/source-files.js';

/** What belongs to the process or to the page whichever part of it asks. */
const stateOfTheProcess: readonly string[] = [
  // Computed once from a pair of sample rates, and the same whoever asks.
  'src/media/worker/sound/resample.ts: filters',
  // UDP ports are the process’s.
  'src/media/worker/browser/free-udp-port.ts: inHand',
  // A page has one sound device and one document.
  'sdk/console/sound.ts: context',
  'sdk/console/view/render.ts: rendered',
];

interface Finding {
  readonly name: string;
  readonly isState: boolean;
}

/** The variables of a source: those that stand at its top and change, and those written in capitals. */
function findVariables(file: string, text: string): { state: string[]; capitals: string[] } {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  const found: { state: Finding[]; capitals: string[] } = { state: [], capitals: [] };
  const visit = (node: ts.Node): void => {
    if (ts.isVariableDeclaration(node) && ts.isIdentifier(node.name)) {
      const { text: name } = node.name;
      if (/^[A-Z][A-Z0-9_]+$/.test(name)) found.capitals.push(name);
      const statement = node.parent.parent;
      if (ts.isVariableStatement(statement) && statement.parent === source) {
        found.state.push({ name, isState: canChange(node) });
      }
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return {
    state: found.state.filter(({ isState }) => isState).map(({ name }) => name),
    capitals: found.capitals,
  };
}

/** `let`, and collections that begin empty: nothing else puts anything into them but time. */
function canChange(declaration: ts.VariableDeclaration): boolean {
  if ((declaration.parent.flags & ts.NodeFlags.Const) === 0) return true;
  const { initializer } = declaration;
  if (initializer === undefined || isReadonly(declaration)) return false;
  if (ts.isArrayLiteralExpression(initializer)) return initializer.elements.length === 0;
  if (ts.isObjectLiteralExpression(initializer)) return initializer.properties.length === 0;
  if (!ts.isNewExpression(initializer) || (initializer.arguments?.length ?? 0) > 0) return false;
  return /^(Weak)?(Map|Set)$|^Array$/.test(initializer.expression.getText());
}

function isReadonly({ type }: ts.VariableDeclaration): boolean {
  return type !== undefined && /^readonly\b|^Readonly/.test(type.getText());
}

const sources = [...listSourceFiles('src'), ...listSourceFiles('sdk')].map((file) => ({
  file,
  ...findVariables(file, readFileSync(join(projectRoot, file), 'utf8')),
}));

it('reads what can change, and what is in capitals', () => {
  const text = [
    'let a = 1;',
    'export const b = new Map<string, number>();',
    'const c: number[] = [];',
    'const d: readonly number[] = [];',
    "const e = new Set(['x']);",
    'const f = {};',
    'const g = 1;',
    'function h() { let i = 0; const MAX_J = i; return MAX_J; }',
  ].join('\n');
  expect(findVariables('src/x.ts', text)).toEqual({ state: ['a', 'b', 'c', 'f'], capitals: ['MAX_J'] });
});

it('finds no module of the product that keeps state', () => {
  const found = sources
    .filter(({ file }) => !isTestFile(file))
    .flatMap(({ file, state }) => state.map((name) => `${file}: ${name}`));
  expect(found.toSorted()).toEqual(stateOfTheProcess.toSorted());
});

it('finds constants in camelCase alone', () => {
  expect(sources.flatMap(({ file, capitals }) => capitals.map((name) => `${file}: ${name}`))).toEqual([]);
});

it('finds no docstring that begins with “Of”, which says neither what a thing is nor what it does', () => {
  const found = ['src', 'sdk', 'test', 'bench'].flatMap(listSourceFiles).flatMap((file) =>
    readFileSync(join(projectRoot, file), 'utf8')
      .split('\n')
      .flatMap((line, at) => (/^\s*(?:\/\*\*|\*) Of /.test(line) ? `${file}:${at + 1}` : [])),
  );
  expect(found).toEqual([]);
});
