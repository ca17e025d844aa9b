/** `npm start` as a user runs it, in a copy of the project whose `dist` is nobody else's. */
import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { waitFor } from '../support/wait-for.js';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Builds everything, on a machine that may be busy with all the other tests. */
const wholeBuildMs = 180_000;

let directory: string;
let npm: ChildProcess | undefined;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'landbridge-npm-start-'));
  for (const name of ['package.json', 'tsconfig.json', 'scripts', 'src', 'sdk']) {
    cpSync(join(root, name), join(directory, name), { recursive: true });
  }
  for (const name of ['assets', 'node_modules']) symlinkSync(join(root, name), join(directory, name));
});

afterEach(() => {
  if (npm?.pid !== undefined && groupIsAlive(npm.pid)) process.kill(-npm.pid, 'SIGKILL');
  rmSync(directory, { recursive: true, force: true });
});

it(
  'npm start ends with the gateway, and the gateway with npm',
  async () => {
    const { pid, exited, output } = await start();
    const port = /"httpPort":(\d+)/.exec(output())?.[1] ?? '';
    expect((await fetch(`http://127.0.0.1:${port}/health`)).status).toBe(200);
    // npm alone, as a supervisor does that knows of no other process.
    process.kill(pid, 'SIGTERM');
    const code = await exited;
    expect(output()).toContain('"msg":"draining"');
    expect(output()).toContain('"msg":"stopped"');
    expect(code).toBe(0);
    await waitFor('no process of it is left', () => !groupIsAlive(pid));
    await expect(fetch(`http://127.0.0.1:${port}/health`)).rejects.toThrow();
  },
  wholeBuildMs,
);

it(
  'npm start runs what was built before where the builder is not installed, and says so where nothing was',
  async () => {
    execFileSync(process.execPath, ['scripts/build.mjs'], { cwd: directory });
    rmSync(join(directory, 'node_modules'));
    mkdirSync(join(directory, 'node_modules'));
    for (const name of readdirSync(join(root, 'node_modules')).filter((one) => one !== 'esbuild'))
      symlinkSync(join(root, 'node_modules', name), join(directory, 'node_modules', name));
    const { pid, exited } = await start();
    process.kill(pid, 'SIGTERM');
    expect(await exited).toBe(0);
    rmSync(join(directory, 'dist'), { recursive: true });
    const { status, stderr } = spawnSync(process.execPath, ['scripts/start.mjs'], {
      cwd: directory,
      encoding: 'utf8',
    });
    expect(status).toBe(1);
    expect(stderr).toMatch(/^landbridge: nothing is built here[^\n]*\n$/);
  },
  wholeBuildMs,
);

/** Resolves when the gateway is ready. `output`: what it printed so far. */
async function start() {
  npm = spawn('npm', ['start'], {
    cwd: directory,
    detached: true,
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      ...{ PATH: process.env['PATH'], HOME: directory, npm_config_update_notifier: 'false' },
      ...{ LANDBRIDGE_HTTP_PORT: '0', LANDBRIDGE_SIP_PORT: '0', LANDBRIDGE_WORKERS: '1' },
      ...{ LANDBRIDGE_DATA_DIR: join(directory, 'data'), LANDBRIDGE_RTP_PORTS: '29600-29699' },
    },
  });
  const { pid = 0, stdout } = npm;
  const exited = once(npm, 'exit').then(([code]) => code as number | null);
  let output = '';
  stdout?.on('data', (chunk: Buffer) => void (output += chunk.toString()));
  await waitFor('the gateway is ready', () => output.includes('"msg":"ready"'), { timeoutMs: 100_000 });
  return { pid, exited, output: () => output };
}

function groupIsAlive(pid: number): boolean {
  try {
    process.kill(-pid, 0);
    return true;
  } catch {
    return false;
  }
}
