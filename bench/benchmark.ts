/** What a benchmark is, and the rows of the table that it prints. */
export interface BenchmarkRow {
  readonly what: string;
  readonly measured: string;
  /** The goal that the figure is compared with (docs/benchmarks.md); absent where there is none. */
  readonly goal?: string;
  readonly isMet?: boolean;
}

/** One benchmark: bounded in time, leaves nothing behind. */
export interface Benchmark {
  readonly name: string;
  run(): Promise<BenchmarkRow[]>;
}

/** A figure with its goal, where smaller is better. */
export function atMost(what: string, value: number, unit: string, goal?: number, digits = 2): BenchmarkRow {
  const measured = `${value.toFixed(digits)} ${unit}`;
  return goal === undefined
    ? { what, measured }
    : { what, measured, goal: `≤ ${goal} ${unit}`, isMet: value <= goal };
}

/** A figure with its goal, where larger is better. */
export function atLeast(what: string, value: number, unit: string, goal: number): BenchmarkRow {
  return { what, measured: `${value} ${unit}`, goal: `≥ ${goal} ${unit}`, isMet: value >= goal };
}

/** The nearest-rank percentile; NaN of nothing. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN;
}

export function formatTable(rows: readonly BenchmarkRow[]): string {
  const cells = [
    ['what', 'measured', 'goal', ''],
    ...rows.map(({ what, measured, goal, isMet }) => [
      what,
      measured,
      goal ?? '',
      isMet === undefined ? '' : isMet ? 'met' : 'NOT met',
    ]),
  ];
  const widths = cells[0]!.map((_, column) => Math.max(...cells.map((row) => [...row[column]!].length)));
  const lines = cells.map((row) =>
    row
      .map((cell, column) => cell + ' '.repeat(widths[column]! - [...cell].length))
      .join('  ')
      .trimEnd(),
  );
  return [lines[0]!, widths.map((width) => '-'.repeat(width)).join('  '), ...lines.slice(1)].join('\n');
}
