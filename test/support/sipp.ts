/** Runs SIPp: a SIP implementation that is not ours. */
import { spawn, spawnSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe } from 'vitest';
import { waitFor } from './wait-for.js';

const scenarios = fileURLToPath(new URL('../sipp/scenarios', import.meta.url));

/** Whether SIPp is installed. */
export const hasSipp = spawnSync('sipp', ['-v'], { stdio: 'ignore' }).error === undefined;

/** A suite that needs SIPp; where it is missing, the report says that it was skipped and why. */
export function describeWithSipp(title: string, suite: () => void): void {
  if (hasSipp) describe(title, suite);
  else describe.skip(`${title} (skipped: SIPp is not installed; apt-get install sip-tester)`, suite);
}

export interface SippRun {
  /** `host:port` of the gateway. */
  readonly target: string;
  /** Values for the scenario's `{{name}}`. */
  readonly values?: Readonly<Record<string, string | number>>;
  readonly transport?: 'udp' | 'tcp';
  /** SIPp gives up after this. Default 20. */
  readonly timeoutSeconds?: number;
  /** So many calls in place of one: a line for each, which takes the place of `[field0]` in the scenario. */
  readonly burst?: { readonly lines: readonly string[]; readonly callsPerSecond: number };
}

export interface SippResult {
  /** 0: the scenario went as written. */
  readonly exitCode: number | null;
  /** Every message sent and received, as SIPp wrote them down. */
  readonly messages: string;
  /** What went otherwise, in SIPp's words. */
  readonly errors: string;
}

/** A scenario that is under way. */
export interface SippProcess {
  /** The first message, sent or received, that the pattern matches in; waits for it. */
  message(pattern: RegExp): Promise<RegExpExecArray>;
  readonly finished: Promise<SippResult>;
}

/** Starts a scenario that makes one call, or many. */
export async function startSipp(scenario: string, run: SippRun): Promise<SippProcess> {
  const directory = await mkdtemp(join(tmpdir(), 'landbridge-sipp-'));
  const file = join(directory, `${scenario}.xml`);
  await writeFile(file, fillIn(await readFile(join(scenarios, `${scenario}.xml`), 'utf8'), run));
  const messages = join(directory, 'messages.log');
  const errors = join(directory, 'errors.log');
  const timeoutSeconds = run.timeoutSeconds ?? 20;
  const { lines, callsPerSecond } = run.burst ?? { lines: [], callsPerSecond: 100 };
  const calls = String(Math.max(1, lines.length));
  const values = join(directory, 'values.csv');
  await writeFile(values, ['SEQUENTIAL', ...lines].map((line) => `${line}\n`).join(''));
  const child = spawn(
    'sipp',
    [
      ...[run.target, '-sf', file, '-m', calls, '-l', calls, '-r', String(callsPerSecond)],
      ...(lines.length === 0 ? [] : ['-inf', values]),
      ...['-i', '127.0.0.1', '-p', String(await freePort()), '-mp', String(await freePort())],
      ...['-t', run.transport === 'tcp' ? 't1' : 'u1', '-nostdin', '-timeout', `${timeoutSeconds}s`],
      ...['-timeout_error', '-trace_msg', '-message_file', messages, '-trace_err', '-error_file', errors],
    ],
    { cwd: directory, stdio: 'ignore', env: { ...process.env, TERM: 'dumb' } },
  );
  const timer = setTimeout(() => child.kill('SIGKILL'), (timeoutSeconds + 5) * 1000);
  const finish = async (): Promise<SippResult> => {
    const [exitCode] = (await once(child, 'exit')) as [number | null];
    clearTimeout(timer);
    const result = { exitCode, messages: await readIfThere(messages), errors: await readIfThere(errors) };
    await rm(directory, { recursive: true, force: true });
    return result;
  };
  const finished = finish();
  let result: SippResult | null = null;
  void finished.then((one) => (result = one));
  return {
    finished,
    message: (pattern) =>
      waitFor(`a message that matches ${String(pattern)}`, async () => {
        const found = pattern.exec(result?.messages ?? (await readIfThere(messages)));
        if (found === null && result !== null)
          throw new Error(`SIPp ${scenario} ended before\n${result.errors}\n${result.messages}`);
        return found;
      }),
  };
}

/** SIPp cannot take a port from the system: between our look for a free one and its bind another program may take it. */
const maxBindAttempts = 5;

/** Runs a scenario once. */
export async function runSipp(scenario: string, run: SippRun): Promise<SippResult> {
  for (let attempt = 1; ; attempt += 1) {
    const result = await (await startSipp(scenario, run)).finished;
    const isPortTaken = result.exitCode !== 0 && result.errors.includes('Unable to bind');
    if (!isPortTaken || attempt === maxBindAttempts) return result;
  }
}

/** Fails with SIPp's own words and the messages unless the scenario went as written. */
export async function expectSipp(scenario: string, run: SippRun): Promise<SippResult> {
  const result = await runSipp(scenario, run);
  if (result.exitCode !== 0) {
    throw new Error(`SIPp ${scenario} ended with ${result.exitCode}\n${result.errors}\n${result.messages}`);
  }
  return result;
}

const alwaysThere = { codec: 0, rtpPort: 9, talkMs: 200, uri: 'sip:join@gateway.example', toTag: '' };

function fillIn(text: string, { values = {} }: SippRun): string {
  const all: Record<string, string | number> = { ...alwaysThere, ...values };
  return text.replaceAll(/\{\{(\w+)\}\}/g, (_, name: string) => {
    const value = all[name];
    if (value === undefined) throw new Error(`the scenario needs a value for ${name}`);
    return String(value);
  });
}

async function freePort(): Promise<number> {
  const socket = createSocket('udp4').bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const { port } = socket.address();
  socket.close();
  return port;
}

async function readIfThere(file: string): Promise<string> {
  return existsSync(file) ? readFile(file, 'utf8') : '';
}
