/**
 * Bundles the gateway and its media worker into the directory given, by default `dist`: with a few files to read instead of a
 * thousand it starts in two thirds of the time. Packages with native code stay where npm has put them, and so do those that count
 * on not being in strict mode, as a module always is.
 */
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import esbuild from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));
const native = ['@evan/opus', 'koffi', 'libsql', 'node-datachannel'];
const notStrict = ['drachtio-fsmrf', 'drachtio-srf'];
/** What packages in CommonJS expect to have, and a module has not. */
const commonJsNames = [
  "import { createRequire as createRequireOfBundle } from 'node:module';",
  "import { dirname as dirnameOfBundle } from 'node:path';",
  "import { fileURLToPath as fileURLToPathOfBundle } from 'node:url';",
  'const require = createRequireOfBundle(import.meta.url);',
  'const __filename = fileURLToPathOfBundle(import.meta.url);',
  'const __dirname = dirnameOfBundle(__filename);',
].join('\n');

await esbuild.build({
  absWorkingDir: root,
  entryPoints: ['src/main.ts', 'src/media/worker/main.ts'],
  outbase: 'src',
  outdir: resolve(process.argv[2] ?? `${root}/dist`),
  bundle: true,
  splitting: true,
  external: [...native, ...notStrict],
  banner: { js: commonJsNames },
  platform: 'node',
  format: 'esm',
  target: 'node20',
  sourcemap: true,
  legalComments: 'none',
  logLevel: 'warning',
});
