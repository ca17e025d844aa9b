/** A softphone’s call: signalling and media together. */
import { once } from 'node:events';
import { randomInt } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { lookup } from 'node:dns/promises';
import { isIP, isIPv6 } from 'node:net';
import { directionOf } from '../sdp/attributes.js';
import type { PhoneCodecName } from '../sdp/phone-codecs.js';
import { formatUri, parseUri, unescapeUri, type SipUri } from '../sip-server/message/uri.js';
import { tlsStreams } from '../sip-server/transport/stream-source.js';
import { TcpTransport } from '../sip-server/transport/tcp-transport.js';
import type { ListeningTransport } from '../sip-server/transport/transport.js';
import { UdpTransport } from '../sip-server/transport/udp-transport.js';
import { defaultPort, nextHopOf } from '../sip-server/user-agent/next-hop.js';
import type { AudioSource } from './audio-source.js';
import type { CallEnd } from './call-end.js';
import { CallSignalling } from './call-signalling.js';
import type { CallTarget } from './phone-messages.js';
import type { HeardAudio } from './heard-audio.js';
import { srtpSuites, type SrtpSuite, type SrtpSuiteName } from '../media/worker/srtp/srtp-suite.js';
import { PhoneMedia, type MediaStatistics } from './phone-media.js';
import { formatAnswer, formatOffer, readAudio, type LocalSrtp, type NegotiatedAudio } from './sdp.js';

export type CallProgress =
  | { readonly kind: 'calling'; readonly localAddress: string; readonly localPort: number }
  | { readonly kind: 'provisional'; readonly status: number; readonly reasonPhrase: string }
  | { readonly kind: 'answered'; readonly answer: PhoneAnswer }
  /** The far end changed the session: whether it listens to us, and whether it talks. */
  | { readonly kind: 'changed'; readonly remoteReceives: boolean; readonly remoteSends: boolean }
  /** The far end pressed a key (RFC 4733). */
  | { readonly kind: 'key'; readonly key: string }
  | { readonly kind: 'ended'; readonly end: CallEnd };

export interface PlaceCallOptions {
  /**
   * `sip:user@host:port`; UDP unless `;transport=tcp` or `tls`; `sips:` is TLS. `X-…` and `User-to-User` after `?` become header
   * fields.
   */
  readonly uri: string;
  /** Over TLS: PEM of CAs that are believed, in place of those that Node knows. */
  readonly serverCa?: readonly string[];
  /** Over TLS: false takes any certificate. Default true. */
  readonly verifyServer?: boolean;
  /** More header fields of the INVITE. */
  readonly headers?: Iterable<readonly [name: string, value: string]>;
  /** Goes out as `User-to-User: <token>;encoding=jwt` (RFC 7433). */
  readonly token?: string;
  /** In order of preference. Default PCMU, PCMA. */
  readonly codecs?: readonly PhoneCodecName[];
  /**
   * Encrypts its audio (SRTP with keys in the SDP): `named` offers nothing else, `beside` takes plain RTP too. Default: it does not.
   */
  readonly srtp?: LocalSrtp['mode'];
  /** Suites in order of preference. Default: all. */
  readonly srtpSuites?: readonly SrtpSuite[];
  /** User part of From and Contact. Default `phone`. */
  readonly user?: string;
  readonly source: AudioSource;
  /** How much of what is heard is kept. Default 30 s. */
  readonly keepSeconds?: number;
  /** Hangs up. */
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: CallProgress) => void;
  /** How long the sockets stay after the end, to repeat the last words when asked. Default 4,000 ms (T2). */
  readonly lingerMs?: number;
}

export interface PhoneAnswer {
  readonly codec: PhoneCodecName;
  readonly remoteAddress: string;
  readonly remotePort: number;
  /** The far end takes key presses by RFC 4733. */
  readonly takesKeys: boolean;
  /** The suite of SRTP; null: nothing is encrypted. */
  readonly srtp: SrtpSuiteName | null;
  /** From the INVITE to the answer. */
  readonly afterMs: number;
}

/** The call was not answered; `end` tells why. */
export class CallNotAnswered extends Error {
  readonly end: CallEnd;

  constructor(end: CallEnd) {
    super(
      `the call was not answered: ${end.status ?? end.why} ${end.reason?.text ?? end.reasonPhrase ?? ''}`.trim(),
    );
    this.name = 'CallNotAnswered';
    this.end = end;
  }
}

/** Calls. Resolves when the INVITE is out; rejects when it cannot be sent at all (no such host, a line end in a header). */
export async function placeCall(options: PlaceCallOptions): Promise<PhoneCall> {
  options.signal?.throwIfAborted();
  const uri = parseUri(options.uri);
  const hop = uri === null ? null : nextHopOf(options.uri);
  if (uri === null || uri.scheme === 'tel') throw new TypeError('the phone calls sip: and sips: URIs only');
  if (hop === null || hop.protocol === 'ws' || hop.protocol === 'wss')
    throw new TypeError('the phone speaks SIP over UDP, TCP and TLS');
  const host = isIP(uri.host) === 0 ? (await lookup(uri.host)).address : uri.host;
  const port = uri.port ?? defaultPort(hop.protocol);
  const localAddress = await localAddressTowards(host, port);
  const transport = transportFor(hop.protocol, options);
  let media: PhoneMedia | undefined;
  try {
    // Whoever is called over TLS calls back by the same connection: nobody else shows us a certificate, nor we one.
    if (hop.protocol !== 'tls') await transport.listen(localAddress, 0);
    media = await PhoneMedia.open({
      address: localAddress,
      source: options.source,
      ...(options.keepSeconds !== undefined && { keepSeconds: options.keepSeconds }),
    });
    const flow = await transport.connect(host, port, uri.host);
    options.signal?.throwIfAborted();
    const mediaOfCall = media;
    return new PhoneCall(options, mediaOfCall, transport, (offer, user) => {
      return new CallSignalling({ transport, flow }, targetOf(uri, options), offer, user);
    });
  } catch (error) {
    await Promise.all([transport.close(), media?.close()]);
    throw error;
  }
}

function transportFor(
  protocol: 'udp' | 'tcp' | 'tls',
  { serverCa, verifyServer = true }: PlaceCallOptions,
): ListeningTransport {
  if (protocol === 'udp') return new UdpTransport();
  if (protocol === 'tcp') return new TcpTransport();
  return new TcpTransport({
    streams: tlsStreams({ verifyServers: verifyServer, ...(serverCa !== undefined && { serverCa }) }),
  });
}

type StartSignalling = (
  offer: string,
  user: ConstructorParameters<typeof CallSignalling>[3],
) => CallSignalling;

/** One outgoing call, from the INVITE on. Made by `placeCall`. */
export class PhoneCall {
  /** Rejects with CallNotAnswered when the call ends unanswered. Nobody needs to listen: `ended` tells it all. */
  readonly answered: Promise<PhoneAnswer>;
  /** Always resolves, once. */
  readonly ended: Promise<CallEnd>;
  readonly callId: string;
  readonly #options: PlaceCallOptions;
  readonly #codecs: readonly PhoneCodecName[];
  readonly #srtp: LocalSrtp | undefined;
  readonly #lingerMs: number;
  readonly #media: PhoneMedia;
  readonly #transport: ListeningTransport;
  readonly #signalling: CallSignalling;
  readonly #startedMs = performance.now();
  readonly #sessionId = String(randomInt(2 ** 47));
  readonly #onAbort = (): void => this.#signalling.hangUp();
  #version = 1;
  /** What we last told of ourselves, so that a description that says the same keeps its version (RFC 3264 §8). */
  #isHolding = false;
  #hasEnded = false;
  #linger: NodeJS.Timeout | undefined;
  #closed: Promise<void> | undefined;

  constructor(
    options: PlaceCallOptions,
    media: PhoneMedia,
    transport: ListeningTransport,
    start: StartSignalling,
  ) {
    this.#options = options;
    this.#codecs = options.codecs ?? ['PCMU', 'PCMA'];
    this.#lingerMs = options.lingerMs ?? 4_000;
    this.#media = media;
    const { srtp: mode, srtpSuites: suites = srtpSuites } = options;
    this.#srtp = mode && { mode, suites, keys: media.srtp };
    this.#transport = transport;
    let resolveAnswered: (answer: PhoneAnswer) => void = () => {};
    let rejectAnswered: (error: Error) => void = () => {};
    let resolveEnded: (end: CallEnd) => void = () => {};
    this.answered = new Promise((resolve, reject) => {
      resolveAnswered = resolve;
      rejectAnswered = reject;
    });
    this.answered.catch(() => {});
    this.ended = new Promise((resolve) => (resolveEnded = resolve));
    media.onKey = (key) => this.#tell({ kind: 'key', key });
    this.#signalling = start(this.#offer(), {
      provisional: (status, reasonPhrase, sdp) => {
        this.#tell({ kind: 'provisional', status, reasonPhrase });
        if (sdp !== '') this.#agree(sdp);
      },
      answered: (sdp) => {
        // RFC 3261 §13.2.1: an answer that came reliably with a 1xx may be missing here, but we ask for none.
        const audio = this.#agree(sdp);
        if (!audio) {
          this.#signalling.rejectAnswer();
          return;
        }
        const { codec, remoteAddress, remotePort, eventPayloadType } = audio;
        const afterMs = performance.now() - this.#startedMs;
        const takesKeys = eventPayloadType !== undefined;
        const srtp = audio.srtp?.suite.name ?? null;
        const answer = { codec, remoteAddress, remotePort, takesKeys, srtp, afterMs };
        this.#tell({ kind: 'answered', answer });
        resolveAnswered(answer);
      },
      offered: (sdp) => this.#answerOffer(sdp),
      offerWanted: () => this.#offer(),
      answerCame: (sdp) => this.#changed(this.#agree(sdp)),
      ended: (end) => {
        this.#finish();
        this.#tell({ kind: 'ended', end });
        rejectAnswered(new CallNotAnswered(end));
        resolveEnded(end);
      },
    });
    this.callId = this.#signalling.callId;
    options.signal?.addEventListener('abort', this.#onAbort, { once: true });
    if (options.signal?.aborted === true) this.#onAbort();
    const { address, port } = this.#signalling.local;
    this.#tell({ kind: 'calling', localAddress: address, localPort: port });
  }

  /** What the far end says, as far as it is kept. */
  get heard(): HeardAudio {
    return this.#media.heard;
  }

  get statistics(): MediaStatistics {
    return this.#media.statistics;
  }

  /** The far end is to send us sound; false on hold. */
  get remoteSends(): boolean {
    return !this.#isHolding && this.#media.remoteSends;
  }

  /** Ends the call, answered or not; resolves with `ended`. */
  async hangUp(): Promise<CallEnd> {
    this.#signalling.hangUp();
    return this.ended;
  }

  /** Stops talking and asks the far end to do so too (RFC 3264 §8.4). */
  async hold(): Promise<void> {
    await this.#setHolding(true);
  }

  async resume(): Promise<void> {
    await this.#setHolding(false);
  }

  /** Presses keys one after another (RFC 4733); resolves after the last. */
  async sendDtmf(keys: string): Promise<void> {
    await this.#media.press(keys);
  }

  /**
   * Hangs up if that is still to be done, and closes the sockets. Waits for the far end no longer than `lingerMs`;
   * idempotent.
   */
  async close(): Promise<void> {
    if (!this.#hasEnded) {
      let timer: NodeJS.Timeout | undefined;
      const patience = new Promise<void>((resolve) => (timer = setTimeout(resolve, this.#lingerMs)));
      await Promise.race([this.hangUp(), patience]);
      clearTimeout(timer);
    }
    await this.#closeSockets();
  }

  async #setHolding(isHolding: boolean): Promise<void> {
    if (this.#isHolding === isHolding) return;
    this.#isHolding = isHolding;
    this.#version += 1;
    // From our own will on nothing goes out; the answer only confirms it.
    if (isHolding) this.#media.setSending(false);
    try {
      this.#agree(await this.#signalling.modify(this.#offer()));
    } catch (error) {
      this.#isHolding = !isHolding;
      this.#version += 1;
      this.#media.setSending(!this.#isHolding);
      throw error;
    }
    this.#media.setSending(!isHolding);
  }

  #offer(): string {
    return formatOffer(this.#local(true, !this.#isHolding));
  }

  #local(sends: boolean, receives: boolean) {
    return {
      address: this.#media.localAddress,
      port: this.#media.localPort,
      sessionId: this.#sessionId,
      version: this.#version,
      codecs: this.#codecs,
      direction: directionOf(sends, receives),
      ...(this.#srtp !== undefined && { srtp: this.#srtp }),
    };
  }

  /** Takes the far end's description into use; null when there is nothing in it for us. */
  #agree(sdp: string): NegotiatedAudio | null {
    const audio = this.#read(sdp);
    if (audio && !this.#hasEnded) this.#media.agree(audio);
    return audio;
  }

  #read(sdp: string): NegotiatedAudio | null {
    try {
      return readAudio(sdp, this.#codecs, this.#srtp);
    } catch {
      return null;
    }
  }

  #answerOffer(sdp: string): string | null {
    const audio = this.#agree(sdp);
    if (!audio) return null;
    this.#version += 1;
    this.#changed(audio);
    return formatAnswer(this.#local(audio.remoteReceives, audio.remoteSends && !this.#isHolding), sdp, audio);
  }

  #changed(audio: NegotiatedAudio | null): void {
    if (!audio) return;
    const { remoteReceives, remoteSends } = audio;
    this.#tell({ kind: 'changed', remoteReceives, remoteSends });
  }

  #finish(): void {
    this.#hasEnded = true;
    this.#options.signal?.removeEventListener('abort', this.#onAbort);
    void this.#media.close();
    this.#linger = setTimeout(() => void this.#closeSockets(), this.#lingerMs);
    this.#linger.unref();
  }

  #closeSockets(): Promise<void> {
    clearTimeout(this.#linger);
    this.#signalling.close();
    this.#closed ??= Promise.all([this.#media.close(), this.#transport.close()]).then(() => {});
    return this.#closed;
  }

  #tell(progress: CallProgress): void {
    this.#options.onProgress?.(progress);
  }
}

/** The Request-URI has no header part, and `transport` stays: it says how the URI is to be reached (RFC 3261 §19.1.5). */
function targetOf(uri: SipUri, options: PlaceCallOptions): CallTarget {
  const headers: (readonly [string, string])[] = [...(options.headers ?? [])];
  for (const [name, value] of uri.headers) {
    // Whoever wrote the URI may add what applications read, and touch nothing that makes the call what it is.
    if (/^(?:X-[\w-]+|User-to-User)$/i.test(name)) headers.push([name, unescapeUri(value)]);
  }
  if (options.token !== undefined) headers.push(['User-to-User', `${options.token};encoding=jwt`]);
  return { uri: formatUri({ ...uri, headers: new Map() }), headers, user: options.user ?? 'phone' };
}

/** The address the system would send from. Connecting a UDP socket sends nothing. */
async function localAddressTowards(host: string, port: number): Promise<string> {
  const socket = createSocket({ type: isIPv6(host) ? 'udp6' : 'udp4' });
  try {
    socket.connect(port, host);
    await once(socket, 'connect');
    return socket.address().address;
  } finally {
    socket.close();
  }
}
