/** What every store of trunks does. */
import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { Trunk } from '../../src/domain/trunks/trunk.js';
import { useStores, type OpenedPlace } from './opened-place.js';

const accountId = 'acme';
const now = 1_700_000_000_000;

function trunk(changes: Partial<Trunk> = {}): Trunk {
  return {
    ...{ id: randomUUID(), accountId, name: null, isEnabled: true, numbers: null },
    inbound: {
      networks: [],
      certificateNames: [],
      digest: null,
      calledNumber: ['request-uri'],
      callerIdentity: ['from'],
      stir: 'off',
      verifiedBy: 'gateway',
      headers: [],
    },
    outbound: null,
    media: { codecs: null, dtmf: 'auto', srtp: null },
    ...{ allowedCallers: null, allowedCalled: null, maxConcurrentCalls: null, maxCallsPerSecond: null },
    ...{ createdAt: now, key: null, fingerprint: 'f' },
    ...changes,
  };
}

const full: Partial<Trunk> = {
  ...{ name: 'a name', isEnabled: false, numbers: ['+15550001'], allowedCallers: ['*'], allowedCalled: [] },
  inbound: {
    ...{
      networks: ['192.0.2.0/24'],
      certificateNames: [],
      calledNumber: ['to', 'request-uri'],
      callerIdentity: ['p-asserted-identity', 'from'],
      stir: 'report',
      verifiedBy: 'carrier',
      headers: ['X-Account'],
    },
    digest: { username: 'pbx', secrets: { 'SHA-256': 'a', MD5: 'b' } },
  },
  media: { codecs: ['PCMA'], dtmf: 'info', srtp: 'require' },
  outbound: {
    targets: [
      {
        ...{ host: 'sip.example.com', port: 5061, transport: 'tls', priority: 2, weight: 3 },
        tlsServerName: 'example.com',
      },
    ],
    digest: { username: 'us', password: 'secret', realm: null },
    fromDomain: 'example.com',
    registration: { user: 'us', expiresSeconds: 600, contactUser: 'lb1' },
  },
  ...{ maxConcurrentCalls: 7, maxCallsPerSecond: 3 },
};

export function describeTrunkStore(name: string, prepare: () => Promise<OpenedPlace>): void {
  describe(name, () => {
    const { stores, reopen } = useStores(prepare);

    it('keeps what it was given, field by field, also over its own end', async () => {
      const wanted = trunk({ ...full, key: 'k 1' });
      expect(await stores().trunks.createTrunk(wanted, 10)).toEqual({ result: 'created' });
      await reopen();
      expect(await stores().trunks.getTrunk(accountId, wanted.id)).toEqual(wanted);
      expect(await stores().trunks.allTrunks()).toEqual([wanted]);
    });

    it('replaces all but whose it is, when it was made and by which key', async () => {
      const { trunks } = stores();
      const before = trunk({ key: 'k' });
      await trunks.createTrunk(before, 10);
      expect(await trunks.replaceTrunk({ ...before, ...full, key: 'other', createdAt: 1 })).toBe('replaced');
      await reopen();
      expect(await stores().trunks.getTrunk(accountId, before.id)).toEqual({ ...before, ...full });
      expect(await stores().trunks.replaceTrunk(trunk())).toBe('gone');
    });

    it('shows an account nothing of another', async () => {
      const { trunks } = stores();
      const wanted = trunk();
      await trunks.createTrunk(wanted, 10);
      expect(await trunks.getTrunk('other', wanted.id)).toBeNull();
      expect(await trunks.replaceTrunk({ ...wanted, accountId: 'other' })).toBe('gone');
      expect(await trunks.deleteTrunk('other', wanted.id)).toBe(false);
      expect(await trunks.listTrunks({ accountId: 'other', limit: 10 })).toEqual({ trunks: [], next: null });
      expect(await trunks.getTrunk(accountId, wanted.id)).toEqual(wanted);
    });

    it('makes one for a key of an account, however many ask at once', async () => {
      const { trunks } = stores();
      const wanted = Array.from({ length: 4 }, () => trunk({ key: 'same' }));
      const results = await Promise.all(wanted.map((one) => trunks.createTrunk(one, 10)));
      expect(results.map(({ result }) => result).sort()).toEqual([
        'created',
        'existing',
        'existing',
        'existing',
      ]);
      const [kept] = (await trunks.listTrunks({ accountId, limit: 10 })).trunks;
      for (const result of results) if (result.result === 'existing') expect(result.trunk).toEqual(kept);
      expect(await trunks.createTrunk(trunk({ key: 'same', accountId: 'other' }), 10)).toEqual({
        result: 'created',
      });
    });

    it('makes no more than the limit, until one is deleted', async () => {
      const { trunks } = stores();
      const wanted = Array.from({ length: 4 }, () => trunk());
      const results = await Promise.all(wanted.map((one) => trunks.createTrunk(one, 2)));
      expect(results.map(({ result }) => result)).toEqual(['created', 'created', 'too-many', 'too-many']);
      expect(await trunks.deleteTrunk(accountId, wanted[0]?.id ?? '')).toBe(true);
      expect(await trunks.deleteTrunk(accountId, wanted[0]?.id ?? '')).toBe(false);
      expect(await trunks.createTrunk(trunk(), 2)).toEqual({ result: 'created' });
    });

    it('lets no two trunks have one user name, whosever they are', async () => {
      const { trunks } = stores();
      const named = (username: string, changes: Partial<Trunk> = {}): Trunk => {
        const one = trunk(changes);
        return { ...one, inbound: { ...one.inbound, digest: { username, secrets: { MD5: 'x' } } } };
      };
      const first = named('pbx');
      const second = named('other', { accountId: 'other' });
      expect(await trunks.createTrunk(first, 10)).toEqual({ result: 'created' });
      expect(await trunks.createTrunk(named('pbx', { accountId: 'other' }), 10)).toEqual({
        result: 'username-taken',
      });
      expect(await trunks.createTrunk(second, 10)).toEqual({ result: 'created' });
      const renamed = { ...second, inbound: named('pbx').inbound };
      expect(await trunks.replaceTrunk(renamed)).toBe('username-taken');
      expect(await trunks.replaceTrunk({ ...first, name: 'same' })).toBe('replaced');
      await trunks.deleteTrunk(accountId, first.id);
      expect(await trunks.replaceTrunk(renamed)).toBe('replaced');
    });

    it('lists page by page, the newest first, and all of every account, the oldest first', async () => {
      const { trunks } = stores();
      const ids: string[] = [];
      for (const of of [accountId, 'other', accountId, accountId]) {
        const one = trunk({ accountId: of });
        ids.push(one.id);
        await trunks.createTrunk(one, 10);
      }
      const first = await trunks.listTrunks({ accountId, limit: 2 });
      expect(first.trunks.map(({ id }) => id)).toEqual([ids[3], ids[2]]);
      const second = await trunks.listTrunks({ accountId, limit: 2, after: first.next ?? 0 });
      expect(second).toMatchObject({ trunks: [{ id: ids[0] }], next: null });
      expect((await trunks.allTrunks()).map(({ id }) => id)).toEqual(ids);
    });
  });
}
