/**
 * Builds what the gateway serves to browsers: `sdk/landbridge.js` with its declarations, the web component, which is
 * complete in itself, and the console in `console`, into the directory given, by default `dist`. The console imports the
 * SDK from where customers do, so it is bundled without it.
 */
import { copyFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import esbuild from 'esbuild';
import ts from '@typescript/typescript6';

const root = fileURLToPath(new URL('..', import.meta.url));
const out = resolve(process.argv[2] ?? `${root}/dist`);
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

await Promise.all(['sdk', 'console'].map((name) => rm(`${out}/${name}`, { recursive: true, force: true })));
await Promise.all(['sdk', 'console'].map((name) => mkdir(`${out}/${name}`, { recursive: true })));
await Promise.all([
  esbuild.build({ ...common, entryPoints: ['sdk/src/landbridge.ts'], outfile: `${out}/sdk/landbridge.js` }),
  esbuild.build({
    ...common,
    entryPoints: ['sdk/component/landbridge-session.ts'],
    outfile: `${out}/sdk/landbridge-session.js`,
  }),
  esbuild.build({
    ...common,
    entryPoints: { console: 'sdk/console/console.ts' },
    outdir: `${out}/console`,
    plugins: [sdkFromItsAddress],
  }),
  esbuild.build({
    ...common,
    entryPoints: { console: 'sdk/console/console.css' },
    outdir: `${out}/console`,
  }),
  declarations().then((text) => writeFile(`${out}/sdk/landbridge.d.ts`, text)),
  ...['index.html', 'favicon.svg'].map((name) =>
    copyFile(`${root}/sdk/console/${name}`, `${out}/console/${name}`),
  ),
]);
