/**
 * One call to the gateway: a dialog, its media, and the queue in which they negotiate. It can be recovered as long as the
 * gateway knows the dialog; where it does not, the connection makes another call.
 */
import type { ShownCredential } from './credential.js';
import { LandbridgeError } from './errors.js';
import { MediaConnection } from './media-connection.js';
import { NegotiationQueue, type OfferResult } from './negotiation-queue.js';
import { SignallingLost, SipDialog } from './sip-dialog.js';
import type { ReceivedTrack } from './stream-changes.js';
import { untilAborted } from './until-aborted.js';

export interface CallTarget {
  readonly url: URL;
  readonly credential: ShownCredential;
  readonly displayName: string;
  readonly iceServers: readonly RTCIceServer[];
}

export interface CallOwner {
  /** The complete list of what we receive now. */
  onReceived(tracks: readonly ReceivedTrack[]): void;
  onNotice(body: string): void;
  onMediaConnected(): void;
  /** The WebSocket, the dialog or the path of the media. */
  onLost(what: 'connection' | 'dialog' | 'media'): void;
  /** The gateway has ended the call. */
  onEnded(reason: string): void;
}

/** A gateway that is there answers in this time. */
const probeTimeoutMs = 2000;

export class Call {
  readonly media: MediaConnection;
  readonly #owner: CallOwner;
  readonly #queue: NegotiationQueue;
  #dialog: SipDialog | undefined;
  /** Work on the peer connection, in its order. */
  #tail: Promise<unknown> = Promise.resolve();
  readonly #lost = new Set<'connection' | 'dialog' | 'media'>();
  #closed = false;

  private constructor(target: CallTarget, owner: CallOwner) {
    this.#owner = owner;
    this.media = new MediaConnection({
      iceServers: target.iceServers,
      onConnectionState: (state) => {
        if (state === 'connected') {
          this.#lost.delete('media');
          owner.onMediaConnected();
        }
        if (state === 'disconnected' || state === 'failed') this.#lose('media');
      },
    });
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

  /** `prepare` says what the first offer sends and how many streams it has room for. */
  static async open(
    target: CallTarget,
    owner: CallOwner,
    prepare: (media: MediaConnection) => Promise<void>,
    signal: AbortSignal,
  ): Promise<Call> {
    const call = new Call(target, owner);
    try {
      await prepare(call.media);
      await call.#open(target, signal);
    } catch (error) {
      call.#release(new SignallingLost('dialog'));
      throw error;
    }
    return call;
  }

  /** Something of it was lost and not recovered. */
  get isLost(): boolean {
    return this.#lost.size > 0;
  }

  /** Resolves once an offer made after this call is answered. Rejects with SignallingLost where that cannot be. */
  negotiate(): Promise<void> {
    return this.#queue.negotiate();
  }

  /** Whether the gateway still answers on the WebSocket; if not, the owner is told. */
  async checkLife(): Promise<void> {
    const dialog = this.#dialog;
    if (dialog === undefined || this.isLost || (await dialog.probe(probeTimeoutMs))) return;
    this.#lose('connection');
  }

  /**
   * Brings back what was lost within the dialog: another WebSocket if the gateway does not answer on this one, then a
   * re-INVITE with an ICE restart. Resolves once media flows. Rejects with SignallingLost `dialog` where only another call
   * can help.
   */
  async recover(signal: AbortSignal): Promise<void> {
    const dialog = this.#dialog;
    if (dialog === undefined || this.#closed) throw new SignallingLost('dialog');
    const isSocketLost = this.#lost.has('connection');
    this.#lost.clear();
    this.#queue.suspend(new SignallingLost('connection'));
    try {
      if (isSocketLost || !(await dialog.probe(probeTimeoutMs))) await dialog.reopen(signal);
      await this.#tail.catch(() => undefined);
      await this.media.rollback();
      this.media.restartIce();
      this.#queue.resume();
      await untilAborted(this.#queue.negotiate(), signal);
      await untilAborted(this.media.connected(), signal);
    } catch (error) {
      this.#lost.add('connection');
      this.#queue.suspend(new SignallingLost('connection'));
      throw error;
    }
  }

  /** Says goodbye where there is a way to the gateway. Idempotent. */
  async close(reason?: string): Promise<void> {
    this.#release(new SignallingLost('dialog'));
    await this.#dialog?.close(reason);
  }

  async #open({ url, credential, displayName }: CallTarget, signal: AbortSignal): Promise<void> {
    this.#dialog = await SipDialog.open({
      url,
      credential,
      displayName,
      signal,
      offer: await this.media.createOffer(),
      acceptAnswer: async (answer) => this.#owner.onReceived(await this.media.acceptAnswer(answer)),
      owner: {
        tryBeginRemote: () => this.#queue.tryBeginRemote(),
        answerOffer: (offer) => this.#exclusively(() => this.#answer(offer)),
        endRemote: () => this.#queue.endRemote(),
        onNotice: (body) => this.#owner.onNotice(body),
        onLost: ({ what }) => this.#lose(what),
        onEnded: (reason) => {
          this.#queue.suspend(new SignallingLost('dialog'));
          if (!this.#closed) this.#owner.onEnded(reason);
        },
      },
    });
    this.#queue.begin();
  }

  #offer(): Promise<OfferResult> {
    return this.#exclusively(async () => {
      const dialog = this.#dialog;
      if (dialog === undefined) throw new SignallingLost('dialog');
      try {
        const offer = await this.media.createOffer();
        const result = await dialog.reoffer(offer, async (answer) => {
          this.#owner.onReceived(await this.media.acceptAnswer(answer));
        });
        if (result === 'glare') await this.media.rollback();
        return result;
      } catch (cause) {
        if (!this.#closed) await this.media.rollback();
        if (cause instanceof SignallingLost) throw cause;
        throw cause instanceof LandbridgeError && cause.code !== 'refused'
          ? cause
          : new LandbridgeError('negotiation-failed', 'The gateway refused the change of media.', { cause });
      }
    });
  }

  async #answer(offer: string): Promise<string> {
    const { answer, received } = await this.media.answerOffer(offer);
    this.#owner.onReceived(received);
    return answer;
  }

  #exclusively<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#tail.then(work, work);
    this.#tail = result;
    // Whoever asked hears of a failure; the order goes on.
    result.catch(() => undefined);
    return result;
  }

  #lose(what: 'connection' | 'dialog' | 'media'): void {
    if (this.#closed) return;
    // A path that is lost takes no offer with it, nor the means to make another.
    if (what !== 'media') this.#queue.suspend(new SignallingLost(what));
    this.#lost.add(what);
    this.#owner.onLost(what);
  }

  #release(reason: Error): void {
    this.#closed = true;
    this.#queue.close(reason);
    this.media.close();
  }
}
