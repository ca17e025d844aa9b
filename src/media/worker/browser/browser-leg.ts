/** A browser's leg: its connections by name, each of which negotiates by itself. */
import type { ConnectedLegOptions, Leg, LegEvents, LegStatistics } from '../leg.js';
import { noStatistics, sumOfStatistics } from '../leg-statistics.js';
import type { TrackKind } from '../source-track.js';
import type { BrowserConnectionSettings } from './browser-connection.js';
import { type ConnectionOwner, NamedConnection } from './named-connection.js';

export type BrowserLegOptions = ConnectedLegOptions & BrowserConnectionSettings;

export class BrowserLeg implements Leg {
  readonly legId: string;
  readonly kind = 'browser';
  readonly connections: ReadonlyMap<string, NamedConnection>;
  readonly #events: LegEvents;
  #isConnected = false;
  #isClosed = false;

  constructor(options: BrowserLegOptions) {
    this.legId = options.legId;
    this.#events = options.events;
    this.connections = new Map(
      options.connections.map((connection) => [
        connection.name,
        new NamedConnection({ connection, leg: options, owner: this.#owner }),
      ]),
    );
  }

  setMayPublish(mayPublish: ReadonlySet<TrackKind>): void {
    for (const connection of this.connections.values()) connection.setMayPublish(mayPublish);
  }

  statistics(): LegStatistics {
    const counted = [...this.connections.values()]
      .map((connection) => connection.statistics())
      .reduce(sumOfStatistics, noStatistics);
    return { ...counted, encryption: 'dtls' };
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (const connection of this.connections.values()) connection.close();
  }

  readonly #owner: ConnectionOwner = {
    onConnected: () => {
      if (this.#isClosed || this.#isConnected) return;
      this.#isConnected = true;
      this.#events.onConnected();
    },
    onStreamsChanged: () => {
      if (this.#isClosed) return;
      this.#events.onStreams([...this.connections.values()].flatMap(({ streams }) => streams));
    },
    onKeyDown: () => {
      if (!this.#isClosed) this.#events.onKeyDown();
    },
    onDtmf: (digit, durationMs) => {
      if (!this.#isClosed) this.#events.onDtmf(digit, durationMs);
    },
    onNegotiationNeeded: (name) => {
      if (!this.#isClosed) this.#events.onNegotiationNeeded(name);
    },
    onFault: (error) => {
      if (!this.#isClosed) this.#events.onFault(error);
    },
    onLost: (reason) => {
      if (this.#isClosed) return;
      this.close();
      this.#events.onEnded(reason);
    },
  };
}

export function createBrowserLeg(options: BrowserLegOptions): BrowserLeg {
  return new BrowserLeg(options);
}
