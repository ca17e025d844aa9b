/**
 * The servers beside each gateway of a test run: LANDBRIDGE_TEST_BESIDE is `drachtio`, `freeswitch` or both with a plus
 * sign between, and absent for a gateway by itself. So one suite runs over all combinations (`npm run test:beside`).
 */
import { startDrachtio } from './drachtio.js';
import { startFreeSwitch } from './freeswitch.js';

export interface ServersBeside {
  /** For the gateway that they stand beside. */
  readonly environment: Readonly<Record<string, string>>;
  stop(): Promise<void>;
}

const wanted = new Set((process.env['LANDBRIDGE_TEST_BESIDE'] ?? '').split('+').filter(Boolean));
for (const name of wanted)
  if (name !== 'drachtio' && name !== 'freeswitch') throw new Error(`LANDBRIDGE_TEST_BESIDE: ${name}`);

export const isBesideDrachtio = wanted.has('drachtio');
export const isBesideFreeSwitch = wanted.has('freeswitch');

/** Daemons of this process that still run: a test that fails half-way must leave none. */
const running = new Set<number>();
process.once('exit', () => {
  for (const pid of running) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It is gone.
    }
  }
});

/** Throws where one is wanted and not installed. */
export async function startServersBeside(): Promise<ServersBeside> {
  const [drachtio, freeSwitch] = await Promise.all([
    isBesideDrachtio ? present(startDrachtio(), 'drachtio-server') : null,
    isBesideFreeSwitch ? present(startFreeSwitch(), 'FreeSWITCH') : null,
  ]);
  const started = [drachtio, freeSwitch].filter((server) => server !== null);
  for (const { pid } of started) if (pid !== 0) running.add(pid);
  return {
    environment: {
      ...(drachtio && { LANDBRIDGE_DRACHTIO: name(drachtio.admin) }),
      ...(freeSwitch && {
        LANDBRIDGE_FREESWITCH: name(freeSwitch.eventSocket),
        LANDBRIDGE_EDGE_FALLBACK: 'refuse',
      }),
    },
    async stop() {
      await Promise.all(started.map((server) => server.stop()));
      for (const { pid } of started) running.delete(pid);
    },
  };
}

async function present<T>(server: Promise<T | null>, what: string): Promise<T> {
  const started = await server;
  if (started === null) throw new Error(`${what} is wanted beside the gateway and is not installed`);
  return started;
}

function name(address: { readonly host: string; readonly port: number; readonly secret: string }): string {
  return `${address.host}:${address.port}:${address.secret}`;
}
