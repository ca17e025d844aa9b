/** The prompts that phones may hear. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { tickSamples } from './sample-rate.js';
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

/** What a worker's phones are told. */
export class PromptSounds {
  readonly #sounds = new Map<PromptName, Int16Array>();

  /** Mono samples at 8 kHz. */
  constructor(sounds: ReadonlyMap<PromptName, Int16Array>) {
    const frameSamples = tickSamples(8000);
    for (const [name, pcm] of sounds) {
      const whole = new Int16Array(Math.ceil(pcm.length / frameSamples) * frameSamples);
      whole.set(pcm);
      this.#sounds.set(name, whole);
    }
  }

  /** Reads `<name>.wav` of each. Throws where one is missing or cannot be used; null: all are silent. */
  static read(directory: string | null): PromptSounds {
    const present = directory === null ? [] : names;
    return new PromptSounds(
      new Map(present.map((name) => [name, readWavMono(readFileSync(join(directory ?? '', `${name}.wav`)))])),
    );
  }

  /** Whole frames of 20 ms at 8 kHz; null where there is nothing to hear. */
  pcm(name: PromptName): Int16Array | null {
    return this.#sounds.get(name) ?? null;
  }
}
