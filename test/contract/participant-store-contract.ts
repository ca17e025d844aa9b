/** What every store of sessions and participants does. */
import { randomUUID } from 'node:crypto';
import { beforeEach, describe, expect, it } from 'vitest';
import { newParticipant as makeParticipant } from '../../src/domain/participants/new-participant.js';
import type { Participant } from '../../src/domain/participants/participant.js';
import type { Session } from '../../src/domain/participants/session.js';
import type { ParticipantStore, SlotClaim } from '../../src/domain/participants/participant-store.js';
import { useStores, type OpenedPlace } from './opened-place.js';

const account = 'acme';
const subscriptions = { participants: [{ participantId: randomUUID(), streamAliases: ['microphone'] }] };

export function newSession(changes: Partial<Session> = {}): Session {
  return { id: randomUUID(), accountId: account, tag: null, createdAt: 1_700_000_000_000, ...changes };
}

export function newParticipant(changes: Partial<Participant> = {}): Participant {
  return { ...makeParticipant(account, {}, 1_700_000_000_000), ...changes };
}

const claim = (legId: string, nodeId: string, now: number): SlotClaim => ({
  ...{ legId, nodeId, now },
  maxLegsInSession: 2,
});

export function describeParticipantStore(name: string, prepare: () => Promise<OpenedPlace>): void {
  describe(name, () => {
    const used = useStores(prepare);
    let store: ParticipantStore;
    /** The same data over another connection, as another process has it. */
    let other: ParticipantStore;
    beforeEach(async () => {
      store = used.stores().participants;
      other = (await used.openAnother()).participants;
    });

    async function createSession(changes: Partial<Session> = {}): Promise<Session> {
      const session = newSession(changes);
      await store.createSession(session);
      return session;
    }

    async function createParticipant(changes: Partial<Participant> = {}): Promise<Participant> {
      const participant = newParticipant(changes);
      await store.createParticipant(participant, `hash of ${participant.id}`, 1_800_000_000_000);
      return participant;
    }

    async function createMember(session: Session, changes: Partial<Participant> = {}): Promise<Participant> {
      const participant = await createParticipant(changes);
      expect(
        await store.addMember(account, session.id, participant.id, { subscriptions, limit: 20 }),
      ).toMatchObject({
        result: 'added',
      });
      return { ...participant, sessionId: session.id, subscriptions };
    }

    describe('sessions', () => {
      it('come back as they were stored, with and without a tag', async () => {
        const plain = await createSession();
        const tagged = await createSession({ tag: 'Zürich ✆' });
        expect(await other.getSession(account, plain.id)).toEqual(plain);
        expect(await other.getSession(account, tagged.id)).toEqual(tagged);
      });

      it('are not found under another account or an unknown id', async () => {
        const session = await createSession();
        expect(await store.getSession('other', session.id)).toBeNull();
        expect(await store.getSession(account, randomUUID())).toBeNull();
        expect(await store.deleteSession('other', session.id)).toBeNull();
        expect(await store.getSession(account, session.id)).toEqual(session);
      });

      it('are listed newest first, up to the limit, of one account only', async () => {
        const oldest = await createSession({ createdAt: 1 });
        const newest = await createSession({ createdAt: 3 });
        const middle = await createSession({ createdAt: 2 });
        await createSession({ accountId: 'other', createdAt: 4 });
        expect(await store.listSessions(account, 10)).toEqual([newest, middle, oldest]);
        expect(await store.listSessions(account, 2)).toEqual([newest, middle]);
      });

      it('release their members when deleted, and say who they were', async () => {
        const session = await createSession();
        const first = await createMember(session);
        const second = await createMember(session, { createdAt: 1_700_000_000_001 });
        expect(await store.deleteSession(account, session.id)).toEqual([first, second]);
        expect(await store.getSession(account, session.id)).toBeNull();
        const after = await other.findParticipant(first.id);
        expect(after).toEqual({ ...first, sessionId: null, subscriptions: {} });
        expect(await store.deleteSession(account, session.id)).toBeNull();
      });
    });

    describe('participants', () => {
      it('come back as they were stored, in every field', async () => {
        const participant = await createParticipant({
          callbackUrl: 'https://example.com/callback',
          publishPermissions: [],
          tag: 'caller',
          displayName: 'Zoë',
          tokenUse: 'once',
        });
        expect(await other.getParticipant(account, participant.id)).toEqual(participant);
        expect(await other.findParticipant(participant.id)).toEqual(participant);
      });

      it('are not found under another account', async () => {
        const participant = await createParticipant();
        expect(await store.getParticipant('other', participant.id)).toBeNull();
        expect(await store.deleteParticipant('other', participant.id)).toBeNull();
        expect(await store.findParticipant(participant.id)).toEqual(participant);
        expect(await store.findParticipant(randomUUID())).toBeNull();
      });

      it('are listed newest first, up to the limit, of one account only', async () => {
        const older = await createParticipant({ createdAt: 1 });
        const newer = await createParticipant({ createdAt: 2 });
        await createParticipant({ accountId: 'other', createdAt: 3 });
        expect(await store.listParticipants(account, 10)).toEqual([newer, older]);
        expect(await store.listParticipants(account, 1)).toEqual([newer]);
      });

      it('are deleted with their membership and join code', async () => {
        const session = await createSession();
        const member = await createMember(session);
        expect(await store.deleteParticipant(account, member.id)).toEqual(member);
        expect(await other.findParticipant(member.id)).toBeNull();
        expect(await other.listMembers(session.id)).toEqual([]);
        expect(await other.findJoinCode(`hash of ${member.id}`)).toBeNull();
        expect(await store.deleteParticipant(account, member.id)).toBeNull();
      });

      it('are found by the hash of their join code', async () => {
        const participant = await createParticipant();
        expect(await other.findJoinCode(`hash of ${participant.id}`)).toEqual({
          participantId: participant.id,
          expiresAt: 1_800_000_000_000,
        });
        expect(await other.findJoinCode('hash of nobody')).toBeNull();
      });
    });

    describe('membership', () => {
      it('is of one session at a time', async () => {
        const [first, second] = [await createSession(), await createSession()];
        const member = await createMember(first);
        expect(
          await store.addMember(account, second.id, member.id, { subscriptions: {}, limit: 20 }),
        ).toMatchObject({
          result: 'in-other-session',
        });
        expect(await store.findParticipant(member.id)).toEqual(member);
        expect(await store.removeMember(account, first.id, member.id)).toEqual(member);
        expect(
          await store.addMember(account, second.id, member.id, { subscriptions: {}, limit: 20 }),
        ).toMatchObject({
          result: 'added',
        });
        expect(await store.listMembers(first.id)).toEqual([]);
        expect((await store.listMembers(second.id)).map(({ id }) => id)).toEqual([member.id]);
      });

      it('names what is missing, also across accounts', async () => {
        const session = await createSession();
        const foreign = await createParticipant({ accountId: 'other' });
        const own = await createParticipant();
        expect(
          await store.addMember(account, randomUUID(), own.id, { subscriptions: {}, limit: 20 }),
        ).toMatchObject({
          result: 'no-session',
        });
        expect(
          await store.addMember('other', session.id, foreign.id, { subscriptions: {}, limit: 20 }),
        ).toMatchObject({
          result: 'no-session',
        });
        expect(
          await store.addMember(account, session.id, foreign.id, { subscriptions: {}, limit: 20 }),
        ).toMatchObject({
          result: 'no-participant',
        });
        expect(
          await store.addMember(account, session.id, randomUUID(), { subscriptions: {}, limit: 20 }),
        ).toMatchObject({
          result: 'no-participant',
        });
      });

      it('replaces the subscriptions of one who is a member already, also in a full session', async () => {
        const session = await createSession();
        const member = await createMember(session);
        const wanted = { sessionId: session.id };
        expect(
          await store.addMember(account, session.id, member.id, { subscriptions: wanted, limit: 1 }),
        ).toMatchObject({
          result: 'already-member',
        });
        expect(await other.findParticipant(member.id)).toEqual({ ...member, subscriptions: wanted });
      });

      it('never exceeds the limit, from whichever connection it is asked', async () => {
        const session = await createSession();
        const everyone = await Promise.all(Array.from({ length: 8 }, () => createParticipant()));
        const results = await Promise.all(
          everyone.map(({ id }, i) =>
            (i % 2 === 0 ? store : other).addMember(account, session.id, id, { subscriptions: {}, limit: 5 }),
          ),
        );
        expect(results.filter(({ result }) => result === 'added')).toHaveLength(5);
        expect(results.filter(({ result }) => result === 'session-full')).toHaveLength(3);
        expect(await store.listMembers(session.id)).toHaveLength(5);
      });

      it('ends with the subscriptions, once', async () => {
        const session = await createSession();
        const member = await createMember(session);
        expect(await store.removeMember('other', session.id, member.id)).toBeNull();
        expect(await store.removeMember(account, randomUUID(), member.id)).toBeNull();
        expect(await store.removeMember(account, session.id, member.id)).toEqual(member);
        expect(await store.removeMember(account, session.id, member.id)).toBeNull();
        expect(await other.findParticipant(member.id)).toEqual({
          ...member,
          sessionId: null,
          subscriptions: {},
        });
      });

      it('is needed to set subscriptions', async () => {
        const session = await createSession();
        const member = await createMember(session);
        const stranger = await createParticipant();
        const wanted = { sessionId: session.id };
        expect(await store.setSubscriptions(account, session.id, member.id, wanted)).toEqual({
          ...member,
          subscriptions: wanted,
        });
        expect(await store.setSubscriptions(account, randomUUID(), member.id, {})).toBeNull();
        expect(await store.setSubscriptions('other', session.id, member.id, {})).toBeNull();
        expect(await store.setSubscriptions(account, session.id, stranger.id, wanted)).toBeNull();
        expect(await other.findParticipant(member.id)).toEqual({ ...member, subscriptions: wanted });
        expect(await other.findParticipant(stranger.id)).toEqual(stranger);
      });
    });

    describe('changes', () => {
      it('touch what is given, and nothing else', async () => {
        const session = await createSession();
        const member = await createMember(session, { attributes: { seat: '1', vip: 'yes' }, tag: 'caller' });
        const after = { ...member, displayName: 'Zoë', attributes: { seat: '1', hand: 'up' } };
        const change = { displayName: 'Zoë', attributes: { vip: null, hand: 'up' } };
        expect(await store.updateParticipant(account, member.id, change)).toEqual(after);
        expect(await other.findParticipant(member.id)).toEqual(after);
        const muted = { ...after, publishPermissions: [], tag: null };
        expect(
          await store.updateParticipant(account, member.id, { publishPermissions: [], tag: null }),
        ).toEqual(muted);
        expect(await other.findParticipant(member.id)).toEqual(muted);
      });

      it('are of an account’s own participants, and not beyond the limit of attributes', async () => {
        const attributes = Object.fromEntries(Array.from({ length: 32 }, (_, i) => [`a${i}`, 'x']));
        const participant = await createParticipant({ attributes });
        expect(await store.updateParticipant('other', participant.id, { tag: 'x' })).toBeNull();
        expect(await store.updateParticipant(account, randomUUID(), { tag: 'x' })).toBeNull();
        await expect(
          store.updateParticipant(account, participant.id, { tag: 'x', attributes: { more: 'x' } }),
        ).rejects.toMatchObject({ code: 'too-many-attributes' });
        expect(await store.findParticipant(participant.id)).toEqual(participant);
      });

      it('made at once from two connections are all there', async () => {
        const participant = await createParticipant();
        await Promise.all(
          Array.from({ length: 10 }, (_, i) =>
            (i % 2 === 0 ? store : other).updateParticipant(account, participant.id, {
              attributes: { [`a${i}`]: 'x' },
            }),
          ),
        );
        expect(Object.keys((await store.findParticipant(participant.id))?.attributes ?? {})).toHaveLength(10);
      });
    });

    describe('mutes', () => {
      it('are of a member’s aliases, are told whether they changed anything, and end with the membership', async () => {
        const session = await createSession();
        const member = await createMember(session);
        const set = (alias: string, isMuted: boolean) =>
          store.setMuted(account, session.id, member.id, { alias, isMuted });
        const muted = { ...member, mutedAliases: ['microphone'] };
        expect(await set('microphone', true)).toEqual({ participant: muted, isChanged: true });
        expect(await set('microphone', true)).toEqual({ participant: muted, isChanged: false });
        expect(await set('camera', false)).toEqual({ participant: muted, isChanged: false });
        expect(await other.findParticipant(member.id)).toEqual(muted);
        await store.addMember(account, session.id, member.id, { subscriptions: {}, limit: 20 });
        expect((await other.findParticipant(member.id))?.mutedAliases).toEqual(['microphone']);
        await store.removeMember(account, session.id, member.id);
        expect((await other.findParticipant(member.id))?.mutedAliases).toEqual([]);
        expect(await set('microphone', true)).toBeNull();
        expect(
          await store.setMuted('other', session.id, member.id, { alias: 'microphone', isMuted: true }),
        ).toBeNull();
      });

      it('are at most 64 of one member', async () => {
        const session = await createSession();
        const member = await createMember(session, {
          mutedAliases: Array.from({ length: 64 }, (_, i) => `a${i}`),
        });
        await expect(
          store.setMuted(account, session.id, member.id, { alias: 'more', isMuted: true }),
        ).rejects.toMatchObject({
          code: 'too-many-muted-streams',
        });
        expect(
          await store.setMuted(account, session.id, member.id, { alias: 'a0', isMuted: false }),
        ).toMatchObject({
          isChanged: true,
        });
      });
    });

    describe('slots', () => {
      it('are held by one leg; the same leg may ask again', async () => {
        const participant = await createParticipant();
        const claimed = { ...participant, legId: 'leg-1', tokenUsedAt: 5 };
        expect(await store.claimSlot(participant.id, claim('leg-1', 'node-1', 5))).toEqual({
          result: 'claimed',
          participant: claimed,
        });
        expect(await other.claimSlot(participant.id, claim('leg-2', 'node-2', 6))).toEqual({
          result: 'occupied',
        });
        expect(await store.claimSlot(participant.id, claim('leg-1', 'node-1', 7))).toEqual({
          result: 'claimed',
          participant: claimed,
        });
        expect(await other.findParticipant(participant.id)).toEqual(claimed);
      });

      it('go to exactly one of two connections that claim at once', async () => {
        const participant = await createParticipant();
        const results = await Promise.all([
          store.claimSlot(participant.id, claim('leg-1', 'node-1', 5)),
          other.claimSlot(participant.id, claim('leg-2', 'node-2', 5)),
        ]);
        expect(results.map(({ result }) => result).sort()).toEqual(['claimed', 'occupied']);
      });

      it('of a session are taken by no more legs than may be in it, also where two connections claim at once', async () => {
        const session = await createSession();
        const members = await Promise.all(Array.from({ length: 3 }, () => createParticipant()));
        for (const { id } of members)
          await store.addMember(account, session.id, id, { subscriptions: {}, limit: 20 });
        const results = await Promise.all(
          members.map(({ id }, index) =>
            (index % 2 === 0 ? store : other).claimSlot(id, claim(`leg-${String(index)}`, 'node-1', 5)),
          ),
        );
        expect(results.map(({ result }) => result).sort()).toEqual(['claimed', 'claimed', 'session-full']);
        const refused = members[results.findIndex(({ result }) => result === 'session-full')];
        expect((await store.findParticipant(refused?.id ?? ''))?.legId).toBeNull();
      });

      it('are free again after the leg that holds them lets go, and only that one', async () => {
        const participant = await createParticipant();
        await store.claimSlot(participant.id, claim('leg-1', 'node-1', 5));
        await other.releaseSlot(participant.id, 'leg-2', true);
        expect(await other.claimSlot(participant.id, claim('leg-2', 'node-2', 6))).toEqual({
          result: 'occupied',
        });
        await other.releaseSlot(participant.id, 'leg-1', true);
        expect((await other.claimSlot(participant.id, claim('leg-2', 'node-2', 6))).result).toBe('claimed');
        expect((await store.findParticipant(participant.id))?.tokenUsedAt).toBe(5);
      });

      it('of a `once` token are claimed once', async () => {
        const participant = await createParticipant({ tokenUse: 'once' });
        expect((await store.claimSlot(participant.id, claim('leg-1', 'node-1', 5))).result).toBe('claimed');
        expect(await other.claimSlot(participant.id, claim('leg-2', 'node-1', 6))).toEqual({
          result: 'used',
        });
        await store.releaseSlot(participant.id, 'leg-1', true);
        expect(await other.claimSlot(participant.id, claim('leg-3', 'node-1', 7))).toEqual({
          result: 'used',
        });
      });

      it('of a `once` token open once more where the leg was not answered', async () => {
        const participant = await createParticipant({ tokenUse: 'once' });
        await store.claimSlot(participant.id, claim('leg-1', 'node-1', 5));
        await other.releaseSlot(participant.id, 'leg-2', false);
        expect((await other.findParticipant(participant.id))?.tokenUsedAt).toBe(5);
        await store.releaseSlot(participant.id, 'leg-1', false);
        expect((await other.claimSlot(participant.id, claim('leg-2', 'node-1', 6))).result).toBe('claimed');
        await store.releaseSlot(participant.id, 'leg-2', true);
        await store.releaseSlot(participant.id, 'leg-2', false);
        expect(await other.claimSlot(participant.id, claim('leg-3', 'node-1', 7))).toEqual({
          result: 'used',
        });
      });

      it('of nobody are gone', async () => {
        expect(await store.claimSlot(randomUUID(), claim('leg-1', 'node-1', 5))).toEqual({ result: 'gone' });
        await store.releaseSlot(randomUUID(), 'leg-1', true);
      });

      it('of a node are freed together, and no other node’s', async () => {
        const [mine, theirs] = [await createParticipant(), await createParticipant()];
        await store.claimSlot(mine.id, claim('leg-1', 'node-1', 5));
        await other.claimSlot(theirs.id, claim('leg-2', 'node-2', 5));
        expect(await store.releaseNode('node-1')).toEqual([{ ...mine, legId: 'leg-1', tokenUsedAt: 5 }]);
        expect((await store.findParticipant(mine.id))?.legId).toBeNull();
        expect((await store.findParticipant(theirs.id))?.legId).toBe('leg-2');
        expect(await store.releaseNode('node-1')).toEqual([]);
      });

      it('stay held through changes of membership', async () => {
        const session = await createSession();
        const member = await createMember(session);
        await store.claimSlot(member.id, claim('leg-1', 'node-1', 5));
        await store.deleteSession(account, session.id);
        expect((await store.findParticipant(member.id))?.legId).toBe('leg-1');
      });
    });

    it('has everything that was acknowledged after it is closed and opened again', async () => {
      const session = await createSession({ tag: 'kept' });
      const member = await createMember(session);
      await store.claimSlot(member.id, claim('leg-1', 'node-1', 5));
      await used.reopen();
      store = used.stores().participants;
      expect(await store.getSession(account, session.id)).toEqual(session);
      expect(await store.listMembers(session.id)).toEqual([{ ...member, legId: 'leg-1', tokenUsedAt: 5 }]);
    });
  });
}
