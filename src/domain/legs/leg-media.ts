/** The media of one call: keeps what it publishes and whether its far end holds, and tells whoever has the call. */
import type {
  LegKind,
  LegOpening,
  MediaConnection,
  MediaEndReason,
  MediaLeg,
  MediaLegListener,
  MediaLegStatistics,
  MediaPlane,
  MediaStreamInfo,
  MediaType,
  OpenLegRequest,
  PlaybackEnd,
} from '../media-plane.js';
import { isSameList } from '../same-list.js';

/** Whoever has the call. No method throws. */
export interface LegMediaUser {
  /** The media publishes other streams than before. */
  streamsChanged(before: readonly MediaStreamInfo[]): void;
  /** The far end holds, or no longer. */
  heldChanged(): void;
  keyDown(): void;
  keyPressed(digit: string, durationMs: number): void;
  played(playbackId: string, how: PlaybackEnd): void;
  /** The far end and the media have agreed, the first time or anew. */
  agreed(): void;
  negotiationNeeded(connection: string): void;
  /** The media is gone by itself. */
  ended(reason: MediaEndReason): void;
}

export class LegMedia implements MediaLegListener {
  /** What it publishes or last published. */
  streams: readonly MediaStreamInfo[] = [];
  isHeld = false;
  /** Nothing is sent before `confirm`. */
  readonly sendsOnceConfirmed: boolean;
  readonly #opening: LegOpening;
  /** The connection over which the leg receives; null where it has none. */
  readonly #receiving: string | null;
  #user: Partial<LegMediaUser> | null;
  /** What it was last told that the leg may publish. */
  #mayPublish: readonly MediaType[];
  #leg: MediaLeg | null = null;
  #isClosed = false;

  private constructor(opening: LegOpening, mayPublish: readonly MediaType[], user: Partial<LegMediaUser>) {
    this.sendsOnceConfirmed = opening.sendsOnceConfirmed === true;
    this.#opening = opening;
    this.#receiving = opening.connections.find(({ flow }) => flow !== 'publish')?.name ?? null;
    this.#mayPublish = mayPublish;
    this.#user = user;
  }

  /** Throws MediaRefusal. */
  static async open(
    plane: MediaPlane,
    request: Omit<OpenLegRequest, 'listener'>,
    user: Partial<LegMediaUser>,
  ): Promise<LegMedia> {
    const media = new LegMedia(request, request.mayPublish, user);
    media.#leg = await plane.openLeg({ ...request, listener: media });
    return media;
  }

  /** What other media is opened with that goes on where this one was lost; null where that cannot be. */
  get reopening(): LegOpening | null {
    if (this.#leg?.canMove !== true) return null;
    const { kind, connections, signallingAddress, localAddress, phoneTerms } = this.#opening;
    return {
      ...{
        kind,
        signallingAddress: signallingAddress ?? null,
        localAddress: localAddress ?? null,
        phoneTerms,
      },
      connections: connections.map(({ name, flow }) => {
        const { past } = this.leg.connection(name);
        return { name, flow, ...(past !== undefined && { resumes: past }) };
      }),
    };
  }

  get leg(): MediaLeg {
    if (this.#leg === null) throw new Error('the media is not open');
    return this.#leg;
  }

  get kind(): LegKind {
    return this.leg.kind;
  }

  /** Throws RangeError where the leg was opened without it. */
  connection(name: string): MediaConnection {
    const connection = this.leg.connection(name);
    const { localDescription } = connection;
    return {
      localDescription,
      answer: async (offer) => {
        const answer = await connection.answer(offer);
        this.#user?.agreed?.();
        return answer;
      },
      offer: () => connection.offer(),
      accept: async (answer) => {
        await connection.accept(answer);
        this.#user?.agreed?.();
      },
      rollback: () => connection.rollback(),
    };
  }

  /** Whoever is told from now on. */
  passTo(user: LegMediaUser): void {
    this.#user = user;
  }

  /** See MediaLeg. */
  receive(streamIds: readonly string[], holdSound: boolean): Promise<void> {
    return this.leg.receive(this.#receiving === null ? {} : { [this.#receiving]: streamIds }, holdSound);
  }

  /** Tells the media where that is something else than before. */
  setMayPublish(mayPublish: readonly MediaType[]): void {
    if (isSameList(mayPublish, this.#mayPublish)) return;
    this.#mayPublish = mayPublish;
    void this.ask((leg) => leg.setMayPublish(mayPublish));
  }

  /** No effect once it is closed. Never rejects: a worker that does not answer is gone, and ends the leg. */
  async ask(work: (leg: MediaLeg) => Promise<unknown>): Promise<void> {
    if (this.#isClosed) return;
    await work(this.leg).catch(() => undefined);
  }

  /** Nobody is told of anything from now on. Idempotent. */
  close(): Promise<MediaLegStatistics | null> {
    this.#isClosed = true;
    this.#user = null;
    return this.leg.close();
  }

  onConnected(): void {
    // Nobody wants to know.
  }

  onStreams(streams: readonly MediaStreamInfo[]): void {
    if (this.#isClosed) return;
    const before = this.streams;
    this.streams = streams;
    this.#user?.streamsChanged?.(before);
  }

  onHeld(held: boolean): void {
    if (this.isHeld === held || this.#isClosed) return;
    this.isHeld = held;
    this.#user?.heldChanged?.();
  }

  onKeyDown(): void {
    this.#user?.keyDown?.();
  }

  onDtmf(digit: string, durationMs: number): void {
    this.#user?.keyPressed?.(digit, durationMs);
  }

  onPlayed(playbackId: string, how: PlaybackEnd): void {
    this.#user?.played?.(playbackId, how);
  }

  onNegotiationNeeded(connection: string): void {
    this.#user?.negotiationNeeded?.(connection);
  }

  onEnded(reason: MediaEndReason): void {
    this.#user?.ended?.(reason);
  }
}
