/** What a leg that takes notices is told about the others: those whose streams it receives, and nobody else. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { LegNotice } from './leg-notice.js';
import type { LiveLeg } from './live-leg.js';
import type { CreatedParticipant } from '../sessions/session-service.js';
import type { Subscriptions } from '../participants/subscriptions.js';
import { account, DomainFixture } from '../../../test/support/domain-fixture.js';
import { mainConnection, type LegKind } from '../media-plane.js';

let domain: DomainFixture;
let sessionId: string;
let listener: CreatedParticipant;
let told: LegNotice[];

beforeEach(async () => {
  domain = new DomainFixture();
  sessionId = await domain.session();
  told = [];
  listener = await domain.participant(sessionId);
  const leg = await domain.admit(listener.token, {
    signalling: {
      renegotiate: () => undefined,
      terminate: () => undefined,
      notices: { takes: new Set(['participants', 'dtmf']), tell: (notice) => void told.push(notice) },
    },
  });
  await establish(leg, 'browser');
});

async function establish(leg: LiveLeg, kind: LegKind): Promise<LiveLeg> {
  await leg.open(mainConnection(kind, 'offer'));
  leg.answered();
  leg.established();
  return leg;
}

/** A caller who talks. */
async function phone(displayName: string): Promise<LiveLeg> {
  const created = await domain.participant(sessionId, { displayName, attributes: { team: 'red' } });
  const caller = { number: '+15551230142', name: 'Mallory' };
  return establish(await domain.admit(created.token, { caller }), 'phone');
}

function subscribe(subscriptions: Subscriptions): Promise<unknown> {
  return domain.sessions.setSubscriptions(account, sessionId, listener.participant.id, subscriptions);
}

/** Names in the last list. */
function names(): (string | null)[] | undefined {
  const last = told.at(-1);
  return last?.type === 'participants' ? last.participants.map(({ displayName }) => displayName) : undefined;
}

describe('a leg that takes notices', () => {
  it('is told who the publishers of its streams are, a caller’s number as far as it may be shown', async () => {
    const leg = await phone('Ann');
    expect(told).toEqual([
      {
        type: 'participants',
        participants: [
          {
            participantId: leg.participant.id,
            kind: 'phone',
            displayName: 'Ann',
            attributes: { team: 'red' },
            caller: { number: '+********142', name: null },
          },
        ],
      },
    ]);
    await phone('Ben');
    expect(names()).toEqual(['Ann', 'Ben']);
    await leg.end({ endedBy: 'participant', reason: 'hangup' });
    expect(names()).toEqual(['Ben']);
    expect(told).toHaveLength(3);
  });

  it('is told nothing of those whom it does not receive', async () => {
    const ann = await phone('Ann');
    await phone('Ben');
    await subscribe({ participants: [{ participantId: ann.participant.id }] });
    expect(names()).toEqual(['Ann']);
    await subscribe({});
    expect(names()).toEqual([]);
    const count = told.length;
    await phone('Cem');
    ann.dtmf('1', 100);
    expect(told).toHaveLength(count);
  });

  it('is told of a new name, and of the keys that they press', async () => {
    const ann = await phone('Ann');
    await domain.sessions.updateParticipant(account, ann.participant.id, { displayName: 'Anna' });
    expect(names()).toEqual(['Anna']);
    ann.dtmf('#', 120);
    expect(told.at(-1)).toEqual({
      type: 'dtmf',
      participantId: ann.participant.id,
      digit: '#',
      durationMs: 120,
    });
  });
});
