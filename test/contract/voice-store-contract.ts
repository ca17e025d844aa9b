/** What every store of transfers and numbers does. */
import { randomUUID } from 'node:crypto';
import { beforeEach, describe, expect, it } from 'vitest';
import { newParticipant as draft } from '../../src/domain/participants/new-participant.js';
import type { NumberPin, PhoneNumber } from '../../src/domain/numbers/phone-number.js';
import { useStores, type OpenedPlace } from './opened-place.js';
import type { Transfer, TransferClaim } from '../../src/domain/transfers/transfer.js';

const accountId = 'acme';
const now = 1_700_000_000_000;

function claimOf(sessionId: string, changes: Partial<Transfer> = {}): TransferClaim {
  const participant = { ...draft(accountId, { publishPermissions: ['AUDIO'] }, now), sessionId };
  const transfer: Transfer = {
    ...{ id: randomUUID(), accountId, key: null, fingerprint: 'f', participantId: participant.id, sessionId },
    ...{ numberId: null, platform: null, voiceCallId: null, state: 'requested', legId: null, cause: null },
    ...{ removesParticipant: false, joinCodeHash: randomUUID(), createdAt: now, expiresAt: now + 60_000 },
    ...changes,
  };
  return { transfer, participant, session: null, limit: 3 };
}

function number(changes: Partial<PhoneNumber> = {}): PhoneNumber {
  return {
    ...{ id: randomUUID(), accountId, number: null, platform: 'twilio', credentials: { authToken: 'x' } },
    route: { kind: 'new-session', tag: null },
    participant: { tag: null, displayName: null, publishPermissions: null },
    ...{ allowFrom: ['192.0.2.0/24'], createdAt: now },
    ...changes,
  };
}

export function describeVoiceStores(name: string, prepare: () => Promise<OpenedPlace>): void {
  describe(name, () => {
    const { stores, reopen } = useStores(prepare);
    let sessionId: string;
    beforeEach(async () => {
      sessionId = randomUUID();
      await stores().participants.createSession({ id: sessionId, accountId, tag: null, createdAt: now });
    });

    it('makes transfer, participant and membership together, and keeps them', async () => {
      const claim = claimOf(sessionId, { key: 'k', voiceCallId: 'c' });
      expect(await stores().transfers.claimTransfer(claim)).toEqual({
        result: 'created',
        transfer: claim.transfer,
      });
      await reopen();
      const { transfer, participant } = claim;
      expect(await stores().transfers.getTransfer(accountId, transfer.id)).toEqual(transfer);
      expect(await stores().transfers.findTransferByParticipant(participant.id)).toEqual(transfer);
      expect(await stores().participants.listMembers(sessionId)).toEqual([participant]);
      expect(await stores().participants.findJoinCode(transfer.joinCodeHash)).toEqual({
        ...{ participantId: participant.id, expiresAt: transfer.expiresAt },
      });
      expect(await stores().transfers.getTransfer('other', transfer.id)).toBeNull();
    });

    it('lets one of many claims with the same key win, and tells the others whose it is', async () => {
      const claims = Array.from({ length: 10 }, () => claimOf(sessionId, { key: 'k' }));
      const results = await Promise.all(claims.map((claim) => stores().transfers.claimTransfer(claim)));
      expect(results.filter(({ result }) => result === 'created')).toHaveLength(1);
      expect(results.filter(({ result }) => result === 'existing')).toHaveLength(9);
      expect(await stores().participants.listMembers(sessionId)).toHaveLength(1);
      expect(await stores().transfers.claimTransfer(claimOf(sessionId))).toMatchObject({ result: 'created' });
    });

    it('makes nothing where the session is gone, another account’s, or full', async () => {
      expect(await stores().transfers.claimTransfer(claimOf(randomUUID()))).toEqual({ result: 'no-session' });
      const foreign = claimOf(sessionId, { accountId: 'other' });
      expect(await stores().transfers.claimTransfer(foreign)).toEqual({ result: 'no-session' });
      for (let count = 0; count < 3; count += 1) await stores().transfers.claimTransfer(claimOf(sessionId));
      expect(await stores().transfers.claimTransfer(claimOf(sessionId))).toEqual({ result: 'session-full' });
      expect(await stores().participants.listMembers(sessionId)).toHaveLength(3);
      expect(await stores().transfers.listTransfers(accountId, 10)).toHaveLength(3);
    });

    it('makes a new session with its transfer', async () => {
      const id = randomUUID();
      const session = { id, accountId, tag: 'new', createdAt: now };
      await stores().transfers.claimTransfer({ ...claimOf(id), session });
      expect(await stores().participants.getSession(accountId, id)).toEqual(session);
    });

    it('moves a transfer along the edges of its figure alone, and amends it in the states named', async () => {
      const { transfer } = claimOf(sessionId);
      await stores().transfers.claimTransfer({ ...claimOf(sessionId), transfer });
      const moved = { ...transfer, state: 'arrived', legId: 'l' };
      expect(await stores().transfers.moveTransfer(transfer.id, 'call-arrived', { legId: 'l' })).toEqual(
        moved,
      );
      expect(await stores().transfers.moveTransfer(transfer.id, 'time-over', { cause: 'late' })).toBeNull();
      expect(await stores().transfers.moveTransfer(randomUUID(), 'cancel')).toBeNull();
      await stores().transfers.amendTransfer(transfer.id, ['completed'], { cause: 'late' });
      expect(await stores().transfers.getTransfer(accountId, transfer.id)).toEqual(moved);
      await stores().transfers.amendTransfer(transfer.id, ['arrived'], { cause: 'busy' });
      expect(await stores().transfers.getTransfer(accountId, transfer.id)).toEqual({
        ...moved,
        cause: 'busy',
      });
    });

    it('lists what is overdue, and forgets what ended long ago', async () => {
      const states = ['requested', 'joined', 'completed', 'expired', 'canceled'] as const;
      const removing: readonly string[] = ['joined', 'completed', 'expired'];
      for (const state of states) {
        const claim = claimOf(sessionId, { state, removesParticipant: removing.includes(state) });
        await stores().transfers.claimTransfer({ ...claim, limit: 20 });
      }
      const overdue = async (at: number) =>
        (await stores().transfers.overdueTransfers(at, 10)).map(({ state }) => state);
      expect(await overdue(now + 59_999)).toEqual([]);
      expect(await overdue(now + 60_000)).toEqual(['requested', 'completed', 'expired']);
      expect(await stores().transfers.purgeTransfers(now + 60_000, 1)).toBe(1);
      expect(await stores().transfers.purgeTransfers(now + 60_000, 10)).toBe(2);
      const left = await stores().transfers.listTransfers(accountId, 10);
      expect(left.map(({ state }) => state).sort()).toEqual(['joined', 'requested']);
    });

    it('keeps numbers, each once over all accounts', async () => {
      const first = number({ number: '+14158675309' });
      expect(await stores().numbers.createNumber(first)).toBe(true);
      expect(
        await stores().numbers.createNumber(number({ number: '+14158675309', accountId: 'other' })),
      ).toBe(false);
      expect(await stores().numbers.createNumber(number())).toBe(true);
      expect(await stores().numbers.createNumber(number())).toBe(true);
      await reopen();
      expect(await stores().numbers.findNumberByE164('+14158675309')).toEqual(first);
      expect(await stores().numbers.findNumber(first.id)).toEqual(first);
      expect(await stores().numbers.getNumber('other', first.id)).toBeNull();
      expect(await stores().numbers.listNumbers(accountId, 2)).toHaveLength(2);
      const closed = number({ accountId: 'other', allowFrom: [] });
      await stores().numbers.createNumber(closed);
      const open = await stores().numbers.numbersWithNetworks();
      expect(open).toContainEqual(first);
      expect(open.map(({ id }) => id)).not.toContain(closed.id);
      const second = number({ number: '+442071838750' });
      await stores().numbers.createNumber(second);
      expect(await stores().numbers.replaceNumber({ ...second, number: '+14158675309' })).toBe('taken');
      expect(await stores().numbers.replaceNumber({ ...second, platform: null })).toBe('replaced');
      expect(await stores().numbers.replaceNumber(number())).toBe('gone');
      expect(await stores().numbers.deleteNumber('other', second.id)).toBe(false);
      expect(await stores().numbers.deleteNumber(accountId, second.id)).toBe(true);
      expect(await stores().numbers.findNumber(second.id)).toBeNull();
    });

    it('keeps the PINs of a number, each once and so many at most, until it goes', async () => {
      const of = number();
      await stores().numbers.createNumber(of);
      const pin = (pinHash: string): NumberPin => ({
        ...{ id: randomUUID(), numberId: of.id, pinHash, sessionId, length: 6, createdAt: now },
      });
      const first = pin('a');
      expect(await stores().numbers.createPin(first, 2)).toBe(true);
      expect(await stores().numbers.createPin(pin('a'), 2)).toBe(false);
      expect(await stores().numbers.createPin(pin('b'), 2)).toBe(true);
      expect(await stores().numbers.createPin(pin('c'), 2)).toBe(false);
      expect(await stores().numbers.findPin(of.id, 'a')).toEqual(first);
      expect(await stores().numbers.findPin(randomUUID(), 'a')).toBeNull();
      expect(await stores().numbers.deletePin(of.id, first.id)).toBe(true);
      expect(await stores().numbers.listPins(of.id)).toHaveLength(1);
      await stores().numbers.deleteNumber(accountId, of.id);
      expect(await stores().numbers.listPins(of.id)).toEqual([]);
    });

    it('knows how many digits the PINs of a number have, where that is one number', async () => {
      const of = number();
      await stores().numbers.createNumber(of);
      const add = async (length: number) => {
        const id = randomUUID();
        const pin = { id, numberId: of.id, pinHash: id, sessionId, length, createdAt: now };
        await stores().numbers.createPin(pin, 9);
        return id;
      };
      expect(await stores().numbers.pinLength(of.id)).toBeNull();
      await Promise.all([add(6), add(6)]);
      expect(await stores().numbers.pinLength(of.id)).toBe(6);
      const longer = await add(7);
      expect(await stores().numbers.pinLength(of.id)).toBeNull();
      await stores().numbers.deletePin(of.id, longer);
      expect(await stores().numbers.pinLength(of.id)).toBe(6);
      await add(0);
      expect(await stores().numbers.pinLength(of.id)).toBeNull();
    });

    it('does not know it of PINs that were made before it was kept', async () => {
      const of = number();
      await stores().numbers.createNumber(of);
      const old = { id: randomUUID(), numberId: of.id, pinHash: 'x', sessionId, length: 0, createdAt: now };
      await stores().numbers.createPin(old, 9);
      expect(await stores().numbers.pinLength(of.id)).toBeNull();
    });

    it('rejects with store-unavailable once it is closed', async () => {
      await stores().close();
      const unavailable = { code: 'store-unavailable' };
      await expect(stores().transfers.findTransferByKey(accountId, 'k')).rejects.toMatchObject(unavailable);
      await expect(stores().transfers.claimTransfer(claimOf(sessionId))).rejects.toMatchObject(unavailable);
      await expect(stores().numbers.findNumber('x')).rejects.toMatchObject(unavailable);
    });
  });
}
