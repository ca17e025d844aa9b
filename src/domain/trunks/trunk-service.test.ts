import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../../test/support/manual-clock.js';
import { TrunkDirectory } from './trunk-directory.js';
import { TrunkService } from './trunk-service.js';
import type { Trunk, TrunkStore } from './trunk.js';

/** Keeps trunks a turn later. */
function store(): TrunkStore {
  const kept = new Map<string, Trunk>();
  return {
    async createTrunk(trunk) {
      await Promise.resolve();
      kept.set(trunk.id, trunk);
      return { result: 'created' };
    },
    async replaceTrunk(trunk) {
      await Promise.resolve();
      kept.set(trunk.id, trunk);
      return 'replaced';
    },
    getTrunk: (_accountId, trunkId) => Promise.resolve(kept.get(trunkId) ?? null),
    listTrunks: () => Promise.resolve({ trunks: [...kept.values()], next: null }),
    allTrunks: () => Promise.resolve([...kept.values()]),
    deleteTrunk: (_accountId, trunkId) => Promise.resolve(kept.delete(trunkId)),
  };
}

function service(verifiesCallers = false) {
  return new TrunkService({
    verifiesCallers,
    credentialFields: ['X-Token'],
    ...{ trunks: store(), directory: new TrunkDirectory() },
    ...{ normalize: (text) => text, secretHash: () => 'hash', onDeleted: () => undefined },
    clock: new ManualClock(),
    outbound: { mayReach: () => true, hindrance: null, hasTls: true, shortestPingSeconds: 10 },
    limits: {
      ...{ maxPerAccount: 100, minIpv4Prefix: 20, minIpv6Prefix: 40 },
      ...{ maxIpv4Addresses: 512, maxIpv6Subnets: 4 },
    },
  });
}

const at = (...networks: string[]) => ({ inbound: { networks } });

describe('The networks of an account’s trunks', () => {
  it('are each no wider than allowed', async () => {
    await expect(service().create('acme', at('10.0.0.0/19'))).rejects.toThrow(/too wide.*\/20/);
    await expect(service().create('acme', at('2001:db8::/39'))).rejects.toThrow(/too wide.*\/40/);
  });

  it('have so many addresses together, over all its trunks, and none of another’s count', async () => {
    const trunks = service();
    await trunks.create('acme', at('192.0.2.0/24'));
    await trunks.create('other', at('203.0.113.0/24', '203.0.112.0/24'));
    await expect(trunks.create('acme', at('198.51.100.0/24', '203.0.113.1'))).rejects.toThrow(
      /513 IPv4 addresses in their networks, 512 are allowed/,
    );
    await trunks.create('acme', at('198.51.100.0/24', '192.0.2.0/24'));
    await expect(trunks.create('acme', at('2001:db8::/61'))).rejects.toThrow(
      /8 networks of \/64.*4 are allowed/,
    );
    await trunks.create('acme', at('2001:db8::/62'));
  });

  it('are counted as they become, and not while their trunk is off', async () => {
    const trunks = service();
    const { id } = await trunks.create('acme', at('192.0.2.0/24', '198.51.100.0/24'));
    await trunks.replace('acme', id, at('203.0.113.0/24'));
    const off = await trunks.create('acme', { isEnabled: false, ...at('10.0.0.0/20') });
    await trunks.create('acme', at('192.0.2.0/24'));
    await expect(trunks.replace('acme', off.id, at('10.0.0.0/20'))).rejects.toThrow(/4608 IPv4 addresses/);
    await trunks.delete('acme', id);
    await trunks.replace('acme', off.id, at('10.0.0.0/24'));
  });

  it('are no wider where several are asked for at the same moment', async () => {
    const trunks = service();
    const networks = ['192.0.2.0/24', '198.51.100.0/24', '203.0.113.0/24', '10.0.0.0/24'];
    const results = await Promise.allSettled(networks.map((network) => trunks.create('acme', at(network))));
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(2);
  });
});

describe('A trunk that asks for signatures', () => {
  it('is made where they can be verified, and there alone', async () => {
    const asking = { inbound: { networks: ['192.0.2.1'], stir: 'require' } } as const;
    expect(await service(true).create('acme', asking)).toMatchObject(asking);
    await expect(service().create('acme', asking)).rejects.toThrow(/stir\.ca/);
    expect((await service().create('acme', at('192.0.2.1'))).inbound.stir).toBe('off');
  });
});

describe('The policies of a trunk', () => {
  it('need no list of authorities where its carrier verifies', async () => {
    const inbound = { networks: ['192.0.2.1'], stir: 'require' as const };
    await expect(service().create('acme', { inbound })).rejects.toThrow('stir.ca');
    const kept = await service().create('acme', { inbound: { ...inbound, verifiedBy: 'carrier' } });
    expect(kept.inbound).toMatchObject({ stir: 'require', verifiedBy: 'carrier' });
  });

  it('are its defaults where nothing is said: all codecs, keys by whichever way, no header field, all places of the caller', async () => {
    expect(await service().create('acme', {})).toMatchObject({
      media: { codecs: null, dtmf: 'auto', srtp: null },
      inbound: {
        headers: [],
        callerIdentity: ['p-asserted-identity', 'remote-party-id', 'p-preferred-identity', 'from'],
      },
    });
    const kept = await service().create('acme', {
      media: { codecs: ['PCMA'], dtmf: 'info', srtp: 'require' },
    });
    expect(kept.media).toEqual({ codecs: ['PCMA'], dtmf: 'info', srtp: 'require' });
  });

  it.each(['x-token', 'Authorization', 'From', 'User-to-User'])('show no field %s', async (name) => {
    await expect(service().create('acme', { inbound: { headers: ['X-Fine', name] } })).rejects.toThrow(
      `inbound.headers: ${name} is never shown`,
    );
  });
});
