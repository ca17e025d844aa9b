/** Figures that other parts count: read from their owners when Prometheus asks. */
import { Counter, Gauge, type Registry } from 'prom-client';

export type FigureType = 'counter' | 'gauge';

/** Values by the value of the figure's label. */
export type LabelledValues = Readonly<Record<string, number>>;

interface Figure {
  /** Without the prefix `landbridge_`. */
  readonly name: string;
  readonly help: string;
  /** Null where there is one value alone. */
  readonly label: string | null;
  readonly read: () => LabelledValues;
}

/** Registers figures: each with its name without the prefix `landbridge_`, its help, and where it is read. */
export class Figures {
  readonly #registry: Registry;

  constructor(registry: Registry) {
    this.#registry = registry;
  }

  gauge(name: string, help: string, read: () => number): void {
    this.#registerGauge({ name, help, label: null, read: () => ({ '': read() }) });
  }

  counter(name: string, help: string, read: () => number): void {
    this.#registerCounter({ name, help, label: null, read: () => ({ '': read() }) });
  }

  gaugeBy(label: string, name: string, help: string, read: () => LabelledValues): void {
    this.#registerGauge({ name, help, label, read });
  }

  counterBy(label: string, name: string, help: string, read: () => LabelledValues): void {
    this.#registerCounter({ name, help, label, read });
  }

  #registerGauge(figure: Figure): void {
    new Gauge({
      ...this.#options(figure),
      collect() {
        this.reset();
        for (const { labels, value } of valuesOf(figure)) this.set(labels, value);
      },
    });
  }

  #registerCounter(figure: Figure): void {
    new Counter({
      ...this.#options(figure),
      collect() {
        this.reset();
        for (const { labels, value } of valuesOf(figure)) this.inc(labels, value);
      },
    });
  }

  #options({ name, help, label }: Figure) {
    const labelNames = label === null ? [] : [label];
    return { name: `landbridge_${name}`, help, labelNames, registers: [this.#registry] };
  }
}

function valuesOf({ label, read }: Figure): { labels: Record<string, string>; value: number }[] {
  return Object.entries(read()).map(([of, value]) => ({
    labels: label === null ? {} : { [label]: of },
    value,
  }));
}
