/** The figures of the servers beside the gateway: drachtio-server and FreeSWITCH. */
import type { Registry } from 'prom-client';
import { type FigureValue, registerFigure } from './figures.js';

export interface ServerFigures {
  readonly drachtio: readonly {
    readonly server: string;
    readonly connected: boolean;
    readonly deaf: boolean;
    readonly calls: number;
    readonly reconnects: number;
    readonly probesFailed: number;
    readonly requestsDropped: number;
  }[];
  readonly freeSwitch: readonly {
    readonly host: string;
    readonly port: number;
    readonly isAlive: boolean;
    readonly legs: number;
  }[];
}

export function exposeServers(registry: Registry, read: () => ServerFigures): void {
  const expose = (
    type: 'counter' | 'gauge',
    name: string,
    help: string,
    values: (figures: ServerFigures) => readonly FigureValue[],
  ) => registerFigure(registry, { type, name, help, labels: ['server'], read: () => values(read()) });
  type Drachtio = ServerFigures['drachtio'][number];
  const ofDrachtio = (pick: (server: Drachtio) => number) => (figures: ServerFigures) =>
    figures.drachtio.map((one) => ({ labels: { server: one.server }, value: pick(one) }));
  type FreeSwitch = ServerFigures['freeSwitch'][number];
  const ofFreeSwitch = (pick: (server: FreeSwitch) => number) => (figures: ServerFigures) =>
    figures.freeSwitch.map((one) => ({ labels: { server: `${one.host}:${one.port}` }, value: pick(one) }));

  expose(
    'gauge',
    'drachtio_up',
    '1 while the drachtio-server is connected and passes on what it gets.',
    ofDrachtio(({ connected, deaf }) => (connected && !deaf ? 1 : 0)),
  );
  expose(
    'gauge',
    'drachtio_calls',
    'Calls now that came through the drachtio-server.',
    ofDrachtio(({ calls }) => calls),
  );
  expose(
    'counter',
    'drachtio_reconnects_total',
    'Connections to the drachtio-server after the first.',
    ofDrachtio(({ reconnects }) => reconnects),
  );
  expose(
    'counter',
    'drachtio_probes_failed_total',
    'Probes over SIP that did not come back from the drachtio-server.',
    ofDrachtio(({ probesFailed }) => probesFailed),
  );
  expose(
    'counter',
    'drachtio_requests_dropped_total',
    'Requests left unanswered because more came than the drachtio-server took answers for.',
    ofDrachtio(({ requestsDropped }) => requestsDropped),
  );
  expose(
    'gauge',
    'freeswitch_up',
    '1 while the FreeSWITCH takes calls.',
    ofFreeSwitch(({ isAlive }) => (isAlive ? 1 : 0)),
  );
  expose(
    'gauge',
    'freeswitch_legs',
    'Phone legs through the FreeSWITCH.',
    ofFreeSwitch(({ legs }) => legs),
  );
}
