/** Sounds that are cut off fade out in 10 ms: from one sample to the next they would click. */
import { beforeEach, describe, expect, it } from 'vitest';
import { usualUse } from '../../../sdp/phone-codecs.js';
import { phoneCodec } from '../codec/phone-codec.js';
import { g711, type G711Law } from '../codec/g711.js';
import { Mixes } from '../mix/mixes.js';
import { RtpPacket, rtpHeaderLength } from '../rtp/rtp-packet.js';
import { PromptSounds } from '../sound/prompt-sounds.js';
import { SoundLibrary } from '../sound/sound-library.js';
import { SoundLoop } from '../sound/sound-loop.js';
import { Tone } from '../sound/tone.js';
import { PhoneIncomingTrack } from './phone-incoming-track.js';
import { PhoneOutgoingTrack } from './phone-outgoing-track.js';
import { PhonePlayer } from './phone-player.js';
import { RtpOutput } from './rtp-output.js';

const amplitude = 8000;
/** A second of a tone that is at its peak after two frames: a step from one sample to the next is 2553 at most. */
const sound = new Tone(406.25, 8000, amplitude).fill(new Int16Array(8000));
const longestStep = 2553;
/** What a fade adds to a step, and G.711 at this level. */
const tolerance = amplitude / 80 + 300;
const fadeSamples = 80;

/** Falls to nothing from what is its sample. */
function expectSoft(pcm: Int16Array, from: number): void {
  for (let i = from; i < pcm.length; i++)
    expect(Math.abs(pcm[i]! - pcm[i - 1]!)).toBeLessThan(longestStep + tolerance);
}

describe.each<G711Law>(['PCMU', 'PCMA'])('a sound in %s that is cut off', (law) => {
  let track: PhoneOutgoingTrack;
  let player: PhonePlayer;
  let sent: Buffer[];
  let nowMs: number;
  let ticks: number;

  beforeEach(() => {
    sent = [];
    nowMs = 0;
    ticks = 0;
    track = new PhoneOutgoingTrack({
      mixes: new Mixes(),
      prompts: new PromptSounds(
        new Map([
          ['pin', sound],
          ['goodbye', sound],
        ]),
      ),
      hold: new SoundLoop(sound),
      output: new RtpOutput((datagram) => void sent.push(Buffer.from(datagram.subarray(rtpHeaderLength)))),
      now: () => nowMs,
    });
    player = new PhonePlayer({
      sounds: new SoundLibrary({ maxSeconds: 10, maxBytes: 1_000_000 }),
      onPlayed: () => undefined,
      onChanged: () => track.playingChanged(),
    });
    track.attach(player);
    track.start(phoneCodec(usualUse(law)), law === 'PCMU' ? 0 : 8, false);
    track.receive([], true);
  });

  function hear(count: number): Int16Array {
    const from = sent.length;
    for (let i = 0; i < count; i++) track.onTick(++ticks, (nowMs += 20));
    return decoded(Buffer.concat(sent.slice(from)));
  }
  function decoded(octets: Buffer): Int16Array {
    const pcm = new Int16Array(octets.length);
    g711(law).decode(octets, 0, octets.length, pcm);
    return pcm;
  }
  const isQuiet = (pcm: Int16Array) => pcm.every((sample) => Math.abs(sample) <= 8);
  const say = (name: 'pin' | 'goodbye' | 'quiet') => track.prompt({ sound: name, repeatAfterMs: null });
  const tone = { kind: 'tone', frequenciesHz: [406.25], durationMs: 1000, levelDb: -12 } as const;

  /** Two frames, the cut, and two more: soft, and silent 10 ms after the cut. */
  function expectFade(cut: () => void): void {
    const before = hear(2);
    expect(isQuiet(before)).toBe(false);
    cut();
    const pcm = Int16Array.from([...before, ...hear(2)]);
    expectSoft(pcm, before.length);
    expect(isQuiet(pcm.subarray(before.length + fadeSamples))).toBe(true);
    expect(isQuiet(pcm.subarray(before.length, before.length + fadeSamples / 2))).toBe(false);
  }

  it('by a key, as a prompt is, fades out in 10 ms', () => {
    say('pin');
    expectFade(() => say('quiet'));
  });

  it('as hold music is fades out in 10 ms', () => {
    expectFade(() => track.receive([], false));
  });

  it('fades out where it is cut twice within a tick', () => {
    say('pin');
    expectFade(() => {
      say('goodbye');
      say('quiet');
    });
  });

  it('fades out where another begins', () => {
    const before = hear(2);
    say('pin');
    const pcm = Int16Array.from([...before, ...hear(2)]);
    // Both at once: a step of either, from its beginning the one and to its end the other.
    for (let i = before.length; i < pcm.length; i++)
      expect(Math.abs(pcm[i]! - pcm[i - 1]!)).toBeLessThan(2 * longestStep + tolerance);
    expect(pcm.subarray(before.length + fadeSamples)).toEqual(
      decoded(encoded(sound.subarray(0, 320))).subarray(fadeSamples),
    );
  });

  it('has no fade where nothing of it was heard', () => {
    say('pin');
    say('quiet');
    expect(isQuiet(hear(2))).toBe(true);
    say('pin');
    hear(60);
    say('quiet');
    expect(isQuiet(hear(2))).toBe(true);
  });

  it('fades out before somebody is passed through, whose packets then go on as they come', () => {
    const talker = new PhoneIncomingTrack('talker.1', phoneCodec(usualUse(law)));
    hear(2);
    track.receive([{ streamId: 'talker.1', alias: 'microphone', audio: talker, video: null }], false);
    const payload = Buffer.alloc(160, 0x55);
    for (let number = 0; number < 4; number++) {
      const datagram = Buffer.concat([Buffer.alloc(rtpHeaderLength), payload]);
      RtpPacket.writeHeader(datagram, {
        ...{ payloadType: 0, marker: false, sequenceNumber: number, timestamp: number * 160, ssrc: 7 },
      });
      const packet = new RtpPacket();
      RtpPacket.parse(datagram, packet);
      talker.publish(packet, phoneCodec(usualUse(law)), nowMs + 10);
      track.onTick(++ticks, (nowMs += 20));
    }
    const [first, second, fade, ...passed] = sent;
    expectSoft(decoded(Buffer.concat([first!, second!, fade!])), 320);
    expect(passed).toEqual([payload, payload, payload]);
  });

  it('fades out, as what is played does, where the application stops it or plays another alone', async () => {
    await player.play({ playbackId: 'a', sound: tone, times: null, mode: 'instead' });
    const before = hear(5).subarray(-160);
    player.stop('a');
    track.receive([], false);
    const pcm = Int16Array.from([...before, ...hear(2)]);
    expectSoft(pcm, before.length);
    expect(isQuiet(pcm.subarray(before.length + fadeSamples))).toBe(true);

    track.receive([], true);
    hear(2);
    const held = hear(1);
    await player.play({ playbackId: 'b', sound: { ...tone, levelDb: -60 }, times: 1, mode: 'instead' });
    const after = Int16Array.from([...held, ...hear(2)]);
    expectSoft(after, held.length);
    expect(after.subarray(held.length + fadeSamples).every((sample) => Math.abs(sample) < 100)).toBe(true);
  });

  it('begins anew where the phone holds in the midst of it, and comes back', () => {
    hear(3);
    track.start(phoneCodec(usualUse(law)), 0, true);
    expect(hear(2)).toHaveLength(0);
    track.start(phoneCodec(usualUse(law)), 0, false);
    expect(hear(2)).toEqual(decoded(encoded(sound.subarray(0, 320))));
  });

  function encoded(pcm: Int16Array): Buffer {
    const octets = Buffer.alloc(pcm.length);
    g711(law).encode(pcm, octets);
    return octets;
  }
});
