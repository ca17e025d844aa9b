/** Compiles on every change and runs the gateway anew. Ends both on Ctrl-C. */
import { spawn, spawnSync } from 'node:child_process';

const run = (command, args) => spawn(process.execPath, [command, ...args], { stdio: 'inherit' });
const tsc = 'node_modules/typescript/bin/tsc';

spawnSync(process.execPath, [tsc, '-p', 'tsconfig.build.json'], { stdio: 'inherit' });
const children = [
  run(tsc, ['-p', 'tsconfig.build.json', '--watch', '--preserveWatchOutput']),
  run('scripts/build-sdk.mjs', ['--watch']),
  run('--watch-path=dist', ['dist/main.js', ...process.argv.slice(2)]),
];
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.on(signal, () => {
    for (const child of children) child.kill(signal);
  });
}
