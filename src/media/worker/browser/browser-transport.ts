/**
 * ICE and DTLS-SRTP towards one browser, and nothing more. libdatachannel is given a description made up of one audio
 * section, whatever is negotiated with the browser: it then hands over every RTP and RTCP packet that comes in, and sends
 * every one it is given, whatever their SSRC. The browser's candidates are not used: it finds us, and is learnt as
 * peer-reflexive, so that no description can make this host send to an address of its choice.
 */
import { randomBytes, randomInt } from 'node:crypto';
import { isIPv4, isIPv6 } from 'node:net';
import { PeerConnection, type DataChannel, type RtcConfig, type Track, Audio } from 'node-datachannel';
import {
  attribute,
  fingerprintAttribute,
  fingerprints,
  groupAttribute,
  iceCandidates,
  iceCredentials,
  rtpMapAttribute,
  setup as readSetup,
  type IceCandidate,
} from '../../../sdp/attributes.js';
import { SdpRefusal } from '../../../sdp/sdp-refusal.js';
import {
  formatSessionDescription,
  parseSessionDescription,
  type MediaDescription,
} from '../../../sdp/session-description.js';
import type { DataChannelOptions } from '../leg.js';
import { formatReportRequest } from './feedback.js';
import { withFreeUdpPort, type PortRange } from './free-udp-port.js';
import type { LocalTransportParameters } from './local-description.js';
import type { RemoteTransportParameters } from './remote-description.js';
import type { IceTcpServer } from './ice-tcp/ice-tcp-server.js';
import { tcpCandidates } from './ice-tcp/tcp-candidates.js';
import type { SharedUdpPort } from './shared-udp-port.js';
import { SilenceWatch } from './silence-watch.js';
import { WorkerRefusal } from '../worker-refusal.js';

export interface BrowserTransportSettings {
  /** Address to bind; absent or unspecified (`0.0.0.0`, `::`): all. */
  readonly bindAddress?: string;
  /** Address put in place of those of the same family in our candidates, where the gateway stands behind a 1:1 NAT. */
  readonly advertisedAddress?: string;
  /** Taken where the browser offers data channels. Default none: its offer of them is refused. */
  readonly channels?: readonly DataChannelOptions[];
  /** UDP ports to bind. Default: the system's choice. */
  readonly ports?: PortRange;
  /** The port that is shared with other connections, in place of one of `ports`. */
  readonly sharedPort?: SharedUdpPort;
  /** Takes browsers that come over TCP. Default: none are. */
  readonly tcp?: IceTcpServer;
  /** Those in use are noted here. */
  readonly portsInUse?: Set<number>;
  /** How long gathering our candidates may take. Default 2000 ms. */
  readonly gatherTimeoutMs?: number;
  /** How long ICE and DTLS may take. Default 30 000 ms. */
  readonly connectTimeoutMs?: number;
  /** How long the browser may be out of reach, as ICE or its silence tells (see silence-watch.ts). Default 15 000 ms. */
  readonly disconnectedTimeoutMs?: number;
  /** How long signalling has to say why, after the browser closed DTLS. Default 2000 ms. */
  readonly closedTimeoutMs?: number;
}

export interface BrowserTransportEvents {
  onConnected(transport: BrowserTransport): void;
  /** The buffer is the receiver's own. */
  onPacket(packet: Buffer): void;
  /** What was done with a packet failed: a defect. */
  onFault(error: unknown): void;
  /** It could not connect, or lost the browser for too long. At most once, never after `close()`. */
  onFailed(transport: BrowserTransport): void;
}

const defaults = {
  gatherTimeoutMs: 2000,
  connectTimeoutMs: 30_000,
  disconnectedTimeoutMs: 15_000,
  closedTimeoutMs: 2000,
};
const audioMid = 't';
const channelsMid = 'd';
/** Longer texts that come in over a data channel are ignored. */
const maxTextLength = 1024;

/** The library takes "all addresses" only by leaving the address out. */
export const specific = (address: string | undefined): string | undefined =>
  address === '0.0.0.0' || address === '::' ? undefined : address;

/**
 * Our ICE name and password. The library's own names have 24 bits, which a stranger could try out: at a shared port the
 * name is all that tells whose a packet is.
 */
const newCredentials = (): { readonly iceUfrag: string; readonly icePwd: string } => ({
  iceUfrag: randomBytes(12).toString('base64'),
  icePwd: randomBytes(24).toString('base64'),
});

/** The browser's end as the library gets to know it: one audio section that stands for all media, and its data channels. */
function syntheticDescription(remote: RemoteTransportParameters): string {
  const { credentials, fingerprint, setup, sctpPort } = remote;
  const section = { port: 9, connection: { addressType: 'IP4', address: '0.0.0.0' }, bandwidth: [] } as const;
  const audio: MediaDescription = {
    ...section,
    kind: 'audio',
    protocol: 'UDP/TLS/RTP/SAVPF',
    formats: ['0'],
    attributes: [
      attribute('mid', audioMid),
      attribute('sendrecv'),
      attribute('rtcp-mux'),
      rtpMapAttribute({ payloadType: 0, encodingName: 'PCMU', clockRateHz: 8000, channels: 1 }),
    ],
  };
  const channels: MediaDescription = {
    ...section,
    kind: 'application',
    protocol: 'UDP/DTLS/SCTP',
    formats: ['webrtc-datachannel'],
    attributes: [attribute('mid', channelsMid), attribute('sctp-port', sctpPort)],
  };
  const hasChannels = sctpPort !== null;
  return formatSessionDescription({
    origin: { username: '-', sessionId: '1', sessionVersion: '1', addressType: 'IP4', address: '127.0.0.1' },
    sessionName: '-',
    attributes: [
      groupAttribute({ semantics: 'BUNDLE', mids: hasChannels ? [audioMid, channelsMid] : [audioMid] }),
      attribute('ice-ufrag', credentials.usernameFragment),
      attribute('ice-pwd', credentials.password),
      fingerprintAttribute(fingerprint),
      attribute('setup', setup),
    ],
    media: hasChannels ? [audio, channels] : [audio],
  });
}

export class BrowserTransport {
  readonly #connection: PeerConnection;
  readonly #settings: BrowserTransportSettings & typeof defaults;
  readonly #events: BrowserTransportEvents;
  readonly #port: number;
  #track: Track | null = null;
  #local: LocalTransportParameters | null = null;
  /** Lets nobody come over TCP any more. */
  #dismissTcp: () => void = () => undefined;
  #timer: NodeJS.Timeout | null = null;
  readonly #silence: SilenceWatch;
  /** From the first connection on. */
  #silenceTimer: NodeJS.Timeout | null = null;
  #connected = false;
  #closed = false;
  /** Wakes whoever waits for gathering, at its end or at `close()`. */
  #endGathering: () => void = () => undefined;

  private constructor(
    name: string,
    port: number,
    settings: BrowserTransportSettings,
    events: BrowserTransportEvents,
  ) {
    this.#settings = { ...defaults, ...settings };
    this.#events = events;
    this.#port = port;
    if (settings.sharedPort === undefined) settings.portsInUse?.add(port);
    const ownSsrc = randomInt(1, 2 ** 32);
    this.#silence = new SilenceWatch({
      limitMs: this.#settings.disconnectedTimeoutMs,
      ask: (ssrc) => this.send(formatReportRequest(ownSsrc, ssrc)),
      onSilent: () => this.#fail(),
    });
    const bindAddress = specific(settings.bindAddress);
    const config: RtcConfig = {
      iceServers: [],
      disableAutoNegotiation: true,
      portRangeBegin: port,
      portRangeEnd: port,
      enableIceUdpMux: settings.sharedPort !== undefined,
      ...(bindAddress !== undefined && { bindAddress }),
    };
    this.#connection = new PeerConnection(name, config);
    this.#connection.onStateChange((state) => this.#onState(state));
    this.#connection.onTrack((track) => this.#takeTrack(track));
  }

  /** For a browser that offered. Throws SdpRefusal or WorkerRefusal. */
  static async answering(
    name: string,
    remote: RemoteTransportParameters,
    settings: BrowserTransportSettings,
    events: BrowserTransportEvents,
  ): Promise<BrowserTransport> {
    return BrowserTransport.#started(name, settings, events, (transport) => {
      transport.#setRemote(remote, 'offer');
      if (remote.sctpPort !== null) for (const channel of settings.channels ?? []) transport.#open(channel);
      transport.#connection.setLocalDescription('answer', newCredentials());
      transport.#expectConnection();
    });
  }

  /** For an offer of ours; `acceptRemote` completes it. Throws WorkerRefusal. */
  static async offering(
    name: string,
    settings: BrowserTransportSettings,
    events: BrowserTransportEvents,
  ): Promise<BrowserTransport> {
    return BrowserTransport.#started(name, settings, events, (transport) => {
      const audio = new Audio(audioMid, 'SendRecv');
      audio.addAudioCodec(0, 'PCMU');
      transport.#takeTrack(transport.#connection.addTrack(audio));
      transport.#connection.setLocalDescription('offer', newCredentials());
    });
  }

  static #started(
    name: string,
    settings: BrowserTransportSettings,
    events: BrowserTransportEvents,
    start: (transport: BrowserTransport) => void,
  ): Promise<BrowserTransport> {
    const begin = async (port: number): Promise<BrowserTransport> => {
      // Nothing is awaited before the port is bound: `start` binds it.
      const transport = new BrowserTransport(name, port, settings, events);
      try {
        await transport.#gathered(() => start(transport));
        return transport;
      } catch (error) {
        transport.close();
        throw error;
      }
    };
    return settings.sharedPort === undefined
      ? withFreeUdpPort(specific(settings.bindAddress), settings.ports, begin)
      : begin(settings.sharedPort.port);
  }

  #gathered(start: () => void): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.#endGathering(), this.#settings.gatherTimeoutMs);
      this.#endGathering = () => {
        this.#endGathering = () => undefined;
        clearTimeout(timer);
        try {
          this.#local = this.#withTcp(this.#readLocal());
          resolve();
        } catch (error) {
          reject(error instanceof Error ? error : new Error(String(error)));
        }
      };
      this.#connection.onGatheringStateChange((state) => {
        if (state === 'complete') this.#endGathering();
      });
      try {
        start();
      } catch (error) {
        clearTimeout(timer);
        const isRefusal = error instanceof SdpRefusal;
        reject(isRefusal ? error : new WorkerRefusal('overloaded', `ICE: ${(error as Error).message}`));
      }
    });
  }

  #setRemote(remote: RemoteTransportParameters, type: 'offer' | 'answer'): void {
    try {
      this.#connection.setRemoteDescription(syntheticDescription(remote), type);
    } catch (error) {
      throw new SdpRefusal('bad-sdp', `ICE or DTLS parameters: ${(error as Error).message}`);
    }
  }

  #readLocal(): LocalTransportParameters {
    const text = this.#closed ? undefined : this.#connection.localDescription()?.sdp;
    const description = text === undefined ? undefined : parseSessionDescription(text);
    const media = description?.media[0];
    const credentials = media && iceCredentials(media, description);
    const fingerprint = media && fingerprints(media, description)[0];
    const setup = media && readSetup(media, description);
    const candidates = media === undefined ? [] : this.#advertised(iceCandidates(media));
    if (!credentials || !fingerprint || !setup || candidates.length === 0)
      throw new WorkerRefusal('overloaded', 'no address or port for ICE');
    return { credentials, fingerprint, setup, candidates };
  }

  #withTcp(local: LocalTransportParameters): LocalTransportParameters {
    const { tcp, bindAddress } = this.#settings;
    if (tcp === undefined) return local;
    this.#dismissTcp = tcp.admit({
      ...local.credentials,
      address: specific(bindAddress) ?? '127.0.0.1',
      port: this.#port,
    });
    return { ...local, candidates: [...local.candidates, ...tcpCandidates(local.candidates, tcp.port)] };
  }

  #advertised(candidates: readonly IceCandidate[]): IceCandidate[] {
    const { advertisedAddress } = this.#settings;
    const isSameFamily = isIPv4(advertisedAddress ?? '') ? isIPv4 : isIPv6;
    const seen = new Set<string>();
    return candidates
      .filter(({ transport, type }) => transport === 'udp' && type === 'host')
      .map((c) =>
        advertisedAddress !== undefined && isSameFamily(c.address) ? { ...c, address: advertisedAddress } : c,
      )
      .filter(({ address, port }) => {
        const key = `${address} ${port}`;
        return !seen.has(key) && seen.add(key);
      });
  }

  /** Completes `offering` with the browser's answer. Throws SdpRefusal. */
  acceptRemote(remote: RemoteTransportParameters): void {
    if (remote.setup !== 'active' && remote.setup !== 'passive')
      throw new SdpRefusal('bad-sdp', 'the answer leaves the DTLS role open');
    this.#setRemote(remote, 'answer');
    if (this.#local !== null)
      this.#local = { ...this.#local, setup: remote.setup === 'active' ? 'passive' : 'active' };
    this.#expectConnection();
  }

  /** Our parameters; `setup` is the role we took, or `actpass` while the answer to our offer is out. */
  get local(): LocalTransportParameters {
    if (this.#local === null) throw new Error('no candidates gathered yet');
    return this.#local;
  }

  /** There is another description: the browser may be silent where it was not. */
  renegotiated(): void {
    this.#silence.renegotiated();
  }

  get isConnected(): boolean {
    return this.#connected;
  }

  /** Sends one RTP or RTCP packet, which is copied. False when it could not be sent. */
  send(packet: Buffer): boolean {
    if (!this.#connected || this.#track === null) return false;
    try {
      return this.#track.sendMessageBinary(packet);
    } catch {
      // The track closes on the library's own thread: it may be gone before we are told.
      return false;
    }
  }

  #takeTrack(track: Track): void {
    if (this.#closed) return;
    this.#track = track;
    // The library lets go of a closed track, and of the event loop, only where somebody asked to be told.
    track.onClosed(() => undefined);
    track.onMessage((packet) => {
      if (this.#closed) return;
      // The library calls from outside, where nobody would catch it.
      try {
        this.#silence.heard(packet);
        this.#events.onPacket(packet);
      } catch (error) {
        this.#events.onFault(error);
      }
    });
  }

  #open({ label, id, protocol, replies }: DataChannelOptions): void {
    const channel: DataChannel = this.#connection.createDataChannel(label, {
      negotiated: true,
      id,
      protocol,
    });
    channel.onClosed(() => undefined);
    channel.onError(() => undefined);
    channel.onMessage((message) => {
      if (this.#closed || typeof message !== 'string' || message.length > maxTextLength) return;
      const answer = Object.hasOwn(replies, message) ? replies[message] : undefined;
      try {
        if (answer !== undefined && channel.isOpen()) channel.sendMessage(answer);
      } catch {
        // It closes on the library's own thread: it may be gone before we are told.
      }
    });
  }

  #expectConnection(): void {
    if (!this.#connected) this.#failAfter(this.#settings.connectTimeoutMs);
  }

  #failAfter(delayMs: number): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#fail(), delayMs);
  }

  #onState(state: string): void {
    if (this.#closed) return;
    if (state === 'connected') {
      if (this.#timer !== null) clearTimeout(this.#timer);
      this.#timer = null;
      const first = !this.#connected;
      this.#connected = true;
      if (first) this.#watchSilence();
      if (first) this.#events.onConnected(this);
    } else if (state === 'disconnected') this.#failAfter(this.#settings.disconnectedTimeoutMs);
    else if (state === 'closed') {
      this.#connected = false;
      this.#failAfter(this.#settings.closedTimeoutMs);
    } else if (state === 'failed') this.#fail();
  }

  #watchSilence(): void {
    this.#silence.tick(performance.now());
    if (!this.#closed) this.#silenceTimer = setTimeout(() => this.#watchSilence(), this.#silence.tickMs);
  }

  #fail(): void {
    if (this.#closed) return;
    this.close();
    this.#events.onFailed(this);
  }

  /** Idempotent. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#connected = false;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    if (this.#silenceTimer !== null) clearTimeout(this.#silenceTimer);
    this.#silenceTimer = null;
    this.#endGathering();
    this.#dismissTcp();
    this.#track = null;
    if (this.#settings.sharedPort === undefined) this.#settings.portsInUse?.delete(this.#port);
    this.#connection.close();
  }
}
