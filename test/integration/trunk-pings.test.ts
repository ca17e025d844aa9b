/** The gateway asks trunks' servers whether they are there, over real sockets. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Registrar } from '../support/registrar.js';
import { isBesideDrachtio } from '../support/servers-beside.js';
import { TestGateway } from '../support/start-gateway.js';
import { waitFor } from '../support/wait-for.js';

interface Trunk {
  readonly id: string;
  readonly outbound: { readonly ping: object | null } | null;
  readonly state: {
    readonly registration: object | null;
    readonly targets: readonly {
      readonly target: string;
      readonly status: string;
      readonly since: string | null;
      readonly lastStatus: number | null;
    }[];
  } | null;
}

const environment = {
  ...{ LANDBRIDGE_TRUNKS_ALLOWED_NETWORKS: '127.0.0.0/8', LANDBRIDGE_TRUNKS_SHORTEST_PING_SECONDS: '1' },
};
const gateways: TestGateway[] = [];
const carriers: Registrar[] = [];
let gateway: TestGateway;

async function startGateway(more: Record<string, string> = {}): Promise<TestGateway> {
  const started = await TestGateway.start({ environment: { ...environment, ...more } });
  gateways.push(started);
  return started;
}

/** `port`: that of one before. */
async function openCarrier(port?: number): Promise<Registrar> {
  const carrier = await Registrar.open(port);
  carriers.push(carrier);
  return carrier;
}

const uriOf = ({ udpPort }: Registrar) => `sip:127.0.0.1:${udpPort};transport=udp`;
const pinged = (...servers: Registrar[]) => ({
  targets: servers.map((server) => ({ uri: uriOf(server) })),
  ping: { seconds: 1, failures: 1 },
});
const make = (outbound: object, on = gateway) => on.rest.done<Trunk>('POST', '/trunks', { outbound });
const get = ({ id }: Trunk, on = gateway) => on.rest.done<Trunk>('GET', `/trunks/${id}`);

async function become(trunk: Trunk, ...statuses: string[]): Promise<NonNullable<Trunk['state']>['targets']> {
  return waitFor(`the targets are ${statuses.join(', ')}`, async () => {
    const targets = (await get(trunk)).state?.targets ?? [];
    return String(targets.map(({ status }) => status)) === String(statuses) && targets;
  });
}

/** Another server is asked twice meanwhile, and this one was not. */
async function isLeftAlone(carrier: Registrar, on = gateway): Promise<void> {
  const witness = await openCarrier();
  await make(pinged(witness), on);
  await waitFor('the witness is asked', () => witness.options > 0);
  const before = carrier.options;
  const asked = witness.options;
  await waitFor('the witness is asked again', () => witness.options > asked + 2);
  expect(carrier.options).toBe(before);
}

beforeAll(async () => {
  gateway = await startGateway();
});
afterEach(async () => {
  const { trunks } = await gateway.rest.done<{ trunks: Trunk[] }>('GET', '/trunks');
  for (const { id } of trunks) await gateway.rest.done('DELETE', `/trunks/${id}`);
  for (const carrier of carriers.splice(0)) await carrier.close();
});
afterAll(async () => {
  for (const one of gateways) await one.stop();
});

describe.skipIf(isBesideDrachtio)('A trunk’s server', () => {
  it(
    'answers, falls silent and comes back, as state, facts and figures say',
    { timeout: 90_000 },
    async () => {
      const carrier = await openCarrier();
      const events = await gateway.follow();
      const trunk = await make(pinged(carrier));
      expect(trunk.outbound?.ping).toEqual({ seconds: 1, failures: 1, successes: 1 });
      expect(trunk.state?.registration).toBeNull();
      const [up] = await become(trunk, 'up');
      expect(up).toMatchObject({ target: uriOf(carrier), lastStatus: 200 });
      expect(Date.parse(up?.since ?? '')).toBeLessThanOrEqual(Date.now());
      expect((await gateway.metrics()).get('landbridge_trunks_pinged{state="up"}')).toBe(1);

      const port = carrier.udpPort;
      await carrier.close();
      carriers.splice(0);
      const [down] = await become(trunk, 'down');
      expect(down?.lastStatus).toBeNull();
      expect((await gateway.metrics()).get('landbridge_trunks_pinged{state="down"}')).toBe(1);
      const fell = await events.wait('trunk.down');
      expect(fell.data).toEqual({ trunkId: trunk.id, target: up?.target, sipStatus: null });

      await openCarrier(port);
      const rose = await events.wait('trunk.up');
      expect(rose.data).toEqual({ trunkId: trunk.id, target: up?.target, sipStatus: 200 });
      await become(trunk, 'up');
      await events.close();
    },
  );

  it('is up where it refuses with 404, and down where it says 503', async () => {
    const [refusing, failing] = [await openCarrier(), await openCarrier()];
    refusing.optionsStatus = 404;
    failing.optionsStatus = 503;
    const targets = await become(await make(pinged(refusing, failing)), 'up', 'down');
    expect(targets.map(({ lastStatus }) => lastStatus)).toEqual([404, 503]);
  });

  it.each(['deleted', 'disabled'])('of a trunk that is %s is asked no more', async (how) => {
    const carrier = await openCarrier();
    const outbound = pinged(carrier);
    const trunk = await make(outbound);
    await become(trunk, 'up');
    if (how === 'deleted') await gateway.rest.done('DELETE', `/trunks/${trunk.id}`);
    else await gateway.rest.done('PUT', `/trunks/${trunk.id}`, { enabled: false, outbound });
    await isLeftAlone(carrier);
  });

  it('is asked no more while the gateway takes no calls', async () => {
    const draining = await startGateway();
    const carrier = await openCarrier();
    const trunk = await make(pinged(carrier), draining);
    await waitFor('it is asked', () => carrier.options > 0);
    const node = (method: string) =>
      fetch(`${draining.origin}/v1/node/drain`, { method, headers: draining.rest.headers });
    expect((await node('PUT')).ok).toBe(true);
    const witness = await openCarrier();
    await make(pinged(witness));
    await waitFor('another gateway asks', () => witness.options > 0);
    const before = carrier.options;
    await waitFor('it asks again', () => witness.options > 3);
    expect(carrier.options).toBe(before);
    expect((await get(trunk, draining)).state?.targets).toMatchObject([{ status: 'unknown', since: null }]);
    expect((await node('DELETE')).ok).toBe(true);
    await waitFor('it is asked again', () => carrier.options > before);
    await draining.stop();
  });

  it('is not asked where its name leads inside', async () => {
    const closed = await startGateway({ LANDBRIDGE_TRUNKS_ALLOWED_NETWORKS: '' });
    const carrier = await openCarrier();
    const targets = [{ host: 'localhost', port: carrier.udpPort }];
    const trunk = await make({ targets, ping: { seconds: 1 } }, closed);
    await waitFor('it is down', async () => (await get(trunk, closed)).state?.targets[0]?.status === 'down');
    expect(carrier.options).toBe(0);
  });
});

describe.skipIf(isBesideDrachtio)('A ping that is too often', () => {
  it('is refused in plain words', async () => {
    const careful = await startGateway({ LANDBRIDGE_TRUNKS_SHORTEST_PING_SECONDS: '10' });
    const { status, body } = await careful.rest.request('POST', '/trunks', {
      outbound: { targets: [{ host: 'sip.example.com' }], ping: { seconds: 9 } },
    });
    expect([status, body]).toMatchObject([
      400,
      { code: 'trunk-unusable', error: 'outbound.ping: every 9 seconds is too often: give at least 10' },
    ]);
  });
});
