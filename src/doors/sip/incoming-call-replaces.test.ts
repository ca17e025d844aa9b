import { beforeEach, describe, expect, it } from 'vitest';
import { offer, Request, settle, SipCallStage } from '../../../test/support/sip-call-stage.js';
import { newTrunk } from '../../../test/support/new-trunk.js';
import type { ArrivingCall, TrunkPass } from '../../domain/trunks/trunk-calls.js';
import { MediaRefusal } from '../../domain/media-plane.js';
import type { Trunk } from '../../domain/trunks/trunk.js';
import type { DoorTrunks } from './trunk-call.js';

/** As the stage names its dialogs. */
const names = 'c1;to-tag=ours;from-tag=theirs';

describe('an INVITE with Replaces', () => {
  let stage: SipCallStage;
  beforeEach(async () => {
    stage = await SipCallStage.open();
  });

  const invite = (
    headers: Record<string, string>,
    settings: Parameters<SipCallStage['newCall']>[3] = {},
    callId = 'c2',
  ) => stage.newCall({ Replaces: names, ...headers, 'Call-ID': callId }, offer, undefined, settings);

  async function confirmed(call: ReturnType<typeof invite>): Promise<void> {
    void call.call.run();
    await settle();
    await call.confirm();
    call.dialog.emit('ack', new Request('ACK'));
    await settle();
  }

  it('of the same participant takes the call’s place: the old one is hung up, nobody joins or leaves', async () => {
    const before = await stage.established();
    const call = invite({ 'User-to-User': before.created.token });
    await confirmed(call);
    expect(call.response.status).toBe(200);
    expect(before.dialog.byes).toEqual([{ headers: { Reason: 'Q.850;cause=16;text="replaced"' } }]);
    expect(before.closings()).toBe(1);
    expect(stage.domain.ofType('participant.joined')).toHaveLength(1);
    expect(stage.domain.ofType('participant.left')).toHaveLength(0);
    expect(stage.domain.ofType('call.ended')).toHaveLength(0);
    expect(stage.domain.legs.size).toBe(1);
    call.dialog.emit('destroy', new Request('BYE'));
    await settle();
    expect(stage.domain.ofType('participant.left')).toHaveLength(1);
    await stage.expectNothingLeft(call);
    expect(before.dialog.byes).toHaveLength(1);
  });

  it('that is cancelled, or whose offer cannot be used, leaves the call as it was', async () => {
    const before = await stage.established();
    const cancelled = invite({ 'User-to-User': before.created.token });
    void cancelled.call.run();
    cancelled.request.emit('cancel');
    await settle();
    const unanswered = invite({ 'User-to-User': before.created.token }, {}, 'c3');
    void unanswered.call.run();
    await settle();
    await unanswered.fail('Response not sent due to unknown transaction');
    expect([cancelled.closings(), unanswered.closings()]).toEqual([1, 1]);
    expect(before.dialog.byes).toEqual([]);
    expect(stage.domain.media.openLegs).toHaveLength(1);
    expect(stage.domain.ofType('participant.left')).toHaveLength(0);
  });

  it('that waits while another takes the call’s place is declined, and the other goes on', async () => {
    const before = await stage.established();
    const token = before.created.token;
    let answerStore: () => void = () => undefined;
    const waiting = new Promise<void>((resolve) => (answerStore = resolve));
    const identify = stage.domain.legs.identify.bind(stage.domain.legs);
    stage.domain.legs.identify = async (...asked) => {
      await waiting;
      return identify(...asked);
    };
    const late = invite({ 'User-to-User': token }, {}, 'c3');
    const run = late.call.run();
    await settle();
    stage.domain.legs.identify = identify;
    const first = invite({ 'User-to-User': token });
    await confirmed(first);
    expect(before.dialog.byes).toHaveLength(1);

    answerStore();
    await run;
    await settle();
    expect(late.response.status).toBe(603);
    expect(late.response.sent[0]?.options.headers?.['Reason']).toBe('SIP;cause=603;text="call-has-ended"');
    expect(late.refusals).toEqual(['call-has-ended']);
    expect(first.dialog.byes).toEqual([]);
    expect(stage.domain.media.openLegs).toHaveLength(1);
    // The call that has the leg now may be replaced by its own name.
    const next = invite({ 'User-to-User': token, Replaces: 'c2;to-tag=ours;from-tag=theirs' }, {}, 'c4');
    await confirmed(next);
    expect(next.response.status).toBe(200);
    expect([before, first].map(({ dialog }) => dialog.byes.length)).toEqual([1, 1]);
    expect(first.closings()).toBe(1);
    next.dialog.emit('destroy', new Request('BYE'));
    await stage.expectNothingLeft(next);
  });

  it('is answered where the call before ends meanwhile because its ACK bears no usable answer', async () => {
    const created = await stage.newCaller();
    const before = stage.newCall({ 'User-to-User': created.token }, '');
    void before.call.run();
    await settle();
    await before.confirm();
    stage.domain.mediaOf(created).connection('main').accept = () =>
      Promise.reject(new MediaRefusal('bad-sdp', 'empty'));
    const release = stage.domain.media.delayNext();
    const call = invite({ 'User-to-User': created.token });
    const run = call.call.run();
    await settle();
    expect(call.response.sent).toEqual([]);
    before.dialog.emit('ack', new Request('ACK'));
    await settle();
    expect(before.dialog.byes).toHaveLength(1);
    expect(call.response.sent).toMatchObject([
      { status: 480, options: { headers: { Reason: 'SIP;cause=480;text="refused"' } } },
    ]);
    release();
    await run;
    await stage.expectNothingLeft(call);
  });

  it.each(['before', 'behind'])(
    'that was answered is not lost where the ACK of the call before, %s its own, bears no usable answer',
    async (when) => {
      const created = await stage.newCaller();
      const before = stage.newCall({ 'User-to-User': created.token }, '');
      void before.call.run();
      await settle();
      await before.confirm();
      let refuse: () => void = () => undefined;
      stage.domain.mediaOf(created).connection('main').accept = () =>
        new Promise((_resolve, reject) => (refuse = () => reject(new MediaRefusal('bad-sdp', 'empty'))));
      const call = invite({ 'User-to-User': created.token });
      void call.call.run();
      await settle();
      await call.confirm();
      before.dialog.emit('ack', new Request('ACK'));
      await settle();
      if (when === 'before') refuse();
      await settle();
      call.dialog.emit('ack', new Request('ACK'));
      await settle();
      if (when === 'behind') refuse();
      await settle();
      expect(before.dialog.byes).toHaveLength(1);
      expect(call.dialog.byes).toEqual([]);
      expect(stage.domain.ofType('call.ended')).toHaveLength(0);
      expect(stage.domain.ofType('participant.joined')).toHaveLength(1);
      call.dialog.emit('destroy', new Request('BYE'));
      await settle();
      await stage.expectNothingLeft(call);
    },
  );

  it.each([
    ['names no call of ours', { Replaces: 'c1;to-tag=guessed;from-tag=theirs' }, 481, 'no-such-dialog'],
    [
      'names a call the other way round',
      { Replaces: 'c1;to-tag=theirs;from-tag=ours' },
      481,
      'no-such-dialog',
    ],
    ['wants a call that was not answered yet', { Replaces: `${names};early-only` }, 486, 'call-is-answered'],
    ['names two calls', { Replaces: `${names},c2;to-tag=a;from-tag=b` }, 400, 'bad-replaces'],
    ['names none', { Replaces: 'c1' }, 400, 'bad-replaces'],
  ] as const)('that %s is refused', async (_what, headers, status, reason) => {
    const before = await stage.established();
    const call = invite({ 'User-to-User': before.created.token, ...headers });
    await call.call.run();
    expect(call.response.status).toBe(status);
    expect(call.response.sent[0]?.options.headers?.['Reason']).toBe(`SIP;cause=${status};text="${reason}"`);
    await settle();
    expect(call.refusals).toEqual([reason]);
    expect(before.dialog.byes).toEqual([]);
  });

  it('of a call that has ended is declined', async () => {
    const before = await stage.established();
    before.dialog.emit('destroy', new Request('BYE'));
    await settle();
    const call = invite({ 'User-to-User': before.created.token });
    await call.call.run();
    expect(call.response.status).toBe(603);
    await stage.expectNothingLeft(call);
  });

  it('takes nobody else’s call, whatever it knows of its names', async () => {
    const before = await stage.established();
    const other = await stage.newCaller();
    const shown: [Record<string, string>, number, string][] = [
      [{ 'User-to-User': other.token }, 403, 'not-yours-to-replace'],
      [{}, 403, 'token-missing'],
      [{ 'User-to-User': `${before.created.token}x` }, 403, 'token-invalid'],
    ];
    for (const [headers, status, reason] of shown) {
      const call = invite(headers);
      await call.call.run();
      await settle();
      expect([call.response.status, call.refusals]).toEqual([status, [reason]]);
      expect(call.closings()).toBe(1);
    }
    expect(before.dialog.byes).toEqual([]);
    expect(stage.domain.media.openLegs).toHaveLength(1);
  });

  describe('over a trunk', () => {
    const ours = newTrunk();
    const asked: ArrivingCall[] = [];
    const trunksOf = (trunk: Trunk, isProven = true): DoorTrunks =>
      ({
        ...{ hashesOf: () => [], refuseOthers: false, digest: { read: () => null } },
        enter: (arriving: ArrivingCall): Promise<TrunkPass> => {
          asked.push(arriving);
          const [credential = null] = arriving.credentials;
          return Promise.resolve({ trunk, dialled: null, credential, isProven, release: () => undefined });
        },
      }) as unknown as DoorTrunks;

    async function overTrunk() {
      const created = await stage.newCaller();
      const call = stage.newCall({ 'User-to-User': created.token }, offer, undefined, {
        trunks: trunksOf(ours),
      });
      await confirmed(call);
      return { ...call, created };
    }

    it('is let in without a token where the call came over the same one', async () => {
      const before = await overTrunk();
      const call = invite({}, { trunks: trunksOf(ours) });
      await confirmed(call);
      expect(asked.at(-1)?.replacedTrunkId).toBe(ours.id);
      expect(call.response.status).toBe(200);
      expect(before.dialog.byes).toHaveLength(1);
      expect(stage.domain.ofType('call.replaced')).toHaveLength(1);
    });

    it('is not where it came over another, or shows whose it is', async () => {
      const before = await overTrunk();
      const other = await stage.newCaller();
      for (const [headers, trunk] of [
        [{}, newTrunk()],
        [{ 'User-to-User': other.token }, ours],
      ] as const) {
        const call = invite(headers, { trunks: trunksOf(trunk) });
        await call.call.run();
        expect(call.response.status).toBe(403);
      }
      expect(before.dialog.byes).toEqual([]);
    });

    it('sends nothing before its ACK where its network alone says which trunk it is of', async () => {
      await overTrunk();
      await confirmed(invite({}, { trunks: trunksOf(ours, false) }));
      expect(stage.domain.media.legs.at(-1)?.request.sendsOnceConfirmed).toBe(true);
      expect(stage.domain.media.legs.at(-1)?.log).toContain('confirm');
    });
  });
});
