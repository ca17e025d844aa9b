/** The whole gateway as a process of its own, as an operator runs it, with a data directory that goes with it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** Account and user name alike. */
export const account = 'bench';
export const password = 'a password for benchmarks';
/** Linux counts CPU time of processes in hundredths of a second, on every architecture that Node supports. */
const msPerClockTick = 10;
const stopTimeoutMs = 10_000;

export interface ProcessFigures {
  readonly main: number;
  readonly workers: number;
}

export class GatewayProcess {
  readonly httpPort: number;
  readonly sipPort: number;
  /** From the start of the process to `ready`, by its own clock. */
  readonly startMs: number;
  readonly #origin: string;
  readonly #child: ChildProcess;
  readonly #dataDirectory: string;

  private constructor(child: ChildProcess, dataDirectory: string, ready: Readonly<Record<string, unknown>>) {
    this.#child = child;
    this.#dataDirectory = dataDirectory;
    this.httpPort = Number(ready['httpPort']);
    this.sipPort = Number(ready['sipPort']);
    this.startMs = Number(ready['startMs']);
    this.#origin = `http://127.0.0.1:${Number(ready['httpPort'])}`;
  }

  static async start(environment: Readonly<Record<string, string>> = {}): Promise<GatewayProcess> {
    const dataDirectory = mkdtempSync(join(tmpdir(), 'landbridge-bench-'));
    const child = spawn(
      process.execPath,
      // `node --cpu-prof` of the benchmark profiles the gateway too.
      [...process.execArgv, fileURLToPath(new URL('../src/main.js', import.meta.url)), 'serve'],
      {
        cwd: dataDirectory,
        stdio: ['ignore', 'pipe', 'inherit'],
        env: {
          PATH: process.env['PATH'] ?? '',
          LANDBRIDGE_HTTP_PORT: '0',
          LANDBRIDGE_SIP_PORT: '0',
          LANDBRIDGE_RTP_PORTS: '10000-31999',
          LANDBRIDGE_ACCOUNT: account,
          LANDBRIDGE_USERNAME: account,
          LANDBRIDGE_PASSWORD: password,
          LANDBRIDGE_DATA_DIR: dataDirectory,
          LANDBRIDGE_WORKERS: '1',
          LANDBRIDGE_DRAIN_SECONDS: '1',
          ...environment,
        },
      },
    );
    // Lines are read to the end, so that a full pipe never holds the gateway up.
    const lines = createInterface({ input: child.stdout });
    const ready = await new Promise<Record<string, unknown> | null>((resolve) => {
      lines.on('line', (line) => {
        if (line.includes('"msg":"ready"')) resolve(JSON.parse(line) as Record<string, unknown>);
      });
      child.once('exit', () => resolve(null));
    });
    if (ready === null) {
      rmSync(dataDirectory, { recursive: true, force: true });
      throw new Error('the gateway did not start');
    }
    return new GatewayProcess(child, dataDirectory, ready);
  }

  /** Participants in sessions of that many; resolves with their tokens. */
  async participants(count: number, perSession: number): Promise<string[]> {
    const session = async (members: number): Promise<string[]> => {
      const { id } = await this.#post<{ id: string }>('POST', '/sessions', {});
      const tokens: string[] = [];
      for (let i = 0; i < members; i += 1) {
        const created = await this.#post<{ participant: { id: string }; token: string }>(
          'POST',
          '/participants',
          { publishPermissions: ['AUDIO'] },
        );
        const path = `/sessions/${id}/participants/${created.participant.id}`;
        await this.#post('PUT', path, { sessionId: id });
        tokens.push(created.token);
      }
      return tokens;
    };
    const all: string[] = [];
    while (all.length < count) all.push(...(await session(Math.min(perSession, count - all.length))));
    return all;
  }

  /** CPU time since the start, user and system, in milliseconds; the resolution is 10 ms. */
  cpuMs(): ProcessFigures {
    return this.#figures((pid) => {
      // The name in parentheses may hold anything; utime and stime are the 14th and 15th fields (proc_pid_stat(5)).
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      return (Number(fields[11]) + Number(fields[12])) * msPerClockTick;
    });
  }

  /** Resident memory in bytes. */
  residentBytes(): ProcessFigures {
    return this.#figures((pid) => {
      const status = readFileSync(`/proc/${pid}/status`, 'utf8');
      return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]) * 1024;
    });
  }

  async stop(): Promise<void> {
    const { exitCode, signalCode } = this.#child;
    if (exitCode === null && signalCode === null) {
      const exit = once(this.#child, 'exit');
      this.#child.kill('SIGTERM');
      // A second signal does not wait for calls in progress.
      this.#child.kill('SIGINT');
      const timer = setTimeout(() => this.#child.kill('SIGKILL'), stopTimeoutMs);
      await exit;
      clearTimeout(timer);
    }
    rmSync(this.#dataDirectory, { recursive: true, force: true });
  }

  #figures(read: (pid: number) => number): ProcessFigures {
    const pid = this.#child.pid ?? 0;
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean);
    return { main: read(pid), workers: children.reduce((sum, child) => sum + read(Number(child)), 0) };
  }

  async #post<T>(method: string, path: string, body: object): Promise<T> {
    const response = await fetch(`${this.#origin}/v1/accounts/${account}${path}`, {
      method,
      headers: {
        authorization: `Basic ${Buffer.from(`${account}:${password}`).toString('base64')}`,
        'content-type': 'application/json',
      },
      body: JSON.stringify(body),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return (text === '' ? undefined : JSON.parse(text)) as T;
  }
}
