/**
 * Builds what the gateway serves to browsers: `dist/sdk/landbridge.js` with its declarations, and the console in
 * `dist/console`. The console imports the SDK from where customers do, so it is bundled without it.
 */
import { copyFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import esbuild from 'esbuild';
import ts from 'typescript';

const root = fileURLToPath(new URL('..', import.meta.url));
const common = {
  absWorkingDir: root,
  bundle: true,
  format: 'esm',
  target: ['chrome110', 'firefox115', 'safari16.4'],
  minify: true,
  sourcemap: true,
  sourcesContent: true,
  legalComments: 'none',
  logLevel: 'warning',
};

/** The public modules, in an order in which each name is declared before it is used. */
const publicModules = ['errors', 'api', 'devices', 'connect'];

/** One file of declarations: those of the public modules, without the imports between them. */
async function declarations() {
  const parts = await Promise.all(
    publicModules.map(async (name) => {
      const fileName = `${root}/sdk/src/${name}.ts`;
      const { outputText, diagnostics } = ts.transpileDeclaration(await readFile(fileName, 'utf8'), {
        fileName,
        compilerOptions: { target: ts.ScriptTarget.ES2022, isolatedDeclarations: true, strict: true },
      });
      for (const { messageText } of diagnostics ?? []) throw new Error(`${name}.ts: ${String(messageText)}`);
      return outputText.replaceAll(/^import [^;]*;\n/gm, '');
    }),
  );
  const text = parts.join('\n');
  if (/\bfrom ['"]\.|import\(/.test(text))
    throw new Error('the public declarations refer to a private module');
  return text;
}

const sdkFromItsAddress = {
  name: 'sdk-from-its-address',
  setup(build) {
    build.onResolve({ filter: /\/src\/landbridge\.js$/ }, () => ({
      path: '/sdk/landbridge.js',
      external: true,
    }));
  },
};

await Promise.all(
  ['sdk', 'console'].map((name) => rm(`${root}/dist/${name}`, { recursive: true, force: true })),
);
await Promise.all(['sdk', 'console'].map((name) => mkdir(`${root}/dist/${name}`, { recursive: true })));
await Promise.all([
  esbuild.build({ ...common, entryPoints: ['sdk/src/landbridge.ts'], outfile: 'dist/sdk/landbridge.js' }),
  esbuild.build({
    ...common,
    entryPoints: { console: 'sdk/console/console.ts' },
    outdir: 'dist/console',
    plugins: [sdkFromItsAddress],
  }),
  esbuild.build({
    ...common,
    entryPoints: { console: 'sdk/console/console.css' },
    outdir: 'dist/console',
  }),
  declarations().then((text) => writeFile(`${root}/dist/sdk/landbridge.d.ts`, text)),
  ...['index.html', 'favicon.svg'].map((name) =>
    copyFile(`${root}/sdk/console/${name}`, `${root}/dist/console/${name}`),
  ),
]);
