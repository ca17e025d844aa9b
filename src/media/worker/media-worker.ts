/** A worker without its process: answers the requests of a channel with an engine, and tells what happens to its legs. */
import { MediaEngine, type EngineEvents, type LegFactories, UnknownLegError } from './engine.js';
import type { LinkCounters } from './link/exported-stream.js';
import { LinkServer } from './link/link-server.js';
import { StreamImporter } from './link/stream-importer.js';
import type {
  Destination,
  LinkAddress,
  ReplyOf,
  RequestOf,
  WorkerErrorCode,
  WorkerNotification,
  WorkerOperation,
  WorkerRequest,
  WorkerSettings,
} from './protocol.js';
import { NoSuchRecordingError } from './record/no-such-recording-error.js';
import { Recordings } from './record/recordings.js';
import { SdpRefusal } from '../../sdp/sdp-refusal.js';
import type { TickClock } from './tick-clock.js';
import type { WorkerChannel } from './worker-channel.js';
import { HealthReporter } from './worker-health.js';
import { WorkerRefusal } from './worker-refusal.js';

/** What the legs of a worker share (ports, tick clock), made once from its settings. */
export interface LegRuntime {
  readonly factories: LegFactories;
  readonly tickClock: TickClock;
  /** Port pairs that were used again before they had rested. */
  portsTakenUnrested(): number;
  /** Rejects with SdpRefusal `bad-sdp` where this is the gateway's own. */
  refuseOwn(destination: Destination): Promise<void>;
  /** Whether the gateway has this port of the worker's part, or will. */
  ownsPort(destination: Destination): Promise<boolean>;
  /** The legs are closed before. */
  close(): Promise<void>;
}

export interface MediaWorkerOptions {
  readonly channel: WorkerChannel;
  readonly createRuntime: CreateRuntime;
}

/** Throws WorkerRefusal where the hold music cannot be used. `askOwner`: whether a port of another worker's part is the gateway's. */
export type CreateRuntime = (
  settings: WorkerSettings,
  askOwner: (destination: Destination) => Promise<boolean>,
) => LegRuntime | Promise<LegRuntime>;

type Handlers = { [K in WorkerOperation]: (body: RequestOf<K>) => ReplyOf<K> | Promise<ReplyOf<K>> };

interface Parts {
  readonly runtime: LegRuntime;
  readonly engine: MediaEngine;
  readonly importer: StreamImporter;
  readonly recordings: Recordings;
  readonly linkServer: LinkServer;
  readonly health: HealthReporter;
}

export class MediaWorker {
  readonly #channel: WorkerChannel;
  readonly #createRuntime: MediaWorkerOptions['createRuntime'];
  #parts: Parts | null = null;
  /** Questions about ports that wait for their answers, by number. */
  readonly #questions = new Map<number, (isOurs: boolean) => void>();
  #lastQuestion = 0;

  readonly #handlers: Handlers = {
    configure: (settings) => this.#configure(settings),
    openLeg: (body) => this.#engine.openLeg(body),
    answer: ({ legId, connection, offer }) => this.#engine.connection(legId, connection).answer(offer),
    offer: ({ legId, connection }) => this.#engine.connection(legId, connection).offer(),
    accept: async ({ legId, connection, answer }) => {
      await this.#engine.connection(legId, connection).accept(answer);
      return null;
    },
    rollback: ({ legId, connection }) => {
      this.#engine.connection(legId, connection).rollback();
      return null;
    },
    receive: ({ legId, streams, holdSound }) => {
      this.#engine.receive(legId, streams, holdSound);
      return null;
    },
    setMayPublish: ({ legId, mayPublish }) => {
      this.#engine.setMayPublish(legId, mayPublish);
      return null;
    },
    confirm: ({ legId }) => {
      this.#engine.confirm(legId);
      return null;
    },
    prompt: ({ legId, prompt }) => {
      this.#engine.prompt(legId, prompt);
      return null;
    },
    play: async ({ legId, playback }) => {
      await this.#engine.play(legId, playback);
      return null;
    },
    stopPlaying: ({ legId, playbackId }) => {
      this.#engine.stopPlaying(legId, playbackId);
      return null;
    },
    tone: ({ legId, sound }) => {
      this.#engine.tone(legId, sound);
      return null;
    },
    sendDtmf: async ({ legId, digits, durationMs, gapMs }) => {
      await this.#engine.sendDtmf(legId, digits, durationMs, gapMs);
      return null;
    },
    openRecording: async (options) => {
      await this.#configured.recordings.open(options);
      return null;
    },
    receiveInRecording: ({ recordingId, streamIds }) => {
      this.#configured.recordings.receive(recordingId, streamIds);
      return null;
    },
    recordingSize: ({ recordingId }) => this.#configured.recordings.size(recordingId),
    closeRecording: ({ recordingId }) => this.#configured.recordings.stop(recordingId),
    legStatistics: ({ legIds }) => legIds.map((legId) => this.#engine.legStatistics(legId)),
    closeLeg: ({ legId }) => this.#engine.closeLeg(legId),
    refuseOwn: async (destination) => {
      await this.#configured.runtime.refuseOwn(destination);
      return null;
    },
    ownsPort: (destination) => this.#configured.runtime.ownsPort(destination),
    portAnswered: ({ question, isOurs }) => {
      this.#questions.get(question)?.(isOurs);
      this.#questions.delete(question);
      return null;
    },
    importStreams: ({ add, remove }) => {
      const { importer } = this.#configured;
      for (const streamId of remove) importer.remove(streamId);
      for (const { streamId, from } of add) importer.add(streamId, from);
      return null;
    },
  };

  constructor({ channel, createRuntime }: MediaWorkerOptions) {
    this.#channel = channel;
    this.#createRuntime = createRuntime;
    channel.onRequest((request) => void this.#serve(request));
  }

  async close(): Promise<void> {
    const parts = this.#parts;
    this.#parts = null;
    if (parts === null) return;
    parts.health.close();
    parts.importer.close();
    await parts.recordings.close();
    parts.engine.close();
    await parts.runtime.close();
    await parts.linkServer.close();
  }

  get #configured(): Parts {
    if (this.#parts === null) throw new Error('the worker has not been configured');
    return this.#parts;
  }

  get #engine(): MediaEngine {
    return this.#configured.engine;
  }

  async #serve({ id, operation, body }: WorkerRequest): Promise<void> {
    try {
      // The union of requests pairs each operation with its body; TypeScript cannot follow that through the table.
      const handler = this.#handlers[operation] as (body: unknown) => unknown;
      this.#channel.send({ id, ok: true, result: await handler(body) });
    } catch (error) {
      const detail = error instanceof Error ? error.message : String(error);
      this.#channel.send({ id, ok: false, code: codeOf(error), detail });
    }
  }

  async #configure(settings: WorkerSettings): Promise<{ link: LinkAddress }> {
    if (this.#parts !== null) throw new Error('the worker has been configured already');
    const runtime = await this.#createRuntime(settings, (destination) => this.#askOwner(destination));
    const engine = new MediaEngine({
      factories: runtime.factories,
      events: this.#events(),
      maxLegs: settings.maxLegs,
    });
    const counters: LinkCounters = { packetsSent: 0, packetsReceived: 0, packetsDropped: 0 };
    const shared = { registry: engine.registry, secret: settings.linkSecret, counters };
    const linkServer = new LinkServer(shared);
    this.#parts = {
      runtime,
      engine,
      importer: new StreamImporter(shared),
      recordings: new Recordings({
        registry: engine.registry,
        tickClock: runtime.tickClock,
        onEnded: (recordingId, reason, result, detail) =>
          this.#notify({ event: 'recording-ended', recordingId, reason, result, detail }),
      }),
      linkServer,
      health: new HealthReporter({
        statistics: () => engine.statistics(),
        tickFigures: () => runtime.tickClock.statistics(),
        portsTakenUnrested: () => runtime.portsTakenUnrested(),
        link: counters,
        report: (health) => this.#notify({ event: 'health', health }),
      }),
    };
    return { link: await linkServer.listen() };
  }

  #askOwner(destination: Destination): Promise<boolean> {
    const question = ++this.#lastQuestion;
    return new Promise((resolve) => {
      this.#questions.set(question, resolve);
      this.#notify({ event: 'port-asked', question, ...destination });
    });
  }

  #notify(notification: WorkerNotification): void {
    this.#channel.send(notification);
  }

  #events(): EngineEvents {
    return {
      onConnected: (legId) => this.#notify({ event: 'connected', legId }),
      onStreams: (legId, streams) => this.#notify({ event: 'streams', legId, streams }),
      onKeyDown: (legId) => this.#notify({ event: 'key-down', legId }),
      onDtmf: (legId, digit, durationMs) => this.#notify({ event: 'dtmf', legId, digit, durationMs }),
      onPlayed: (legId, playbackId, how) => this.#notify({ event: 'played', legId, playbackId, how }),
      onHeld: (legId, held) => this.#notify({ event: 'held', legId, held }),
      onNegotiationNeeded: (legId, connection) =>
        this.#notify({ event: 'negotiation-needed', legId, connection }),
      onEnded: (legId, reason, statistics) => this.#notify({ event: 'ended', legId, reason, statistics }),
      onFault: (legId, error) => this.#notify({ event: 'fault', legId, detail: describe(error) }),
    };
  }
}

const describe = (error: unknown): string =>
  error instanceof Error ? (error.stack ?? error.message) : String(error);

function codeOf(error: unknown): WorkerErrorCode {
  if (error instanceof SdpRefusal || error instanceof WorkerRefusal) return error.code;
  const isGone = error instanceof UnknownLegError || error instanceof NoSuchRecordingError;
  return isGone ? 'no-such-leg' : 'internal';
}
