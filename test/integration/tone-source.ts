/** A stream for tests of routing and mixing, without a leg. */
import { pcmu } from '../../src/media/worker/codec/g711.js';
import { RtpPacket } from '../../src/media/worker/rtp/rtp-packet.js';
import { Tone } from '../../src/media/worker/sound/tone.js';
import type { PacketSink, SourceStream, SourceTrack } from '../../src/media/worker/source-track.js';

/** A published PCMU tone without a leg: 20 ms packets, as a phone's would come. */
export class ToneSource implements SourceTrack {
  readonly kind = 'audio';
  readonly codec = { name: 'PCMU', clockRateHz: 8000, channels: 1 } as const;
  readonly stream: SourceStream;
  sinkCount = 0;
  #sinks: readonly PacketSink[] = [];
  #timer: NodeJS.Timeout;
  #sequenceNumber = 65_530;
  #timestamp = 4_294_967_000;

  constructor(
    readonly streamId: string,
    frequencyHz: number,
    alias = 'microphone',
  ) {
    this.stream = { streamId, alias, audio: this, video: null };
    const tone = new Tone(frequencyHz);
    const pcm = new Int16Array(160);
    const buffer = Buffer.alloc(172);
    const packet = new RtpPacket();
    this.#timer = setInterval(() => {
      RtpPacket.writeHeader(buffer, {
        payloadType: 0,
        marker: false,
        sequenceNumber: this.#sequenceNumber & 0xffff,
        timestamp: this.#timestamp >>> 0,
        ssrc: 4711,
      });
      pcmu.encode(tone.fill(pcm), buffer, 12);
      this.#sequenceNumber++;
      this.#timestamp += 160;
      RtpPacket.parse(buffer, packet);
      for (const sink of this.#sinks) sink.onPacket(packet, performance.now());
    }, 20);
  }

  addSink(sink: PacketSink): void {
    this.#sinks = [...this.#sinks, sink];
    this.sinkCount = this.#sinks.length;
  }

  removeSink(sink: PacketSink): void {
    this.#sinks = this.#sinks.filter((s) => s !== sink);
    this.sinkCount = this.#sinks.length;
  }

  requestKeyFrame(): void {}

  close(): void {
    clearInterval(this.#timer);
  }
}
