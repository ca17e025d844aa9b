/** Programs of others that a test starts: where they are, and how they end. */
import { spawn, type ChildProcess } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { accessSync, constants } from 'node:fs';
import { createServer } from 'node:net';
import { delimiter, join } from 'node:path';

/** The program that the variable names, else the first of these names on the search path; null where there is none. */
export function findProgram(variable: string, ...names: readonly string[]): string | null {
  const named = process.env[variable];
  if (named !== undefined && named !== '') return named;
  const folders = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
  const candidates = names.flatMap((name) => folders.map((folder) => join(folder, name)));
  return candidates.find(isExecutable) ?? null;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** `host:port:secret` out of the environment: a daemon that runs already. */
export function readAddress(variable: string): { host: string; port: number; secret: string } | null {
  const text = process.env[variable];
  if (text === undefined || text === '') return null;
  const [, host = '', port = '', secret = ''] = /^([^:]+):(\d+):(.+)$/.exec(text) ?? [];
  if (host === '') throw new Error(`${variable} must be host:port:secret`);
  return { host, port: Number(port), secret };
}

/** A port of 127.0.0.1 that is free for TCP and for UDP now. */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < 20; attempt += 1) {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    const socket = createSocket('udp4');
    const isFree = await new Promise<boolean>((resolve) => {
      socket.once('error', () => resolve(false)).bind(port, '127.0.0.1', () => resolve(true));
    });
    socket.close();
    server.close();
    await once(server, 'close');
    if (isFree) return port;
  }
  throw new Error('no port is free for TCP and UDP');
}

/** Those that run. A test run that is broken off leaves none behind. */
const running = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** A child process whose output is kept. */
export class Daemon {
  readonly #child: ChildProcess;
  readonly #exited: Promise<void>;
  #output = '';

  constructor(
    program: string,
    programArguments: readonly string[],
    environment: NodeJS.ProcessEnv,
    cwd: string,
  ) {
    this.#child = spawn(program, programArguments, {
      env: environment,
      cwd,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const keep = (chunk: Buffer) => (this.#output += chunk.toString('latin1'));
    this.#child.stdout?.on('data', keep);
    this.#child.stderr?.on('data', keep);
    running.add(this.#child);
    this.#child.once('exit', () => running.delete(this.#child));
    this.#exited = new Promise((resolve) => {
      this.#child.once('close', () => resolve());
      this.#child.once('error', (error) => {
        this.#output += String(error);
        resolve();
      });
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get exitCode(): number | null {
    return this.#child.exitCode;
  }

  get hasEnded(): boolean {
    return this.#child.pid === undefined || this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  /** What it wrote to standard output and error. */
  get output(): string {
    return this.#output;
  }

  get exited(): Promise<void> {
    return this.#exited;
  }

  /** As a crash ends it. */
  async kill(): Promise<void> {
    if (!this.hasEnded) this.#child.kill('SIGKILL');
    await this.#exited;
  }

  /** In good order, and by force where that takes too long. */
  async stop(timeoutMs = 10_000): Promise<void> {
    if (!this.hasEnded) this.#child.kill('SIGTERM');
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), timeoutMs);
    await this.#exited;
    clearTimeout(timer);
  }
}
