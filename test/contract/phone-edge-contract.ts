/** The contract of a phone edge: native, or FreeSWITCH. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  mainConnection,
  type MediaLeg,
  type MediaPlane,
  type Playback,
  type ToneSound,
} from '../../src/domain/media-plane.js';
import { parseTelephoneEvent, type TelephoneEvent } from '../../src/media/worker/codec/telephone-event.js';
import { overallLevel } from '../../src/media/worker/sound/dominant-frequency.js';
import { readWavMono } from '../../src/media/worker/sound/wav.js';
import type { WorkerMediaPlane } from '../../src/media/worker-media-plane.js';
import { EdgeCalls, press, type EdgeCaller } from '../support/freeswitch-edge.js';
import { liveLeg } from '../support/live-leg.js';
import { portOf, TestPhone } from '../support/test-phone.js';
import { expectTones } from '../support/tones.js';
import { phoneHoldContract } from './phone-hold-contract.js';
import { phoneOfferContract } from './phone-offer-contract.js';
import { phoneStreamContract, type EdgeLimits } from './phone-stream-contract.js';
import { openUdpPorts } from '../support/udp-ports.js';
import { waitFor } from '../support/wait-for.js';

export interface PhoneEdgeUnderTest {
  readonly plane: MediaPlane;
  /** The media workers behind it, or itself. */
  readonly workers: WorkerMediaPlane;
  close(): Promise<void>;
}

export interface PhoneEdgeKind {
  readonly name: string;
  /** Before all tests, and after. */
  start(): Promise<void>;
  stop(): Promise<void>;
  /** `rtpTimeoutMs`: silence that ends a leg. */
  open(options: { readonly rtpTimeoutMs?: number }): Promise<PhoneEdgeUnderTest>;
  /** Channels in the server that phones' audio goes through; 0 where there is none. */
  channels(): Promise<number>;
  /** kill -9 of that server, and its return; null where there is none. */
  readonly daemon: { kill(): Promise<void>; restart(): Promise<void> } | null;
  readonly limits: EdgeLimits;
}

/** What every edge does for phones, proved by the sound that arrives. */
export function phoneEdgeContract(kind: PhoneEdgeKind): void {
  describe(`a phone edge (${kind.name})`, () => {
    let edge: PhoneEdgeUnderTest;
    let calls: EdgeCalls;
    let portsAtRest: number;

    const openPorts = () => openUdpPorts(edge.workers.pids()).length;
    const nothingLeft = async (): Promise<void> => {
      await waitFor('no channel is left', async () => (await kind.channels()) === 0);
      expect(edge.workers.statistics().legs).toBe(0);
      await waitFor('no port is left', () => openPorts() === portsAtRest);
    };

    async function open(options: { rtpTimeoutMs?: number } = {}): Promise<void> {
      edge = await kind.open(options);
      calls = new EdgeCalls(edge.plane);
      portsAtRest = openPorts();
    }

    beforeAll(() => kind.start());
    afterAll(() => kind.stop());
    beforeEach(() => open());
    afterEach(async () => {
      calls.close();
      await edge.close();
      await waitFor('no channel is left', async () => (await kind.channels()) === 0);
    });

    /** What is heard in 400 ms, once the sound has settled. */
    async function hear({ phone }: Pick<EdgeCaller, 'phone'>): Promise<Int16Array> {
      await phone.listen(12);
      return phone.listen(20);
    }

    async function pair(): Promise<[EdgeCaller, EdgeCaller]> {
      const both: [EdgeCaller, EdgeCaller] = [await calls.talking(440), await calls.talking(1000)];
      await calls.join(...both);
      return both;
    }

    it('lets phones in either law hear each other and not themselves, and leaves nothing', async () => {
      const [a, b] = [await calls.talking(440), await calls.talking(1000, { law: 'PCMA' })];
      await calls.join(a, b);
      const [atA, atB] = await Promise.all([hear(a), hear(b)]);
      expectTones(atA, { heard: [1000], silent: [440] });
      expectTones(atB, { heard: [440], silent: [1000] });
      expect((await a.leg.statistics())?.packetsReceived).toBeGreaterThan(20);
      await Promise.all([a.leg.close(), b.leg.close()]);
      await nothingLeft();
    });

    it('refuses what it cannot do, and leaves nothing', async () => {
      await expect(calls.open({ offer: 'v=0\r\nnonsense' })).rejects.toMatchObject({ code: 'bad-sdp' });
      const speex = (own: string) => own.replace('PCMU/8000', 'speex/8000').replace('AVP 0', 'AVP 97');
      await expect(calls.open({ offer: speex })).rejects.toMatchObject({ code: 'no-common-codec' });
      const video = (own: string) => own.replace('m=audio', 'm=video');
      await expect(calls.open({ offer: video })).rejects.toMatchObject({ code: 'no-common-codec' });
      await nothingLeft();
    });

    it('tells each key that the phone presses once', async () => {
      const a = await calls.talking(440);
      for (const event of [5, 11, 5]) await press(a, event);
      await a.owner.until(({ digits }) => digits.length >= 3);
      await a.phone.listen(25);
      expect(a.owner.digits).toEqual(['5', '#', '5']);
      // Told of while they were held, too.
      expect(a.owner.keysDown).toBe(3);
    });

    it.each([
      ['pressed', 6],
      ['let go', 6],
      ['pressed', 80],
      ['let go', 80],
    ])('tells a press once of which INFO tells when it is %s, of %i packets', async (when, packets) => {
      const phone = await TestPhone.open('PCMU');
      const told: string[] = [];
      const leg = liveLeg(edge.plane, (digit) => void told.push(digit));
      try {
        await leg.open(mainConnection('phone', phone.sdp()));
        leg.answered();
        leg.established();
        phone.talk(portOf(leg.connection('main').localDescription), 440);
        await phone.listen(5);
        for (let presses = 1; presses <= 2; presses += 1) {
          if (when === 'pressed') leg.dtmf('5', 160);
          await press({ phone, leg }, 5, packets);
          if (when === 'let go') leg.dtmf('5', packets * 20);
        }
        // What is told of another comes after all that is told of those.
        await press({ phone, leg }, 9);
        await waitFor('the next key', () => told.includes('9'));
        expect(told).toEqual(['5', '5', '9']);
      } finally {
        await leg.end({ endedBy: 'participant', reason: 'hangup' });
        phone.close();
      }
      await nothingLeft();
    });

    it('presses keys for the phone, each once', async () => {
      const a = await calls.talking(440);
      await a.leg.sendDtmf('4*D', 80);
      await a.phone.listen(15);
      // RFC 4733 §2.3.2: the packets of one event have one timestamp.
      const presses = new Map<number, TelephoneEvent>();
      for (const { payloadType, timestamp, payload } of a.phone.heard) {
        const event = payloadType === 101 ? parseTelephoneEvent(payload, 0, payload.length) : null;
        if (event !== null) presses.set(timestamp, event);
      }
      expect([...presses.values()].map(({ event, end }) => ({ event, end }))).toEqual(
        [4, 10, 15].map((event) => ({ event, end: true })),
      );
      const taken = calls.open({
        offer: (own) => own.replace('AVP 0 101', 'AVP 0').replace(/a=(?:rtpmap|fmtp):101.*\r\n/g, ''),
      });
      await expect((await taken).leg.sendDtmf('1', 80)).rejects.toMatchObject({ code: 'no-telephone-event' });
    });

    it('sends nothing to a phone that holds, keeps its hold music out, and goes on after', async () => {
      const [a, b] = await pair();
      expectTones(await hear(b), { heard: [440] });
      expect(await a.leg.connection('main').answer(a.phone.sdp({ attributes: ['a=sendonly'] }))).toContain(
        'a=recvonly',
      );
      await b.phone.listen(15);
      const heardByA = a.phone.heard.length;
      expect(overallLevel(await b.phone.listen(20))).toBeLessThan(-60);
      expect(a.phone.heard.length - heardByA).toBeLessThan(2);
      expect(a.owner.holds).toEqual([true]);
      const resumed = await a.leg.connection('main').answer(a.phone.sdp());
      expect(resumed).toContain('a=sendrecv');
      expect(portOf(resumed)).toBe(portOf(a.leg.connection('main').localDescription));
      expectTones(await hear(b), { heard: [440] });
      expectTones(await hear(a), { heard: [1000] });
      expect(a.owner.holds).toEqual([true, false]);
    });

    phoneHoldContract(() => edge.plane);
    phoneOfferContract(() => calls);
    phoneStreamContract(
      {
        get calls() {
          return calls;
        },
        async reopen(options) {
          await edge.close();
          await open(options);
        },
      },
      kind.limits,
    );

    it('follows a phone that moves and changes its codec', async () => {
      const [a, b] = await pair();
      a.phone.hush();
      const phone = await TestPhone.open('PCMA');
      try {
        const answer = await a.leg.connection('main').answer(phone.sdp());
        expect(answer).toContain('a=rtpmap:8 PCMA/8000');
        phone.talk(portOf(answer), 700);
        // Its voice may be another stream now.
        await calls.join(a, b);
        expectTones(await hear({ phone }), { heard: [1000], silent: [440] });
        expectTones(await hear(b), { heard: [700], silent: [440] });
      } finally {
        phone.close();
      }
    });

    it('makes the offer where the phone made none, and within a call', async () => {
      const a = await calls.open({ offer: null });
      const offer = a.leg.connection('main').localDescription;
      expect(offer).toContain('a=rtpmap:0 PCMU/8000');
      await a.leg.connection('main').accept(a.phone.sdp());
      a.phone.talk(portOf(offer), 440);
      await a.owner.until(({ connected, streams }) => connected === 1 && streams.length === 1);
      const b = await calls.talking(1000);
      await calls.join(a, b);
      expectTones(await hear(a), { heard: [1000], silent: [440] });
      expectTones(await hear(b), { heard: [440], silent: [1000] });
      expect(portOf(await a.leg.connection('main').offer())).toBe(portOf(offer));
      await a.leg.connection('main').rollback();
      await a.leg.connection('main').offer();
      await a.leg.connection('main').accept(a.phone.sdp());
      expectTones(await hear(a), { heard: [1000] });
    });

    const tone = (frequencyHz: number): ToneSound => ({
      ...{ kind: 'tone', frequenciesHz: [frequencyHz], durationMs: 500, levelDb: -12 },
    });
    const endless = (mode: Playback['mode']): Playback => ({
      ...{ playbackId: mode, sound: tone(1700), times: null, mode },
    });

    it('plays over the others, in their place, and no more', async () => {
      const [a, b] = await pair();
      await a.leg.play(endless('over'));
      expectTones(await hear(a), { heard: [1000, 1700], silent: [440] });
      await a.leg.play(endless('instead'));
      expectTones(await hear(a), { heard: [1700], silent: [1000, 440] });
      expectTones(await hear(b), { heard: [440], silent: [1700] });
      await a.leg.stopPlaying('instead');
      expectTones(await hear(a), { heard: [1000], silent: [1700] });
      expect(a.owner.played).toEqual(['over replaced', 'instead stopped']);
      await a.leg.play({ ...endless('over'), times: 1 });
      await a.owner.until(({ played }) => played.length === 3);
      expect(a.owner.played.at(-1)).toBe('over completed');
    });

    it('records those who speak', async () => {
      const directory = await mkdtemp(join(tmpdir(), 'landbridge-contract-'));
      try {
        const [a, b] = await pair();
        const recording = await edge.plane.openRecording({
          recordingId: 'recording',
          sessionId: 'session',
          path: join(directory, 'recording.wav'),
          format: 'wav',
          maxBytes: 1_000_000,
          maxDurationMs: 60_000,
          listener: { onEnded: () => undefined },
        });
        await recording.receive([a, b].flatMap(({ owner }) => owner.streams.map(({ streamId }) => streamId)));
        await a.phone.listen(40);
        await recording.stop();
        const recorded = readWavMono(await readFile(join(directory, 'recording.wav')));
        expectTones(recorded.subarray(-4000), { heard: [440, 1000] });
      } finally {
        await rm(directory, { recursive: true });
      }
    });

    it('ends the leg of a phone that vanished, and leaves nothing', async () => {
      await edge.close();
      await open({ rtpTimeoutMs: 2000 });
      const [a, b] = await pair();
      a.phone.hush();
      await a.owner.until(({ ended }) => ended.length > 0);
      expect(a.owner.ended).toEqual(['media-timeout']);
      expect(overallLevel(await hear(b))).toBeLessThan(-60);
      expect(b.owner.ended).toEqual([]);
      await b.leg.close();
      await nothingLeft();
    });

    it('closes twice like once, also while it opens, and leaves nothing', async () => {
      const legs: MediaLeg[] = await Promise.all(
        Array.from({ length: 6 }, async () => (await calls.open()).leg),
      );
      const first = legs.map((leg) => leg.close());
      expect(await Promise.all(legs.map((leg) => leg.close()))).toEqual(await Promise.all(first));
      await expect(legs[0]!.connection('main').answer('v=0')).rejects.toMatchObject({ name: 'MediaRefusal' });
      await nothingLeft();
      expect(calls.callers.flatMap(({ owner }) => owner.ended)).toEqual([]);
      const opening = Array.from({ length: 4 }, () => calls.open().catch((error: unknown) => error));
      await Promise.all([edge.plane.close(), edge.plane.close()]);
      await Promise.all(opening);
      await expect(calls.open()).rejects.toMatchObject({ code: 'overloaded' });
    });

    it('loses its legs with the media worker that is killed, and takes calls again', async () => {
      const [a, b] = await pair();
      const [worker] = edge.workers.pids();
      process.kill(worker!, 'SIGKILL');
      for (const { owner } of [a, b]) {
        await owner.until(({ ended }) => ended.length > 0);
        expect(owner.ended).toEqual(['media-lost']);
      }
      await waitFor('no channel is left', async () => (await kind.channels()) === 0);
      await waitFor('a worker is there again', () => edge.plane.isReady && edge.workers.pids().length > 0);
      calls.close();
      calls = new EdgeCalls(edge.plane);
      const c = await calls.talking(440);
      await c.leg.receive({ main: [] }, true);
      expect(overallLevel(await hear(c))).toBeGreaterThan(-50);
    });

    const { daemon } = kind;
    if (daemon === null) return;
    it('loses its legs with the server that is killed, and takes calls again when it is back', async () => {
      const [a, b] = await pair();
      await daemon.kill();
      for (const { owner } of [a, b]) {
        await owner.until(({ ended }) => ended.length > 0);
        expect(owner.ended).toEqual(['media-lost']);
      }
      expect(edge.workers.statistics().legs).toBe(0);
      await expect(calls.open()).rejects.toMatchObject({ code: 'overloaded' });
      await daemon.restart();
      await waitFor('it is used again', () => edge.plane.isReady);
      const [c, d] = await pair();
      expectTones(await hear(c), { heard: [1000], silent: [440] });
      await Promise.all([c.leg.close(), d.leg.close()]);
      await nothingLeft();
    });
  });
}
