/**
 * Makes a session, a participant for each call, and has SIPp call in with their tokens. Says how it went; exit code 0 when
 * every call was answered, stood in the session as a participant that is heard, and ended in good order.
 */
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** As many as a session takes by default. */
const maxCalls = 20;

const setting = (name, otherwise) => {
  const value = process.env[name] || otherwise;
  if (value === undefined) throw new Error(`${name} is not set`);
  return value;
};
const number = (name, otherwise, most) => {
  const value = Number(setting(name, otherwise));
  if (!Number.isInteger(value) || value < 1 || value > most) throw new Error(`${name} must be 1 to ${most}`);
  return value;
};

async function main() {
  const calls = number('TRY_CALLS', '1', maxCalls);
  const seconds = number('TRY_SECONDS', '5', 600);
  const account = setting('TRY_ACCOUNT', 'local');
  const base = `${setting('TRY_GATEWAY', 'http://127.0.0.1:8080')}/v1/accounts/${account}`;
  const password = (await readFile(setting('TRY_PASSWORD_FILE'), 'utf8')).trim();
  const credentials = Buffer.from(`${setting('TRY_USERNAME', 'local')}:${password}`).toString('base64');

  async function request(method, path, body) {
    const response = await fetch(`${base}${path}`, {
      method,
      headers: { authorization: `Basic ${credentials}`, ...(body && { 'content-type': 'application/json' }) },
      ...(body && { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(10_000),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return text === '' ? undefined : JSON.parse(text);
  }

  const { id: sessionId } = await request('POST', '/sessions', { tag: 'try' });
  const directory = await mkdtemp(join(tmpdir(), 'try-'));
  const callers = [];
  try {
    for (let index = 0; index < calls; index += 1) {
      const caller = await request('POST', '/participants', { publishPermissions: ['AUDIO'], tag: 'sipp' });
      callers.push(caller.participant.id);
      await request('PUT', `/sessions/${sessionId}/participants/${caller.participant.id}`, { sessionId });
      await writeFile(
        join(directory, 'tokens.csv'),
        `${index === 0 ? 'SEQUENTIAL\n' : ''}${caller.token};\n`,
        {
          flag: 'a',
        },
      );
    }
    const address = setting('TRY_ADDRESS', '127.0.0.1');
    const child = spawn(
      'sipp',
      [
        ...[setting('TRY_SIP', '127.0.0.1:5060'), '-sf', fileURLToPath(new URL('call.xml', import.meta.url))],
        ...[
          '-inf',
          join(directory, 'tokens.csv'),
          '-m',
          String(calls),
          '-r',
          '10',
          '-d',
          String(seconds * 1000),
        ],
        ...['-i', address, '-mi', address, '-rtp_echo', '-nostdin', '-timeout_error'],
        ...['-timeout', `${seconds + 30}s`, '-trace_err', '-error_file', join(directory, 'errors.log')],
      ],
      { stdio: 'ignore', cwd: directory, env: { ...process.env, TERM: 'dumb' } },
    );
    const ended = new Promise((resolve) => {
      child.once('error', (error) => resolve(error.message));
      child.once('exit', (code, signal) => resolve(code ?? signal));
    });
    const heard = await publishers(async () => {
      const legs = await request('GET', '/legs');
      return legs.filter((leg) => leg.sessionId === sessionId && leg.state === 'established');
    }, ended);
    const how = await ended;
    if (how !== 0) {
      const errors = await readFile(join(directory, 'errors.log'), 'utf8').catch(() => '');
      throw new Error(`SIPp ended with ${how}\n${errors}`);
    }
    if (heard < calls) throw new Error(`${calls} called, but only ${heard} published audio in the session`);
    console.log(`${calls} called, published their audio in the session, and hung up in good order`);
  } finally {
    for (const id of callers) await request('DELETE', `/participants/${id}`).catch(console.error);
    await request('DELETE', `/sessions/${sessionId}`).catch(console.error);
    await rm(directory, { recursive: true, force: true });
  }
}

/** How many participants had an established leg with a stream at some time until SIPp ended. */
async function publishers(listLegs, ended) {
  const seen = new Set();
  let isOver = false;
  void ended.then(() => (isOver = true));
  while (!isOver) {
    for (const { participantId, streams } of await listLegs())
      if (streams.length > 0) seen.add(participantId);
    await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, 200))]);
  }
  return seen.size;
}

main().catch((error) => {
  console.error(`try: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
});
