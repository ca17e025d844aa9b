/** The gateway as a process of its own, with ports from the system and a data directory that goes with the test. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inject } from 'vitest';
import { EventFollower } from './events.js';
import { RestClient } from './rest-client.js';
import { startServersBeside, type ServersBeside } from './servers-beside.js';
import { giveBackRtpPorts, inWords, takeRtpPorts, type RtpPorts } from './rtp-ports.js';
import { openUdpPorts } from './udp-ports.js';
import { hangMs, waitFor } from './wait-for.js';

export interface GatewayOptions {
  /** Beside what every test gateway gets. */
  readonly environment?: Record<string, string>;
  /** The data directory of an earlier gateway, which is stopped. Default a new one. */
  readonly dataDirectory?: string;
  /** Default a span of 400 ports of its own. */
  readonly rtpPorts?: string;
  /** Those of an earlier gateway. Default new ones, where this run wants any. */
  readonly beside?: ServersBeside;
}

export interface GatewayExit {
  /** Or the signal that ended it. */
  readonly code: number | NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

interface StartedGatewayOptions extends GatewayOptions {
  readonly beside: ServersBeside;
  readonly rtpPorts: string;
  /** To be given back at its end; null where those are another's. */
  readonly ownPorts: RtpPorts | null;
}

interface LogLine {
  readonly level: string;
  readonly msg: string;
  readonly [field: string]: unknown;
}

const account = 'acme';
const username = 'tester';
const password = 'a password for tests';
export const tokenSecret = 'a secret of more than thirty-two characters';
/** Longer means that it hangs; a busy machine takes its time. */
const startTimeoutMs = 60_000;
const stopTimeoutMs = 60_000;

/** An empty value in the options takes a name away. */
function environmentFor(
  dataDirectory: string,
  options: GatewayOptions & { readonly rtpPorts: string },
): Record<string, string> {
  const inherited = Object.entries(process.env).filter(
    ([name, value]) => value !== undefined && !name.startsWith('LANDBRIDGE_') && name !== 'NODE_OPTIONS',
  ) as [string, string][];
  const all: Record<string, string> = {
    ...Object.fromEntries(inherited),
    LANDBRIDGE_HTTP_HOST: '127.0.0.1',
    LANDBRIDGE_HTTP_PORT: '0',
    LANDBRIDGE_SIP_HOST: '127.0.0.1',
    LANDBRIDGE_SIP_PORT: '0',
    LANDBRIDGE_SIP_TLS_PORT: '0',
    LANDBRIDGE_RTP_PORTS: options.rtpPorts,
    LANDBRIDGE_ACCOUNT: account,
    LANDBRIDGE_USERNAME: username,
    LANDBRIDGE_PASSWORD: password,
    LANDBRIDGE_TOKEN_SECRET: tokenSecret,
    LANDBRIDGE_DATA_DIR: dataDirectory,
    LANDBRIDGE_WORKERS: '1',
    LANDBRIDGE_DRAIN_SECONDS: '5',
    LANDBRIDGE_LOG_LEVEL: 'debug',
    // Tests read figures right after what they count.
    LANDBRIDGE_METRICS_REFRESH_SECONDS: '0',
    ...options.environment,
  };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== ''));
}

export interface RunOptions extends GatewayOptions {
  readonly arguments?: readonly string[];
  /** The file that it prints to. Default: what it prints is given back. */
  readonly stdout?: string;
  /** Words on stderr at which it is told to end. */
  readonly endAt?: string;
}

/** Runs a gateway that is expected to end by itself, as one with a bad configuration does. */
export async function runGateway(options: RunOptions = {}): Promise<GatewayExit> {
  const dataDirectory = options.dataDirectory ?? (await mkdtemp(join(tmpdir(), 'landbridge-test-')));
  const ownPorts = options.rtpPorts === undefined ? await takeRtpPorts() : null;
  const rtpPorts = options.rtpPorts ?? inWords(ownPorts!);
  const target = options.stdout === undefined ? null : openSync(options.stdout, 'w');
  const child = spawn(process.execPath, [inject('gatewayEntry'), ...(options.arguments ?? ['serve'])], {
    env: environmentFor(dataDirectory, { ...options, rtpPorts }),
    cwd: dataDirectory,
    stdio: ['ignore', target ?? 'pipe', 'pipe'],
  });
  if (target !== null) closeSync(target);
  let stdout = '';
  let stderr = '';
  child.stdout?.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr?.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
    if (options.endAt !== undefined && stderr.includes(options.endAt)) child.kill('SIGTERM');
  });
  const timer = setTimeout(() => child.kill('SIGKILL'), startTimeoutMs);
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  clearTimeout(timer);
  if (ownPorts !== null) giveBackRtpPorts(ownPorts);
  if (options.dataDirectory === undefined) await rm(dataDirectory, { recursive: true, force: true });
  return { code: code ?? signal, stdout, stderr };
}

export class TestGateway {
  readonly dataDirectory: string;
  readonly httpPort: number;
  readonly sipPort: number;
  /** NaN where there is no SIP over TLS. */
  readonly sipTlsPort: number;
  readonly rest: RestClient;
  /** Every line that it logged. */
  readonly log: LogLine[];
  readonly #rtpPorts: { readonly from: number; readonly to: number };
  #ownPorts: RtpPorts | null;
  readonly #options: StartedGatewayOptions;
  readonly #child: ChildProcess;
  readonly #exited: Promise<number | NodeJS.Signals | null>;
  readonly #stderr: string[];
  readonly #stdout: string[];

  private constructor(
    options: StartedGatewayOptions,
    dataDirectory: string,
    child: ChildProcess,
    log: LogLine[],
    stdout: string[],
    stderr: string[],
    ready: LogLine,
  ) {
    this.#options = options;
    this.#ownPorts = options.ownPorts;
    const [from = 0, to = 0] = options.rtpPorts.split('-').map(Number);
    this.#rtpPorts = { from, to };
    this.dataDirectory = dataDirectory;
    this.#child = child;
    this.log = log;
    this.#stdout = stdout;
    this.#stderr = stderr;
    this.httpPort = Number(ready['httpPort']);
    this.sipPort = Number(ready['sipPort']);
    this.sipTlsPort = Number(ready['sipTlsPort']);
    this.rest = new RestClient(this.origin, account, username, password);
    this.#exited = new Promise((resolve) => {
      const { exitCode, signalCode } = child;
      if (exitCode !== null || signalCode !== null) resolve(exitCode ?? signalCode);
      else child.once('exit', (code, signal) => resolve(code ?? signal));
    });
  }

  static async start(wanted: GatewayOptions = {}): Promise<TestGateway> {
    const ownPorts = wanted.rtpPorts === undefined ? await takeRtpPorts() : null;
    const beside = wanted.beside ?? (await startServersBeside());
    const options = {
      ...wanted,
      rtpPorts: wanted.rtpPorts ?? inWords(ownPorts!),
      ownPorts,
      beside,
      environment: { ...beside.environment, ...wanted.environment },
    };
    const dataDirectory = options.dataDirectory ?? (await mkdtemp(join(tmpdir(), 'landbridge-test-')));
    const child = spawn(process.execPath, [inject('gatewayEntry'), 'serve'], {
      env: environmentFor(dataDirectory, options),
      cwd: dataDirectory,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const log: LogLine[] = [];
    const stdout: string[] = [];
    const stderr: string[] = [];
    child.stderr.on('data', (chunk: Buffer) => void stderr.push(chunk.toString()));
    let rest = '';
    child.stdout.on('data', (chunk: Buffer) => {
      stdout.push(chunk.toString());
      const lines = (rest + chunk.toString()).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) if (line.startsWith('{')) log.push(JSON.parse(line) as LogLine);
    });
    try {
      const ready = await waitFor(
        'the gateway is ready',
        () => {
          const ended = child.exitCode ?? child.signalCode;
          if (ended !== null) throw new Error(`the gateway ended with ${ended}`);
          return log.find(({ msg }) => msg === 'ready');
        },
        { timeoutMs: startTimeoutMs, everyMs: 10 },
      );
      return new TestGateway(options, dataDirectory, child, log, stdout, stderr, ready);
    } catch (error) {
      child.kill('SIGKILL');
      await beside.stop();
      if (ownPorts !== null) giveBackRtpPorts(ownPorts);
      throw new Error(`${String(error)}\n${stderr.join('')}${JSON.stringify(log.slice(-5))}`, {
        cause: error,
      });
    }
  }

  get origin(): string {
    return `http://127.0.0.1:${this.httpPort}`;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get stdout(): string {
    return this.#stdout.join('');
  }

  get stderr(): string {
    return this.#stderr.join('');
  }

  /** With `after`: also what happened after that event, or all that is remembered where it is not known. */
  follow(options: { readonly after?: string } = {}): Promise<EventFollower> {
    return EventFollower.open(this.rest, options);
  }

  /** Process ids of its children: the media workers. */
  workers(): number[] {
    const children = readFileSync(`/proc/${this.pid}/task/${this.pid}/children`, 'utf8');
    return children.split(' ').filter(Boolean).map(Number);
  }

  /** UDP ports for phone audio that the workers have open now. */
  openRtpPorts(): number[] {
    const { from, to } = this.#rtpPorts;
    return openUdpPorts(this.workers()).filter((port) => port >= from && port <= to);
  }

  /** Every metric as its line in Prometheus' text names it. */
  async metrics(): Promise<Map<string, number>> {
    const response = await fetch(`${this.origin}/metrics`);
    if (response.status !== 200) throw new Error(`GET /metrics: ${response.status}`);
    const lines = (await response.text()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    return new Map(
      lines.map((line) => {
        const space = line.lastIndexOf(' ');
        return [line.slice(0, space), Number(line.slice(space + 1))];
      }),
    );
  }

  /** Until no leg is left. */
  async idle(timeoutMs = hangMs): Promise<void> {
    await waitFor('no leg is left', async () => (await this.rest.legs()).length === 0, { timeoutMs });
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Its exit code, or the signal that ended it. */
  get exited(): Promise<number | NodeJS.Signals | null> {
    return this.#exited;
  }

  /** As a power cut does it. The data directory stays. */
  async kill(): Promise<void> {
    const workers = this.workers();
    this.#child.kill('SIGKILL');
    await this.#exited;
    await noneLeft(workers);
  }

  /** Another life over the same data. */
  restart(environment: Record<string, string> = {}): Promise<TestGateway> {
    return TestGateway.start({
      ...this.#options,
      environment: { ...this.#options.environment, ...environment },
      dataDirectory: this.dataDirectory,
    });
  }

  /** Ends it in good order: it exits with 0 in time, leaves no process behind and had nothing to complain of. */
  async stop({ keepData = false } = {}): Promise<void> {
    try {
      if (this.#child.exitCode === null && this.#child.signalCode === null) {
        const workers = this.workers();
        this.#child.kill('SIGTERM');
        // A second signal does not wait for calls in progress.
        this.#child.kill('SIGINT');
        let hangs = false;
        const timer = setTimeout(() => {
          hangs = true;
          this.#child.kill('SIGKILL');
        }, stopTimeoutMs);
        const code = await this.#exited;
        clearTimeout(timer);
        await noneLeft(workers);
        if (code !== 0) {
          const how = hangs ? `was killed: it did not end in ${stopTimeoutMs} ms` : `ended with ${code}`;
          const log = this.log.slice(-10).map((line) => JSON.stringify(line));
          throw new Error(`the gateway ${how}\n${this.stderr}\n${log.join('\n')}`);
        }
      }
      if (this.#child.signalCode === null) await this.#options.beside.expectNothingLeft();
      if (this.stderr !== '') throw new Error(`the gateway wrote to stderr:\n${this.stderr}`);
    } finally {
      if (!keepData) {
        await this.#options.beside.stop();
        if (this.#ownPorts !== null) giveBackRtpPorts(this.#ownPorts);
        this.#ownPorts = null;
        await rm(this.dataDirectory, { recursive: true, force: true });
      }
    }
  }
}

async function noneLeft(pids: readonly number[]): Promise<void> {
  await waitFor('no media worker is left', () => pids.every((pid) => !isAlive(pid)));
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
