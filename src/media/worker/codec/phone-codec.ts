/** The codecs of phones: how their payloads count, and how a tick's sound becomes one. */
import { clockRateOf, type CodecUse, type PhoneCodecName } from '../../../sdp/phone-codecs.js';
import { tickSamples, type SampleRate } from '../sound/sample-rate.js';
import type { Codec } from './codec.js';
import { g711 } from './g711.js';
import { G722Encoder } from './g722.js';
import { OpusEncoder, opusSamples } from './opus.js';

/** A codec as it was agreed on with one phone. */
export interface PhoneCodec {
  readonly name: PhoneCodecName;
  /** RTP's clock (G.722: half its sampling rate, RFC 3551 §4.5.2). */
  readonly clockRateHz: number;
  /** The rate of what is encoded for this phone. */
  readonly rateHz: SampleRate;
  /** An octet is one unit of the clock, and a packet may be cut behind any of them. */
  readonly isDivisible: boolean;
  /** What its receiver asked for, by names in lower case (`a=fmtp`). */
  readonly parameters: ReadonlyMap<string, string>;
  /** Units of the clock that a payload lasts; 0 when it is malformed. */
  unitsOf(payload: Uint8Array, offset: number, length: number): number;
}

/** Encodes what one phone hears, tick after tick. */
export interface FrameEncoder {
  /** One tick's sound, or null for silence, as a payload that is valid until the next. */
  encode(pcm: Int16Array | null): Uint8Array;
}

const octets = (_payload: Uint8Array, _offset: number, length: number): number => length;
const unitsOfOpus = (payload: Uint8Array, offset: number, length: number): number =>
  opusSamples(payload, offset, length, 48_000);

/** By its name in descriptions, and the parameters that its receiver gave. */
export function phoneCodec({ codec, parameters }: Pick<CodecUse, 'codec' | 'parameters'>): PhoneCodec {
  const clockRateHz = clockRateOf(codec);
  if (codec === 'opus')
    return {
      name: codec,
      clockRateHz,
      rateHz: opusRateHz(parameters),
      isDivisible: false,
      parameters,
      unitsOf: unitsOfOpus,
    };
  const rateHz = codec === 'G722' ? 16_000 : 8000;
  return { name: codec, clockRateHz, rateHz, isDivisible: true, parameters, unitsOf: octets };
}

/** As it is told those who hear the phone. */
export const trackCodec = ({ name, clockRateHz }: PhoneCodec): Codec => ({
  name,
  clockRateHz,
  channels: name === 'opus' ? 2 : 1,
});

/** More than it can play nobody needs to encode (RFC 7587 §6.1). */
function opusRateHz(parameters: ReadonlyMap<string, string>): SampleRate {
  const played = Number(parameters.get('maxplaybackrate') ?? 48_000);
  return played <= 8000 ? 8000 : played <= 16_000 ? 16_000 : 48_000;
}

/** Sounds well for speech, and costs a third of the codec's default. */
const opusComplexity = 2;
/** Speech gains nothing audible above these. */
const opusBitrateBps: Readonly<Record<SampleRate, number>> = {
  8000: 16_000,
  16_000: 24_000,
  48_000: 32_000,
};
const smallestBitrateBps = 6000;
/** So much loss the redundancy of Opus is made for where a phone can use it. */
const expectedLossPercent = 5;

/** Whether both encode alike, so that an encoder may go on. */
export function encodesAlike(a: PhoneCodec, b: PhoneCodec): boolean {
  const asked = ['maxaveragebitrate', 'useinbandfec'];
  return (
    a.name === b.name &&
    a.rateHz === b.rateHz &&
    asked.every((name) => a.parameters.get(name) === b.parameters.get(name))
  );
}

export function createFrameEncoder({ name, rateHz, parameters }: PhoneCodec): FrameEncoder {
  switch (name) {
    case 'PCMU':
    case 'PCMA':
      return new G711FrameEncoder(name);
    case 'G722': {
      const encoder = new G722Encoder();
      const payload = new Uint8Array(tickSamples(rateHz) / 2);
      return new RunningEncoder(rateHz, (pcm) => {
        encoder.encode(pcm, payload);
        return payload;
      });
    }
    case 'opus': {
      const most = Number(parameters.get('maxaveragebitrate'));
      const inbandFec = parameters.get('useinbandfec') === '1';
      const encoder = new OpusEncoder({
        rateHz,
        bitrateBps: Math.max(smallestBitrateBps, Math.min(most || Infinity, opusBitrateBps[rateHz])),
        complexity: opusComplexity,
        inbandFec,
        packetLossPercent: inbandFec ? expectedLossPercent : 0,
      });
      return new RunningEncoder(rateHz, (pcm) => encoder.encode(pcm));
    }
  }
}

/** Octets stand for themselves: nothing is remembered, and silence is made once. */
class G711FrameEncoder implements FrameEncoder {
  readonly #law: ReturnType<typeof g711>;
  readonly #payload = new Uint8Array(tickSamples(8000));
  readonly #silence: Uint8Array;

  constructor(name: 'PCMU' | 'PCMA') {
    this.#law = g711(name);
    this.#silence = silence[name];
  }

  encode(pcm: Int16Array | null): Uint8Array {
    if (pcm === null) return this.#silence;
    this.#law.encode(pcm, this.#payload);
    return this.#payload;
  }
}

const silence = {
  PCMU: new Uint8Array(tickSamples(8000)).fill(g711('PCMU').silence),
  PCMA: new Uint8Array(tickSamples(8000)).fill(g711('PCMA').silence),
};

/** Ticks of silence after which a codec that remembers has settled: what it says then it says for ever (200 ms). */
const settlingTicks = 10;

/** A codec whose frames build on those before: silence costs nothing once it has settled. */
class RunningEncoder implements FrameEncoder {
  readonly #encode: (pcm: Int16Array) => Uint8Array;
  readonly #quiet: Int16Array;
  #silentTicks = 0;
  #settled: Uint8Array | null = null;

  constructor(rateHz: SampleRate, encode: (pcm: Int16Array) => Uint8Array) {
    this.#encode = encode;
    this.#quiet = new Int16Array(tickSamples(rateHz));
  }

  encode(pcm: Int16Array | null): Uint8Array {
    if (pcm !== null) {
      this.#silentTicks = 0;
      this.#settled = null;
      return this.#encode(pcm);
    }
    if (this.#settled !== null) return this.#settled;
    const payload = this.#encode(this.#quiet);
    if (++this.#silentTicks >= settlingTicks) this.#settled = Uint8Array.from(payload);
    return payload;
  }
}
