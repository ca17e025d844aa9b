/**
 * The browser's end of the media: one RTCPeerConnection, one transport (max-bundle). Every call is made by the
 * negotiation queue, one exchange at a time. Offers go out without candidates: the gateway learns ours from
 * connectivity checks (RFC 8445 §7.3.1.3) and puts all of its own into its descriptions.
 */
import { labelSections, parseMediaSections, type MediaKind } from './session-description.js';
import type { ReceivedTrack } from './stream-changes.js';

/** The gateway forwards these, in the profiles named, and what is sent again (RFC 4588); leaving the rest out keeps an offer short. */
const videoCodecs: Readonly<Record<string, RegExp>> = {
  'video/VP8': /^/,
  'video/H264': /^(?=.*packetization-mode=1)(?=.*profile-level-id=42[c-f])/i,
  'video/VP9': /^(?!.*profile-id=[1-9])/,
  'video/AV1': /^(?!.*(?:^|;\s*)profile=[1-9])/,
  'video/rtx': /^/,
};

export interface MediaConnectionOptions {
  readonly iceServers: readonly RTCIceServer[];
  readonly onConnectionState: (state: RTCPeerConnectionState) => void;
}

export class MediaConnection {
  readonly #peer: RTCPeerConnection;
  /** Alias by what sends it now. */
  readonly #aliases = new Map<RTCRtpTransceiver, string>();
  /** Sections that we opened to send; those that no longer do are free for the next publication. */
  readonly #opened = new Set<RTCRtpTransceiver>();
  readonly #waitingForConnection = new Set<() => void>();

  constructor(options: MediaConnectionOptions) {
    this.#peer = new RTCPeerConnection({ bundlePolicy: 'max-bundle', iceServers: [...options.iceServers] });
    this.#peer.onconnectionstatechange = () => {
      const { connectionState } = this.#peer;
      if (connectionState === 'connected') {
        for (const connected of this.#waitingForConnection) connected();
        this.#waitingForConnection.clear();
      }
      options.onConnectionState(connectionState);
    };
  }

  get isConnected(): boolean {
    return this.#peer.connectionState === 'connected';
  }

  /** Resolves once there is a path, at once where there is one. */
  connected(): Promise<void> {
    if (this.isConnected) return Promise.resolve();
    return new Promise((resolve) => this.#waitingForConnection.add(resolve));
  }

  /** The next offer has room for so many more streams of the gateway's. */
  makeRoom(audio: number, video: number): void {
    for (let n = 0; n < audio; n += 1) this.#peer.addTransceiver('audio', { direction: 'recvonly' });
    for (let n = 0; n < video; n += 1)
      preferCodecs(this.#peer.addTransceiver('video', { direction: 'recvonly' }));
  }

  /** Takes effect with the next offer. Sections of earlier publications are used again, so descriptions do not grow. */
  async send(
    stream: MediaStream,
    tracks: readonly MediaStreamTrack[],
    alias: string,
  ): Promise<RTCRtpTransceiver[]> {
    const claimed = tracks.map((track) => {
      const kind = track.kind as MediaKind;
      const free = this.#freeTransceiver(kind);
      const transceiver =
        free ?? this.#peer.addTransceiver(track, { direction: 'sendonly', streams: [stream] });
      this.#aliases.set(transceiver, alias);
      this.#opened.add(transceiver);
      if (free === undefined && kind === 'video') preferCodecs(transceiver);
      return { transceiver, track, reused: free !== undefined };
    });
    for (const { transceiver, track, reused } of claimed) {
      if (!reused) continue;
      await transceiver.sender.replaceTrack(track);
      transceiver.sender.setStreams(stream);
      transceiver.direction = transceiver.direction === 'recvonly' ? 'sendrecv' : 'sendonly';
    }
    return claimed.map(({ transceiver }) => transceiver);
  }

  /** Sending ends at once; the next offer says so. */
  async stopSending(transceivers: readonly RTCRtpTransceiver[]): Promise<void> {
    for (const transceiver of transceivers) {
      if (!this.#aliases.delete(transceiver) || transceiver.currentDirection === 'stopped') continue;
      transceiver.direction = transceiver.direction === 'sendrecv' ? 'recvonly' : 'inactive';
      await transceiver.sender.replaceTrack(null);
    }
  }

  async createOffer(): Promise<string> {
    // An offer needs a section to carry the transport; a listener offers to receive one audio stream.
    if (this.#peer.getTransceivers().length === 0)
      this.#peer.addTransceiver('audio', { direction: 'recvonly' });
    await this.#peer.setLocalDescription();
    return this.#localDescription();
  }

  /** Resolves with the complete list of what we receive now. */
  async acceptAnswer(answer: string): Promise<ReceivedTrack[]> {
    await this.#peer.setRemoteDescription({ type: 'answer', sdp: answer });
    return this.#receivedTracks(answer);
  }

  async answerOffer(offer: string): Promise<{ answer: string; received: ReceivedTrack[] }> {
    await this.#peer.setRemoteDescription({ type: 'offer', sdp: offer });
    try {
      this.#openReceivers(offer);
      await this.#peer.setLocalDescription();
    } catch (error) {
      await this.#peer.setRemoteDescription({ type: 'rollback', sdp: '' });
      throw error;
    }
    return { answer: this.#localDescription(), received: this.#receivedTracks(offer) };
  }

  /** Takes our last offer back. */
  async rollback(): Promise<void> {
    if (this.#peer.signalingState === 'have-local-offer') {
      await this.#peer.setLocalDescription({ type: 'rollback', sdp: '' });
    }
  }

  /** The next offer begins a new search for a path. */
  restartIce(): void {
    this.#peer.restartIce();
  }

  trackOf(mid: string): MediaStreamTrack | undefined {
    return this.#peer.getTransceivers().find((transceiver) => transceiver.mid === mid)?.receiver.track;
  }

  getStats(): Promise<RTCStatsReport> {
    return this.#peer.getStats();
  }

  close(): void {
    this.#peer.onconnectionstatechange = null;
    this.#peer.close();
  }

  #freeTransceiver(kind: MediaKind): RTCRtpTransceiver | undefined {
    return this.#peer
      .getTransceivers()
      .find(
        (transceiver) =>
          this.#opened.has(transceiver) &&
          !this.#aliases.has(transceiver) &&
          transceiver.receiver.track.kind === kind &&
          transceiver.currentDirection !== 'stopped',
      );
  }

  /** The gateway may use a section of ours that fell silent for a stream of its own. */
  #openReceivers(offer: string): void {
    for (const section of parseMediaSections(offer)) {
      if (section.direction !== 'sendonly' && section.direction !== 'sendrecv') continue;
      const transceiver = this.#peer.getTransceivers().find(({ mid }) => mid === section.mid);
      if (transceiver?.direction === 'inactive') transceiver.direction = 'recvonly';
    }
  }

  #localDescription(): string {
    const aliases = new Map<string, string>();
    for (const [{ mid }, alias] of this.#aliases) if (mid !== null) aliases.set(mid, alias);
    return labelSections(this.#peer.localDescription?.sdp ?? '', aliases);
  }

  /** Reads the description as it came: browsers drop `a=label` from the one they keep. */
  #receivedTracks(description: string): ReceivedTrack[] {
    const receiving = new Set<string>();
    for (const { mid, currentDirection } of this.#peer.getTransceivers()) {
      if (mid !== null && (currentDirection === 'recvonly' || currentDirection === 'sendrecv'))
        receiving.add(mid);
    }
    return parseMediaSections(description).flatMap(({ mid, kind, streamId, alias }) =>
      streamId === undefined || !receiving.has(mid) || (kind !== 'audio' && kind !== 'video')
        ? []
        : [{ mid, kind, streamId, alias: alias ?? (kind === 'audio' ? 'microphone' : 'camera') }],
    );
  }
}

function preferCodecs(transceiver: RTCRtpTransceiver): void {
  const codecs = RTCRtpSender.getCapabilities('video')?.codecs.filter(
    ({ mimeType, sdpFmtpLine = '' }) => videoCodecs[mimeType]?.test(sdpFmtpLine) ?? false,
  );
  if (codecs === undefined || codecs.length === 0) return;
  try {
    transceiver.setCodecPreferences(codecs);
  } catch {
    // Some browsers take no preferences for a section that only sends. The offer is longer then, and still right.
  }
}
