/** A connection of a browser's leg under its name: one peer connection, or several one after the other where it may be made anew. */
import { SdpRefusal } from '../../../sdp/sdp-refusal.js';
import { WorkerRefusal } from '../worker-refusal.js';
import type {
  ConnectionFlow,
  ConnectionOptions,
  LegConnection,
  LegEvents,
  LegOptions,
  LegStatistics,
} from '../leg.js';
import { noStatistics, sumOfStatistics } from '../leg-statistics.js';
import type { SourceStream, TrackKind } from '../source-track.js';
import { BrowserConnection, type BrowserConnectionSettings } from './browser-connection.js';

/**
 * Sections of a connection over which a leg only receives. A far end that outlived the gateway is offered all of them, and
 * its answer must still be short enough to be read (64 KiB).
 */
const maxReceivedSections = 64;

/** What a connection tells its leg. */
export interface ConnectionOwner {
  onConnected(): void;
  onStreamsChanged(): void;
  onKeyDown(): void;
  onDtmf(digit: string, durationMs: number): void;
  onNegotiationNeeded(name: string): void;
  /** The leg cannot go on without this connection. */
  onLost(reason: Parameters<LegEvents['onEnded']>[0]): void;
  onFault(error: unknown): void;
}

export interface NamedConnectionOptions {
  readonly connection: ConnectionOptions;
  /** The leg that the connection belongs to. */
  readonly leg: LegOptions & BrowserConnectionSettings;
  readonly owner: ConnectionOwner;
}

export class NamedConnection implements LegConnection {
  readonly #leg: LegOptions & BrowserConnectionSettings;
  readonly #connection: ConnectionOptions;
  readonly #owner: ConnectionOwner;
  #current: BrowserConnection | null = null;
  #mayPublish: ReadonlySet<TrackKind>;
  #wanted: readonly SourceStream[] = [];
  #streams: readonly SourceStream[] = [];
  /** What connections that are no more have counted. */
  #counted = noStatistics;
  #isClosed = false;

  constructor({ connection, leg, owner }: NamedConnectionOptions) {
    this.#leg = leg;
    this.#connection = connection;
    this.#owner = owner;
    this.#mayPublish = leg.mayPublish;
  }

  /** What is published here. */
  get streams(): readonly SourceStream[] {
    return this.#streams;
  }

  async answer(offer: string): Promise<string> {
    const current = this.#open();
    try {
      return await current.answer(offer);
    } catch (error) {
      // One that never came to be would bar the next try with its own idea of the sections.
      if (current.sectionCount === 0) this.#drop(current);
      throw error;
    }
  }

  async offer(): Promise<string> {
    return this.#open().offer();
  }

  async accept(answer: string): Promise<void> {
    // The far end answers an offer of a connection that is no more.
    if (this.#current === null) throw new SdpRefusal('bad-sdp', 'no offer is outstanding');
    await this.#current.accept(answer);
  }

  rollback(): void {
    this.#current?.rollback();
  }

  receive(streams: readonly SourceStream[]): void {
    if (this.#isClosed || this.#flow === 'publish') return;
    this.#wanted = streams;
    if (this.#current !== null) this.#current.receive(streams);
    else if (streams.length > 0 && this.#flow === 'receive') this.#open();
  }

  setMayPublish(mayPublish: ReadonlySet<TrackKind>): void {
    this.#mayPublish = mayPublish;
    if (this.#flow !== 'receive') this.#current?.setMayPublish(mayPublish);
  }

  statistics(): LegStatistics {
    const current = this.#current;
    return current === null ? this.#counted : sumOfStatistics(this.#counted, current.statistics());
  }

  close(): void {
    this.#isClosed = true;
    this.#current?.close();
  }

  get #flow(): ConnectionFlow {
    return this.#connection.flow;
  }

  #open(minSections = 0): BrowserConnection {
    if (this.#current !== null) return this.#current;
    if (this.#isClosed) throw new WorkerRefusal('overloaded', 'the leg is closed');
    const { legId, maxSections = maxReceivedSections } = this.#leg;
    const { name, dataChannels: channels = [] } = this.#connection;
    const receives = this.#flow === 'receive';
    const owner = this.#owner;
    const opened: BrowserConnection = new BrowserConnection({
      ...this.#leg,
      name: legId,
      channels,
      mayPublish: receives ? new Set() : this.#mayPublish,
      // Whoever receives may hold more sections, of a connection before this one.
      ...(receives
        ? { maxSections: Math.min(maxSections, maxReceivedSections), alternating: { minSections } }
        : { maxSections }),
      events: {
        onConnected: () => owner.onConnected(),
        onStreams: (streams) => {
          if (this.#current === opened) this.#publish(streams);
        },
        onKeyDown: () => owner.onKeyDown(),
        onDtmf: (digit, durationMs) => owner.onDtmf(digit, durationMs),
        onFault: (error) => owner.onFault(error),
        onNegotiationNeeded: () => {
          if (this.#current === opened) owner.onNegotiationNeeded(name);
        },
        onEnded: (reason) => {
          if (this.#current !== opened) return;
          if (this.#flow === 'both') return owner.onLost(reason);
          this.#drop(opened);
          if (this.#flow === 'receive') this.#open(opened.sectionCount);
        },
      },
    });
    this.#current = opened;
    if (this.#flow !== 'publish') opened.receive(this.#wanted);
    return opened;
  }

  #drop(connection: BrowserConnection): void {
    if (this.#current !== connection) return;
    this.#counted = sumOfStatistics(this.#counted, connection.statistics());
    this.#current = null;
    connection.close();
    this.#publish([]);
  }

  #publish(streams: readonly SourceStream[]): void {
    if (this.#isClosed || (streams.length === 0 && this.#streams.length === 0)) return;
    this.#streams = streams;
    this.#owner.onStreamsChanged();
  }
}
