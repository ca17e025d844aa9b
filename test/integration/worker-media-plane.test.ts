import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { systemClock } from '../../src/domain/clock.js';
import type { MediaLeg } from '../../src/domain/media-plane.js';
import { createMediaPlane, type WorkerMediaPlane } from '../../src/media/worker-media-plane.js';
import {
  dominantFrequencyHz,
  levelAt,
  overallLevel,
} from '../../src/media/worker/sound/dominant-frequency.js';
import { eventually, isAlive, MediaOwner } from '../support/media-owner.js';
import { takeRtpPorts } from '../support/rtp-ports.js';
import { portOf, TestPhone } from '../support/test-phone.js';
import { mainConnection } from '../../src/domain/media-plane.js';

interface Caller {
  readonly phone: TestPhone;
  readonly leg: MediaLeg;
  readonly owner: MediaOwner;
  readonly streamId: string;
}

const rtpPorts = await takeRtpPorts(400);
const silent = { info: () => undefined, warn: () => undefined, error: () => undefined };

async function bind(port: number): Promise<Socket> {
  const socket = createSocket('udp4').bind(port, '127.0.0.1');
  await once(socket, 'listening');
  return socket;
}

/** Real worker processes, real UDP: proved by the tones that arrive. */
describe('phones through media workers', () => {
  let plane: WorkerMediaPlane;
  let callers: Caller[];

  beforeEach(async () => {
    callers = [];
    plane = await createMediaPlane({
      workers: 2,
      rtpPorts,
      bindAddress: '127.0.0.1',
      logger: silent,
      clock: systemClock,
      workerEntry: inject('workerEntry'),
    });
  });
  afterEach(async () => {
    for (const { phone } of callers) phone.close();
    const pids = plane.pids();
    await plane.close();
    expect(pids.filter(isAlive)).toEqual([]);
  });

  async function call(sessionId: string, toneHz: number): Promise<Caller> {
    const phone = await TestPhone.open();
    const owner = new MediaOwner();
    const leg = await plane.openLeg({
      legId: `leg-${callers.length}`,
      participantId: `participant-${callers.length}`,
      sessionId,
      ...mainConnection('phone', phone.sdp()),
      mayPublish: ['AUDIO'],
      listener: owner,
    });
    phone.talk(portOf(leg.connection('main').localDescription), toneHz);
    await owner.until(({ connected, streams }) => connected === 1 && streams.length === 1);
    const caller = { phone, leg, owner, streamId: owner.streams[0]!.streamId };
    callers.push(caller);
    return caller;
  }

  /** Lets the sound settle, then says what is heard in a second. */
  async function hear({ phone }: Caller): Promise<Int16Array> {
    await phone.listen(15);
    return phone.listen(50);
  }

  async function expectTones(
    caller: Caller,
    heardHz: readonly number[],
    notHeardHz: readonly number[],
  ): Promise<void> {
    const pcm = await hear(caller);
    for (const hz of heardHz) expect(levelAt(pcm, 8000, hz), `${hz} Hz`).toBeGreaterThan(-20);
    for (const hz of notHeardHz) expect(levelAt(pcm, 8000, hz), `${hz} Hz`).toBeLessThan(-45);
  }

  it('hear each other and not themselves on one worker', async () => {
    const [a, b] = [await call('s', 440), await call('s', 1000)];
    await Promise.all([
      a.leg.receive({ main: [b.streamId] }, false),
      b.leg.receive({ main: [a.streamId] }, false),
    ]);
    const [atA, atB] = await Promise.all([hear(a), hear(b)]);
    expect(dominantFrequencyHz(atA, 8000)).toBeCloseTo(1000, -1);
    expect(dominantFrequencyHz(atB, 8000)).toBeCloseTo(440, -1);
    expect(levelAt(atA, 8000, 440)).toBeLessThan(-45);
    expect(
      plane
        .statistics()
        .workers.map(({ legs }) => legs)
        .sort(),
    ).toEqual([0, 2]);
  });

  it('hear each other across two workers, passed through and mixed', async () => {
    const [a, b, c] = [await call('s1', 440), await call('s2', 1000), await call('s1', 1700)];
    expect(
      plane
        .statistics()
        .workers.map(({ legs }) => legs)
        .sort(),
    ).toEqual([1, 2]);
    await b.leg.receive({ main: [a.streamId] }, false);
    await expectTones(b, [440], [1000, 1700]);
    await b.leg.receive({ main: [a.streamId, c.streamId] }, false);
    await a.leg.receive({ main: [b.streamId, c.streamId] }, false);
    await Promise.all([expectTones(b, [440, 1700], [1000]), expectTones(a, [1000, 1700], [440])]);
    await eventually(() =>
      plane.statistics().workers.every(({ health }) => (health?.linkPacketsReceived ?? 0) > 0),
    );
  });

  it('fall silent for one listener at once when he no longer receives them, and for nobody else', async () => {
    const [a, b, c] = [await call('s1', 440), await call('s2', 1000), await call('s1', 1700)];
    await b.leg.receive({ main: [a.streamId] }, false);
    await c.leg.receive({ main: [a.streamId] }, false);
    await Promise.all([expectTones(b, [440], []), expectTones(c, [440], [])]);
    await b.leg.receive({ main: [] }, false);
    // 100 ms are promised, half a second is what a busy machine may need.
    await b.phone.listen(25);
    expect(overallLevel(await b.phone.listen(20))).toBeLessThan(-60);
    await expectTones(c, [440], []);
  });

  it('may have a port of the range that no worker has, but name none that a worker has or will have', async () => {
    const [a, b] = [await call('s1', 440), await call('s2', 1000)];
    const portOfLeg = ({ leg }: Caller) => portOf(leg.connection('main').localDescription);
    const ofEach = [a, b].map(
      ({ leg, phone }) =>
        (port: number) =>
          leg.connection('main').answer(phone.sdp({ port })),
    );
    // Phones of this machine, at the ends of both workers' parts, where legs of browsers would be.
    const { from, to } = rtpPorts;
    const phones = await Promise.all([from + 198, to - 1].map((port) => bind(port)));
    for (const answer of ofEach) {
      for (const socket of phones) expect(await answer(socket.address().port)).toContain('a=sendrecv');
      for (const port of [portOfLeg(a), portOfLeg(b), from + 196, to - 3])
        await expect(answer(port)).rejects.toMatchObject({ code: 'bad-sdp' });
    }
    const [phone] = phones;
    const at = (port: number) => plane.refuseOwn({ address: '127.0.0.1', port });
    await Promise.all([at(phone!.address().port), at(9), at(to + 1)]);
    for (const port of [portOfLeg(a), portOfLeg(b), from + 196])
      await expect(at(port)).rejects.toMatchObject({ code: 'bad-sdp' });
    for (const socket of phones) socket.close();
  });

  it('are refused at the ports of a worker that is away for now', async () => {
    const [a, b] = [await call('s1', 440), await call('s2', 1000)];
    const [first] = plane.statistics().workers;
    const [left, lost] = first!.legs === 1 ? [b, a] : [a, b];
    process.kill(first!.pid!, 'SIGKILL');
    await lost.owner.until(({ ended }) => ended.length > 0);
    const port = portOf(lost.leg.connection('main').localDescription);
    await expect(left.leg.connection('main').answer(left.phone.sdp({ port }))).rejects.toMatchObject({
      code: 'bad-sdp',
    });
  });

  it('count what they sent and received, and stop at once when closed', async () => {
    const a = await call('s', 440);
    await a.phone.listen(30);
    const statistics = await a.leg.close();
    expect(statistics?.packetsReceived).toBeGreaterThan(20);
    expect(statistics?.packetsSent).toBeGreaterThan(20);
    expect(await a.leg.close()).toEqual(statistics);
    expect(plane.statistics().legs).toBe(0);
  });

  it('go on when the worker of another session is killed, and new calls find its successor', async () => {
    const [a, b] = [await call('s1', 440), await call('s2', 1000)];
    await b.leg.receive({ main: [a.streamId] }, false);
    await expectTones(b, [440], []);
    const victim = plane.statistics().workers[0]!;
    process.kill(victim.pid!, 'SIGKILL');
    await a.owner.until(({ ended }) => ended.length > 0);
    expect(a.owner.ended).toEqual(['media-lost']);
    expect(b.owner.ended).toEqual([]);
    await eventually(() => plane.pids().length === 2);
    const c = await call('s1', 1700);
    await b.leg.receive({ main: [c.streamId] }, false);
    await expectTones(b, [1700], [440]);
  });
});
