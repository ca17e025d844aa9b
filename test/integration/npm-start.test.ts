/** `npm start` as a user runs it, in a copy of the project whose `dist` is nobody else's. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { waitFor } from '../support/wait-for.js';

const root = fileURLToPath(new URL('../..', import.meta.url));

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

it('npm start ends with the gateway, and the gateway with npm', async () => {
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
  const exited = once(npm, 'exit');
  let output = '';
  stdout?.on('data', (chunk: Buffer) => void (output += chunk.toString()));
  await waitFor('the gateway is ready', () => output.includes('"msg":"ready"'), { timeoutMs: 30_000 });
  const port = /"httpPort":(\d+)/.exec(output)?.[1] ?? '';
  expect((await fetch(`http://127.0.0.1:${port}/health`)).status).toBe(200);
  // npm alone, as a supervisor does that knows of no other process.
  process.kill(pid, 'SIGTERM');
  const [code] = (await exited) as [number | null];
  expect(output).toContain('"msg":"draining"');
  expect(output).toContain('"msg":"stopped"');
  expect(code).toBe(0);
  await waitFor('no process of it is left', () => !groupIsAlive(pid), { timeoutMs: 5000 });
  await expect(fetch(`http://127.0.0.1:${port}/health`)).rejects.toThrow();
});

function groupIsAlive(pid: number): boolean {
  try {
    process.kill(-pid, 0);
    return true;
  } catch {
    return false;
  }
}
