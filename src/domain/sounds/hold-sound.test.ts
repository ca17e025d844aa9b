import { describe, expect, it } from 'vitest';
import { account, DomainFixture } from '../../../test/support/domain-fixture.js';

async function twoPhones(holdSoundWhenAlone: boolean) {
  const fixture = new DomainFixture({}, undefined, { holdSoundWhenAlone });
  const sessionId = await fixture.session();
  const first = await fixture.participant(sessionId);
  await fixture.join(first);
  return { fixture, sessionId, first, media: fixture.mediaOf(first) };
}

describe('A phone that hears nobody', () => {
  it('hears the hold sound where that is set, until somebody is heard, and again afterwards', async () => {
    const { fixture, sessionId, first, media } = await twoPhones(true);
    expect(media.hearsHoldSound).toBe(true);
    const second = await fixture.participant(sessionId);
    const leg = await fixture.join(second);
    expect(media.hearsHoldSound).toBe(false);
    await fixture.sessions.setMuted(account, sessionId, second.participant.id, {
      stream: 'microphone',
      isMuted: true,
    });
    expect(media.hearsHoldSound).toBe(true);
    await fixture.sessions.setMuted(account, sessionId, second.participant.id, {
      stream: 'microphone',
      isMuted: false,
    });
    expect(media.hearsHoldSound).toBe(false);
    await fixture.sessions.setSubscriptions(account, sessionId, first.participant.id, {});
    expect(media.hearsHoldSound).toBe(true);
    await fixture.sessions.setSubscriptions(account, sessionId, first.participant.id, { sessionId });
    await leg.end({ endedBy: 'participant', reason: 'hangup' });
    expect(media.hearsHoldSound).toBe(true);
  });

  it('hears it while all whom it hears hold the call, and them again at once', async () => {
    const { fixture, sessionId, media } = await twoPhones(true);
    const second = await fixture.participant(sessionId);
    await fixture.join(second);
    const third = await fixture.participant(sessionId);
    const leg = await fixture.join(third);
    const heard = [`${second.participant.id}.microphone`, `${third.participant.id}.microphone`];
    fixture.mediaOf(second).listener.onHeld(true);
    expect(media.hearsHoldSound).toBe(false);
    expect(media.received).toEqual(heard);
    await leg.end({ endedBy: 'participant', reason: 'hangup' });
    expect(media.hearsHoldSound).toBe(true);
    expect(media.received).toEqual([]);
    fixture.mediaOf(second).listener.onHeld(false);
    expect(media.hearsHoldSound).toBe(false);
    expect(media.received).toEqual(heard.slice(0, 1));
  });

  it('hears it where it comes to one who holds the call', async () => {
    const { fixture, sessionId, media } = await twoPhones(true);
    media.listener.onHeld(true);
    const second = await fixture.participant(sessionId);
    await fixture.join(second);
    expect(fixture.mediaOf(second).hearsHoldSound).toBe(true);
  });

  it('hears silence while all hold where it is not set, and a browser keeps what it receives', async () => {
    for (const isSet of [false, true]) {
      const { fixture, sessionId, media } = await twoPhones(isSet);
      const second = await fixture.participant(sessionId);
      await fixture.join(second, 'browser');
      const heard = fixture.mediaOf(second).received;
      expect(heard).toHaveLength(1);
      media.listener.onHeld(true);
      expect(fixture.mediaOf(second).received).toEqual(heard);
    }
  });

  it('hears it beside a picture without sound, too', async () => {
    const { fixture, sessionId, media } = await twoPhones(true);
    const second = await fixture.participant(sessionId);
    const leg = await fixture.join(second, 'browser');
    const streamId = `${second.participant.id}.screenShare`;
    fixture.mediaOf(second).listener.onStreams([{ streamId, alias: 'screenShare', mediaTypes: ['VIDEO'] }]);
    expect(leg.streams).toHaveLength(1);
    expect(media.hearsHoldSound).toBe(true);
  });

  it('hears silence in a session where it is not set', async () => {
    const { media } = await twoPhones(false);
    expect(media.hearsHoldSound).toBe(false);
  });
});
