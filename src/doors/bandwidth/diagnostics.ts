/** What is kept of the logs that a client sends: how much of which level. Their text holds tokens and is never looked at. */
import { isRecord } from './json-rpc.js';

const levels = ['debug', 'info', 'warn', 'error'] as const;
/** Entries that are counted; a client collects for five minutes. */
const maxEntries = 10_000;

export type DiagnosticsSummary = Record<(typeof levels)[number] | 'other', number>;

export function diagnosticsSummary(params: unknown): DiagnosticsSummary {
  const summary: DiagnosticsSummary = { debug: 0, info: 0, warn: 0, error: 0, other: 0 };
  const logs = isRecord(params) && Array.isArray(params['logs']) ? (params['logs'] as unknown[]) : [];
  for (const entry of logs.slice(0, maxEntries)) {
    const level = levels.find((name) => isRecord(entry) && entry['level'] === name);
    summary[level ?? 'other'] += 1;
  }
  return summary;
}
