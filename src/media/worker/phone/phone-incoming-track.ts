/** What one phone says. */
import type { Codec } from '../codec/codec.js';
import { isG711 } from '../../../sdp/phone-codecs.js';
import { g711, type G711Law } from '../codec/g711.js';
import { trackCodec, type PhoneCodec } from '../codec/phone-codec.js';
import { CurrentSource } from '../rtp/current-source.js';
import type { RtpPacket } from '../rtp/rtp-packet.js';
import { RunningSequence } from '../rtp/running-sequence.js';
import { ThinnedSequence } from '../rtp/thinned-sequence.js';
import type { PacketSink, SourceTrack } from '../source-track.js';

/** The voice of one phone, for those who listen. */
export class PhoneIncomingTrack implements SourceTrack {
  readonly streamId: string;
  readonly kind = 'audio';
  readonly codec: Codec;
  readonly #current = new CurrentSource();
  readonly #source = new RunningSequence();
  readonly #sequence = new ThinnedSequence();
  /** Replaced, never changed, so that sinks may come and go while a packet is handed round. */
  #sinks: readonly PacketSink[] = [];

  constructor(streamId: string, codec: PhoneCodec) {
    this.streamId = streamId;
    this.codec = trackCodec(codec);
  }

  /** Packets of this codec can be published: it is the track's, or both are G.711. */
  takes({ name }: PhoneCodec): boolean {
    return name === this.codec.name || (isG711(name) && isG711(this.codec.name));
  }

  addSink(sink: PacketSink): void {
    if (!this.#sinks.includes(sink)) this.#sinks = [...this.#sinks, sink];
  }

  removeSink(sink: PacketSink): void {
    this.#sinks = this.#sinks.filter((other) => other !== sink);
  }

  requestKeyFrame(): void {
    // Nothing of sound needs another picture.
  }

  /**
   * A packet that nobody is to hear: a telephone event, hold music. It shall not count as lost. Where it has an SSRC of its own,
   * as some gateways' events have, it is not among the numbers of what is heard.
   */
  leaveOut(packet: RtpPacket, isTimed: boolean): void {
    if (packet.ssrc !== this.#current.ssrc) return;
    const sequenceNumber = this.#source.numberOf(packet, isTimed);
    if (sequenceNumber !== null) this.#sequence.takeOut({ ssrc: packet.ssrc, sequenceNumber });
  }

  /**
   * Hands a packet to every sink, numbered without those that were left out, and on where the source begins anew; not one that
   * came twice, nor one of a source that is not heard. One in the other law of G.711 is brought into the track's first. Both in
   * its own buffer. `codec` is one that the track takes.
   */
  publish(packet: RtpPacket, { name }: PhoneCodec, arrivalMs: number): void {
    if (!this.#current.hears(packet.ssrc, arrivalMs)) return;
    const number = this.#source.numberOf(packet);
    if (number === null) return;
    packet.sequenceNumber = number;
    packet.renumber(this.#sequence.numberOf(packet));
    if (this.#sinks.length === 0) return;
    if (name !== this.codec.name && isG711(name)) translate(packet, name);
    for (const sink of this.#sinks) sink.onPacket(packet, arrivalMs);
  }
}

/** What each octet of the law named is in the other one. */
const otherLaw: Readonly<Record<G711Law, Uint8Array>> = {
  PCMU: translation('PCMU', 'PCMA'),
  PCMA: translation('PCMA', 'PCMU'),
};

function translation(from: G711Law, to: G711Law): Uint8Array {
  const samples = new Int16Array(256);
  const octets = Uint8Array.from({ length: 256 }, (_, octet) => octet);
  g711(from).decode(octets, 0, octets.length, samples);
  const table = new Uint8Array(256);
  g711(to).encode(samples, table);
  return table;
}

/** Brings the payload from its law into the other one, in place. */
function translate(packet: RtpPacket, from: G711Law): void {
  const table = otherLaw[from];
  const end = packet.payloadOffset + packet.payloadLength;
  for (let i = packet.payloadOffset; i < end; i++) packet.buffer[i] = table[packet.buffer[i]!]!;
}
