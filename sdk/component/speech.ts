/** Tells who is speaking, from the sound of each stream. */

export interface SpeechWatch {
  close(): void;
}

const intervalMs = 100;
/** Above room noise behind a noise suppressor, below a quiet voice. */
const speechDb = -48;
/** Words have pauses between them. */
const holdMs = 600;

export class SpeechDetector {
  readonly #watched = new Map<object, () => void>();
  #context: AudioContext | undefined;
  #timer: ReturnType<typeof setInterval> | undefined;

  /** Calls back at each change. Nothing happens for a stream without sound. */
  watch(stream: MediaStream, onChange: (isSpeaking: boolean) => void): SpeechWatch {
    if (stream.getAudioTracks().length === 0) return { close: () => undefined };
    const context = (this.#context ??= new AudioContext());
    // Suspended until the first gesture on the page; joining was one.
    void context.resume();
    const source = context.createMediaStreamSource(stream);
    // Longer than the interval at every usual sample rate, so that no sound falls between two looks.
    const analyser = new AnalyserNode(context, { fftSize: 8192 });
    source.connect(analyser);
    const samples = new Float32Array(analyser.fftSize);
    let isSpeaking = false;
    let lastLoudMs = -Infinity;
    const key = {};
    this.#watched.set(key, () => {
      analyser.getFloatTimeDomainData(samples);
      let sum = 0;
      for (const sample of samples) sum += sample * sample;
      const nowMs = performance.now();
      if (10 * Math.log10(sum / samples.length + 1e-12) > speechDb) lastLoudMs = nowMs;
      if (isSpeaking === nowMs - lastLoudMs < holdMs) return;
      isSpeaking = !isSpeaking;
      onChange(isSpeaking);
    });
    this.#timer ??= setInterval(() => {
      for (const look of this.#watched.values()) look();
    }, intervalMs);
    return {
      close: () => {
        source.disconnect();
        this.#watched.delete(key);
        if (this.#watched.size > 0) return;
        clearInterval(this.#timer);
        this.#timer = undefined;
      },
    };
  }

  close(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#watched.clear();
    void this.#context?.close();
    this.#context = undefined;
  }
}
