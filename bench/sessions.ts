/** The benchmark `sessions`: REST under load, and changes of subscriptions. */
import { Agent, request } from 'node:http';
import { atMost, type Benchmark, type BenchmarkRow, percentile } from './benchmark.js';
import { account, GatewayProcess, password } from './gateway-process.js';
import { subscriptionChanges } from './subscription-changes.js';

const sessionCount = 1000;
const memberCount = 3;
const connectionCount = 16;
const pacedPerSecond = 500;
const pacedSeconds = 10;
/** Enough that a request is always ready when it is due, however long others take. */
const pacedLives = 64;
/** Before anything is measured, so that the code is compiled. */
const warmUpSessions = 100;

/** REST over connections that stay open, as an application's client has them. */
class RestConnections {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: pacedLives });
  readonly #port: number;

  constructor(port: number) {
    this.#port = port;
  }

  close(): void {
    this.#agent.destroy();
  }

  /** Resolves with the answer's JSON; rejects unless it is a success. */
  send(method: string, path: string, body?: object): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const text = body === undefined ? undefined : JSON.stringify(body);
      const sent = request(
        {
          agent: this.#agent,
          host: '127.0.0.1',
          port: this.#port,
          method,
          path: `/v1/accounts/${account}${path}`,
          auth: `${account}:${password}`,
          headers:
            text === undefined
              ? {}
              : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) },
        },
        (response) => {
          const chunks: Buffer[] = [];
          response.on('data', (chunk: Buffer) => chunks.push(chunk));
          response.on('end', () => {
            const answer = Buffer.concat(chunks).toString();
            if ((response.statusCode ?? 500) >= 300)
              reject(new Error(`${method} ${path}: ${response.statusCode} ${answer}`));
            else resolve(answer === '' ? undefined : JSON.parse(answer));
          });
          response.on('error', reject);
        },
      );
      sent.on('error', reject);
      sent.end(text);
    });
  }
}

type Send = RestConnections['send'];

/** A session's whole life over REST: 11 requests, every one a write. */
async function live(send: Send): Promise<void> {
  const session = (await send('POST', '/sessions', { tag: 'bench' })) as { id: string };
  const members: string[] = [];
  for (let i = 0; i < memberCount; i += 1) {
    const created = (await send('POST', '/participants', {
      publishPermissions: ['AUDIO'],
      tag: 'member',
    })) as {
      participant: { id: string };
    };
    const { id } = created.participant;
    members.push(id);
    await send('PUT', `/sessions/${session.id}/participants/${id}`, { sessionId: session.id });
  }
  await send('DELETE', `/sessions/${session.id}`);
  for (const id of members) await send('DELETE', `/participants/${id}`);
}

async function liveMany(count: number, atOnce: number, send: Send): Promise<void> {
  let left = count;
  const worker = async (): Promise<void> => {
    while (left-- > 0) await live(send);
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}

/** As many requests as there can be at once. */
async function throughput(rest: RestConnections): Promise<BenchmarkRow[]> {
  const durations: number[] = [];
  const send: Send = async (...what) => {
    const began = performance.now();
    const answer = await rest.send(...what);
    durations.push(performance.now() - began);
    return answer;
  };
  const began = performance.now();
  await liveMany(sessionCount, connectionCount, send);
  const seconds = (performance.now() - began) / 1000;
  return [
    {
      what: `REST, ${sessionCount} sessions of ${memberCount} made, filled and deleted, ${connectionCount} connections`,
      measured: `${Math.round(durations.length / seconds)} requests/s`,
    },
    atMost('  latency at that rate, p99', percentile(durations, 0.99), 'ms'),
  ];
}

/** At a fixed rate, whatever the answers take: no request waits for another that is late. */
async function paced(rest: RestConnections): Promise<BenchmarkRow[]> {
  const durations: number[] = [];
  const began = performance.now();
  let slots = 0;
  const send: Send = async (...what) => {
    const dueMs = began + (slots++ * 1000) / pacedPerSecond;
    const earlyMs = dueMs - performance.now();
    if (earlyMs > 0) await new Promise((resolve) => setTimeout(resolve, earlyMs));
    const sentMs = performance.now();
    const answer = await rest.send(...what);
    durations.push(performance.now() - sentMs);
    return answer;
  };
  const lives = Math.round((pacedPerSecond * pacedSeconds) / (2 + 3 * memberCount));
  await liveMany(lives, pacedLives, send);
  const rate = durations.length / ((performance.now() - began) / 1000);
  return [
    {
      what: `REST at ${pacedPerSecond} requests/s, every write durable`,
      measured: `${Math.round(rate)} requests/s`,
    },
    atMost('  latency, p50', percentile(durations, 0.5), 'ms'),
    atMost('  latency, p99', percentile(durations, 0.99), 'ms', 10),
  ];
}

/** Sessions over REST, every write durable (fsync), and what a change of subscriptions costs. */
export const sessions: Benchmark = {
  name: 'sessions',
  async run() {
    const gateway = await GatewayProcess.start({ LANDBRIDGE_SQLITE_SYNCHRONOUS: 'full' });
    const rest = new RestConnections(gateway.httpPort);
    try {
      await liveMany(warmUpSessions, connectionCount, (...what) => rest.send(...what));
      return [...(await throughput(rest)), ...(await paced(rest)), ...(await subscriptionChanges())];
    } finally {
      rest.close();
      await gateway.stop();
    }
  },
};
