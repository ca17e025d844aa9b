import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { usualUse } from '../../../sdp/phone-codecs.js';
import { phoneCodec } from '../codec/phone-codec.js';
import { readOggOpus, readOggPages } from '../../../../test/support/ogg-opus.js';
import { waitFor } from '../../../../test/support/wait-for.js';
import { pcmu } from '../codec/g711.js';
import { PhoneIncomingTrack } from '../phone/phone-incoming-track.js';
import { RtpPacket, rtpHeaderLength } from '../rtp/rtp-packet.js';
import { levelAt } from '../sound/dominant-frequency.js';
import { Tone } from '../sound/tone.js';
import { readWavMono } from '../sound/wav.js';
import { StreamRegistry } from '../stream-registry.js';
import type { RecordingFormat, RecordingOptions } from './recording.js';
import { Recordings } from './recordings.js';

const pcmuPhone = phoneCodec(usualUse('PCMU'));

interface MakeOptions {
  readonly maxBacklogBytes: number;
  readonly now: () => number;
}

describe('the recordings of a worker', () => {
  let directory: string;
  let registry: StreamRegistry;
  let track: PhoneIncomingTrack;
  let recordings: Recordings;
  let listeners: number;
  let ended: string[];
  let sequenceNumber: number;
  const tone = new Tone(400);
  const path = (): string => join(directory, 'file');

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'landbridge-recordings-'));
    registry = new StreamRegistry();
    track = new PhoneIncomingTrack('a.1', pcmuPhone);
    registry.publish({ isLocal: true }, [
      { streamId: 'a.1', alias: 'microphone', audio: track, video: null },
    ]);
    listeners = 0;
    sequenceNumber = 0;
    ended = [];
    make();
  });
  afterEach(async () => {
    await recordings.close();
    expect(listeners).toBe(0);
    await rm(directory, { recursive: true });
  });

  function make({ now = () => performance.now(), ...options }: Partial<MakeOptions> = {}): void {
    recordings = new Recordings({
      registry,
      tickClock: { add: () => listeners++, remove: () => listeners--, now },
      onEnded: (recordingId, reason, _result, detail) =>
        void ended.push(`${recordingId} ${reason} ${detail}`),
      ...options,
    });
  }

  const open = (format: RecordingFormat, options: Partial<RecordingOptions> = {}): Promise<void> =>
    recordings.open({
      recordingId: 'r',
      path: path(),
      format,
      maxBytes: 1_000_000_000,
      maxDurationMs: 1_000_000_000,
      ...options,
    });

  function talk(): void {
    const datagram = Buffer.alloc(rtpHeaderLength + 160);
    RtpPacket.writeHeader(datagram, {
      payloadType: 0,
      marker: false,
      sequenceNumber,
      timestamp: sequenceNumber * 160,
      ssrc: 7,
    });
    sequenceNumber++;
    pcmu.encode(tone.fill(new Int16Array(160)), datagram, rtpHeaderLength);
    const packet = new RtpPacket();
    RtpPacket.parse(datagram, packet);
    track.publish(packet, pcmuPhone, 0);
  }

  it('leave out nothing of a late tick: neither time nor what was said meanwhile', async () => {
    await open('wav');
    recordings.receive('r', ['a.1']);
    let tick = 100;
    for (let n = 0; n < 20; n++) {
      talk();
      recordings.onTick(++tick);
      await turn();
    }
    // Ten ticks are left out; their packets are read after the timers, as they are from a socket.
    tick += 10;
    recordings.onTick(tick);
    for (let n = 0; n < 10; n++) talk();
    await turn();
    for (let n = 0; n < 20; n++) {
      talk();
      recordings.onTick(++tick);
      await turn();
    }
    expect(await recordings.stop('r')).toMatchObject({ durationMs: 50 * 20 });
    const samples = readWavMono(await readFile(path()));
    const silentFrames = Math.floor(samples.findIndex((sample) => sample !== 0) / 160);
    const heard = samples.subarray(silentFrames * 160);
    expect(silentFrames).toBeLessThan(4);
    // One unbroken tone: a gap, a repetition or a shift would smear it over other frequencies.
    const expected = new Tone(400).fill(new Int16Array(heard.length));
    const error = heard.reduce((worst, sample, i) => Math.max(worst, Math.abs(sample - expected[i]!)), 0);
    expect(error).toBeLessThan(400);
  });

  it('catch up with hours in turns, and are stopped at the right length', async () => {
    await open('ogg', { maxDurationMs: 60_000 });
    recordings.onTick(1);
    await turn();
    recordings.onTick(100_000);
    await waitFor('the recording has ended', () => ended.length > 0, { everyMs: 0 });
    expect(ended).toEqual(['r too-long ']);
    expect(readOggOpus(await readFile(path())).length).toBe(60_000 * 8);
  });

  it('say in Ogg how long they are, page by page', async () => {
    await open('ogg');
    recordings.receive('r', ['a.1']);
    for (let tick = 1; tick <= 120; tick++) {
      talk();
      recordings.onTick(tick);
      await turn();
    }
    await recordings.stop('r');
    const file = await readFile(path());
    const pages = readOggPages(file);
    const head = pages[0]!.packets[0]!;
    expect(head.toString('latin1', 0, 8)).toBe('OpusHead');
    expect([head[8], head[9], head.readUInt32LE(12), head[18]]).toEqual([1, 1, 8000, 0]);
    expect(pages[1]!.packets[0]!.toString('latin1', 0, 8)).toBe('OpusTags');
    const preSkip = head.readUInt16LE(10);
    expect(preSkip).toBeGreaterThan(0);
    expect(pages.map(({ granule }) => granule)).toEqual([0, 0, 48_000, 96_000, 120 * 960 + preSkip]);
    expect(pages.map(({ sequence }) => sequence)).toEqual([0, 1, 2, 3, 4]);
    expect(pages.map(({ flags }) => flags)).toEqual([2, 0, 0, 0, 4]);
    expect(new Set(pages.map(({ serial }) => serial)).size).toBe(1);
    expect(pages.every(({ isIntact }) => isIntact)).toBe(true);
    const pcm = readOggOpus(file);
    expect(pcm.length).toBe(120 * 160);
    expect(levelAt(pcm.subarray(1600), 8000, 400)).toBeGreaterThan(-14);
  });

  it('end as failed where the disk does not keep up, and leave a whole file', async () => {
    make({ maxBacklogBytes: 20_000 });
    await open('wav');
    // 4 s in one turn: the disk has no time between.
    recordings.onTick(1);
    recordings.onTick(200);
    await waitFor('the recording has ended', () => ended.length > 0, { everyMs: 0 });
    expect(ended).toEqual(['r failed the disk does not keep up']);
    const file = await readFile(path());
    expect(readWavMono(file).length * 2 + 44).toBe(file.length);
  });

  it('that are stopped while their file is being made do not begin, and leave no file', async () => {
    const opening = open('wav').catch((error: Error) => error.message);
    await expect(open('wav')).rejects.toThrow('a recording with this id is open');
    expect(await recordings.stop('r')).toBeNull();
    expect(await opening).toBe('it was stopped before it began');
    expect(recordings.size('r')).toBeNull();
    expect(await readdir(directory)).toEqual([]);
  });

  it('leave the next tick room, however many they are', async () => {
    let nowMs = 0;
    // Each frame takes 2 ms: three of them are a turn.
    make({ now: () => (nowMs += 2) });
    const ids = Array.from({ length: 10 }, (_, n) => `r${n}`);
    for (const recordingId of ids) await open('wav', { recordingId, path: join(directory, recordingId) });
    const recorded = () => ids.filter((id) => recordings.size(id)?.durationMs === 20).length;
    recordings.onTick(1);
    await turn();
    expect(recorded()).toBe(3);
    await waitFor('all have the frame', () => recorded() === 10, { everyMs: 0 });
    recordings.onTick(2);
    await turn();
    expect(recorded()).toBe(7);
  });

  it('are refused while others are far behind', async () => {
    let nowMs = 0;
    // A frame takes all the time that there is.
    make({ now: () => (nowMs += 20) });
    await open('wav');
    recordings.onTick(1);
    recordings.onTick(300);
    const other = { recordingId: 'other', path: join(directory, 'other') };
    await expect(open('wav', other)).rejects.toThrow('the recordings do not keep up');
    await waitFor('it has caught up', () => recordings.size('r')?.durationMs === 300 * 20, { everyMs: 0 });
    await open('wav', other);
  });

  it('are stopped once, and are no more afterwards', async () => {
    await open('wav');
    const [first, second] = await Promise.all([recordings.stop('r'), recordings.stop('r')]);
    expect(first).toEqual({ durationMs: 0, bytes: 44 });
    expect(second).toBeNull();
    expect(recordings.size('r')).toBeNull();
    expect(() => recordings.receive('r', [])).toThrow('no such recording');
  });
});
