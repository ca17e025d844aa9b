/**
 * Builds, then runs the gateway in this process: signals meant for it reach it, and its exit code is ours. `npm start`
 * runs this with `exec`, so that no shell stands between npm and the gateway either. Where the builder is not installed, as
 * after `npm ci --omit=dev`, it runs what was built before.
 */
import { existsSync } from 'node:fs';

const esbuild = await import('esbuild').catch((error) => {
  if (error.code !== 'ERR_MODULE_NOT_FOUND') throw error;
  return null;
});
if (esbuild !== null) {
  await import('./build.mjs');
  await esbuild.stop();
}
if (esbuild === null && !existsSync(new URL('../dist/main.js', import.meta.url))) {
  console.error('landbridge: nothing is built here, and the builder is not installed: run npm ci first.');
  process.exitCode = 1;
} else {
  await import('../dist/main.js');
}
