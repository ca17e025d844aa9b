/** Writes docs/reference/metrics.md out of what is registered. `scripts/generate-docs.mjs` keeps it; a test compares. */
import { Metrics } from './metrics.js';

export function formatMetricsReference(): string {
  const intro = [
    '# Metrics',
    '',
    '<!-- Generated from src/observability by scripts/generate-docs.mjs. -->',
    '',
    '`/metrics` answers these in Prometheus’ text format, without credentials. Counters and histograms begin at zero with the',
    'process. Beside them are those of the process itself, by the names that Prometheus’ client for Node gives them',
    '(`process_…`, `nodejs_…`). What to watch is in [deployment.md](../deployment.md).',
    '',
    '| metric | type | labels | |',
    '|---|---|---|---|',
  ];
  const rows = everyMetric().map(({ name, type, labels, help }) => {
    const names = labels.map((label) => `\`${label}\``).join(', ');
    return `| \`${name}\` | ${type} | ${names} | ${help.replaceAll('|', '\\|')} |`;
  });
  return `${[...intro, ...rows].join('\n')}\n`;
}

interface MetricDescription {
  readonly name: string;
  readonly type: string;
  readonly labels: readonly string[];
  readonly help: string;
}

function everyMetric(): MetricDescription[] {
  const metrics = new Metrics();
  // Each of its `observe…` methods registers what another part counts; nothing is read here.
  const observers = Object.getOwnPropertyNames(Metrics.prototype).filter((name) =>
    name.startsWith('observe'),
  );
  for (const name of observers) {
    metrics[name as 'observeLegs'](() => ({}));
  }
  return metrics
    .describe()
    .filter(({ name }) => name.startsWith('landbridge_'))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}
