import { describe, expect, it } from 'vitest';
import { spectrumOf } from './spectrum.js';

describe('the spectrum of a sound', () => {
  it('has each component as the discrete Fourier transform defines it', () => {
    const sound = Float64Array.from({ length: 50 }, (_, i) => Math.sin(i * 0.7) + ((i * 37) % 11) / 11);
    const spectrum = spectrumOf(sound);
    expect(spectrum.length).toBe(33);
    for (let k = 0; k <= 32; k++) {
      let re = 0;
      let im = 0;
      sound.forEach((sample, i) => {
        re += sample * Math.cos((2 * Math.PI * k * i) / 64);
        im -= sample * Math.sin((2 * Math.PI * k * i) / 64);
      });
      expect(spectrum[k]).toBeCloseTo(Math.hypot(re, im), 9);
    }
  });
});
