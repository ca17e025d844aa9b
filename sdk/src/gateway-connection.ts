/** A live connection: ties signalling, media and the negotiation queue together, and ends them together. */
import { checkAlias, defaultAlias } from './alias.js';
import type {
  Connection,
  ConnectionEvents,
  Disconnection,
  Publication,
  PublishOptions,
  RemoteStream,
} from './api.js';
import type { ShownCredential } from './credential.js';
import { Emitter } from './emitter.js';
import { LandbridgeError } from './errors.js';
import { MediaConnection } from './media-connection.js';
import { NegotiationQueue, type OfferResult } from './negotiation-queue.js';
import { LocalPublication, tracksToPublish } from './publication.js';
import { ReceivedMedia } from './received-media.js';
import { SipDialog } from './sip-dialog.js';
import type { ReceivedTrack } from './stream-changes.js';

export interface GatewayConnectionOptions {
  readonly url: URL;
  readonly credential: ShownCredential;
  readonly displayName: string;
  readonly iceServers: readonly RTCIceServer[];
  /** Aborted with a LandbridgeError. */
  readonly signal: AbortSignal;
}

/** A path that is lost is searched for once more; after this long without success the connection is over. */
const iceRestartTimeoutMs = 15_000;

export class GatewayConnection implements Connection {
  readonly #emitter = new Emitter<ConnectionEvents>();
  readonly #media: MediaConnection;
  readonly #received: ReceivedMedia;
  readonly #queue: NegotiationQueue;
  readonly #publications = new Set<LocalPublication>();
  #dialog: SipDialog | undefined;
  #tracks: readonly ReceivedTrack[] = [];
  #told = false;
  #iceTimer: ReturnType<typeof setTimeout> | undefined;
  #over = false;

  private constructor(iceServers: readonly RTCIceServer[]) {
    this.#media = new MediaConnection({
      iceServers,
      onConnectionState: (state) => this.#onMediaState(state),
    });
    this.#received = new ReceivedMedia(this.#emitter, (mid) => this.#media.trackOf(mid));
    this.#queue = new NegotiationQueue(
      {
        offer: () => this.#offer(),
        delay: (milliseconds, callback) => {
          const timer = setTimeout(callback, milliseconds);
          return () => clearTimeout(timer);
        },
        random: Math.random,
        onTooManyCollisions: () =>
          new LandbridgeError('negotiation-failed', 'The gateway kept making offers of its own.'),
      },
      'offering',
    );
  }

  static async open(options: GatewayConnectionOptions): Promise<GatewayConnection> {
    const connection = new GatewayConnection(options.iceServers);
    try {
      await connection.#open(options);
    } catch (error) {
      connection.#release(disconnectedError());
      throw error;
    }
    return connection;
  }

  get streams(): readonly RemoteStream[] {
    return this.#received.streams;
  }

  get publications(): readonly Publication[] {
    return [...this.#publications];
  }

  get connected(): boolean {
    return !this.#over;
  }

  on<Name extends keyof ConnectionEvents>(
    name: Name,
    listener: (event: ConnectionEvents[Name]) => void,
  ): () => void {
    return this.#emitter.on(name, listener);
  }

  async publish(stream: MediaStream, options: PublishOptions = {}): Promise<Publication> {
    if (this.#over) throw disconnectedError();
    const tracks = tracksToPublish(stream);
    const taken = [...this.#publications].map(({ alias }) => alias);
    const publication = new LocalPublication(
      checkAlias(options.alias ?? defaultAlias(stream), taken),
      stream,
    );
    this.#publications.add(publication);
    try {
      publication.transceivers = await this.#media.send(stream, tracks, publication.alias);
      await this.#queue.negotiate();
    } catch (error) {
      this.#publications.delete(publication);
      if (!this.#over) await this.#media.stopSending(publication.transceivers);
      throw error;
    }
    return publication;
  }

  async unpublish(publication: Publication): Promise<void> {
    const known = [...this.#publications].find((candidate) => candidate === publication);
    if (known === undefined || this.#over) return;
    this.#publications.delete(known);
    await this.#media.stopSending(known.transceivers);
    await this.#queue.negotiate();
  }

  getStats(): Promise<RTCStatsReport> {
    return this.#media.getStats();
  }

  async disconnect(): Promise<void> {
    this.#end({ by: 'local', reason: 'hangup' });
    await this.#dialog?.close();
  }

  async #open({ url, credential, displayName, signal }: GatewayConnectionOptions): Promise<void> {
    this.#dialog = await SipDialog.open({
      url,
      credential,
      displayName,
      signal,
      offer: await this.#media.createOffer(),
      acceptAnswer: async (answer) => {
        this.#update(await this.#media.acceptAnswer(answer));
      },
      owner: {
        tryBeginRemote: () => this.#queue.tryBeginRemote(),
        answerOffer: (offer) => this.#answer(offer),
        endRemote: () => this.#queue.endRemote(),
        onEnded: (end) => this.#end(end),
      },
    });
    addEventListener('pagehide', this.#onPageHide);
    this.#queue.begin();
    // Listeners are attached when `connect` has resolved; what came until then is told to them after that.
    setTimeout(() => {
      this.#told = true;
      if (!this.#over) this.#received.update(this.#tracks);
    });
  }

  /** Takes the complete list of what we receive now. */
  #update(tracks: readonly ReceivedTrack[]): void {
    this.#tracks = tracks;
    if (this.#told && !this.#over) this.#received.update(tracks);
  }

  async #offer(): Promise<OfferResult> {
    const dialog = this.#dialog;
    if (dialog === undefined) throw disconnectedError();
    try {
      const offer = await this.#media.createOffer();
      const result = await dialog.reoffer(offer, async (answer) => {
        this.#update(await this.#media.acceptAnswer(answer));
      });
      if (result === 'glare') await this.#media.rollback();
      return result;
    } catch (cause) {
      if (this.#over) throw disconnectedError();
      await this.#media.rollback();
      throw cause instanceof LandbridgeError && cause.code !== 'refused'
        ? cause
        : new LandbridgeError('negotiation-failed', 'The gateway refused the change of media.', { cause });
    }
  }

  async #answer(offer: string): Promise<string> {
    const { answer, received } = await this.#media.answerOffer(offer);
    this.#update(received);
    return answer;
  }

  #onMediaState(state: RTCPeerConnectionState): void {
    if (state === 'connected') {
      clearTimeout(this.#iceTimer);
      this.#iceTimer = undefined;
    }
    if (state !== 'failed' || this.#over) return;
    if (this.#iceTimer !== undefined) return;
    this.#iceTimer = setTimeout(() => this.#lose('ice-failed'), iceRestartTimeoutMs);
    this.#media.restartIce();
    this.#queue.negotiate().catch(() => this.#lose('ice-failed'));
  }

  #lose(reason: string): void {
    this.#end({ by: 'network', reason });
    void this.#dialog?.close(`SIP;cause=200;text="${reason}"`);
  }

  readonly #onPageHide = (): void => {
    // The BYE is in the WebSocket's buffer before the page is gone, so the slot is free at once.
    void this.disconnect();
  };

  /** Once; every stream is reported unavailable first. */
  #end(disconnection: Disconnection): void {
    if (this.#over) return;
    this.#received.update([]);
    this.#release(disconnectedError());
    this.#emitter.emit('disconnected', disconnection);
    this.#emitter.clear();
  }

  #release(reason: LandbridgeError): void {
    this.#over = true;
    removeEventListener('pagehide', this.#onPageHide);
    clearTimeout(this.#iceTimer);
    this.#queue.close(reason);
    this.#media.close();
    this.#publications.clear();
  }
}

function disconnectedError(): LandbridgeError {
  return new LandbridgeError('disconnected', 'The connection is over.');
}
