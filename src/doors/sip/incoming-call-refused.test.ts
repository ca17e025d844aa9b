/** What is told of a call that is refused: whose it is, and which leg it had. */
import { beforeEach, expect, it } from 'vitest';
import { account } from '../../../test/support/domain-fixture.js';
import { offer, Request, settle, SipCallStage } from '../../../test/support/sip-call-stage.js';
import type { DialIn } from '../../domain/numbers/phone-number.js';
import { MediaRefusal } from '../../domain/media-plane.js';
import { Refusal } from '../../domain/refusal.js';
import { ownServer } from './server-traits.js';

let stage: SipCallStage;
beforeEach(async () => {
  stage = await SipCallStage.open();
});

it('names the participant of its token, whose slot is taken', async () => {
  const { created } = await stage.established();
  const call = stage.newCall({ 'X-Landbridge-Token': created.token, From: '<sip:+14155550199@carrier>' });
  await call.call.run();
  expect(call.refused).toMatchObject([
    {
      ...{ door: 'sip', code: 'participant-occupied', source: '192.0.2.1' },
      ...{ participantId: created.participant.id, accountId: null, legId: null },
    },
  ]);
  expect(call.refused[0]?.details()).toMatchObject({
    ...{ callId: 'c1', caller: { number: '+14155550199', name: null }, sipStatus: 486, detail: null },
  });
});

it('names the leg that it had, and what the media had against it', async () => {
  const created = await stage.newCaller();
  stage.domain.media.refuseNext(new MediaRefusal('no-common-codec', 'nothing in common'));
  const call = stage.newCall({ 'X-Landbridge-Token': created.token });
  await call.call.run();
  const legId = stage.domain.ofType('call.ended')[0]?.data.legId;
  expect(call.refused).toMatchObject([{ code: 'no-common-codec', legId }]);
  expect(call.refused[0]?.details()).toMatchObject({ sipStatus: 488, detail: 'nothing in common' });
});

it('names the participant of a good token also where the request is wrong in its form', async () => {
  const created = await stage.newCaller();
  const fields = { 'X-Landbridge-Token': created.token, 'Content-Type': 'text/plain' };
  const call = stage.newCall(fields, 'hello');
  await call.call.run();
  await settle();
  expect(call.refused).toMatchObject([
    { code: 'unsupported-body', participantId: created.participant.id, legId: null },
  ]);
  expect(call.refused[0]?.details().sipStatus).toBe(415);
  const stranger = stage.newCall({ 'Content-Type': 'text/plain' }, 'hello');
  await stranger.call.run();
  await settle();
  expect(stranger.refused).toMatchObject([{ code: 'unsupported-body', participantId: null }]);
});

it('names the participant of a token while the gateway drains', async () => {
  const created = await stage.newCaller();
  stage.domain.legs.drain();
  const call = stage.newCall({ 'X-Landbridge-Token': created.token });
  await call.call.run();
  expect(call.refused).toMatchObject([{ code: 'draining', participantId: created.participant.id }]);
});

it('names the account of the number that takes no call', async () => {
  const dialIn = () => Promise.reject(new Refusal('session-full', null, { accountId: account }));
  const call = stage.newCall({}, offer, ownServer, { dialIn });
  call.request.uri = 'sip:+14155550100@gateway.example';
  await call.call.run();
  expect(call.refused).toMatchObject([{ code: 'session-full', accountId: account, participantId: null }]);
  expect(call.refused[0]?.details().dialled).toBe('+14155550100');
});

it('that was given up before it was known where it goes is told of as canceled', async () => {
  let decide: (how: DialIn | null) => void = () => undefined;
  const dialIn = () => new Promise<DialIn | null>((resolve) => (decide = resolve));
  const call = stage.newCall({}, offer, ownServer, { dialIn });
  call.request.uri = 'sip:+14155550100@gateway.example';
  const run = call.call.run();
  await settle();
  call.request.emit('cancel', new Request('CANCEL'));
  decide(null);
  await run;
  expect(call.response.sent).toEqual([]);
  expect(call.refused).toMatchObject([{ code: 'canceled', legId: null }]);
  expect(call.refused[0]?.details()).toMatchObject({ sipStatus: 487, detail: 'token-missing' });
  await stage.expectNothingLeft(call);
});

it('that was given up when it had a leg is told of by that alone', async () => {
  const created = await stage.newCaller();
  const release = stage.domain.media.delayNext();
  const call = stage.newCall({ 'X-Landbridge-Token': created.token });
  const run = call.call.run();
  await settle();
  call.request.emit('cancel', new Request('CANCEL'));
  release();
  await run;
  expect(call.refused).toEqual([]);
});
