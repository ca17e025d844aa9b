/** Figures for Prometheus: counted here as they happen, or read from their owners when asked for. */
import { collectDefaultMetrics, Counter, Histogram, Registry } from 'prom-client';
import type { DomainEvent } from '../domain/facts/event.js';
import type { FactFollower } from '../domain/facts/fact-follower.js';
import type { CallerVerification } from '../domain/participants/caller-verification.js';
import { exposeDelivery, type DeliveryFigures } from './delivery-metrics.js';
import { Figures } from './figures.js';
import { exposeMedia, type MediaFigures } from './media-metrics.js';
import { QualityMetrics } from './quality-metrics.js';
import { exposeRecordings, type RecordingFigures } from './recording-metrics.js';
import { exposeServers, type ServerFigures } from './server-metrics.js';
import { exposeSip, type SipFigures } from './sip-metrics.js';
import { exposeStir, type StirFigures } from './stir-metrics.js';
import { exposeTraces, type TraceFigures } from './trace-metrics.js';

export interface AnsweredRequest {
  readonly method: string;
  /** The pattern, not the path: its values must be few. */
  readonly route: string;
  readonly status: number;
  readonly durationMs: number;
}

/** Bound for unanswered calls that are remembered; far more than can be unanswered at once. */
const maxArrived = 10_000;

export class Metrics implements FactFollower {
  readonly #registry = new Registry();
  readonly #figures = new Figures(this.#registry);
  readonly #requests = this.#counter('http_requests_total', 'HTTP requests answered.', [
    'method',
    'route',
    'status',
  ]);
  readonly #requestSeconds = new Histogram({
    name: 'landbridge_http_request_seconds',
    help: 'Time from request to answer.',
    labelNames: ['method', 'route'],
    buckets: [0.001, 0.005, 0.02, 0.1, 0.5, 2],
    registers: [this.#registry],
  });
  readonly #events = this.#counter('events_total', 'Facts that were kept, by type.', ['type']);
  readonly #joined = this.#counter('legs_joined_total', 'Legs that joined a session.', ['kind']);
  readonly #callsEnded = this.#counter('calls_ended_total', 'Calls that ended.', [
    'door',
    'ended_by',
    'reason',
  ]);
  readonly #refused = this.#counter('legs_refused_total', 'Legs refused, by the refusal’s code.', [
    'door',
    'code',
  ]);
  readonly #verified = this.#counter(
    'stir_calls_total',
    'Calls let in over trunks that ask for signatures, by what these say.',
    ['verification', 'attestation'],
  );
  readonly #hooks = this.#counter(
    'hook_requests_total',
    'Requests of voice platforms to the hooks, by how they were answered.',
    ['platform', 'outcome'],
  );
  readonly #setupSeconds = new Histogram({
    name: 'landbridge_call_setup_seconds',
    help: 'Time from a call’s admission to its answer.',
    labelNames: ['door'],
    buckets: [0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 2],
    registers: [this.#registry],
  });
  readonly #quality = new QualityMetrics(this.#registry);
  /** When each unanswered call was admitted, by leg. */
  readonly #arrived = new Map<string, number>();

  constructor() {
    collectDefaultMetrics({ register: this.#registry });
  }

  /** What the registry writes, and its media type. */
  get contentType(): string {
    return this.#registry.contentType;
  }

  expose(): Promise<string> {
    return this.#registry.metrics();
  }

  /** What is registered, without its values. */
  describe(): { name: string; type: string; labels: readonly string[]; help: string }[] {
    return this.#registry.getMetricsAsArray().map((metric) => {
      // prom-client gives both to the metric and to none of its types.
      const { labelNames, type } = metric as unknown as { labelNames: readonly string[]; type: string };
      return { name: metric.name, type, labels: labelNames, help: metric.help };
    });
  }

  requestAnswered({ method, route, status, durationMs }: AnsweredRequest): void {
    this.#requests.inc({ method, route, status: String(status) });
    this.#requestSeconds.observe({ method, route }, durationMs / 1000);
  }

  /** A leg was refused at a door, with the refusal's code. */
  refused(door: string, code: string): void {
    this.#refused.inc({ door, code });
  }

  /** A voice platform's request was answered, and how. */
  hookAnswered(platform: string, outcome: string): void {
    this.#hooks.inc({ platform, outcome });
  }

  factKept(event: DomainEvent): void {
    this.#events.inc({ type: event.type });
    switch (event.type) {
      case 'participant.joined':
        this.#joined.inc({ kind: event.data.legKind });
        break;
      case 'call.arrived':
        this.#countVerification(event.data.stir);
        if (this.#arrived.size < maxArrived) this.#arrived.set(event.data.legId, event.time);
        break;
      case 'call.answered': {
        const since = this.#arrived.get(event.data.legId);
        if (since !== undefined)
          this.#setupSeconds.observe({ door: event.data.door }, (event.time - since) / 1000);
        this.#arrived.delete(event.data.legId);
        break;
      }
      case 'leg.quality':
        this.#quality.told(event.data);
        break;
      case 'call.ended': {
        const { legId, door, outcome } = event.data;
        this.#arrived.delete(legId);
        this.#callsEnded.inc({ door, ended_by: outcome.endedBy, reason: outcome.reason });
        break;
      }
      default:
    }
  }

  /** Legs live now, by kind (`phone`, `browser`, or `opening`). */
  observeLegs(read: () => Readonly<Record<string, number>>): void {
    this.#figures.gaugeBy('kind', 'legs', 'Legs live now.', read);
  }

  /** Event streams open now. */
  observeEventReaders(read: () => number): void {
    this.#figures.gauge('event_readers', 'Event streams open now.', read);
  }

  /** When certificates end, milliseconds since the epoch, each by its first name. */
  observeCertificates(read: () => Readonly<Record<string, number>>): void {
    const help = 'When the certificate ends, seconds since the epoch.';
    this.#figures.gaugeBy('name', 'tls_certificate_expiry_timestamp_seconds', help, () =>
      Object.fromEntries(Object.entries(read()).map(([name, endMs]) => [name, endMs / 1000])),
    );
  }

  observeDelivery(read: () => DeliveryFigures): void {
    exposeDelivery(this.#figures, read);
  }

  observeRecordings(read: () => RecordingFigures): void {
    exposeRecordings(this.#figures, read);
  }

  observeSip(read: () => SipFigures): void {
    exposeSip(this.#figures, read);
  }

  observeStir(read: () => StirFigures): void {
    exposeStir(this.#figures, read);
  }

  /** Trunks whose servers are pinged, by what is known of them. */
  observeTrunks(read: () => Readonly<Record<string, number>>): void {
    const help = 'Trunks whose servers are pinged: up where one of them answers, down where none does.';
    this.#figures.gaugeBy('state', 'trunks_pinged', help, read);
  }

  observeTraces(read: () => TraceFigures): void {
    exposeTraces(this.#figures, read);
  }

  observeServers(read: () => ServerFigures): void {
    exposeServers(this.#figures, read);
  }

  observeMedia(read: () => MediaFigures): void {
    exposeMedia(this.#figures, read);
  }

  #countVerification(stir: CallerVerification | null): void {
    if (stir === null) return;
    this.#verified.inc({ verification: stir.verification, attestation: stir.attestation ?? '' });
  }

  #counter(name: string, help: string, labelNames: string[]): Counter {
    return new Counter({ name: `landbridge_${name}`, help, labelNames, registers: [this.#registry] });
  }
}
