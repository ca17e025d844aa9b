/**
 * Builds, then runs the gateway in this process: signals meant for it reach it, and its exit code is ours. `npm start`
 * runs this with `exec`, so that no shell stands between npm and the gateway either.
 */
import { stop } from 'esbuild';

await import('./build.mjs');
await stop();
await import('../dist/main.js');
