/** What a leg receives is what its participant is subscribed to and what its door accepts. */
import { beforeEach, describe, expect, it } from 'vitest';
import { account, DomainFixture } from '../../../test/support/domain-fixture.js';
import type { CreatedParticipant } from '../sessions/session-service.js';
import type { LiveLeg } from './live-leg.js';
import { mainConnection } from '../media-plane.js';

let domain: DomainFixture;
let sessionId: string;
let listener: CreatedParticipant;
let leg: LiveLeg;

beforeEach(async () => {
  domain = new DomainFixture();
  sessionId = await domain.session();
  listener = await domain.participant(sessionId);
  leg = await domain.join(listener, 'browser');
});

const received = (): readonly string[] => domain.mediaOf(listener).received;

async function speaker(): Promise<string> {
  const created = await domain.participant(sessionId);
  await domain.join(created);
  return `${created.participant.id}.microphone`;
}

describe('a door that accepts some of the streams', () => {
  it('accepts everything until it says otherwise, and again when it says so', async () => {
    const both = [await speaker(), await speaker()];
    expect(leg.accepts).toBeNull();
    expect(received()).toEqual(both);
    leg.acceptStreams(both.slice(1));
    expect(received()).toEqual(both.slice(1));
    leg.acceptStreams(null);
    expect(received()).toEqual(both);
  });

  it('is given those alone to which the participant is subscribed too', async () => {
    const stream = await speaker();
    leg.acceptStreams([stream]);
    await domain.sessions.setSubscriptions(account, sessionId, listener.participant.id, {});
    expect(received()).toEqual([]);
    await domain.sessions.setSubscriptions(account, sessionId, listener.participant.id, { sessionId });
    expect(received()).toEqual([stream]);
  });

  it('changes nothing for others, and is not counted among the receivers of what it does not accept', async () => {
    const stream = await speaker();
    const other = await domain.participant(sessionId);
    await domain.join(other, 'browser');
    leg.acceptStreams([]);
    expect(domain.mediaOf(other).received).toEqual([stream]);
    const streams = await domain.legs.streams(sessionId);
    expect(streams.map(({ receivers }) => receivers)).toEqual([[other.participant.id]]);
  });

  it('may choose before the leg is established, and not after its end', async () => {
    const stream = await speaker();
    const late = await domain.participant(sessionId);
    const lateLeg = await domain.admit(late.token);
    lateLeg.acceptStreams([]);
    await lateLeg.open(mainConnection('browser', 'offer browser'));
    lateLeg.answered();
    lateLeg.established();
    expect(domain.mediaOf(late).received).toEqual([]);
    await lateLeg.end({ endedBy: 'participant', reason: 'hangup' });
    lateLeg.acceptStreams([stream]);
    expect(lateLeg.accepts).toEqual(new Set());
  });
});
