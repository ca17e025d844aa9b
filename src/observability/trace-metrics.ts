/** Who watches SIP messages. */
import type { Figures } from './figures.js';

export interface TraceFigures {
  readonly traces: number;
  readonly calls: number;
  /** To the collector, since the start. */
  readonly sent: number;
  readonly dropped: number;
}

export function exposeTraces(figures: Figures, read: () => TraceFigures): void {
  figures.gauge('sip_traces', 'Traces that accounts asked for.', () => read().traces);
  figures.gauge('sip_traced_calls', 'Calls whose SIP messages are kept for traces.', () => read().calls);
  figures.counter('hep_messages_sent_total', 'SIP messages sent to the HEP collector.', () => read().sent);
  figures.counter(
    'hep_messages_dropped_total',
    'SIP messages that were not sent to the HEP collector: too long, or its name leads nowhere.',
    () => read().dropped,
  );
}
