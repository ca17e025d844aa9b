import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { pipeline } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { afterAll, afterEach, beforeAll, beforeEach, expect, inject, it } from 'vitest';
import {
  channelsOf,
  EdgeCalls,
  expectNoChannels,
  hear,
  openEdge,
  type EdgeCaller,
  type EdgeForTests,
  type EdgeOptions,
} from '../support/freeswitch-edge.js';
import {
  describeWithOwnFreeSwitch,
  startFreeSwitch,
  type FreeSwitchForTests,
} from '../support/freeswitch.js';
import { expectTones } from '../support/tones.js';
import { freePort } from '../support/daemon.js';
import { waitFor } from '../support/wait-for.js';

const root = fileURLToPath(new URL('../..', import.meta.url));

describeWithOwnFreeSwitch('a phone edge whose FreeSWITCH fails', () => {
  let freeSwitch: FreeSwitchForTests;
  let edge: EdgeForTests;
  let calls: EdgeCalls;
  const closing: (() => Promise<void> | void)[] = [];

  beforeAll(async () => {
    freeSwitch = (await startFreeSwitch())!;
  });
  afterAll(() => freeSwitch.stop());
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close();
    await expectNoChannels(freeSwitch);
  });

  async function open(options: Partial<EdgeOptions> = {}): Promise<void> {
    edge = await openEdge(
      { servers: [freeSwitch.eventSocket], requestTimeoutMs: 3000, healthMs: 500, ...options },
      inject('workerEntry'),
    );
    closing.push(edge.close);
    calls = new EdgeCalls(edge.plane);
    closing.push(() => calls.close());
  }

  /** FreeSWITCH shows a channel a moment after it is there. */
  const channels = (count: number) =>
    waitFor(`${count} channels`, async () => {
      const uuids = await channelsOf(freeSwitch);
      return uuids.length === count && uuids.sort();
    });

  const edgeLog = () => edge.log.filter(({ message }) => message.includes('FreeSWITCH'));

  const alive = (isAlive: boolean) =>
    waitFor(
      isAlive ? 'FreeSWITCH is used again' : 'the loss is noticed',
      () => edge.plane.statistics()[0]!.isAlive === isAlive,
    );

  it('ends the legs when FreeSWITCH is killed, refuses calls meanwhile, and uses it when it is back', async () => {
    await open();
    const [a, b] = [await calls.talking(440), await calls.talking(1000)];
    await freeSwitch.kill();
    await Promise.all([a, b].map(({ owner }) => owner.until(({ ended }) => ended.length > 0)));
    expect([...a.owner.ended, ...b.owner.ended]).toEqual(['media-lost', 'media-lost']);
    expect(edge.native.statistics().legs).toBe(0);
    expect(edge.plane.isReady).toBe(false);
    await expect(calls.open()).rejects.toMatchObject({ code: 'overloaded' });
    expect(edge.plane.statistics()).toMatchObject([{ isAlive: false, legs: 0 }]);
    await freeSwitch.restart();
    await alive(true);
    expect(edge.plane.isReady).toBe(true);
    const c = await calls.talking(700);
    await c.leg.receive({ main: [] }, true);
    expect(c.owner.ended).toEqual([]);
    const log = edgeLog();
    expect(log.filter(({ message }) => message === 'FreeSWITCH is connected')).toHaveLength(2);
    // The connection that broke, then that there was none to be had: one for each reason, not for each attempt.
    const reasons = log
      .filter(({ message }) => message === 'FreeSWITCH is away')
      .map(({ fields }) => fields['error']);
    expect(reasons.length).toBeGreaterThan(0);
    reasons.slice(1).forEach((reason, i) => expect(reason).not.toBe(reasons[i]));
  });

  it('notices a FreeSWITCH that hangs, and clears it of the old channels when it goes on', async () => {
    await open();
    const a = await calls.talking(440);
    process.kill(freeSwitch.pid, 'SIGSTOP');
    closing.push(() => void process.kill(freeSwitch.pid, 'SIGCONT'));
    const late = calls.open();
    await expect(late).rejects.toMatchObject({ code: 'overloaded' });
    await a.owner.until(({ ended }) => ended.length > 0);
    expect(a.owner.ended).toEqual(['media-lost']);
    await alive(false);
    process.kill(freeSwitch.pid, 'SIGCONT');
    await alive(true);
    await expectNoChannels(freeSwitch);
    await calls.talking(700);
  });

  it('gives calls to the workers alone while none is alive, where it is told to', async () => {
    await freeSwitch.kill();
    await open({ fallback: 'native' });
    expect(edge.plane.isReady).toBe(true);
    const [a, b] = [await calls.talking(440), await calls.talking(1000)];
    await calls.join(a, b);
    expectTones(await hear(a), { heard: [1000] });
    await freeSwitch.restart();
    await alive(true);
    // A call that began without goes on without.
    expectTones(await hear(a), { heard: [1000] });
    await calls.talking(700);
    expect(edge.plane.statistics()).toMatchObject([{ legs: 1 }]);
  });

  it('gives a call to the workers where FreeSWITCH does not answer in time, and forgets the late answer', async () => {
    await open({ fallback: 'native', requestTimeoutMs: 1500, healthMs: 60_000 });
    process.kill(freeSwitch.pid, 'SIGSTOP');
    const opening = calls.talking(440);
    const a = await opening.finally(() => process.kill(freeSwitch.pid, 'SIGCONT'));
    await a.leg.receive({ main: [] }, true);
    await expectNoChannels(freeSwitch);
    expect(edge.plane.statistics()).toMatchObject([{ isAlive: true, legs: 0 }]);
  });

  it('says once that the secret is wrong, and goes on trying', async () => {
    let attempts = 0;
    const relay = createServer((socket) => {
      attempts += 1;
      const onward = connect(freeSwitch.eventSocket.port, '127.0.0.1');
      pipeline(socket, onward, socket, () => undefined);
    }).listen(0, '127.0.0.1');
    closing.push(() => void relay.close());
    await once(relay, 'listening');
    const { port } = relay.address() as AddressInfo;
    await open({ servers: [{ host: '127.0.0.1', port, secret: 'not the secret' }], longestRetryMs: 20 });
    expect(edge.plane.isReady).toBe(false);
    await expect(calls.open()).rejects.toMatchObject({ code: 'overloaded' });
    expect(edge.plane.statistics()).toMatchObject([
      { isAlive: false, lastError: 'FreeSWITCH refuses our secret' },
    ]);
    await waitFor('it tries again', () => attempts >= 3);
    expect(edgeLog()).toMatchObject([{ level: 'error', message: 'FreeSWITCH refuses us' }]);
    expect(JSON.stringify(edge.log)).not.toContain('not the secret');
  });

  it('spreads calls over several, within their limits, and goes to the others when one dies', async () => {
    const other = (await startFreeSwitch())!;
    closing.push(() => other.stop());
    await open({ servers: [freeSwitch.eventSocket, other.eventSocket], maxLegsPerServer: 2 });
    const all: EdgeCaller[] = [];
    for (let i = 0; i < 4; i += 1) all.push(await calls.talking(440));
    expect(edge.plane.statistics().map(({ legs }) => legs)).toEqual([2, 2]);
    await expect(calls.open()).rejects.toMatchObject({ code: 'overloaded' });
    await other.kill();
    await waitFor('the loss is told', () => all.filter(({ owner }) => owner.ended.length > 0).length === 2);
    await all.find(({ owner }) => owner.ended.length === 0)!.leg.close();
    await waitFor('there is room', () => edge.plane.statistics()[0]!.legs === 1);
    await calls.talking(440);
    expect(edge.plane.statistics()).toMatchObject([
      { isAlive: true, legs: 2 },
      { isAlive: false, legs: 0 },
    ]);
    expect(edge.plane.isReady).toBe(true);
  });

  it.each([0, 1])('ends a leg of which FreeSWITCH hangs up channel %i', async (index) => {
    await open();
    const a = await calls.talking(440);
    const uuids = await channels(2);
    await freeSwitch.api(`uuid_kill ${uuids[index]!}`);
    await a.owner.until(({ ended }) => ended.length > 0);
    expect(a.owner.ended).toEqual(['media-lost']);
    await expectNoChannels(freeSwitch);
    expect(edge.native.statistics().legs).toBe(0);
    // FreeSWITCH's own table is empty before it has told of both.
    await waitFor('the leg is forgotten', () => edge.plane.statistics()[0]?.legs === 0);
  });

  it('survives garbage where FreeSWITCH’s event sockets come to', async () => {
    const listenPort = await freePort();
    await open({ listenPort });
    for (const garbage of [
      'a: %zz\n\n',
      'Content-Type: text/event-json\nContent-Length: 3\n\n{{{',
      'Content-Type: text/event-xml\nContent-Length: 3\n\n<a>',
      'Content-Type: command/reply\nEvent-Name: CHANNEL_DATA\nUnique-ID: x\n\n',
      '\n'.repeat(1000),
    ]) {
      const stranger = connect(listenPort, '127.0.0.1');
      stranger.on('error', () => undefined);
      stranger.end(garbage);
      stranger.resume();
      await once(stranger, 'close');
    }
    const a = await calls.talking(440);
    expect(a.owner.ended).toEqual([]);
    // The port that is told in the configuration is taken again after a loss.
    await freeSwitch.restart();
    await alive(true);
    await calls.talking(440);
  });

  it('leaves nothing behind where it is closed while calls are opened', async () => {
    await open();
    const opening = Array.from({ length: 10 }, () => calls.open().catch((error: unknown) => error));
    await edge.plane.close();
    await Promise.all(opening);
    await expectNoChannels(freeSwitch);
    await expect(calls.open()).rejects.toMatchObject({ code: 'overloaded' });
  });

  it('ends the channels when the media worker dies', async () => {
    await open();
    const a = await calls.talking(440);
    const [worker] = edge.native.pids();
    process.kill(worker!, 'SIGKILL');
    await a.owner.until(({ ended }) => ended.length > 0);
    expect(a.owner.ended).toEqual(['media-lost']);
    await expectNoChannels(freeSwitch);
  });

  describeKilled();

  function describeKilled(): void {
    let directory: string;
    let entry: string;
    let child: ChildProcess | null = null;

    beforeAll(async () => {
      const cache = join(root, 'node_modules/.cache/landbridge');
      await mkdir(cache, { recursive: true });
      directory = await mkdtemp(join(cache, 'test-edge-'));
      entry = join(directory, 'edge.mjs');
      await build({
        ...{ absWorkingDir: root, entryPoints: ['test/support/edge-process.ts'], outfile: entry },
        ...{ bundle: true, packages: 'external', platform: 'node', format: 'esm', target: 'node20' },
        logLevel: 'warning',
      });
    });
    afterAll(() => rm(directory, { recursive: true, force: true }));
    beforeEach(() => (child = null));
    afterEach(() => void child?.kill('SIGKILL'));

    async function killedWithCalls(nodeName: string, count: number): Promise<void> {
      const settings = {
        ...{ servers: [freeSwitch.eventSocket], workerEntry: inject('workerEntry') },
        ...{ nodeName, calls: count },
      };
      child = spawn(process.execPath, [entry, JSON.stringify(settings)], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      await once(child.stdout!, 'data');
      child.kill('SIGKILL');
      await once(child, 'exit');
    }

    it('is hung up by FreeSWITCH itself when the gateway is killed', async () => {
      await killedWithCalls('killed', 2);
      await channels(4);
      await expectNoChannels(freeSwitch, 15_000);
    });

    it('clears away what its own last life left, and nothing of others', async () => {
      await open({ nodeName: 'another gateway' });
      const a = await calls.talking(440);
      const others = await channels(2);
      await killedWithCalls('killed', 1);
      await channels(4);
      const again = await openEdge(
        { servers: [freeSwitch.eventSocket], nodeName: 'killed' },
        inject('workerEntry'),
      );
      expect(await channels(2)).toEqual(others);
      await again.close();
      await a.leg.receive({ main: [] }, true);
      await a.phone.listen(20);
      expect(a.owner.ended).toEqual([]);
    });
  }
});
