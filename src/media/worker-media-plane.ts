/** The media plane over worker processes: places legs and recordings on them, and links what is received across them. */
import { randomBytes } from 'node:crypto';
import type { Clock } from '../domain/clock.js';
import {
  type MediaLeg,
  type MediaLegStatistics,
  type MediaPlane,
  type MediaRecording,
  MediaRefusal,
  type OpenLegRequest,
  type OpenRecordingRequest,
  type PhoneCodec,
  type SrtpPolicy,
} from '../domain/media-plane.js';
import { LegStatisticsRequests } from './leg-statistics-requests.js';
import type { MediaLogger } from './media-logger.js';
import { type BrowserPorts, type PortRange, shareBrowserPorts, splitPortRange } from './rtp-port-ranges.js';
import { SessionPlacement } from './session-placement.js';
import { type ImportChange, StreamDirectory } from './stream-directory.js';
import { type LegHost, trackKinds, WorkerMediaLeg } from './worker-media-leg.js';
import { type RecordingHost, WorkerMediaRecording } from './worker-media-recording.js';
import { WorkerPool } from './worker-pool.js';
import type {
  Destination,
  StreamImport,
  AddressSettings,
  WorkerBrowserSettings,
  WorkerHealth,
  WorkerNotification,
} from './worker/protocol.js';

export interface MediaPlaneOptions {
  /** Media worker processes; one per core is right. */
  readonly workers: number;
  /** UDP ports for media, shared out among the workers; no other program may use them. */
  readonly rtpPorts: PortRange;
  /** What else is open for UDP at the same address, such as SIP: neither is a destination of media. */
  readonly otherPorts?: readonly number[];
  /** Ports of browsers. Default: each connection has one of the last third of its worker's part of `rtpPorts`, none of TCP. */
  readonly browserPorts?: BrowserPorts;
  readonly bindAddress: string;
  /** The address that peers are told, where it is not the bind address. */
  readonly advertisedAddress?: string;
  /** The literal address that peers whose signalling comes from there are told instead; null: none. Default: nobody is. */
  readonly advertisedTo?: (signallingAddress: string) => string | null;
  /** All that `advertisedTo` may give: addresses of ours. Default none. */
  readonly otherAdvertised?: readonly string[];
  /** Further addresses where phones' media may come to: that which a phone's signalling came to. Default none. */
  readonly otherEndpoints?: readonly AddressSettings[];
  readonly logger: MediaLogger;
  readonly clock: Clock;
  /** Legs beyond this are refused as `overloaded`. Default 1000: what one core carries all talking, with room. */
  readonly maxLegsPerWorker?: number;
  /** Codecs of phones of which nothing else is asked, the preferred first. Default: all, in the order of whoever offers. */
  readonly phoneCodecs?: readonly PhoneCodec[];
  /** Whether the audio of phones of which nothing else is asked is encrypted. Default `allow`. */
  readonly phoneSrtp?: SrtpPolicy;
  /** Delay that the jitter buffers of phone legs aim at. Default 0: the wait for the next tick only. */
  readonly jitterTargetMs?: number;
  /** No RTP for so long before the first packet ends a phone leg. Default 30 s. */
  readonly rtpTimeoutBeforeFirstMs?: number;
  /** No RTP for so long after the first packet ends a phone leg that is not on hold. Default 15 s. */
  readonly rtpTimeoutMs?: number;
  /** How long a phone's ports rest before they are used again. Default 30 s. */
  readonly portRestMs?: number;
  /** Default 2.5 Mbit/s, 64 sections, 30 s, 15 s. */
  readonly browser?: Partial<WorkerBrowserSettings>;
  /** Where the prompts' WAV files are. Absent: prompts are silent. */
  readonly promptDirectory?: string;
  /** A WAV file that callers on hold hear, from its beginning and over again. Absent: the hold sound. */
  readonly holdMusic?: string;
  /** Longer sounds are refused. Default 300 s. */
  readonly maxSoundSeconds?: number;
  /** Memory per worker for sounds, those that are being played included. Default 256 MB: some 4.5 hours. */
  readonly maxSoundBytes?: number;
  /** A worker that does not answer in time refuses as `overloaded`. Default 5 s. */
  readonly requestTimeoutMs?: number;
  /** A worker that shows no pulse (one a second) for so long is killed and replaced. Default 5 s. */
  readonly stalledAfterMs?: number;
  /** The path of the worker's compiled main module. */
  readonly workerEntry: string;
}

export interface WorkerStatistics {
  readonly worker: number;
  readonly pid: number | null;
  readonly legs: number;
  /** As the worker last told it, each second; null before the first time. */
  readonly health: WorkerHealth | null;
}

export interface MediaPlaneStatistics {
  readonly legs: number;
  readonly workers: readonly WorkerStatistics[];
  readonly workersLost: number;
  readonly workersConfigured: number;
}

export interface WorkerMediaPlane extends MediaPlane {
  /** Throws MediaRefusal `bad-sdp` where this is an address and port of the gateway's own. */
  refuseOwn(destination: Destination): Promise<void>;
  statistics(): MediaPlaneStatistics;
  /** The process ids of the workers that stand. */
  pids(): number[];
}

const defaultBrowserSettings: WorkerBrowserSettings = {
  videoBitrateCapBps: 2_500_000,
  videoCodecs: ['VP8', 'H264', 'VP9', 'AV1'],
  maxSections: 64,
  connectTimeoutMs: 30_000,
  disconnectedTimeoutMs: 15_000,
};

/** What the worker's parser refuses unread is not sent to it at all. */
const maxOfferCharacters = 64 * 1024;

/** Starts the media workers. Rejects, with no process left, when one does not start: the hold music may be why. */
export async function createMediaPlane(options: MediaPlaneOptions): Promise<WorkerMediaPlane> {
  const plane = new ProcessMediaPlane(options);
  await plane.start();
  return plane;
}

class ProcessMediaPlane implements WorkerMediaPlane, LegHost, RecordingHost {
  readonly #logger: MediaLogger;
  readonly #pool: WorkerPool;
  readonly #workers: number;
  readonly #maxLegsPerWorker: number;
  readonly #advertisedTo: MediaPlaneOptions['advertisedTo'];
  readonly #legs = new Map<string, WorkerMediaLeg>();
  readonly #legsByWorker = new Map<number, Set<WorkerMediaLeg>>();
  readonly #recordings = new Map<string, WorkerMediaRecording>();
  readonly #placement = new SessionPlacement();
  readonly #directory = new StreamDirectory();
  readonly #statistics = new LegStatisticsRequests((worker, legIds) =>
    this.request(worker, 'legStatistics', { legIds }),
  );
  #closed = false;

  constructor(options: MediaPlaneOptions) {
    this.#logger = options.logger;
    this.#workers = options.workers;
    this.#advertisedTo = options.advertisedTo;
    this.#maxLegsPerWorker = options.maxLegsPerWorker ?? 1000;
    const linkSecret = randomBytes(32).toString('hex');
    const browserPorts = shareBrowserPorts(
      options.browserPorts ?? { sharedPort: 0, tcpPort: 0 },
      options.workers,
    );
    const others = [
      ...(options.otherPorts ?? []).map((port) => ({ from: port, to: port })),
      ...browserPorts.flatMap(({ sharedPort }) =>
        sharedPort === null ? [] : { from: sharedPort, to: sharedPort },
      ),
      ...(options.browserPorts?.ports === undefined ? [] : [options.browserPorts.ports]),
    ];
    this.#pool = new WorkerPool({
      entry: options.workerEntry,
      settings: splitPortRange(options.rtpPorts, options.workers).map((rtpPorts, index) => ({
        rtpPorts,
        restingPorts: [],
        browserPorts: browserPorts[index] ?? { ports: null, sharedPort: null, tcpPort: null },
        gatewayPorts: { media: options.rtpPorts, others },
        bindAddress: options.bindAddress,
        advertisedAddress: options.advertisedAddress ?? null,
        otherAdvertised: options.otherAdvertised ?? [],
        otherEndpoints: options.otherEndpoints ?? [],
        maxLegs: this.#maxLegsPerWorker,
        phoneCodecs: options.phoneCodecs ?? null,
        phoneSrtp: options.phoneSrtp ?? 'allow',
        jitterTargetMs: options.jitterTargetMs ?? 0,
        rtpTimeoutBeforeFirstMs: options.rtpTimeoutBeforeFirstMs ?? 30_000,
        rtpTimeoutMs: options.rtpTimeoutMs ?? 15_000,
        portRestMs: options.portRestMs ?? 30_000,
        browser: { ...defaultBrowserSettings, ...options.browser },
        promptDirectory: options.promptDirectory ?? null,
        holdMusic: options.holdMusic ?? null,
        maxSoundSeconds: options.maxSoundSeconds ?? 300,
        maxSoundBytes: options.maxSoundBytes ?? 256 * 1024 * 1024,
        linkSecret,
      })),
      requestTimeoutMs: options.requestTimeoutMs ?? 5000,
      stalledAfterMs: options.stalledAfterMs ?? 5000,
      clock: options.clock,
      logger: options.logger,
      onNotification: (worker, notification) => this.#onNotification(worker, notification),
      onLost: (worker) => this.#onLost(worker),
    });
  }

  start(): Promise<void> {
    return this.#pool.start();
  }

  get isReady(): boolean {
    return !this.#closed && this.#candidates().size > 0;
  }

  async openLeg(request: OpenLegRequest): Promise<MediaLeg> {
    const { legId, participantId, sessionId, kind, connections, listener } = request;
    const { signallingAddress, localAddress } = request;
    if (this.#closed) throw new MediaRefusal('overloaded', 'the media plane is closed');
    if (connections.some(({ offer }) => (offer?.length ?? 0) > maxOfferCharacters))
      throw new MediaRefusal('bad-sdp', 'the offer is too long');
    if (this.#legs.has(legId)) throw new Error('a leg with this id is open');
    const worker = this.#placement.choose(sessionId, this.#candidates());
    if (worker === null) throw new MediaRefusal('overloaded', 'no media worker takes legs');

    const leg = new WorkerMediaLeg({ legId, sessionId, worker, kind, connections, host: this, listener });
    this.#remember(leg);
    try {
      const mayPublish = trackKinds(request.mayPublish);
      const body = {
        ...{ legId, participantId, kind, connections, mayPublish },
        signallingAddress: signallingAddress ?? null,
        localAddress: localAddress ?? null,
        sendsOnceConfirmed: request.sendsOnceConfirmed ?? false,
        phoneTerms: request.phoneTerms ?? null,
        advertisedAddress:
          typeof signallingAddress === 'string' ? (this.#advertisedTo?.(signallingAddress) ?? null) : null,
      };
      const opened = await this.request(worker, 'openLeg', body);
      if (leg.isClosed) throw new MediaRefusal('overloaded', 'the media plane is closed');
      leg.setOpened(opened);
      return leg;
    } catch (error) {
      // The worker may have opened it all the same, too late for us. Nobody waits for what it says to that.
      void leg.close();
      throw error;
    }
  }

  async openRecording(request: OpenRecordingRequest): Promise<MediaRecording> {
    const { recordingId, sessionId, path, format, maxBytes, maxDurationMs, listener } = request;
    if (this.#closed) throw new MediaRefusal('overloaded', 'the media plane is closed');
    if (this.#recordings.has(recordingId)) throw new Error('a recording with this id is open');
    const worker = this.#placement.choose(sessionId, this.#legCounts());
    if (worker === null) throw new MediaRefusal('overloaded', 'there is no media worker');

    const recording = new WorkerMediaRecording({ recordingId, sessionId, worker, host: this, listener });
    this.#recordings.set(recordingId, recording);
    this.#placement.add(sessionId, worker);
    this.#directory.addLeg(listenerOf(recordingId), worker);
    try {
      await this.request(worker, 'openRecording', { recordingId, path, format, maxBytes, maxDurationMs });
      if (recording.isStopped) throw new MediaRefusal('overloaded', 'the media plane is closed');
      recording.setOpened();
      return recording;
    } catch (error) {
      // The worker may have begun it all the same, too late for us.
      void recording.stop();
      throw error;
    }
  }

  async refuseOwn({ address, port }: Destination): Promise<void> {
    const [worker] = this.#pool.running.keys();
    if (worker === undefined) throw new MediaRefusal('overloaded', 'there is no media worker');
    await this.request(worker, 'refuseOwn', { address, port });
  }

  statistics(): MediaPlaneStatistics {
    const workers = [...this.#pool.running].map(([worker, process]) => ({
      worker,
      pid: process.pid,
      legs: this.#legsByWorker.get(worker)?.size ?? 0,
      health: process.health,
    }));
    return { legs: this.#legs.size, workers, workersLost: this.#pool.lost, workersConfigured: this.#workers };
  }

  pids(): number[] {
    return [...this.#pool.running.values()].flatMap(({ pid }) => pid ?? []);
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([
      ...[...this.#recordings.values()].map((recording) => recording.stop()),
      ...[...this.#legs.values()].map((leg) => leg.close()),
    ]);
    await this.#pool.close();
  }

  request: LegHost['request'] = (worker, operation, body, lastsMs) => {
    const process = this.#pool.get(worker);
    if (process === null) return Promise.reject(new MediaRefusal('overloaded', 'the media worker is gone'));
    return process.request(operation, body, lastsMs);
  };

  statisticsOf(worker: number, legId: string): Promise<MediaLegStatistics | null> {
    return this.#statistics.of(worker, legId);
  }

  want(legId: string, streamIds: readonly string[]): void {
    this.#link(this.#directory.want(legId, streamIds));
  }

  forget(leg: WorkerMediaLeg): void {
    if (this.#legs.get(leg.legId) !== leg) return;
    this.#legs.delete(leg.legId);
    const siblings = this.#legsByWorker.get(leg.worker);
    siblings?.delete(leg);
    if (siblings?.size === 0) this.#legsByWorker.delete(leg.worker);
    this.#placement.remove(leg.sessionId, leg.worker);
    this.#link(this.#directory.removeLeg(leg.legId));
  }

  wantInRecording(recording: WorkerMediaRecording, streamIds: readonly string[]): void {
    this.#link(this.#directory.want(listenerOf(recording.recordingId), streamIds));
  }

  forgetRecording(recording: WorkerMediaRecording): void {
    const { recordingId, sessionId, worker } = recording;
    if (this.#recordings.get(recordingId) !== recording) return;
    this.#recordings.delete(recordingId);
    this.#placement.remove(sessionId, worker);
    this.#link(this.#directory.removeLeg(listenerOf(recordingId)));
  }

  onListenerError(id: string, error: unknown): void {
    this.#logger.error({ id, error: String(error) }, 'a media listener threw');
  }

  #remember(leg: WorkerMediaLeg): void {
    this.#legs.set(leg.legId, leg);
    const siblings = this.#legsByWorker.get(leg.worker);
    if (siblings === undefined) this.#legsByWorker.set(leg.worker, new Set([leg]));
    else siblings.add(leg);
    this.#placement.add(leg.sessionId, leg.worker);
    this.#directory.addLeg(leg.legId, leg.worker);
  }

  /** The workers that take another leg, with how many they have. */
  #candidates(): Map<number, number> {
    const counts = this.#legCounts();
    for (const [worker, legs] of counts) if (legs >= this.#maxLegsPerWorker) counts.delete(worker);
    return counts;
  }

  #legCounts(): Map<number, number> {
    return new Map(
      [...this.#pool.running.keys()].map((worker) => [worker, this.#legsByWorker.get(worker)?.size ?? 0]),
    );
  }

  #onNotification(worker: number, notification: WorkerNotification): void {
    switch (notification.event) {
      case 'health':
        return;
      case 'fatal':
        this.#logger.error({ worker, detail: notification.detail }, 'media worker has a fault and ends');
        return;
      case 'fault':
        this.#logger.error({ worker, legId: notification.legId, detail: notification.detail }, 'a leg broke');
        return;
      case 'port-asked':
        void this.#answerPort(worker, notification);
        return;
      case 'recording-ended': {
        const { recordingId, reason, result, detail } = notification;
        const recording = this.#recordings.get(recordingId);
        if (reason === 'failed') this.#logger.error({ worker, recordingId, detail }, 'a recording failed');
        if (recording?.worker === worker) recording.endedBy(reason, result);
        return;
      }
      case 'connected':
      case 'streams':
      case 'key-down':
      case 'dtmf':
      case 'played':
      case 'held':
      case 'negotiation-needed':
      case 'ended': {
        const leg = this.#legs.get(notification.legId);
        if (leg?.worker !== worker) return;
        if (notification.event === 'streams') {
          const streamIds = notification.streams.map(({ streamId }) => streamId);
          this.#link(this.#directory.publish(leg.legId, streamIds));
        }
        leg.notify(notification);
      }
    }
  }

  /** Asks the worker whose part of the range the port is in. While that is away, its ports are as good as its. */
  async #answerPort(
    worker: number,
    { question, address, port }: Destination & { readonly question: number },
  ): Promise<void> {
    const owner = this.#pool.ownerOf(port);
    const isOurs =
      owner === null || (await this.request(owner, 'ownsPort', { address, port }).catch(() => true));
    await this.request(worker, 'portAnswered', { question, isOurs }).catch(() => undefined);
  }

  /** The ports that phones still send to. */
  #onLost(worker: number): readonly number[] {
    const ports = [...(this.#legsByWorker.get(worker) ?? [])].flatMap((leg) => leg.ports);
    for (const leg of [...(this.#legsByWorker.get(worker) ?? [])]) leg.lose();
    for (const recording of [...this.#recordings.values()]) {
      if (recording.worker === worker) recording.endedBy('media-lost', null);
    }
    return ports;
  }

  /** Tells the workers what to import from each other. */
  #link(changes: readonly ImportChange[]): void {
    const perImporter = new Map<number, { add: StreamImport[]; remove: string[] }>();
    for (const { importer, streamId, publisher } of changes) {
      const body = perImporter.get(importer) ?? { add: [], remove: [] };
      perImporter.set(importer, body);
      const from = publisher === null ? undefined : this.#pool.get(publisher)?.link;
      if (from === undefined) body.remove.push(streamId);
      else body.add.push({ streamId, from });
    }
    for (const [importer, body] of perImporter) {
      this.request(importer, 'importStreams', body).catch((error: unknown) => {
        if (this.#pool.get(importer) !== null) {
          this.#logger.warn({ worker: importer, error: String(error) }, 'streams could not be linked');
        }
      });
    }
  }
}

/** Recordings and legs are told apart among those who want streams. */
const listenerOf = (recordingId: string): string => `recording ${recordingId}`;
