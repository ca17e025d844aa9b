/** A drachtio-server with the configuration that the repository's entrypoint writes, or one that runs already. */
import { mkdtemp, rm } from 'node:fs/promises';
import { randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe } from 'vitest';
import { Daemon, findProgram, freePort, readAddress } from './daemon.js';
import { RawSip } from './raw-sip.js';
import { waitFor } from './wait-for.js';

const entrypoint = fileURLToPath(new URL('../../docker/drachtio-entrypoint.sh', import.meta.url));
const runningVariable = 'LANDBRIDGE_TEST_DRACHTIO';
const program = findProgram('LANDBRIDGE_TEST_DRACHTIO_BINARY', 'drachtio', 'drachtio-server');
const startTimeoutMs = 15_000;

/** Whether there is a drachtio-server to test with. */
export const hasDrachtio = program !== null || readAddress(runningVariable) !== null;

/** Whether the test can start and kill one of its own. */
export const hasOwnDrachtio = program !== null && readAddress(runningVariable) === null;

/** A suite that needs drachtio-server; where it is missing, the report says that it was skipped and why. */
export function describeWithDrachtio(title: string, suite: () => void): void {
  if (hasDrachtio) describe(title, suite);
  else describe.skip(`${title} (skipped: drachtio-server is not installed)`, suite);
}

/** A suite that kills drachtio-server or reads its log: one that runs already does not do. */
export function describeWithOwnDrachtio(title: string, suite: () => void): void {
  if (hasOwnDrachtio) describe(title, suite);
  else describe.skip(`${title} (skipped: drachtio-server is not installed)`, suite);
}

export interface DrachtioOptions {
  /** `DRACHTIO_…` names of the entrypoint, beside those that every test's server gets. */
  readonly environment?: Readonly<Record<string, string>>;
}

export interface DrachtioForTests {
  readonly admin: { readonly host: string; readonly port: number; readonly secret: string };
  /** UDP and TCP port of 127.0.0.1. */
  readonly sipPort: number;
  /** 0 of one that runs already. Another after `restart()`. */
  readonly pid: number;
  /** Empty of one that runs already. */
  readonly log: string;
  /** SIGKILL; throws for one that runs already, as `restart()` does. */
  kill(): Promise<void>;
  /** Starts it anew on the same ports, after `kill()` or in the place of one that still runs. */
  restart(): Promise<void>;
  /** SIGTERM, upon which it writes to its log what it still holds, if that is at level debug. */
  terminate(): Promise<void>;
  /** Ends it and removes what it wrote. Leaves one alone that ran already. */
  stop(): Promise<void>;
}

/**
 * What a drachtio-server that was terminated says that it held; undefined where it says nothing of it. 0.8 keeps dialogs and
 * invites in two maps each, 0.9 in one set.
 */
export function heldAtEnd(log: string): Record<string, number | undefined> {
  const last = (words: string) => {
    const [found] = [...log.matchAll(new RegExp(`\\b${words}:?\\s+(\\d+)`, 'g'))].slice(-1);
    return found === undefined ? undefined : Number(found[1]);
  };
  const both = (one: string, other: string) => {
    const [first, second] = [last(one), last(other)];
    return first === undefined || second === undefined ? undefined : first + second;
  };
  return {
    legs: last('number of dialogs in the hash table'),
    dialogs: last('StableDialogs total size') ?? both('m_mapLeg2Dialog size', 'm_mapId2Dialog size'),
    routedDialogs: last('m_mapDialogs size'),
    invites: last('IIP size') ?? both('m_mapIrq2IIP size', 'm_mapOrq2IIP size'),
  };
}

/** Null where neither a program is installed nor a running one is named. Ready when both of its ports answer. */
export async function startDrachtio(options: DrachtioOptions = {}): Promise<DrachtioForTests | null> {
  const running = readAddress(runningVariable);
  if (running !== null) return runningDrachtio(running, await readSipPort(running));
  if (program === null) return null;
  // Between our look for a free port and the server's bind another program may take it.
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await OwnDrachtio.start(program, options);
    } catch (error) {
      if (attempt === 3) throw error;
    }
  }
}

class OwnDrachtio implements DrachtioForTests {
  readonly admin: { readonly host: string; readonly port: number; readonly secret: string };
  readonly sipPort: number;
  readonly #environment: NodeJS.ProcessEnv;
  readonly #directory: string;
  #daemon: Daemon;

  private constructor(
    binary: string,
    directory: string,
    ports: { readonly admin: number; readonly sip: number },
    { environment = {} }: DrachtioOptions,
  ) {
    this.admin = { host: '127.0.0.1', port: ports.admin, secret: randomBytes(16).toString('hex') };
    this.sipPort = ports.sip;
    this.#directory = directory;
    this.#environment = {
      PATH: process.env['PATH'],
      DRACHTIO_PROGRAM: binary,
      DRACHTIO_STATE_DIRECTORY: directory,
      DRACHTIO_SECRET: this.admin.secret,
      DRACHTIO_ADMIN_TCP_PORT: String(ports.admin),
      DRACHTIO_SIP_PORT: String(ports.sip),
      DRACHTIO_LOGLEVEL: 'info',
      ...environment,
    };
    this.#daemon = this.#spawn();
  }

  static async start(binary: string, options: DrachtioOptions): Promise<OwnDrachtio> {
    const directory = await mkdtemp(join(tmpdir(), 'landbridge-drachtio-'));
    const started = new OwnDrachtio(
      binary,
      directory,
      { admin: await freePort(), sip: await freePort() },
      options,
    );
    try {
      await started.#ready();
      return started;
    } catch (error) {
      await started.stop();
      throw error;
    }
  }

  get pid(): number {
    return this.#daemon.pid;
  }

  get log(): string {
    return this.#daemon.output;
  }

  kill(): Promise<void> {
    return this.#daemon.kill();
  }

  terminate(): Promise<void> {
    return this.#daemon.stop();
  }

  async restart(): Promise<void> {
    await this.#daemon.kill();
    this.#daemon = this.#spawn();
    await this.#ready();
  }

  async stop(): Promise<void> {
    await this.#daemon.kill();
    await rm(this.#directory, { recursive: true, force: true });
  }

  #spawn(): Daemon {
    return new Daemon('/bin/sh', [entrypoint], this.#environment, this.#directory);
  }

  async #ready(): Promise<void> {
    await waitFor(
      'drachtio-server is ready',
      async () => {
        if (this.#daemon.hasEnded) throw new Error(`drachtio-server ended:\n${this.log}`);
        return (await accepts(this.admin.port)) && (await answersOptions(this.sipPort));
      },
      { timeoutMs: startTimeoutMs },
    );
  }
}

function runningDrachtio(admin: DrachtioForTests['admin'], sipPort: number): DrachtioForTests {
  const notOurs = () => Promise.reject(new Error('this drachtio-server is not ours'));
  return {
    admin,
    sipPort,
    pid: 0,
    log: '',
    kill: notOurs,
    restart: notOurs,
    terminate: notOurs,
    stop: () => Promise.resolve(),
  };
}

/** A server says at login where it listens: `udp/127.0.0.1:5060,tcp/…`. */
async function readSipPort({ host, port, secret }: DrachtioForTests['admin']): Promise<number> {
  const socket = connect(port, host);
  try {
    await once(socket, 'connect');
    const login = `${randomUUID()}|authenticate|${secret}`;
    socket.write(`${login.length}#${login}`);
    const [answer] = (await once(socket, 'data', { signal: AbortSignal.timeout(5000) })) as [Buffer];
    const sipPort = /udp\/[^:,|]+:(\d+)/.exec(answer.toString())?.[1];
    if (sipPort === undefined) throw new Error(`the drachtio-server at ${host} refused us, or has no UDP`);
    return Number(sipPort);
  } finally {
    socket.destroy();
  }
}

async function accepts(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

/** Without an application the answer is 503, which is enough. */
async function answersOptions(port: number): Promise<boolean> {
  const agent = await RawSip.open(port);
  agent.send(agent.request('OPTIONS', { uri: `sip:127.0.0.1:${port}` }));
  const answer = await agent.wait('answer', ({ status }) => status !== undefined, 300).catch(() => null);
  agent.close();
  return answer !== null;
}
