/** Which UDP ports browsers come to: those of the phones' range, a range of their own, or one for each worker. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { afterEach, describe, expect, inject, it } from 'vitest';
import { systemClock } from '../../src/domain/clock.js';
import { mainConnection } from '../../src/domain/media-plane.js';
import type { BrowserPorts, PortRange } from '../../src/media/rtp-port-ranges.js';
import { createMediaPlane, type WorkerMediaPlane } from '../../src/media/worker-media-plane.js';
import { HeadlessBrowser } from '../support/headless-browser.js';
import { eventually, isAlive, MediaOwner } from '../support/media-owner.js';
import { takeRtpPorts } from '../support/rtp-ports.js';
import { runGateway } from '../support/start-gateway.js';
import { portOf, TestPhone } from '../support/test-phone.js';

const all = await takeRtpPorts(400);
const rtpPorts: PortRange = { from: all.from, to: all.from + 199 };
/** Nobody's in this test, until somebody is given them. TCP ports at the head of each hundred are marks. */
const beside = { from: all.from + 210, to: all.to };

let plane: WorkerMediaPlane | undefined;
const closing: { close(): void }[] = [];

afterEach(async () => {
  for (const one of closing.splice(0)) one.close();
  await plane?.close();
  plane = undefined;
});

async function start(browserPorts?: BrowserPorts): Promise<WorkerMediaPlane> {
  plane = await createMediaPlane({
    workers: 2,
    rtpPorts,
    ...(browserPorts !== undefined && { browserPorts }),
    bindAddress: '127.0.0.1',
    logger: { info: () => undefined, warn: () => undefined, error: () => undefined },
    clock: systemClock,
    workerEntry: inject('workerEntry'),
  });
  return plane;
}

/** The port of a browser that came in, and hears and is heard. */
async function browserIn(sessionId: string, legId: string): Promise<number> {
  const browser = await HeadlessBrowser.open();
  closing.push(browser);
  const owner = new MediaOwner();
  const leg = await plane!.openLeg({
    ...{ legId, participantId: legId, sessionId, mayPublish: ['AUDIO'], listener: owner },
    ...mainConnection('browser', browser.offer),
  });
  const answer = leg.connection('main').localDescription;
  browser.takeAnswer(answer);
  await owner.until(({ connected }) => connected === 1);
  return Number(/^m=audio (\d+)/m.exec(answer)?.[1]);
}

/** Three in each of two sessions, which are two workers'. */
async function fill(): Promise<Record<string, number[]>> {
  const ports: Record<string, number[]> = { one: [], two: [] };
  for (const n of [1, 2, 3])
    for (const session of ['one', 'two']) ports[session]!.push(await browserIn(session, `${session}-${n}`));
  return ports;
}

describe('browsers', () => {
  it('have the last third of each worker’s part of the phones’ ports where nothing is said', async () => {
    await start();
    const { one = [], two = [] } = await fill();
    for (const port of [...one, ...two]) expect((port - rtpPorts.from) % 100).toBeGreaterThanOrEqual(66);
    expect(new Set([...one, ...two]).size).toBe(6);
  });

  it('have ports of their own, each worker its part, and phones the whole of theirs', async () => {
    await start({ ports: { from: beside.from, to: beside.from + 5 }, sharedPort: 0, tcpPort: 0 });
    const { one = [], two = [] } = await fill();
    const parts = [one, two].map((ports) => ports.sort((a, b) => a - b));
    const first = [0, 1, 2].map((n) => beside.from + n);
    expect(parts.sort(([a = 0], [b = 0]) => a - b)).toEqual([first, first.map((port) => port + 3)]);
    await expect(browserIn('one', 'one more')).rejects.toMatchObject({ code: 'overloaded' });
  });

  it('share one port of each worker, where a worker that died is followed by one at the same port', async () => {
    await start({ sharedPort: beside.from, tcpPort: 0 });
    const { one = [], two = [] } = await fill();
    expect([new Set(one).size, new Set(two).size]).toEqual([1, 1]);
    expect([one[0], two[0]].sort()).toEqual([beside.from, beside.from + 1]);
    const before = plane!.pids();
    process.kill(before[0]!, 'SIGKILL');
    await eventually(() => plane!.pids().length === 2 && !plane!.pids().includes(before[0]!));
    // It has no legs, so new sessions come to it.
    expect(await browserIn('three', 'three')).toBe(beside.from);
  });

  it('are told a TCP port of their worker beside UDP, which is there again after that one died', async () => {
    await start({ sharedPort: 0, tcpPort: beside.from });
    const offered = async (sessionId: string): Promise<string> => {
      const browser = await HeadlessBrowser.open();
      closing.push(browser);
      const leg = await plane!.openLeg({
        ...{ legId: sessionId, participantId: sessionId, sessionId, mayPublish: ['AUDIO'] },
        ...mainConnection('browser', browser.offer),
        listener: new MediaOwner(),
      });
      const candidates = [...leg.connection('main').localDescription.matchAll(/^a=candidate:.* tcp .*$/gm)];
      expect(candidates).toHaveLength(1);
      return /127\.0\.0\.1 \d+ typ host tcptype passive/.exec(candidates[0]?.[0] ?? '')?.[0] ?? '';
    };
    const both = [0, 1].map((n) => `127.0.0.1 ${beside.from + n} typ host tcptype passive`);
    expect([await offered('one'), await offered('two')].sort()).toEqual(both);
    const [died = 0] = plane!.pids();
    process.kill(died, 'SIGKILL');
    await eventually(() => plane!.pids().length === 2 && !plane!.pids().includes(died));
    expect(await offered('three')).toBe(both[0]);
  });

  it('are told that there is no gateway where another program has the port that they share', async () => {
    const other = createSocket('udp4').bind(beside.from + 1, '127.0.0.1');
    closing.push(other);
    await once(other, 'listening');
    await expect(start({ sharedPort: beside.from, tcpPort: 0 })).rejects.toThrow(
      `UDP port ${beside.from + 1} for browsers cannot be had`,
    );
  });

  it.each([
    ['share', { sharedPort: beside.from, tcpPort: 0 }],
    ['have', { ports: { from: beside.from, to: beside.from + 9 }, sharedPort: 0, tcpPort: 0 }],
  ] as const)('are not called by phones: a port that they %s is no place for a phone', async (_, ports) => {
    await start(ports);
    const phone = await TestPhone.open();
    closing.push(phone);
    const leg = (port: number) => ({
      ...{ legId: `at ${port}`, participantId: `at ${port}`, sessionId: 's', mayPublish: [] },
      ...mainConnection('phone', phone.sdp({ port })),
      listener: new MediaOwner(),
    });
    await expect(plane!.openLeg(leg(beside.from + 1))).rejects.toMatchObject({ code: 'bad-sdp' });
    const opened = await plane!.openLeg(leg(beside.from + 50));
    expect(portOf(opened.connection('main').localDescription)).toBeLessThanOrEqual(rtpPorts.to);
    expect(plane!.pids().every(isAlive)).toBe(true);
  });
});

describe('an operator', () => {
  it('is told by doctor and by a start which port for browsers is taken', async () => {
    const other = createSocket('udp4').bind(beside.from, '127.0.0.1');
    closing.push(other);
    await once(other, 'listening');
    const environment = { LANDBRIDGE_BROWSER_SHARED_PORT: String(beside.from) };
    const looked = await runGateway({ arguments: ['doctor'], environment });
    expect(looked.stdout).toMatch(
      new RegExp(`FAIL {2}browser port, UDP +127\\.0\\.0\\.1:${beside.from} is taken by another program`),
    );
    const overTcp = createServer().listen(beside.from + 1, '127.0.0.1');
    closing.push(overTcp);
    await once(overTcp, 'listening');
    const tcp = await runGateway({
      arguments: ['doctor'],
      environment: { LANDBRIDGE_BROWSER_TCP_PORT: String(beside.from + 1) },
    });
    expect(tcp.stdout).toMatch(
      new RegExp(`FAIL {2}browser port, TCP +127\\.0\\.0\\.1:${beside.from + 1} is taken by another program`),
    );
    const started = await runGateway({ environment });
    expect(started.code).toBe(1);
    expect(started.stdout + started.stderr).toContain(`127.0.0.1:${beside.from}`);
  });

  it('is told by doctor how many ports browsers have', async () => {
    const environment = { LANDBRIDGE_BROWSER_PORTS: `${beside.from}-${beside.from + 89}` };
    const { stdout } = await runGateway({ arguments: ['doctor'], environment });
    expect(stdout).toMatch(
      new RegExp(`ok {4}browser ports +${beside.from}-${beside.from + 89} are free, for 90 connections`),
    );
  });
});
