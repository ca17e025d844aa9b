/** Builds, runs the gateway, and does both again whenever a source changes. Ends with Ctrl-C. */
import { spawn, spawnSync } from 'node:child_process';
import { watch } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
/** Editors write a file in several steps. */
const settleMs = 150;

let gateway;
let pending;

function restart() {
  const built = spawnSync(process.execPath, [join(root, 'scripts/build.mjs')], { stdio: 'inherit' });
  if (built.status !== 0) return;
  const start = () => {
    gateway = spawn(process.execPath, [join(root, 'dist/main.js'), ...process.argv.slice(2)], {
      stdio: 'inherit',
      env: { LANDBRIDGE_DRAIN_SECONDS: '0', ...process.env },
    });
  };
  if (gateway === undefined || gateway.exitCode !== null) return start();
  gateway.once('exit', start);
  gateway.kill('SIGTERM');
}

for (const directory of ['src', 'sdk']) {
  watch(join(root, directory), { recursive: true }, () => {
    clearTimeout(pending);
    pending = setTimeout(restart, settleMs);
  });
}
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.on(signal, () => {
    gateway?.removeAllListeners('exit');
    gateway?.once('exit', () => process.exit(0));
    if (gateway?.kill('SIGTERM') !== true) process.exit(0);
  });
}
restart();
