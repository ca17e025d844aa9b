/** A FreeSWITCH with the repository's own configuration, or one that runs already. */
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { randomBytes } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe } from 'vitest';
import { Daemon, findProgram, freePort, readAddress } from './daemon.js';
import { EventSocket, type EventSocketAddress } from './event-socket.js';
import { giveBackRtpPorts, takeRtpPorts, type RtpPorts } from './rtp-ports.js';
import { waitFor } from './wait-for.js';

const configuration = fileURLToPath(new URL('../../freeswitch', import.meta.url));
const entrypoint = fileURLToPath(new URL('../../docker/freeswitch-entrypoint.sh', import.meta.url));
const runningVariable = 'LANDBRIDGE_TEST_FREESWITCH';
const program = findProgram('LANDBRIDGE_TEST_FREESWITCH_BINARY', 'freeswitch');
const startTimeoutMs = 20_000;

/** Whether there is a FreeSWITCH to test with. */
export const hasFreeSwitch = program !== null || readAddress(runningVariable) !== null;

/** Whether the test can start and kill one of its own. */
export const hasOwnFreeSwitch = program !== null && readAddress(runningVariable) === null;

/** A suite that needs FreeSWITCH; where it is missing, the report says that it was skipped and why. */
export function describeWithFreeSwitch(title: string, suite: () => void): void {
  if (hasFreeSwitch) describe(title, suite);
  else describe.skip(`${title} (skipped: FreeSWITCH is not installed)`, suite);
}

/** A suite that kills FreeSWITCH or reads its log: one that runs already does not do. */
export function describeWithOwnFreeSwitch(title: string, suite: () => void): void {
  if (hasOwnFreeSwitch) describe(title, suite);
  else describe.skip(`${title} (skipped: FreeSWITCH is not installed)`, suite);
}

export interface FreeSwitchOptions {
  /** `FREESWITCH_…` names of the entrypoint, beside those that every test's FreeSWITCH gets. */
  readonly environment?: Readonly<Record<string, string>>;
}

export interface FreeSwitchForTests {
  readonly eventSocket: EventSocketAddress;
  /** UDP and TCP port of the profile `drachtio_mrf`. */
  readonly sipPort: number;
  readonly rtpPorts: { readonly from: number; readonly to: number };
  /** 0 of one that runs already. Another after `restart()`. */
  readonly pid: number;
  /** Empty of one that runs already. */
  readonly log: string;
  /** What the command prints. */
  api(command: string): Promise<string>;
  /** SIGKILL; throws for one that runs already, as `restart()` does. */
  kill(): Promise<void>;
  /** Starts it anew on the same ports, after `kill()` or in the place of one that still runs. */
  restart(): Promise<void>;
  /**
   * Ends it and removes what it wrote. Leaves one alone that ran already. In good order FreeSWITCH takes some 4 s to end,
   * so it gets SIGKILL unless told otherwise.
   */
  stop(how?: { readonly inGoodOrder: boolean }): Promise<void>;
}

/** Null where neither a program is installed nor a running one is named. Ready when its event socket answers. */
export async function startFreeSwitch(options: FreeSwitchOptions = {}): Promise<FreeSwitchForTests | null> {
  const running = readAddress(runningVariable);
  if (running !== null) return new RunningFreeSwitch(running, await readSipPort(running));
  if (program === null) return null;
  // Between our look for a free port and FreeSWITCH's bind another program may take it.
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await OwnFreeSwitch.start(program, options);
    } catch (error) {
      if (attempt === 3 || !/Could not listen|Error Creating SIP UA/.test(String(error))) throw error;
    }
  }
}

/** The log's lines that warn or complain, without time and without what every FreeSWITCH says at every first start. */
export function complaints(log: string): string[] {
  const harmless = [
    // It looks for its tables, and makes them then.
    /NATIVE SQL ERR \[no such (table|view): \w+\]/,
    // It asks its database again.
    /SQLite is BUSY/,
    // Its threads, announced as warnings.
    /Create additional event dispatch thread|MSG Thread \d+ Started/,
  ];
  return log
    .split('\n')
    .filter((line) => /\[(WARNING|ERR|CRIT|ALERT)\]/.test(line))
    .filter((line) => !harmless.some((pattern) => pattern.test(line)))
    .map((line) => line.replace(/^.*?\[(?=WARNING|ERR|CRIT|ALERT)/, '['));
}

/** FreeSWITCH shows a channel a moment after it is there. */
export async function expectChannels(freeSwitch: FreeSwitchForTests, count: number): Promise<void> {
  await waitFor(`FreeSWITCH has ${count} channels`, async () =>
    (await freeSwitch.api('show channels count')).includes(`\n${count} total`),
  );
}

class OwnFreeSwitch implements FreeSwitchForTests {
  readonly eventSocket: EventSocketAddress;
  readonly sipPort: number;
  readonly rtpPorts: { readonly from: number; readonly to: number };
  readonly #environment: NodeJS.ProcessEnv;
  readonly #directory: string;
  #takenPorts: RtpPorts | null;
  #daemon: Daemon;

  private constructor(
    binary: string,
    directory: string,
    ports: { readonly eventSocket: number; readonly sip: number; readonly rtp: RtpPorts },
    { environment = {} }: FreeSwitchOptions,
  ) {
    const secret = randomBytes(16).toString('hex');
    // An even number of pairs.
    const rtpPorts = { from: ports.rtp.from, to: ports.rtp.to - 1 };
    const defaults: Record<string, string> = {
      FREESWITCH_PROGRAM: binary,
      FREESWITCH_CONFIGURATION_DIRECTORY: configuration,
      FREESWITCH_STATE_DIRECTORY: directory,
      FREESWITCH_EVENT_SOCKET_SECRET: secret,
      FREESWITCH_EVENT_SOCKET_PORT: String(ports.eventSocket),
      FREESWITCH_SIP_PORT: String(ports.sip),
      FREESWITCH_RTP_FIRST_PORT: String(rtpPorts.from),
      FREESWITCH_RTP_LAST_PORT: String(rtpPorts.to),
      FREESWITCH_LOG_LEVEL: 'notice',
    };
    this.#directory = directory;
    this.#takenPorts = ports.rtp;
    this.#environment = { PATH: process.env['PATH'], ...defaults, ...environment };
    this.eventSocket = { host: '127.0.0.1', port: ports.eventSocket, secret };
    this.sipPort = ports.sip;
    this.rtpPorts = rtpPorts;
    this.#daemon = this.#spawn();
  }

  static async start(binary: string, options: FreeSwitchOptions): Promise<OwnFreeSwitch> {
    const directory = await mkdtemp(join(tmpdir(), 'landbridge-freeswitch-'));
    const ports = { eventSocket: await freePort(), sip: await freePort(), rtp: await takeRtpPorts() };
    const started = new OwnFreeSwitch(binary, directory, ports, options);
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

  async api(command: string): Promise<string> {
    return askOnce(this.eventSocket, command);
  }

  kill(): Promise<void> {
    return this.#daemon.kill();
  }

  async restart(): Promise<void> {
    await this.#daemon.kill();
    this.#daemon = this.#spawn();
    await this.#ready();
  }

  async stop({ inGoodOrder } = { inGoodOrder: false }): Promise<void> {
    if (inGoodOrder) await this.#daemon.stop();
    else await this.#daemon.kill();
    if (this.#takenPorts !== null) giveBackRtpPorts(this.#takenPorts);
    this.#takenPorts = null;
    await rm(this.#directory, { recursive: true, force: true });
  }

  #spawn(): Daemon {
    return new Daemon('/bin/sh', [entrypoint], this.#environment, this.#directory);
  }

  async #ready(): Promise<void> {
    await waitFor(
      'FreeSWITCH is ready',
      async () => {
        if (this.#daemon.hasEnded) throw new Error(`FreeSWITCH ended:\n${this.log}`);
        const failure = /^.*(Could not listen|Error Creating SIP UA).*$/m.exec(this.log)?.[0];
        if (failure !== undefined) throw new Error(failure);
        const status = await this.api('sofia status profile drachtio_mrf').catch(() => '');
        return status.includes('CALLS-IN');
      },
      { timeoutMs: startTimeoutMs, everyMs: 20 },
    );
  }
}

class RunningFreeSwitch implements FreeSwitchForTests {
  readonly rtpPorts = { from: 1024, to: 65_535 };
  readonly pid = 0;
  readonly log = '';

  constructor(
    readonly eventSocket: EventSocketAddress,
    readonly sipPort: number,
  ) {}

  api(command: string): Promise<string> {
    return askOnce(this.eventSocket, command);
  }

  kill(): Promise<void> {
    return Promise.reject(new Error('this FreeSWITCH is not ours to kill'));
  }

  restart(): Promise<void> {
    return Promise.reject(new Error('this FreeSWITCH is not ours to restart'));
  }

  stop(): Promise<void> {
    return Promise.resolve();
  }
}

async function askOnce(address: EventSocketAddress, command: string): Promise<string> {
  const socket = await EventSocket.open(address);
  try {
    return await socket.api(command);
  } finally {
    socket.close();
  }
}

async function readSipPort(address: EventSocketAddress): Promise<number> {
  const status = await askOnce(address, 'sofia status');
  const port = /^\s*drachtio_mrf\s.*sip:mod_sofia@[^:]+:(\d+)/m.exec(status)?.[1];
  if (port === undefined) throw new Error(`the FreeSWITCH at ${address.host} has no profile drachtio_mrf`);
  return Number(port);
}

/** The modules that this FreeSWITCH has, loaded or not; null where that cannot be seen. */
export async function installedModules(freeSwitch: FreeSwitchForTests): Promise<readonly string[] | null> {
  const directory = (await freeSwitch.api('global_getvar mod_dir')).trim();
  return readdir(directory).catch(() => null);
}
