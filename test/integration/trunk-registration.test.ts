/** The gateway registers with carriers, over real sockets, and gives that back. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { audioOffer } from '../support/raw-sip.js';
import { Registrar } from '../support/registrar.js';
import { isBesideDrachtio } from '../support/servers-beside.js';
import { TestGateway } from '../support/start-gateway.js';
import { waitFor } from '../support/wait-for.js';

interface Trunk {
  readonly id: string;
  readonly outbound: object | null;
  readonly state: {
    readonly registration: {
      readonly status: string;
      readonly target: string | null;
      readonly expiresAt: string | null;
      readonly failure: { readonly code: string; readonly sipStatus: number | null } | null;
    } | null;
  } | null;
}

const environment = {
  LANDBRIDGE_TRUNKS_ALLOWED_NETWORKS: '127.0.0.0/8',
  ...{ LANDBRIDGE_TRUNKS_SHORTEST_REFRESH_SECONDS: '1', LANDBRIDGE_NEXT_HOP_UDP_KEEP_ALIVE_SECONDS: '5' },
  ...{ LANDBRIDGE_TRUNKS_RETRY_SECONDS: '1', LANDBRIDGE_TRUNKS_UNREGISTER_SECONDS: '5' },
};
const gateways: TestGateway[] = [];
const registrars: Registrar[] = [];
let gateway: TestGateway;

async function startGateway(more: Record<string, string> = {}): Promise<TestGateway> {
  const started = await TestGateway.start({ environment: { ...environment, ...more } });
  gateways.push(started);
  return started;
}

async function openRegistrar(port?: number): Promise<Registrar> {
  const registrar = await Registrar.open(port);
  registrars.push(registrar);
  return registrar;
}

function outbound(registrar: Registrar, transport: 'udp' | 'tcp' = 'udp', changes: object = {}) {
  const port = transport === 'udp' ? registrar.udpPort : registrar.tcpPort;
  return {
    targets: [{ host: '127.0.0.1', port, transport }],
    digest: { username: registrar.username, password: registrar.password },
    fromDomain: 'carrier.test',
    registration: { expiresSeconds: 600 },
    ...changes,
  };
}

const get = ({ id }: Trunk) => gateway.rest.done<Trunk>('GET', `/trunks/${id}`);

async function become(trunk: Trunk, status: string): Promise<NonNullable<Trunk['state']>['registration']> {
  let state: NonNullable<Trunk['state']>['registration'] = null;
  await waitFor(`the trunk is ${status}`, async () => {
    state = (await get(trunk)).state?.registration ?? null;
    return state?.status === status;
  });
  return state;
}

beforeAll(async () => {
  gateway = await startGateway();
});
afterEach(async () => {
  const { trunks } = await gateway.rest.done<{ trunks: Trunk[] }>('GET', '/trunks');
  for (const { id } of trunks) await gateway.rest.done('DELETE', `/trunks/${id}`);
  for (const registrar of registrars.splice(0)) await registrar.close();
});
afterAll(async () => {
  for (const one of gateways) await one.stop();
});

describe.skipIf(isBesideDrachtio)('A trunk that is registered with its carrier', () => {
  it.each(['udp', 'tcp'] as const)(
    'is over %s, with a password, and as its state and facts say',
    async (transport) => {
      const registrar = await openRegistrar();
      const events = await gateway.follow();
      const trunk = await gateway.rest.done<Trunk>('POST', '/trunks', {
        outbound: outbound(registrar, transport),
      });
      expect(trunk.outbound).toMatchObject({
        digest: { username: 'us', realm: null },
        registration: { user: 'us' },
      });
      const state = await become(trunk, 'registered');
      expect(state).toMatchObject({ target: '127.0.0.1', failure: null });
      expect(Date.parse(state?.expiresAt ?? '') - Date.now()).toBeGreaterThan(500_000);
      expect(registrar.heard.map(({ status }) => status)).toEqual([401, 200]);
      const [contact = ''] = registrar.contacts.values();
      expect(contact).toMatch(
        transport === 'udp'
          ? /^sip:lb[0-9a-f]{32}@127\.0\.0\.1:\d+$/
          : /^sip:lb[0-9a-f]{32}@127\.0\.0\.1:\d+;transport=tcp$/,
      );
      expect(contact).toContain(`:${gateway.sipPort}`);
      const { data } = await events.wait('trunk.registered');
      expect(data).toEqual({ trunkId: trunk.id, target: '127.0.0.1', expiresSeconds: 600 });
      await events.close();

      await gateway.rest.done('DELETE', `/trunks/${trunk.id}`);
      await waitFor('it is given back', () => registrar.contacts.size === 0);
      const shown = JSON.stringify([gateway.log, trunk, state]);
      expect(shown).not.toContain(registrar.password);
      expect(shown).not.toContain(contact.slice(4, 38));
    },
  );

  it('is renewed before its time, also with a nonce that is too old by then', async () => {
    const registrar = await openRegistrar();
    registrar.maxExpires = 2;
    await gateway.rest.done<Trunk>('POST', '/trunks', { outbound: outbound(registrar) });
    await registrar.next();
    registrar.forgetNonces();
    await registrar.next(401);
    await registrar.next();
    expect(registrar.contacts.size).toBe(1);
  });

  it('over UDP is held open between its renewals, until it is given back', async () => {
    const registrar = await openRegistrar();
    const trunk = await gateway.rest.done<Trunk>('POST', '/trunks', { outbound: outbound(registrar) });
    await become(trunk, 'registered');
    await waitFor('it is pinged', () => registrar.keepAlives > 0);
    expect(registrar.heard.map(({ status }) => status)).toEqual([401, 200]);
    await gateway.rest.done('DELETE', `/trunks/${trunk.id}`);
    await waitFor('it is given back', () => registrar.contacts.size === 0);
  });

  it('asks for as long as the carrier wants', async () => {
    const registrar = await openRegistrar();
    registrar.minExpires = 1200;
    const trunk = await gateway.rest.done<Trunk>('POST', '/trunks', { outbound: outbound(registrar) });
    await become(trunk, 'registered');
    expect(registrar.heard.map(({ status, expires }) => [status, expires])).toEqual([
      ...[
        [401, 600],
        [423, 600],
        [200, 1200],
      ],
    ]);
  });

  it('with a wrong password is left alone until it is changed', async () => {
    const registrar = await openRegistrar();
    const events = await gateway.follow();
    const wrong = outbound(registrar, 'udp', { digest: { username: 'us', password: 'wrong' } });
    const trunk = await gateway.rest.done<Trunk>('POST', '/trunks', { outbound: wrong });
    const { data } = await events.wait('trunk.registrationFailed');
    expect(data).toEqual({ trunkId: trunk.id, target: null, code: 'authentication-failed', sipStatus: 401 });
    expect(await become(trunk, 'refused')).toMatchObject({ failure: { sipStatus: 401 } });
    expect(registrar.heard.length).toBeLessThanOrEqual(3);
    await gateway.rest.done('PUT', `/trunks/${trunk.id}`, { outbound: outbound(registrar) });
    await become(trunk, 'registered');
    // The password stays where a replacement gives none.
    const kept = outbound(registrar, 'udp', {
      digest: { username: 'us' },
      registration: { expiresSeconds: 300 },
    });
    await gateway.rest.done('PUT', `/trunks/${trunk.id}`, { outbound: kept });
    await waitFor('it is registered anew', () =>
      registrar.heard.some(({ status, expires }) => status === 200 && expires === 300),
    );
    expect(registrar.contacts.size).toBe(1);
    await events.close();
  });

  it('is made anew at once when the connection breaks, and after a while when the carrier was gone', async () => {
    const registrar = await openRegistrar();
    const trunk = await gateway.rest.done<Trunk>('POST', '/trunks', { outbound: outbound(registrar, 'tcp') });
    await become(trunk, 'registered');
    const port = registrar.tcpPort;
    await registrar.close();
    registrars.splice(0);
    await become(trunk, 'failed');
    const again = await openRegistrar(port);
    await become(trunk, 'registered');
    expect(again.contacts.size).toBe(1);
  });

  it('goes to the next target where the first is not there', async () => {
    const gone = await openRegistrar();
    const there = await openRegistrar();
    gone.failsWith = 503;
    const targets = [
      { uri: `sip:127.0.0.1:${gone.udpPort}`, priority: 1 },
      { uri: `sip:127.0.0.1:${there.tcpPort};transport=tcp`, priority: 2 },
    ];
    await gateway.rest.done<Trunk>('POST', '/trunks', { outbound: outbound(there, 'tcp', { targets }) });
    await there.next();
    expect(gone.heard.map(({ status }) => status)).toEqual([503]);
  });

  it('is given back while the gateway takes no calls, and at its end', async () => {
    const draining = await startGateway();
    const registrar = await openRegistrar();
    await draining.rest.done<Trunk>('POST', '/trunks', { outbound: outbound(registrar) });
    await waitFor('it is registered', () => registrar.contacts.size === 1);
    const node = (method: string) =>
      fetch(`${draining.origin}/v1/node/drain`, { method, headers: draining.rest.headers });
    expect((await node('PUT')).ok).toBe(true);
    await waitFor('it is given back', () => registrar.contacts.size === 0);
    expect((await node('DELETE')).ok).toBe(true);
    await waitFor('it is registered again', () => registrar.contacts.size === 1);
    await draining.stop();
    expect(registrar.contacts.size).toBe(0);
  });
});

describe.skipIf(isBesideDrachtio)('A call by a registration', () => {
  const number = '+14155550177';
  const calling = async (transport: 'udp' | 'tcp', fields: object = {}) => {
    const registrar = await openRegistrar();
    const wanted = { outbound: outbound(registrar, transport), ...fields };
    const trunk = await gateway.rest.done<Trunk>('POST', '/trunks', wanted);
    await become(trunk, 'registered');
    // There must be a trunk before there is a number; from the second time on it is there.
    await gateway.rest.request('POST', '/numbers', { number, route: { kind: 'new-session' } });
    const [contact = ''] = registrar.contacts.values();
    return { registrar, trunk, contact };
  };
  const call = (registrar: Registrar, uri: string, called = number) =>
    registrar.srf.createUAC(uri, {
      localSdp: audioOffer(40_000),
      headers: { To: `<sip:${called}@carrier.test>` },
    });

  it.each(['udp', 'tcp'] as const)(
    'over %s is the trunk’s, and reaches the number that To names',
    async (transport) => {
      const { registrar, trunk, contact } = await calling(transport);
      const dialog = await call(registrar, contact);
      expect(await gateway.rest.legs()).toMatchObject([{ trunkId: trunk.id }]);
      await dialog.destroy();
      await gateway.idle();
    },
  );

  it('is the trunk’s by the address that registered us, too, and by neither when that is over', async () => {
    const { registrar, trunk, contact } = await calling('tcp');
    const byNumber = contact.replace(/lb[0-9a-f]{32}/, number);
    const dialog = await call(registrar, byNumber);
    expect(await gateway.rest.legs()).toMatchObject([{ trunkId: trunk.id }]);
    await dialog.destroy();
    await expect(call(registrar, contact, '+19995550000')).rejects.toMatchObject({ status: 404 });
    await gateway.rest.done('DELETE', `/trunks/${trunk.id}`);
    await waitFor('it is given back', () => registrar.contacts.size === 0);
    await expect(call(registrar, contact)).rejects.toMatchObject({ status: 403 });
    await waitFor('its address is nobody’s', () =>
      call(registrar, byNumber).then(
        () => false,
        ({ status }: { status: number }) => status === 403 || status === 404,
      ),
    );
    await gateway.idle();
  });
});

describe('What is no outbound side of a trunk', () => {
  const targets = [{ host: 'sip.example.com' }];
  const registration = { user: 'us' };
  it.each([
    [
      'a private address',
      { targets: [{ host: '10.1.2.3' }], registration },
      /10\.1\.2\.3 is a private address/,
    ],
    [
      'one in a URI',
      { targets: [{ uri: 'sip:[fd00::1]:5060' }], registration },
      /fd00::1 is a private address/,
    ],
    ['what looks like one', { targets: [{ host: '127.1' }], registration }, /127\.1 is no host/],
    ['a URI with a user', { targets: [{ uri: 'sip:a@b' }], registration }, /is no URI like/],
    ['a header in a host', { targets: [{ host: 'a\r\nX: y' }], registration }, /is no host/],
    ['a header in a user', { targets, registration: { user: 'a>\r\nX: y' } }, /can be no user/],
    [
      'TLS without a certificate',
      { targets: [{ host: 'a.example', transport: 'tls' }], registration },
      /certificate/,
    ],
    [
      'a certificate’s name without TLS',
      { targets: [{ host: 'a', tlsServerName: 'b' }], registration },
      /tlsServerName/,
    ],
    [
      'a digest without its password',
      { targets, digest: { username: 'us' }, registration },
      /give the password/,
    ],
    ['no user at all', { targets, registration: {} }, /give the user/],
    ['nothing to do', { targets }, /give a registration/],
  ])('is refused in plain words: %s', async (_, wanted, problem) => {
    const { status, body } = await gateway.rest.request('POST', '/trunks', { outbound: wanted });
    expect([status, (body as { code: string }).code]).toEqual([400, 'trunk-unusable']);
    const { error: message } = body as { error: string };
    expect(message).toMatch(isBesideDrachtio ? /drachtio-server/ : problem);
  });
});

describe.skipIf(isBesideDrachtio)('A name that leads inside', () => {
  it('is gone to by nobody', async () => {
    const closed = await startGateway({ LANDBRIDGE_TRUNKS_ALLOWED_NETWORKS: '' });
    const registrar = await openRegistrar();
    const targets = [{ host: 'localhost', port: registrar.udpPort }];
    const { id } = await closed.rest.done<Trunk>('POST', '/trunks', {
      outbound: outbound(registrar, 'udp', { targets }),
    });
    await waitFor('it has failed', async () => {
      const trunk = await closed.rest.done<Trunk>('GET', `/trunks/${id}`);
      const { code, sipStatus } = trunk.state?.registration?.failure ?? {};
      return code === 'no-answer' && sipStatus === null;
    });
    expect(registrar.heard).toEqual([]);
    expect(closed.log.some(({ msg }) => /address that requests may not go to/.test(msg))).toBe(true);
  });
});
