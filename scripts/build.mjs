/**
 * Builds everything into dist/: the gateway and its media worker, the browser SDK and the console. Types are checked by
 * `npm run check`, not here, so that a start takes a second and not ten.
 */
import { rm } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

// What an earlier build left behind must not be found by an import.
await rm(fileURLToPath(new URL('../dist', import.meta.url)), { recursive: true, force: true });
await import('./bundle-gateway.mjs');
await import('./build-sdk.mjs');
