/**
 * The servers beside each gateway of a test run: LANDBRIDGE_TEST_BESIDE is `drachtio`, `freeswitch` or both with a plus
 * sign between, and absent for a gateway by itself. So one suite runs over all combinations (`npm run test:beside`).
 */
import { startDrachtio, type DrachtioForTests } from './drachtio.js';
import { startFreeSwitch, type FreeSwitchForTests } from './freeswitch.js';
import { waitFor } from './wait-for.js';

export interface ServersBeside {
  /** For the gateway that they stand beside. */
  readonly environment: Readonly<Record<string, string>>;
  /** After a gateway that ended in good order: throws where it left something in them. */
  expectNothingLeft(): Promise<void>;
  stop(): Promise<void>;
}

const wanted = new Set((process.env['LANDBRIDGE_TEST_BESIDE'] ?? '').split('+').filter(Boolean));
for (const name of wanted)
  if (name !== 'drachtio' && name !== 'freeswitch') throw new Error(`LANDBRIDGE_TEST_BESIDE: ${name}`);

export const isBesideDrachtio = wanted.has('drachtio');
export const isBesideFreeSwitch = wanted.has('freeswitch');

/** Those that this run wants. Throws where one is not installed. */
export async function startServersBeside(): Promise<ServersBeside> {
  const [drachtio, freeSwitch] = await Promise.allSettled([
    isBesideDrachtio ? present(startDrachtio(), 'drachtio-server') : null,
    isBesideFreeSwitch ? present(startFreeSwitch(), 'FreeSWITCH') : null,
  ]);
  if (drachtio.status === 'fulfilled' && freeSwitch.status === 'fulfilled')
    return serversBeside({ drachtio: drachtio.value, freeSwitch: freeSwitch.value });
  // Where one does not start, the other does not stay.
  for (const one of [drachtio, freeSwitch]) if (one.status === 'fulfilled') await one.value?.stop();
  throw drachtio.status === 'rejected' ? drachtio.reason : (freeSwitch as PromiseRejectedResult).reason;
}

/** Those of a test that handles them itself; they end with the gateway. */
export function serversBeside({
  drachtio = null,
  freeSwitch = null,
}: {
  readonly drachtio?: DrachtioForTests | null;
  readonly freeSwitch?: FreeSwitchForTests | null;
}): ServersBeside {
  return {
    environment: {
      ...(drachtio && { LANDBRIDGE_DRACHTIO: name(drachtio.admin) }),
      ...(freeSwitch && {
        LANDBRIDGE_FREESWITCH: name(freeSwitch.eventSocket),
        LANDBRIDGE_EDGE_FALLBACK: 'refuse',
      }),
    },
    async expectNothingLeft() {
      // One that runs already may have other gateways.
      if (freeSwitch === null || freeSwitch.pid === 0) return;
      await waitFor('no channel is left in FreeSWITCH', async () => {
        const count = await freeSwitch.api('show channels count').catch(() => 'it is gone, and they with it');
        return /^0 total|it is gone/m.test(count);
      });
    },
    async stop() {
      await Promise.all([drachtio?.stop(), freeSwitch?.stop()]);
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
