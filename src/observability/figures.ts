/** Figures that another part counts: read when Prometheus asks. */
import { Counter, Gauge, type Registry } from 'prom-client';

export interface FigureValue {
  readonly labels?: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface Figure {
  readonly type: 'counter' | 'gauge';
  /** Without the prefix `landbridge_`. */
  readonly name: string;
  readonly help: string;
  readonly labels?: readonly string[];
  readonly read: () => readonly FigureValue[];
}

export function registerFigure(registry: Registry, figure: Figure): void {
  const { read } = figure;
  const options = {
    name: `landbridge_${figure.name}`,
    help: figure.help,
    labelNames: [...(figure.labels ?? [])],
    registers: [registry],
  };
  if (figure.type === 'gauge') {
    new Gauge({
      ...options,
      collect() {
        this.reset();
        for (const { labels, value } of read()) this.set({ ...labels }, value);
      },
    });
  } else {
    new Counter({
      ...options,
      collect() {
        this.reset();
        for (const { labels, value } of read()) this.inc({ ...labels }, value);
      },
    });
  }
}
