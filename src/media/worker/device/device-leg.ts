/**
 * The two connections of one device as one leg: what it publishes comes over a connection that it offers, what it receives
 * goes over one that we offer, made when there is something to receive. Either may fail and be made anew by an offer
 * (the device's, or ours): a device ends when its signalling says so, never by its media.
 */
import { createBrowserLeg, type BrowserLeg, type BrowserLegSettings } from '../browser/browser-leg.js';
import type { NegotiatedChannel } from '../browser/browser-transport.js';
import type { Leg, LegEvents, LegOptions, LegStatistics } from '../leg.js';
import type { SourceStream, TrackKind } from '../source-track.js';

/** The channels that Bandwidth's clients open with their publishing connection. */
const channels: readonly NegotiatedChannel[] = [
  { id: 0, label: '__heartbeat__', protocol: 'udp', reply: (text) => (text === 'PING' ? 'PONG' : null) },
  { id: 1, label: '__diagnostics__', protocol: 'udp', reply: () => null },
];

/**
 * Sections of what a device receives. A device that outlived the gateway is offered all of them, and the answer must still
 * be short enough to be read (64 KiB).
 */
const MAX_RECEIVED_SECTIONS = 64;

const nothing: LegStatistics = {
  packetsReceived: 0,
  packetsSent: 0,
  packetsLost: 0,
  packetsFromStrangers: 0,
  jitterMs: 0,
};

const sum = (a: LegStatistics, b: LegStatistics): LegStatistics => ({
  packetsReceived: a.packetsReceived + b.packetsReceived,
  packetsSent: a.packetsSent + b.packetsSent,
  packetsLost: a.packetsLost + b.packetsLost,
  packetsFromStrangers: a.packetsFromStrangers + b.packetsFromStrangers,
  jitterMs: Math.max(a.jitterMs, b.jitterMs),
});

export class DeviceLeg implements Leg {
  readonly legId: string;
  readonly kind = 'browser';
  readonly #options: LegOptions & BrowserLegSettings;
  readonly #events: LegEvents;
  #mayPublish: ReadonlySet<TrackKind>;
  #wanted: readonly SourceStream[] = [];
  #publishing: BrowserLeg | null = null;
  #subscribing: BrowserLeg | null = null;
  /** Of connections that failed. */
  #before = nothing;
  #connectedTold = false;
  #closed = false;

  constructor(options: LegOptions & BrowserLegSettings) {
    this.legId = options.legId;
    this.#options = options;
    this.#events = options.events;
    this.#mayPublish = options.mayPublish;
  }

  async answer(offer: string): Promise<string> {
    const leg = (this.#publishing ??= this.#publisher());
    try {
      return await leg.answer(offer);
    } catch (error) {
      // One that never came to be would bar the next try with its own idea of the sections.
      if (leg.sectionCount === 0 && this.#publishing === leg) this.#publishing = this.#drop(leg);
      throw error;
    }
  }

  offer(): Promise<string> {
    return (this.#subscribing ??= this.#subscriber(0)).offer();
  }

  async accept(answer: string): Promise<void> {
    if (this.#subscribing === null) throw new Error('no offer is outstanding');
    await this.#subscribing.accept(answer);
  }

  rollback(): void {
    this.#subscribing?.rollback();
  }

  receive(streams: readonly SourceStream[]): void {
    if (this.#closed) return;
    this.#wanted = streams;
    if (this.#subscribing !== null) this.#subscribing.receive(streams);
    else if (streams.length > 0) this.#subscribing = this.#subscriber(0);
  }

  setMayPublish(mayPublish: ReadonlySet<TrackKind>): void {
    this.#mayPublish = mayPublish;
    this.#publishing?.setMayPublish(mayPublish);
  }

  statistics(): LegStatistics {
    return [this.#publishing, this.#subscribing].reduce(
      (all, leg) => (leg === null ? all : sum(all, leg.statistics())),
      this.#before,
    );
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#publishing?.close();
    this.#subscribing?.close();
  }

  #publisher(): BrowserLeg {
    const leg = createBrowserLeg({
      ...this.#options,
      mayPublish: this.#mayPublish,
      channels,
      events: {
        onConnected: () => this.#tellConnected(),
        onStreams: (streams) => {
          if (!this.#closed && this.#publishing === leg) this.#events.onStreams(streams);
        },
        onDtmf: (digit, durationMs) => this.#events.onDtmf(digit, durationMs),
        onPlayed: () => undefined,
        // It is sent nothing over this connection.
        onNegotiationNeeded: () => undefined,
        onEnded: () => {
          if (this.#publishing !== leg) return;
          this.#publishing = this.#drop(leg);
          this.#events.onStreams([]);
        },
      },
    });
    return leg;
  }

  /** At least as long as the one before, whose sections the device still holds. */
  #subscriber(minSections: number): BrowserLeg {
    const leg = createBrowserLeg({
      ...this.#options,
      mayPublish: new Set(),
      maxSections: Math.min(this.#options.maxSections ?? MAX_RECEIVED_SECTIONS, MAX_RECEIVED_SECTIONS),
      alternating: { minSections },
      events: {
        onConnected: () => this.#tellConnected(),
        onStreams: () => undefined,
        onDtmf: () => undefined,
        onPlayed: () => undefined,
        onNegotiationNeeded: () => {
          if (!this.#closed && this.#subscribing === leg) this.#events.onNegotiationNeeded();
        },
        onEnded: () => {
          if (this.#subscribing !== leg) return;
          this.#drop(leg);
          this.#subscribing = this.#subscriber(leg.sectionCount);
        },
      },
    });
    leg.receive(this.#wanted);
    return leg;
  }

  #drop(leg: BrowserLeg): null {
    this.#before = sum(this.#before, leg.statistics());
    leg.close();
    return null;
  }

  #tellConnected(): void {
    if (this.#closed || this.#connectedTold) return;
    this.#connectedTold = true;
    this.#events.onConnected();
  }
}

export function createDeviceLeg(options: LegOptions & BrowserLegSettings): DeviceLeg {
  return new DeviceLeg(options);
}
