/** The folder tree is the architecture (docs/architecture.md): who may import whom, and how long a file may be. */
import { readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { join, posix } from 'node:path';
import ts from '@typescript/typescript6';
import { describe, expect, it } from 'vitest';
import { isTestFile, listSourceFiles, projectRoot } from './support/source-files.js';

interface Import {
  /** From the project's root, with slashes. */
  readonly file: string;
  readonly line: number;
  /** A file of the project, or the name of a package or of a module of Node's. */
  readonly target: string;
  readonly isOurs: boolean;
  /** Gone after compilation: no dependency at run time, but one of knowledge all the same. */
  readonly isType: boolean;
}

interface Source {
  readonly file: string;
  readonly lines: number;
  readonly imports: readonly Import[];
}

/** First match counts. */
const layers: readonly (readonly [prefix: string, layer: string])[] = [
  ['src/main.ts', 'composition'],
  ['src/gateway.ts', 'composition'],
  ['src/gateway/', 'composition'],
  ['src/serve.ts', 'composition'],
  ['src/doctor/', 'doctor'],
  ['src/domain/', 'domain'],
  ['src/sdp/', 'sdp'],
  ['src/digest/', 'digest'],
  ['src/stir/', 'stir'],
  ['src/sip-server/', 'sip-server'],
  ['src/media/worker/', 'media/worker'],
  ['src/media/', 'media'],
  ['src/doors/sip/', 'doors/sip'],
  ['src/doors/bandwidth/', 'doors/bandwidth'],
  ['src/sip-trace/', 'sip-trace'],
  ['src/rest/', 'rest'],
  ['src/hooks/', 'hooks'],
  ['src/store/', 'store'],
  ['src/events/', 'events'],
  ['src/config/', 'config'],
  ['src/tokens/', 'tokens'],
  ['src/tls/', 'tls'],
  ['src/observability/', 'observability'],
  ['src/softphone/', 'softphone'],
  ['src/phone-numbers/', 'phone-numbers'],
  ['src/validation/', 'validation'],
  ['sdk/', 'sdk'],
];

/** What each layer may import besides itself. Composition sees all. */
const mayImport: Readonly<Record<string, readonly string[]>> = {
  domain: [],
  sdp: [],
  digest: [],
  stir: [],
  'sip-server': [],
  'media/worker': ['sdp'],
  media: ['domain', 'src/media/worker/protocol.ts', 'src/media/worker/message-batch.ts', 'sdp'],
  'doors/sip': ['domain', 'sdp', 'digest'],
  'doors/bandwidth': ['domain', 'sdp'],
  'sip-trace': ['domain'],
  rest: ['domain', 'validation'],
  hooks: ['domain'],
  store: ['domain'],
  events: ['domain'],
  config: ['domain', 'phone-numbers', 'validation'],
  tokens: ['domain'],
  tls: ['domain'],
  observability: ['domain'],
  softphone: ['sdp', 'sip-server', 'media/worker', 'validation'],
  'phone-numbers': ['domain'],
  validation: [],
  doctor: ['config', 'domain', 'store', 'stir', 'tls', 'sip-server', 'softphone'],
  sdk: [],
};

/** The wings of the domain from the ground up: each may import those before it, and the files beside them. */
const wings = [
  'participants',
  'facts',
  'legs',
  'sessions',
  'transfers',
  'numbers',
  'recordings',
  'sounds',
  'keys',
  'trunks',
] as const;

/** A heavy library is imported in one place only (prefixes of files). */
const homes: Readonly<Record<string, readonly string[]>> = {
  'drachtio-srf': ['src/doors/sip/'],
  'drachtio-fsmrf': ['src/media/edge/freeswitch.ts'],
  'node-datachannel': ['src/media/worker/'],
  koffi: ['src/doors/sip/quick-ack.ts'],
  '@evan/opus': ['src/media/worker/'],
  fastify: ['src/rest/', 'src/hooks/', 'src/gateway'],
  '@fastify/helmet': ['src/rest/'],
  '@fastify/static': ['src/rest/', 'src/gateway'],
  'sip.js': ['sdk/'],
  jsonwebtoken: ['src/tokens/'],
  libsql: ['src/store/'],
  zod: ['src/config/', 'src/rest/', 'src/hooks/', 'src/validation/'],
  'libphonenumber-js': ['src/phone-numbers/'],
  yaml: ['src/config/'],
  pino: ['src/observability/'],
  'prom-client': ['src/observability/'],
  ws: ['src/sip-server/', 'src/doors/bandwidth/', 'src/rest/', 'src/gateway'],
};

/** Layers that import no package at all, or only these. */
const packagesOf: Readonly<Record<string, readonly string[]>> = {
  domain: [],
  tls: [],
  'sip-server': ['ws'],
  'media/worker': ['node-datachannel', '@evan/opus'],
  sdp: [],
  digest: [],
  stir: [],
  softphone: [],
  events: [],
  'sip-trace': [],
  sdk: ['sip.js'],
};

const maxLines = 500;
/** Tables, which read better whole. */
const longFiles: readonly string[] = [];

function layerOf(file: string): string {
  const layer = layers.find(([prefix]) => file.startsWith(prefix))?.[1];
  if (layer === undefined) throw new Error(`${file} is in no layer: name it in test/architecture.test.ts`);
  return layer;
}

/** Every way to import: `import`, `import type`, `export … from`, `import()`, `require()`, `import = require()`, `typeof import()`. */
function readImports(file: string, text: string): Import[] {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  const found: Import[] = [];
  const add = (node: ts.Node, specifier: ts.Node | undefined, isType: boolean) => {
    if (specifier === undefined || !ts.isStringLiteralLike(specifier)) return;
    const line = source.getLineAndCharacterOfPosition(node.getStart(source)).line + 1;
    found.push({ file, line, isType, ...targetOf(file, specifier.text) });
  };
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node)) {
      const { importClause } = node;
      const bindings = importClause?.namedBindings;
      const isOnlyTypes =
        importClause?.name === undefined &&
        bindings !== undefined &&
        ts.isNamedImports(bindings) &&
        bindings.elements.length > 0 &&
        bindings.elements.every((element) => element.isTypeOnly);
      add(
        node,
        node.moduleSpecifier,
        importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword || isOnlyTypes,
      );
    } else if (ts.isExportDeclaration(node)) {
      add(node, node.moduleSpecifier, node.isTypeOnly);
    } else if (ts.isImportEqualsDeclaration(node) && ts.isExternalModuleReference(node.moduleReference)) {
      add(node, node.moduleReference.expression, node.isTypeOnly);
    } else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) {
      add(node, node.argument.literal, true);
    } else if (ts.isCallExpression(node)) {
      const isImport = node.expression.kind === ts.SyntaxKind.ImportKeyword;
      const isRequire = ts.isIdentifier(node.expression) && node.expression.text === 'require';
      if (isImport || isRequire) add(node, node.arguments[0], false);
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

function targetOf(file: string, specifier: string): Pick<Import, 'target' | 'isOurs'> {
  if (!specifier.startsWith('.')) return { target: specifier, isOurs: false };
  const target = posix.join(posix.dirname(file), specifier).replace(/\.js$/, '.ts');
  return { target, isOurs: true };
}

function packageName(specifier: string): string {
  const parts = specifier.split('/');
  return specifier.startsWith('@') ? parts.slice(0, 2).join('/') : (parts[0] ?? '');
}

function isNode(specifier: string): boolean {
  return specifier.startsWith('node:') || builtinModules.includes(packageName(specifier));
}

const everything: Source[] = [
  ...listSourceFiles('src'),
  ...listSourceFiles('sdk'),
  ...listSourceFiles('test'),
].map((file) => {
  const text = readFileSync(join(projectRoot, file), 'utf8');
  return { file, lines: text.trimEnd().split('\n').length, imports: readImports(file, text) };
});
const product = everything.filter(({ file }) => !file.startsWith('test/') && !isTestFile(file));

/** `src/rest/x.ts:3 imports …` for each offending import; empty where all is well. */
function offences(wrong: (one: Import, layer: string) => string | false): string[] {
  return product.flatMap(({ file, imports }) =>
    imports.flatMap((one) => {
      const why = wrong(one, layerOf(file));
      return why === false ? [] : [`${file}:${one.line} imports ${one.target}: ${why}`];
    }),
  );
}

describe('the architecture', () => {
  it('has files to look at, and reads every form of import', () => {
    expect(product.length).toBeGreaterThan(50);
    const text = [
      "import a from './a.js';",
      "import type { B } from './b.js';",
      "import { type C } from '../c.js';",
      "export * from './d.js';",
      "export type { E } from './e.js';",
      "import './f.js';",
      "const g = await import('./g.js');",
      "type H = typeof import('./h.js');",
      "import i = require('./i.js');",
      "const j = require('node:fs');",
      'const text = "import k from \'./k.js\'";',
    ].join('\n');
    expect(readImports('src/x/y.ts', text).map(({ line, target, isType }) => [line, target, isType])).toEqual(
      [
        [1, 'src/x/a.ts', false],
        [2, 'src/x/b.ts', true],
        [3, 'src/c.ts', true],
        [4, 'src/x/d.ts', false],
        [5, 'src/x/e.ts', true],
        [6, 'src/x/f.ts', false],
        [7, 'src/x/g.ts', false],
        [8, 'src/x/h.ts', true],
        [9, 'src/x/i.ts', false],
        [10, 'node:fs', false],
      ],
    );
  });

  it('knows the layer of every file', () => {
    for (const { file } of product) expect(() => layerOf(file)).not.toThrow();
  });

  it('lets each layer import only what docs/architecture.md allows', () => {
    const found = offences(({ target, isOurs }, layer) => {
      if (!isOurs || layer === 'composition') return false;
      const other = layerOf(target);
      if (other === layer) return false;
      const allowed = mayImport[layer] ?? [];
      if (allowed.includes(other) || allowed.includes(target)) return false;
      if (allowed.some((one) => one.endsWith('/') && target.startsWith(one))) return false;
      return `${layer} may import ${allowed.length === 0 ? 'nothing but itself' : allowed.join(', ')}`;
    });
    expect(found).toEqual([]);
  });

  it('keeps the wings of the domain in their order, and nothing but their ground beside them', () => {
    const heightOf = (file: string) => {
      const [, wing] = /^src\/domain\/(?:([^/]+)\/)?[^/]+$/.exec(file) ?? [];
      return wing === undefined ? -1 : wings.findIndex((one) => one === wing);
    };
    const isInDomain = (file: string) => file.startsWith('src/domain/');
    const unknown = product.filter(
      ({ file }) => isInDomain(file) && file.split('/').length > 3 && heightOf(file) === -1,
    );
    expect(unknown.map(({ file }) => file)).toEqual([]);
    const found = offences(({ file, target }, layer) => {
      if (layer !== 'domain' || !isInDomain(target) || heightOf(target) <= heightOf(file)) return false;
      return 'it stands above';
    });
    expect(found).toEqual([]);
  });

  it('lets nobody but the stores know which database stands behind them', () => {
    const found = offences(({ file, target }) =>
      target.startsWith('src/store/sqlite/') && !file.startsWith('src/store/')
        ? 'ask openStores for the bundle'
        : false,
    );
    expect(found).toEqual([]);
  });

  it('gives each heavy library one home', () => {
    const found = offences(({ file, target, isOurs }) => {
      const home = isOurs ? undefined : homes[packageName(target)];
      if (home === undefined || home.some((prefix) => file.startsWith(prefix))) return false;
      return `only ${home.join(', ')} may`;
    });
    expect(found).toEqual([]);
  });

  it('keeps the domain and the engines free of packages', () => {
    const found = offences(({ target, isOurs }, layer) => {
      const packages = packagesOf[layer];
      if (isOurs || packages === undefined || isNode(target)) return false;
      return packages.includes(packageName(target)) ? false : `${layer} may not`;
    });
    expect(found).toEqual([]);
  });

  it('imports no package that package.json does not name, and tests’ packages only in tests', () => {
    const manifest = JSON.parse(readFileSync(join(projectRoot, 'package.json'), 'utf8')) as {
      dependencies: Record<string, string>;
      devDependencies: Record<string, string>;
    };
    const found = offences(({ target, isOurs }, layer) => {
      if (isOurs || isNode(target)) return false;
      const known = layer === 'sdk' ? manifest.devDependencies : manifest.dependencies;
      return packageName(target) in known ? false : 'it is no dependency of the product';
    });
    expect(found).toEqual([]);
  });

  it('imports Node’s modules by their full name', () => {
    const found = offences(({ target, isOurs }) =>
      !isOurs && isNode(target) && !target.startsWith('node:') ? `write node:${target}` : false,
    );
    expect(found).toEqual([]);
  });

  it('lets the product import nothing of the tests', () => {
    const found = offences(({ target, isOurs }) =>
      isOurs && (target.startsWith('test/') || isTestFile(target)) ? 'it is a test' : false,
    );
    expect(found).toEqual([]);
  });

  it('has no cycles, of types neither', () => {
    const byFile = new Map(everything.map((source) => [source.file, source]));
    const done = new Set<string>();
    const cycles: string[] = [];
    const follow = (file: string, path: readonly string[]): void => {
      const begin = path.indexOf(file);
      if (begin !== -1) {
        cycles.push([...path.slice(begin), file].join(' → '));
        return;
      }
      if (done.has(file)) return;
      for (const { target, isOurs } of byFile.get(file)?.imports ?? []) {
        if (isOurs) follow(target, [...path, file]);
      }
      done.add(file);
    };
    for (const { file } of everything) follow(file, []);
    expect(cycles).toEqual([]);
  });

  it(`keeps every file under ${maxLines} lines`, () => {
    const found = everything
      .filter(({ file, lines }) => lines > maxLines && !longFiles.includes(file))
      .map(({ file, lines }) => `${file} has ${lines} lines: split it`);
    expect(found).toEqual([]);
  });
});
