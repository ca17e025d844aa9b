/** Plays received streams and measures how loud any stream is. One audio context, made at the first use. */
let context: AudioContext | undefined;

/** A level meter's reading, 0 to 1 over the 50 dB below full scale; what people call silent reads 0. */
export interface LevelSource {
  level(): number;
  close(): void;
}

const silentDb = -52;

export function measureLevel(stream: MediaStream): LevelSource {
  if (stream.getAudioTracks().length === 0) return { level: () => 0, close: () => undefined };
  context ??= new AudioContext();
  void context.resume();
  const source = context.createMediaStreamSource(stream);
  const analyser = new AnalyserNode(context, { fftSize: 1024 });
  source.connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  return {
    level() {
      analyser.getFloatTimeDomainData(samples);
      let sum = 0;
      for (const sample of samples) sum += sample * sample;
      const db = 10 * Math.log10(sum / samples.length + 1e-10);
      return Math.min(1, Math.max(0, (db - silentDb) / -silentDb));
    },
    close() {
      source.disconnect();
      analyser.disconnect();
    },
  };
}

/** Plays a stream's sound until the returned function is called. */
export function play(stream: MediaStream): () => void {
  const element = new Audio();
  element.autoplay = true;
  element.srcObject = stream;
  // Refused only without any gesture on the page; joining was one.
  element.play().catch(() => undefined);
  return () => {
    element.pause();
    element.srcObject = null;
  };
}
