import { beforeEach, describe, expect, it } from 'vitest';
import { usualUse } from '../../../sdp/phone-codecs.js';
import { phoneCodec } from '../codec/phone-codec.js';
import { pcmu } from '../codec/g711.js';
import { Mixes } from '../mix/mixes.js';
import { RtpPacket, rtpHeaderLength } from '../rtp/rtp-packet.js';
import { levelAt, overallLevel } from '../sound/dominant-frequency.js';
import type { Playback, ToneSound } from '../sound/playback.js';
import { SoundLibrary } from '../sound/sound-library.js';
import { Tone } from '../sound/tone.js';
import { PhoneOutgoingTrack } from './phone-outgoing-track.js';
import { PhonePlayer } from './phone-player.js';
import { PhoneIncomingTrack } from './phone-incoming-track.js';
import { RtpOutput } from './rtp-output.js';
import { holdSound } from '../sound/hold-sound.js';
import { SoundLoop } from '../sound/sound-loop.js';

const pcmuPhone = phoneCodec(usualUse('PCMU'));

class Talker {
  readonly track = new PhoneIncomingTrack('talker.1', pcmuPhone);
  readonly #tone = new Tone(1000);
  #sequenceNumber = 0;
  last = Buffer.alloc(0);

  talk(nowMs: number): void {
    const datagram = Buffer.alloc(rtpHeaderLength + 160);
    const number = this.#sequenceNumber++;
    RtpPacket.writeHeader(datagram, {
      payloadType: 0,
      marker: false,
      sequenceNumber: number,
      timestamp: number * 160,
      ssrc: 7,
    });
    pcmu.encode(this.#tone.fill(new Int16Array(160)), datagram, rtpHeaderLength);
    this.last = Buffer.from(datagram.subarray(rtpHeaderLength));
    const packet = new RtpPacket();
    RtpPacket.parse(datagram, packet);
    this.track.publish(packet, pcmuPhone, nowMs);
  }
}

const tone = (frequencyHz: number, durationMs = 200): ToneSound => ({
  kind: 'tone',
  frequenciesHz: [frequencyHz],
  durationMs,
  levelDb: -12,
});

describe('the outgoing track of a phone that is played something', () => {
  let mixes: Mixes;
  let track: PhoneOutgoingTrack;
  let player: PhonePlayer;
  let talker: Talker;
  let sent: Buffer[];
  let played: string[];
  let nowMs: number;
  let ticks: number;

  beforeEach(() => {
    mixes = new Mixes();
    sent = [];
    played = [];
    nowMs = 0;
    ticks = 0;
    talker = new Talker();
    track = new PhoneOutgoingTrack({
      mixes,
      hold: new SoundLoop(holdSound()),
      output: new RtpOutput((datagram) => void sent.push(Buffer.from(datagram.subarray(rtpHeaderLength)))),
      now: () => nowMs,
    });
    player = new PhonePlayer({
      sounds: new SoundLibrary({ maxSeconds: 10, maxBytes: 1_000_000 }),
      onPlayed: (playbackId, how) => void played.push(`${playbackId} ${how}`),
      onChanged: () => track.playingChanged(),
    });
    track.attach(player);
    track.start(pcmuPhone, 0, false);
    track.receive([{ streamId: 'talker.1', alias: 'microphone', audio: talker.track, video: null }], false);
  });

  /** What is heard in so many ticks, the talker's packet before each. */
  function hear(count: number): Int16Array {
    const from = sent.length;
    for (let i = 0; i < count; i++) {
      nowMs += 20;
      talker.talk(nowMs);
      track.onTick(++ticks, nowMs);
    }
    const octets = Buffer.concat(sent.slice(from));
    const pcm = new Int16Array(octets.length);
    pcmu.decode(octets, 0, octets.length, pcm);
    return pcm;
  }

  const play = (options: Partial<Playback> = {}): Promise<void> =>
    player.play({ playbackId: 'a', sound: tone(500), times: 1, mode: 'over', ...options });

  it('leaves the pass-through for a mix while it lasts, and returns to it', async () => {
    hear(5);
    expect(sent.at(-1)).toEqual(talker.last);
    expect(mixes.size).toBe(0);
    await play();
    expect(mixes.size).toBe(1);
    const pcm = hear(10).subarray(320);
    expect(levelAt(pcm, 8000, 500)).toBeGreaterThan(-15);
    expect(levelAt(pcm, 8000, 1000)).toBeGreaterThan(-15);
    expect(played).toEqual(['a completed']);
    expect(mixes.size).toBe(0);
    hear(3);
    expect(sent.at(-1)).toEqual(talker.last);
  });

  it('hears a sound alone, holds no source then, and hears again what it heard', async () => {
    await play({ mode: 'instead', times: null });
    expect(mixes.sourceCount).toBe(0);
    const pcm = hear(10);
    expect(levelAt(pcm, 8000, 500)).toBeGreaterThan(-15);
    expect(levelAt(pcm, 8000, 1000)).toBeLessThan(-45);
    player.stop('a');
    hear(3);
    expect(sent.at(-1)).toEqual(talker.last);
    expect(played).toEqual(['a stopped']);
  });

  it('sends one packet of 20 ms per tick, whatever is played', async () => {
    track.receive([], false);
    await play({ times: null });
    player.tone(tone(1500, 1000));
    hear(10);
    await play({ playbackId: 'b', mode: 'instead' });
    hear(20);
    expect(sent).toHaveLength(30);
    expect(sent.every(({ length }) => length === 160)).toBe(true);
  });

  it('is sent nothing while the phone holds, and the sound’s time goes on', async () => {
    track.start(pcmuPhone, 0, true);
    await play();
    const heard = hear(10);
    expect(heard).toHaveLength(0);
    expect(played).toEqual(['a completed']);
  });

  it('hears a tone over a sound that is heard alone', async () => {
    await play({ mode: 'instead', times: null });
    player.tone(tone(1500, 200));
    const pcm = hear(10);
    expect(levelAt(pcm, 8000, 500)).toBeGreaterThan(-15);
    expect(levelAt(pcm, 8000, 1500)).toBeGreaterThan(-15);
    expect(played).toEqual([]);
  });

  it('does not click where a sound is stopped or replaced', async () => {
    track.receive([], false);
    await play({ times: null });
    hear(3);
    player.stop('a');
    await play({ playbackId: 'b', sound: tone(500), times: null });
    const pcm = hear(5);
    // 500 Hz at -12 dB moves by at most 2π·500/8000·8231 ≈ 3232 per sample, and two overlap: 0.6 of one and all of the other.
    for (let i = 1; i < pcm.length; i++) expect(Math.abs(pcm[i]! - pcm[i - 1]!)).toBeLessThan(5300);
    player.stop('b');
    hear(2);
    expect(overallLevel(hear(2))).toBeLessThan(-60);
  });

  it('never plays what was stopped or overtaken while it was read', async () => {
    const slow = play({ playbackId: 'slow', sound: { kind: 'file', path: '/dev/null' } });
    const next = play({ playbackId: 'next', times: null });
    await expect(slow).rejects.toMatchObject({ code: 'bad-sound' });
    await next;
    expect(played).toEqual([]);
    player.close();
    player.stop('next');
    expect(played).toEqual([]);
  });

  it('hears nothing while keys are sent, and whatever it is played goes on meanwhile', async () => {
    hear(5);
    track.isInterrupted = true;
    await play();
    expect(hear(10)).toHaveLength(0);
    expect(played).toEqual(['a completed']);
    track.isInterrupted = false;
    hear(1);
    expect(sent.at(-1)).toEqual(talker.last);
  });
});
