/** The prompts that phones may hear, ready to send in both laws. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { g711, type G711Law } from '../codec/g711.js';
import { frameSamples } from '../mix/pcm-source.js';
import { readWavMono } from './wav.js';

const names = ['pin', 'pin-wrong', 'goodbye'] as const;

/** `quiet` is silence. */
export type PromptName = (typeof names)[number] | 'quiet';

export interface Prompt {
  readonly sound: PromptName;
  /** Silence before it is said again; null: once. */
  readonly repeatAfterMs: number | null;
  /** What is said then and from there on, where that is something else. */
  readonly next?: PromptName;
}

/** What a worker's phones are told, ready to send. */
export class PromptSounds {
  readonly #payloads = new Map<string, Uint8Array>();

  /** Mono samples at 8 kHz. */
  constructor(sounds: ReadonlyMap<PromptName, Int16Array>) {
    for (const [name, pcm] of sounds) {
      for (const law of ['PCMU', 'PCMA'] as const) {
        const { encode, silence } = g711(law);
        const whole = new Uint8Array(Math.ceil(pcm.length / frameSamples) * frameSamples).fill(silence);
        encode(pcm, whole);
        this.#payloads.set(`${name} ${law}`, whole);
      }
    }
  }

  /** Reads `<name>.wav` of each. Throws where one is missing or cannot be used; null: all are silent. */
  static read(directory: string | null): PromptSounds {
    const present = directory === null ? [] : names;
    return new PromptSounds(
      new Map(present.map((name) => [name, readWavMono(readFileSync(join(directory ?? '', `${name}.wav`)))])),
    );
  }

  /** Whole frames of 20 ms; null where there is nothing to hear. */
  payload(name: PromptName, law: G711Law): Uint8Array | null {
    return this.#payloads.get(`${name} ${law}`) ?? null;
  }
}
