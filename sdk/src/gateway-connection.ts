/** A live connection: what is published and received, over one call after another. */
import { checkAlias, defaultAlias } from './alias.js';
import type {
  Connection,
  ConnectionEvents,
  ConnectionState,
  ConnectionStatistics,
  Disconnection,
  OwnPlace,
  Publication,
  PublishOptions,
  RemoteParticipant,
  RemoteStream,
} from './api.js';
import { Call, type CallTarget } from './call.js';
import { Emitter } from './emitter.js';
import { LandbridgeError, type LandbridgeErrorCode } from './errors.js';
import type { MediaConnection } from './media-connection.js';
import { Participants } from './participants.js';
import { LocalPublication, mediaTypeOf, tracksToPublish } from './publication.js';
import { ReceivedMedia } from './received-media.js';
import { Reconnection, type AttemptResult } from './reconnection.js';
import { parseNotice, type ParticipantsNotice } from './session-notice.js';
import { SignallingLost } from './sip-dialog.js';
import { readStatistics, type CounterSnapshot, type SectionTrack } from './statistics.js';
import { participantIdOf, type ReceivedTrack } from './stream-changes.js';
import { untilAborted } from './until-aborted.js';

export interface GatewayConnectionOptions extends CallTarget {
  readonly reconnectTimeoutMs: number;
  /** Aborted with a LandbridgeError. */
  readonly signal: AbortSignal;
}

const attemptTimeoutMs = 10_000;
/** Ends by the gateway that say nothing against another call. */
const passingEnds: ReadonlySet<string> = new Set([
  'gateway-stopping',
  'media-lost',
  'ice-failed',
  'connection-lost',
]);
/** Refusals that may be others a moment later: the gateway starts anew, or has not noticed yet that the old call is dead. */
const passingRefusals: ReadonlySet<LandbridgeErrorCode> = new Set([
  'connection-failed',
  'timeout',
  'draining',
  'overloaded',
  'too-many-guesses',
  'participant-occupied',
  'session-full',
  'negotiation-failed',
]);

export class GatewayConnection implements Connection {
  readonly #target: CallTarget;
  readonly #emitter = new Emitter<ConnectionEvents>();
  readonly #participants = new Participants(this.#emitter);
  readonly #received: ReceivedMedia;
  readonly #reconnection: Reconnection;
  readonly #publications = new Set<LocalPublication>();
  readonly #waitingForRecovery = new Set<() => void>();
  #call: Call | undefined;
  /** The dialog is gone: the next attempt makes another call. */
  #needsCall = false;
  /** Ends what the attempt under way waits for. */
  #attempt: AbortController | undefined;
  #state: ConnectionState = 'connecting';
  #tracks: readonly ReceivedTrack[] = [];
  #told = false;
  /** The gateway's list, where it came before the application could listen. */
  #untoldParticipants: ParticipantsNotice | undefined;
  #mediaWasLost = false;
  #counters: CounterSnapshot = new Map();

  private constructor({ reconnectTimeoutMs, ...target }: GatewayConnectionOptions) {
    this.#target = target;
    this.#received = new ReceivedMedia(this.#emitter, this.#participants, (mid) =>
      this.#call?.media.trackOf(mid),
    );
    this.#reconnection = new Reconnection({
      attempt: () => this.#tryAgain(),
      onDone: () => this.#recovered(),
      onGaveUp: (error) => this.#giveUp(error),
      timeoutMs: reconnectTimeoutMs,
      nowMs: () => performance.now(),
      random: Math.random,
      delay: (milliseconds, callback) => {
        const timer = setTimeout(callback, milliseconds);
        return () => clearTimeout(timer);
      },
    });
  }

  static async open(options: GatewayConnectionOptions): Promise<GatewayConnection> {
    const connection = new GatewayConnection(options);
    await connection.#openCall(options.signal);
    connection.#begin();
    return connection;
  }

  get streams(): readonly RemoteStream[] {
    return this.#received.streams;
  }

  get publications(): readonly Publication[] {
    return [...this.#publications];
  }

  get participants(): ReadonlyMap<string, RemoteParticipant> {
    return this.#participants.byId;
  }

  get self(): OwnPlace {
    return this.#participants.self;
  }

  get state(): ConnectionState {
    return this.#state;
  }

  get connected(): boolean {
    return this.#state !== 'disconnected';
  }

  on<Name extends keyof ConnectionEvents>(
    name: Name,
    listener: (event: ConnectionEvents[Name]) => void,
  ): () => void {
    return this.#emitter.on(name, listener);
  }

  async publish(stream: MediaStream, options: PublishOptions = {}): Promise<Publication> {
    if (!this.connected) throw disconnectedError();
    const tracks = tracksToPublish(stream);
    const taken = [...this.#publications].map(({ alias }) => alias);
    const alias = checkAlias(options.alias ?? defaultAlias(stream), taken);
    const publication = new LocalPublication(alias, stream, tracks, (ended, mediaType) =>
      this.#emitter.emit('trackEnded', { publication: ended, mediaType }),
    );
    this.#publications.add(publication);
    try {
      await this.#negotiated(async (call) => {
        if (publication.transceivers.length === 0) await send(call.media, publication);
      });
    } catch (error) {
      this.#publications.delete(publication);
      publication.end();
      if (this.connected) await this.#call?.media.stopSending(publication.transceivers);
      throw error;
    }
    return publication;
  }

  async unpublish(publication: Publication): Promise<void> {
    const known = [...this.#publications].find((candidate) => candidate === publication);
    if (known === undefined || !this.connected) return;
    this.#publications.delete(known);
    known.end();
    // In another call it is not sent in the first place.
    await this.#negotiated((call) => call.media.stopSending(known.transceivers));
  }

  async getStats(): Promise<ConnectionStatistics> {
    const call = this.#call;
    if (call === undefined || !this.connected) throw disconnectedError();
    const report = await call.media.getStats();
    const reports: Record<string, unknown>[] = [];
    report.forEach((one: Record<string, unknown>) => reports.push(one));
    const { roundTripMs, tracks, snapshot } = readStatistics(reports, this.#sections(), this.#counters);
    this.#counters = snapshot;
    return { roundTripMs, tracks, report };
  }

  async disconnect(): Promise<void> {
    const call = this.#call;
    const goodbye = call?.close();
    this.#end({ by: 'local', reason: 'hangup' });
    await goodbye;
  }

  /** Listeners are attached when `connect` has resolved; what came until then is told to them after that. */
  #begin(): void {
    addEventListener('pagehide', this.#onPageHide);
    addEventListener('online', this.#onNetworkChange);
    networkInformation()?.addEventListener('change', this.#onNetworkChange);
    setTimeout(() => {
      this.#told = true;
      if (!this.connected) return;
      if (this.#untoldParticipants !== undefined) this.#participants.describe(this.#untoldParticipants);
      this.#received.update(this.#tracks);
      if (this.#call?.isLost === true) this.#lost(this.#needsCall ? 'dialog' : 'connection');
      else if (this.#call?.media.isConnected === true) this.#to('connected');
    });
  }

  /** A call that sends what is published and has room for what is received; the one before is left. */
  async #openCall(signal: AbortSignal): Promise<Call> {
    const former = this.#call;
    this.#call = undefined;
    void former?.close();
    if (former !== undefined) this.#received.newCall();
    let tracks: readonly ReceivedTrack[] | undefined;
    let isCurrent = false;
    const call = await Call.open(
      this.#target,
      {
        onReceived: (received) => {
          tracks = received;
          if (isCurrent) this.#update(received);
        },
        onNotice: (body) => this.#onNotice(body),
        onMediaConnected: () => this.#onMediaConnected(),
        onLost: (what) => this.#lost(what),
        onEnded: (reason) => this.#onEnded(reason),
      },
      async (media) => {
        for (const publication of this.#publications) await send(media, publication);
        const { audio, video } = this.#received.counts();
        media.makeRoom(audio, video);
      },
      signal,
    );
    this.#call = call;
    this.#needsCall = false;
    this.#counters = new Map();
    isCurrent = true;
    if (!this.connected) {
      void call.close();
      throw disconnectedError();
    }
    if (tracks !== undefined) this.#update(tracks);
    return call;
  }

  /** Takes the complete list of what we receive now. */
  #update(tracks: readonly ReceivedTrack[]): void {
    this.#tracks = tracks;
    if (this.#told && this.connected) this.#received.update(tracks);
  }

  /** Does the work and negotiates it, in another call or once more where the connection is lost meanwhile. */
  async #negotiated(work: (call: Call) => Promise<void>): Promise<void> {
    for (;;) {
      if (!this.connected) throw disconnectedError();
      const call = this.#call;
      if (call === undefined || this.#reconnection.isUnderWay) {
        await new Promise<void>((resolve) => this.#waitingForRecovery.add(resolve));
        continue;
      }
      try {
        await work(call);
        await call.negotiate();
        return;
      } catch (error) {
        if (!this.connected) throw disconnectedError();
        if (!(error instanceof SignallingLost)) throw error;
        // Whoever lost it says so within this turn, or has.
        await Promise.resolve();
        if (!this.#reconnection.isUnderWay && call === this.#call) this.#lost('connection');
      }
    }
  }

  #onNotice(body: string): void {
    const notice = parseNotice(body);
    if (notice === undefined || !this.connected) return;
    if (notice.type === 'participants') {
      if (this.#told) this.#participants.describe(notice);
      else this.#untoldParticipants = notice;
    } else {
      const { participantId, digit, durationMs } = notice;
      this.#emitter.emit('dtmfReceived', { participantId, digit, durationMs });
    }
  }

  #onMediaConnected(): void {
    if (this.#told && this.#state === 'connecting') this.#to('connected');
  }

  #onEnded(reason: string): void {
    if (passingEnds.has(reason)) this.#lost('dialog', reason);
    else this.#end({ by: 'remote', reason });
  }

  #lost(what: 'connection' | 'dialog' | 'media', reason = ''): void {
    if (!this.connected) return;
    if (what === 'dialog') this.#needsCall = true;
    this.#mediaWasLost = what === 'media' || reason === 'ice-failed';
    if (!this.#told || this.#reconnection.isUnderWay) return;
    this.#to('reconnecting');
    this.#reconnection.begin();
  }

  async #tryAgain(): Promise<AttemptResult> {
    const attempt = new AbortController();
    this.#attempt = attempt;
    const timeout = new LandbridgeError('timeout', 'The gateway did not answer in time.');
    const timer = setTimeout(() => attempt.abort(timeout), attemptTimeoutMs);
    try {
      const call = this.#call;
      if (call !== undefined && !this.#needsCall) {
        try {
          await call.recover(attempt.signal);
          return 'done';
        } catch {
          // Where the gateway knows the dialog no more, `#needsCall` says so by now.
          if (!this.#needsCall) return 'again';
        }
      }
      const { media } = await this.#openCall(attempt.signal);
      await untilAborted(media.connected(), attempt.signal);
      return 'done';
    } catch (error) {
      if (error instanceof LandbridgeError && !passingRefusals.has(error.code)) throw error;
      return 'again';
    } finally {
      clearTimeout(timer);
      this.#attempt = undefined;
    }
  }

  #recovered(): void {
    if (this.#call === undefined || this.#call.isLost || this.#needsCall) {
      this.#reconnection.begin();
      return;
    }
    this.#to('connected');
    for (const goOn of this.#waitingForRecovery) goOn();
    this.#waitingForRecovery.clear();
  }

  #giveUp(error: unknown): void {
    const reason = this.#mediaWasLost ? 'ice-failed' : 'connection-lost';
    void this.#call?.close(`SIP;cause=200;text="${reason}"`);
    if (error instanceof LandbridgeError) this.#end({ by: 'remote', reason: error.code });
    else this.#end({ by: 'network', reason });
  }

  #sections(): SectionTrack[] {
    const sent = [...this.#publications].flatMap(({ alias, transceivers }) =>
      transceivers.flatMap(({ mid, receiver }): SectionTrack[] => {
        const mediaType = receiver.track.kind === 'audio' ? 'AUDIO' : 'VIDEO';
        if (mid === null) return [];
        return [{ mid, direction: 'sent', mediaType, alias, streamId: null, participantId: null }];
      }),
    );
    const received = this.#tracks.map(({ mid, kind, alias, streamId }): SectionTrack => {
      const participantId = participantIdOf(streamId);
      return { mid, direction: 'received', mediaType: mediaTypeOf(kind), alias, streamId, participantId };
    });
    return [...sent, ...received];
  }

  readonly #onPageHide = (): void => {
    // The BYE is in the WebSocket's buffer before the page is gone, so the slot is free at once.
    void this.disconnect();
  };

  readonly #onNetworkChange = (): void => {
    if (this.#reconnection.isUnderWay) this.#reconnection.hasten();
    else void this.#call?.checkLife();
  };

  #to(state: ConnectionState): void {
    if (state === this.#state) return;
    this.#state = state;
    this.#emitter.emit('stateChanged', { state });
  }

  /** Once; every stream is reported unavailable first. */
  #end(disconnection: Disconnection): void {
    if (!this.connected) return;
    removeEventListener('pagehide', this.#onPageHide);
    removeEventListener('online', this.#onNetworkChange);
    networkInformation()?.removeEventListener('change', this.#onNetworkChange);
    this.#reconnection.stop();
    this.#attempt?.abort(disconnectedError());
    // So that who is told of the others' going can see that it is ours.
    this.#state = 'disconnected';
    this.#received.end();
    this.#emitter.emit('stateChanged', { state: 'disconnected' });
    void this.#call?.close();
    for (const publication of this.#publications) publication.end();
    this.#publications.clear();
    for (const goOn of this.#waitingForRecovery) goOn();
    this.#waitingForRecovery.clear();
    this.#emitter.emit('disconnected', disconnection);
    this.#emitter.clear();
  }
}

async function send(media: MediaConnection, publication: LocalPublication): Promise<void> {
  const { mediaStream, tracks, alias } = publication;
  publication.transceivers = await media.send(mediaStream, tracks, alias);
}

/** Where the browser tells of it: a change from one network to another that is no loss of all. */
function networkInformation(): EventTarget | undefined {
  return (navigator as { readonly connection?: EventTarget }).connection;
}

function disconnectedError(): LandbridgeError {
  return new LandbridgeError('disconnected', 'The connection is over.');
}
