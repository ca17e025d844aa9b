/** The whole gateway with phones and Chromium pages: every way in which a connection ends, and what others notice. */
import { describe, expect, it } from 'vitest';
import { waitFor } from '../support/wait-for.js';
import { phoneHears, phoneHearsNot, useScene, type ScenePhone } from './scene.js';
import type { SessionPage } from './session-page.js';

const scene = useScene({ environment: { LANDBRIDGE_BROWSER_DISCONNECT_TIMEOUT_SECONDS: '5' } });
/** ICE gives up a browser that does not consent any more after 30 s (RFC 7675 §5.1), 5 s after its last answer at the earliest. */
const leastConsentMs = 25_000;
const rest = () => scene().gateway.rest;

/** A page and a phone that hear each other, and a phone that hears both and stays. */
async function conversation(): Promise<{ page: SessionPage; phone: ScenePhone; witness: ScenePhone }> {
  const page = await scene().page({ toneHz: 600 });
  const phone = await scene().phone({ toneHz: 440 });
  const witness = await scene().phone();
  await Promise.all([
    page.hears(440, phone.participantId),
    phoneHears(phone, 600),
    phoneHears(witness, 600),
    phoneHears(witness, 440),
  ]);
  return { page, phone, witness };
}

/** The one departure of the participant: who ended it, and why. */
async function departure(participantId: string): Promise<{ endedBy: string; reason: string }> {
  const departures = await scene().departures(participantId);
  expect(departures).toHaveLength(1);
  const { endedBy, reason } = departures[0]!.data.outcome;
  return { endedBy, reason };
}

/** For two seconds at least: it has shown by then that it answers, so that its silence means something. */
async function hasTalked(participantId: string): Promise<void> {
  await waitFor('a hundred packets', async () => {
    const leg = (await rest().legs()).find((one) => one.participantId === participantId);
    return (leg?.quality?.packetsReceived ?? 0) > 100;
  });
}

async function hasLeg(participantId: string): Promise<boolean> {
  return (await rest().legs()).some((leg) => leg.participantId === participantId);
}

describe('a call ends for everybody', () => {
  it('when the phone hangs up', async () => {
    const { page, phone, witness } = await conversation();
    await phone.call.hangUp();
    await page.event({ name: 'streamUnavailable', participantId: phone.participantId });
    await page.event({ name: 'participantLeft', participantId: phone.participantId });
    await phoneHearsNot(witness, 440);
    await phoneHears(witness, 600);
    expect(await departure(phone.participantId)).toEqual({ endedBy: 'participant', reason: 'hangup' });
    expect(await hasLeg(phone.participantId)).toBe(false);
    expect(await page.isConnected()).toBe(true);
  });

  it('when the page disconnects', async () => {
    const { page, phone, witness } = await conversation();
    await page.disconnect();
    expect(await page.event({ name: 'disconnected' })).toMatchObject({ by: 'local', reason: 'hangup' });
    await phoneHearsNot(witness, 600);
    await phoneHears(witness, 440);
    expect(await departure(page.participantId)).toEqual({ endedBy: 'participant', reason: 'hangup' });
    expect(await hasLeg(page.participantId)).toBe(false);
    expect(await hasLeg(phone.participantId)).toBe(true);
  });

  it('when the page is closed', async () => {
    const { page, witness } = await conversation();
    await page.close();
    await phoneHearsNot(witness, 600);
    await phoneHears(witness, 440);
    expect(await departure(page.participantId)).toEqual({ endedBy: 'participant', reason: 'hangup' });
    expect(await hasLeg(page.participantId)).toBe(false);
  });

  it('when the application deletes the participant of a phone', async () => {
    const { page, phone } = await conversation();
    await rest().done('DELETE', `/participants/${phone.participantId}`);
    expect(await hasLeg(phone.participantId)).toBe(false);
    expect(await phone.call.ended).toMatchObject({
      by: 'remote',
      why: 'hang-up',
      reason: { text: 'participant-deleted' },
    });
    await page.event({ name: 'participantLeft', participantId: phone.participantId });
    expect(await departure(phone.participantId)).toEqual({
      endedBy: 'application',
      reason: 'participant-deleted',
    });
  });

  it('when the application deletes the participant of a page', async () => {
    const { page, witness } = await conversation();
    await rest().done('DELETE', `/participants/${page.participantId}`);
    expect(await hasLeg(page.participantId)).toBe(false);
    expect(await page.event({ name: 'disconnected' })).toMatchObject({
      by: 'remote',
      reason: 'participant-deleted',
    });
    const names = (await page.events()).map(({ name }) => name);
    expect(names.indexOf('streamUnavailable')).toBeLessThan(names.indexOf('disconnected'));
    await phoneHearsNot(witness, 600);
    await phoneHears(witness, 440);
    expect(await departure(page.participantId)).toEqual({
      endedBy: 'application',
      reason: 'participant-deleted',
    });
  });

  it.each(['phone', 'page'] as const)('when the application deletes the leg of a %s', async (kind) => {
    const { page, phone } = await conversation();
    const { participantId } = kind === 'phone' ? phone : page;
    const { id } = await scene().legOf(participantId);
    await rest().done('DELETE', `/legs/${id}`);
    if (kind === 'phone') {
      expect(await phone.call.ended).toMatchObject({ by: 'remote', why: 'hang-up' });
      await page.event({ name: 'participantLeft', participantId });
    } else {
      expect(await page.event({ name: 'disconnected' })).toMatchObject({ by: 'remote', reason: 'hangup' });
    }
    expect(await departure(participantId)).toEqual({ endedBy: 'application', reason: 'hangup' });
    expect((await rest().request('DELETE', `/legs/${id}`)).status).toBe(404);
  });

  it('when the page crashes, long before its consent expires', async () => {
    const { page, witness } = await conversation();
    await hasTalked(page.participantId);
    await page.crash();
    const crashedMs = performance.now();
    await scene().events.wait(
      'call.ended',
      (event) => event.participantId === page.participantId,
      leastConsentMs,
    );
    expect(performance.now() - crashedMs).toBeLessThan(leastConsentMs - 10_000);
    expect(await departure(page.participantId)).toEqual({ endedBy: 'gateway', reason: 'ice-failed' });
    await phoneHearsNot(witness, 600);
    await phoneHears(witness, 440);
    expect(await hasLeg(page.participantId)).toBe(false);
  });
});

describe('a session that is deleted', () => {
  it('ends its phones and leaves its browsers connected, to hear others in another session', async () => {
    const { page, phone, witness } = await conversation();
    const other = await scene().page({ toneHz: 1000 });
    await Promise.all([page.hears(1000), other.hears(600)]);

    await rest().done('DELETE', `/sessions/${scene().sessionId}`);
    for (const { call, participantId } of [phone, witness]) {
      expect(await call.ended).toMatchObject({ by: 'remote', reason: { text: 'session-deleted' } });
      expect(await departure(participantId)).toEqual({ endedBy: 'application', reason: 'session-deleted' });
    }
    for (const one of [page, other]) {
      await waitFor('the page receives nothing', async () => (await one.streams()).length === 0);
      expect(await one.isConnected()).toBe(true);
    }
    expect((await rest().legs()).map(({ kind, sessionId }) => [kind, sessionId])).toEqual([
      ['browser', null],
      ['browser', null],
    ]);

    const sessionId = await rest().createSession();
    await rest().addToSession(sessionId, page.participantId);
    await rest().addToSession(sessionId, other.participantId);
    await Promise.all([page.hears(1000, other.participantId), other.hears(600, page.participantId)]);
  });
});

describe('a phone that is removed from its session', () => {
  it('hears the hold sound and nobody, is heard by nobody, and talks in the session it is added to', async () => {
    const { page, phone, witness } = await conversation();
    const { participantId } = phone;
    await rest().done('DELETE', `/sessions/${scene().sessionId}/participants/${participantId}`);
    await page.event({ name: 'participantLeft', participantId });
    // The first of the bell's two notes (E5): see the hold sound.
    await phoneHears(phone, 659);
    await phoneHearsNot(phone, 600);
    await phoneHearsNot(witness, 440);
    await phoneHears(witness, 600);
    const left = scene().events.ofType('participant.left');
    expect(left.filter((event) => event.participantId === participantId)).toMatchObject([
      { data: { outcome: { endedBy: 'application', reason: 'removed-from-session' } } },
    ]);
    expect(await hasLeg(participantId)).toBe(true);

    const elsewhere = await rest().createSession();
    const stranger = await scene().page({ sessionId: elsewhere, toneHz: 1000 });
    await rest().addToSession(elsewhere, participantId);
    await Promise.all([stranger.hears(440, participantId), phoneHears(phone, 1000)]);
    await page.hearsNot(440);
    await phoneHearsNot(witness, 1000);
  });
});
