/** A WebRTC far end that is written by the test packet by packet. */
import { Audio, PeerConnection, type Track } from 'node-datachannel';
import { isRtcp, RtpPacket } from '../../src/media/worker/rtp/rtp-packet.js';
import { parseRtcp, type RtcpPacket } from '../../src/media/worker/rtp/rtcp.js';
import { parseSessionDescription, type SessionDescription } from '../../src/sdp/session-description.js';

export interface ReceivedRtp {
  readonly payloadType: number;
  readonly marker: boolean;
  readonly sequenceNumber: number;
  readonly timestamp: number;
  readonly ssrc: number;
  readonly payload: Buffer;
}

/** ICE, DTLS and SRTP of a far end whose session descriptions and packets the test writes itself. */
export class FarEnd {
  readonly rtp: ReceivedRtp[] = [];
  readonly rtcp: RtcpPacket[] = [];
  isConnected = false;
  /** Takes RTP packets as they come; absent, they are kept in `rtp`. */
  onRtp: ((packet: Buffer) => void) | undefined;
  readonly #connection = new PeerConnection('far end', {
    iceServers: [],
    bindAddress: '127.0.0.1',
    disableAutoNegotiation: true,
  });
  #track: Track | null = null;
  #transportLines: readonly string[] = [];
  #version = 0;

  static async open(): Promise<FarEnd> {
    const far = new FarEnd();
    const audio = new Audio('t', 'SendRecv');
    audio.addAudioCodec(0, 'PCMU');
    far.#track = far.#connection.addTrack(audio);
    far.#track.onMessage((buffer) => far.#take(buffer));
    far.#connection.onStateChange((state) => (far.isConnected = state === 'connected'));
    await new Promise<void>((resolve) => {
      far.#connection.onGatheringStateChange((state) => {
        if (state === 'complete') resolve();
      });
      far.#connection.setLocalDescription('offer');
    });
    far.#transportLines = (far.#connection.localDescription()?.sdp ?? '')
      .split('\r\n')
      .filter((line) => /^a=(ice-ufrag|ice-pwd|fingerprint|candidate):/.test(line));
    return far;
  }

  #take(buffer: Buffer): void {
    if (isRtcp(buffer)) {
      this.rtcp.push(...(parseRtcp(buffer) ?? []));
      return;
    }
    if (this.onRtp !== undefined) {
      this.onRtp(buffer);
      return;
    }
    const packet = new RtpPacket();
    if (!RtpPacket.parse(buffer, packet)) return;
    const { payloadType, marker, sequenceNumber, timestamp, ssrc } = packet;
    this.rtp.push({
      payloadType,
      marker,
      sequenceNumber,
      timestamp,
      ssrc,
      payload: Buffer.from(packet.payload),
    });
  }

  /** A description of sections given as lines, all bundled and over this transport. */
  describe(setup: 'actpass' | 'active' | 'passive', ...sections: readonly (readonly string[])[]): string {
    const mids = sections.flatMap((lines) =>
      lines.filter((l) => l.startsWith('a=mid:')).map((l) => l.slice(6)),
    );
    return [
      'v=0',
      `o=- 7 ${++this.#version} IN IP4 127.0.0.1`,
      's=-',
      't=0 0',
      `a=group:BUNDLE ${mids.join(' ')}`,
      `a=setup:${setup}`,
      ...this.#transportLines,
      ...sections.flatMap((lines) => [...lines, 'a=rtcp-mux']),
      '',
    ].join('\r\n');
  }

  /** Connects to the leg of this answer to the first description. */
  connect(answer: string): SessionDescription {
    const transport = answer
      .split('\r\n')
      .filter((line) => /^a=(ice-|fingerprint|setup|candidate)/.test(line));
    this.#connection.setRemoteDescription(
      [
        'v=0',
        'o=- 1 1 IN IP4 127.0.0.1',
        's=-',
        't=0 0',
        'a=group:BUNDLE t',
        'm=audio 9 UDP/TLS/RTP/SAVPF 0',
        'c=IN IP4 0.0.0.0',
        'a=mid:t',
        'a=sendrecv',
        'a=rtcp-mux',
        'a=rtpmap:0 PCMU/8000',
        ...new Set(transport),
        '',
      ].join('\r\n'),
      'answer',
    );
    return parseSessionDescription(answer);
  }

  /** False where SRTP itself refuses what is no RTP or RTCP packet. */
  send(packet: Buffer): boolean {
    try {
      return this.#track?.sendMessageBinary(packet) ?? false;
    } catch {
      return false;
    }
  }

  sendRtp(
    ssrc: number,
    payloadType: number,
    sequenceNumber: number,
    timestamp: number,
    payload: Buffer,
  ): void {
    const packet = Buffer.alloc(12 + payload.length);
    RtpPacket.writeHeader(packet, { payloadType, marker: false, sequenceNumber, timestamp, ssrc });
    payload.copy(packet, 12);
    this.send(packet);
  }

  close(): void {
    this.#connection.close();
  }
}
