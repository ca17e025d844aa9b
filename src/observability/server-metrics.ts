/** The figures of the servers beside the gateway: drachtio-server and FreeSWITCH. */
import type { Figures } from './figures.js';

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

export function exposeServers(figures: Figures, read: () => ServerFigures): void {
  type Drachtio = ServerFigures['drachtio'][number];
  const ofDrachtio = (pick: (server: Drachtio) => number) => () =>
    Object.fromEntries(read().drachtio.map((one) => [one.server, pick(one)]));
  type FreeSwitch = ServerFigures['freeSwitch'][number];
  const ofFreeSwitch = (pick: (server: FreeSwitch) => number) => () =>
    Object.fromEntries(read().freeSwitch.map((one) => [`${one.host}:${one.port}`, pick(one)]));

  figures.gaugeBy(
    'server',
    'drachtio_up',
    '1 while the drachtio-server is connected and passes on what it gets.',
    ofDrachtio(({ connected, deaf }) => (connected && !deaf ? 1 : 0)),
  );
  figures.gaugeBy(
    'server',
    'drachtio_calls',
    'Calls now that came through the drachtio-server.',
    ofDrachtio(({ calls }) => calls),
  );
  figures.counterBy(
    'server',
    'drachtio_reconnects_total',
    'Connections to the drachtio-server after the first.',
    ofDrachtio(({ reconnects }) => reconnects),
  );
  figures.counterBy(
    'server',
    'drachtio_probes_failed_total',
    'Probes over SIP that did not come back from the drachtio-server.',
    ofDrachtio(({ probesFailed }) => probesFailed),
  );
  figures.counterBy(
    'server',
    'drachtio_requests_dropped_total',
    'Requests left unanswered because more came than the drachtio-server took answers for.',
    ofDrachtio(({ requestsDropped }) => requestsDropped),
  );
  figures.gaugeBy(
    'server',
    'freeswitch_up',
    '1 while the FreeSWITCH takes calls.',
    ofFreeSwitch(({ isAlive }) => (isAlive ? 1 : 0)),
  );
  figures.gaugeBy(
    'server',
    'freeswitch_legs',
    'Phone legs through the FreeSWITCH.',
    ofFreeSwitch(({ legs }) => legs),
  );
}
