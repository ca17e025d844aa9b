import { describe, expect, it } from 'vitest';
import { usualUse, type PhoneCodecName } from '../../../sdp/phone-codecs.js';
import { phoneCodec, trackCodec } from '../codec/phone-codec.js';
import { Mixes } from '../mix/mixes.js';
import { createPayloadDecoder } from '../mix/payload-decoder.js';
import { dominantFrequencyHz, levelAt, overallLevel } from '../sound/dominant-frequency.js';
import { tickSamples } from '../sound/sample-rate.js';
import { Tone } from '../sound/tone.js';
import { PhoneFrame } from './phone-frame.js';

const names: readonly PhoneCodecName[] = ['PCMU', 'PCMA', 'G722', 'opus'];

/** What a phone of this codec hears of these frames. */
function heard(name: PhoneCodecName, frames: Iterable<Int16Array | null>): Int16Array {
  const codec = phoneCodec(usualUse(name));
  const frame = new PhoneFrame(codec);
  const decoder = createPayloadDecoder(trackCodec(codec), codec.rateHz)!;
  const samples = tickSamples(codec.rateHz);
  const payloads = Array.from(frames, (sound) => Uint8Array.from(frame.ofSound(sound)));
  const pcm = new Int16Array(payloads.length * samples);
  payloads.forEach((payload, tick) => decoder.decode(payload, payload.length, pcm, tick * samples));
  return pcm;
}

function* tone(hz: number, ticks: number): Generator<Int16Array> {
  const source = new Tone(hz, 8000, 8000);
  const pcm = new Int16Array(tickSamples(8000));
  for (let tick = 0; tick < ticks; tick++) yield source.fill(pcm);
}

describe.each(names)('what is made for a phone of %s', (name) => {
  const { rateHz } = phoneCodec(usualUse(name));

  it('is a frame a tick, at its pitch and level', () => {
    const pcm = heard(name, tone(1000, 50)).subarray(rateHz / 5);
    expect(dominantFrequencyHz(pcm, rateHz)).toBeCloseTo(1000, -1);
    expect(levelAt(pcm, rateHz, 1000)).toBeGreaterThan(-14);
    expect(levelAt(pcm, rateHz, 1000)).toBeLessThan(-11);
  });

  it('is silence before and after it, and sound again after long silence', () => {
    const quiet = Array.from({ length: 40 }, () => null);
    const pcm = heard(
      name,
      [...quiet, ...tone(1000, 25), ...quiet, ...tone(1000, 25)].map(
        (sound) => sound && Int16Array.from(sound),
      ),
    );
    const part = (from: number, to: number) =>
      pcm.subarray(from * tickSamples(rateHz), to * tickSamples(rateHz));
    expect(overallLevel(part(0, 39))).toBeLessThan(-60);
    expect(levelAt(part(45, 65), rateHz, 1000)).toBeGreaterThan(-15);
    expect(overallLevel(part(75, 104))).toBeLessThan(-60);
    expect(levelAt(part(110, 130), rateHz, 1000)).toBeGreaterThan(-15);
  });

  it('is two sounds at once, and with an empty mix the sound alone', () => {
    const codec = phoneCodec(usualUse(name));
    const frame = new PhoneFrame(codec);
    const decoder = createPayloadDecoder(trackCodec(codec), rateHz)!;
    const mix = new Mixes().acquire([], rateHz);
    const samples = tickSamples(rateHz);
    const pcm = new Int16Array(50 * samples);
    const [low, high] = [tone(600, 50), tone(1700, 50)];
    for (let tick = 0; tick < 50; tick++) {
      const payload = frame.ofMix(mix, tick, low.next().value as Int16Array, high.next().value as Int16Array);
      decoder.decode(payload, payload.length, pcm, tick * samples);
    }
    const end = pcm.subarray(10 * samples);
    expect(levelAt(end, rateHz, 600)).toBeGreaterThan(-15);
    expect(levelAt(end, rateHz, 1700)).toBeGreaterThan(-15);
    expect(frame.ofMix(mix, 50).length).toBeGreaterThan(0);
  });
});

describe('Opus for one phone', () => {
  const use = (parameters: Record<string, string>) =>
    phoneCodec({ codec: 'opus', parameters: new Map(Object.entries(parameters)) });

  it.each([
    [{}, 48_000],
    [{ maxplaybackrate: '48000' }, 48_000],
    [{ maxplaybackrate: '24000' }, 48_000],
    [{ maxplaybackrate: '16000' }, 16_000],
    [{ maxplaybackrate: '8000' }, 8000],
    [{ maxplaybackrate: 'fast' }, 48_000],
    [{ maxplaybackrate: '-1' }, 8000],
  ])('with %j is made of sound at %i Hz', (parameters, hz) => {
    expect(use(parameters).rateHz).toBe(hz);
  });

  it('keeps to the bit rate that the phone asks for', () => {
    const octets = (parameters: Record<string, string>): number => {
      const frame = new PhoneFrame(use(parameters));
      let sum = 0;
      for (const sound of tone(700, 50)) sum += frame.ofSound(sound).length;
      return sum;
    };
    expect(octets({ maxaveragebitrate: '12000' })).toBeLessThan(0.6 * octets({}));
    // Less than Opus can do, and what is no number.
    expect(octets({ maxaveragebitrate: '1' })).toBeGreaterThan(0);
    expect(octets({ maxaveragebitrate: 'x' })).toBe(octets({}));
  });

  it('costs next to nothing while there is silence: the same packet again', () => {
    const frame = new PhoneFrame(use({}));
    for (let tick = 0; tick < 20; tick++) frame.ofSound();
    expect(frame.ofSound()).toBe(frame.ofSound());
  });
});
