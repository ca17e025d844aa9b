/** What a leg that takes notices is told about the others: those whom it is subscribed to, and nobody else. */
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

describe('a leg that joins', () => {
  it('is told that nobody is there: it may have heard of somebody in a call before this one', () => {
    expect(told).toEqual([
      { type: 'participants', sessionId, participants: [], unsubscribed: [], mutedStreams: [] },
    ]);
  });
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

/** Who is in the session but in the last list no more, and which session that is. */
function unsubscribed(): unknown {
  const last = told.at(-1);
  return last?.type === 'participants' ? [last.sessionId, last.unsubscribed] : undefined;
}

/** Aliases of muted streams, of each in the list. */
function mutedOf(notice: LegNotice | undefined): string[][] | undefined {
  if (notice?.type !== 'participants') return undefined;
  return notice.participants.map(({ mutedStreams }) => mutedStreams.map(({ alias }) => alias));
}

describe('a leg that takes notices', () => {
  it('is told who the publishers of its streams are, a caller’s number as far as it may be shown', async () => {
    const leg = await phone('Ann');
    expect(told.slice(1)).toEqual([
      {
        type: 'participants',
        sessionId,
        participants: [
          {
            participantId: leg.participant.id,
            kind: 'phone',
            displayName: 'Ann',
            attributes: { team: 'red' },
            caller: { number: '+********142', name: null },
            mutedStreams: [],
          },
        ],
        unsubscribed: [],
        mutedStreams: [],
      },
    ]);
    await phone('Ben');
    expect(names()).toEqual(['Ann', 'Ben']);
    await leg.end({ endedBy: 'participant', reason: 'hangup' });
    expect(names()).toEqual(['Ben']);
    expect(told).toHaveLength(4);
  });

  it('is told that somebody was muted, who stays on the list, and that the mute is over', async () => {
    const ann = await phone('Ann');
    const { id } = ann.participant;
    const muted = () => mutedOf(told.at(-1));
    await domain.sessions.setMuted(account, sessionId, id, {
      stream: 'microphone',
      isMuted: true,
    });
    expect([names(), muted()]).toEqual([['Ann'], [['microphone']]]);
    const count = told.length;
    // An alias of no stream is nothing to tell.
    await domain.sessions.setMuted(account, sessionId, id, {
      stream: 'screenShare',
      isMuted: true,
    });
    expect(told).toHaveLength(count);
    await domain.sessions.setMuted(account, sessionId, id, {
      stream: 'microphone',
      isMuted: false,
    });
    expect([names(), muted()]).toEqual([['Ann'], [[]]]);
  });

  it('is not told of a muted stream that it is not subscribed to', async () => {
    const ann = await phone('Ann');
    const { id } = ann.participant;
    await subscribe({ participants: [{ participantId: id, streamAliases: ['camera'] }] });
    await domain.sessions.setMuted(account, sessionId, id, {
      stream: 'microphone',
      isMuted: true,
    });
    expect([names(), mutedOf(told.at(-1))]).toEqual([['Ann'], [[]]]);
  });

  it('is told of somebody who publishes nothing, or nothing any more', async () => {
    const ann = await phone('Ann');
    domain.mediaOf(ann).publish();
    expect(names()).toEqual(['Ann']);
    const ben = await domain.participant(sessionId, { displayName: 'Ben' });
    await establish(await domain.admit(ben.token), 'browser');
    expect(names()).toEqual(['Ann', 'Ben']);
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

  it('is told of whom it is only subscribed to no more, until that one leaves', async () => {
    const ann = await domain.participant(sessionId, { displayName: 'Ann' });
    const leg = await establish(await domain.admit(ann.token), 'phone');
    const ben = await phone('Ben');
    const [a, b] = [ann.participant.id, ben.participant.id];
    await subscribe({ participants: [{ participantId: b }] });
    expect([names(), unsubscribed()]).toEqual([['Ben'], [sessionId, [a]]]);
    await subscribe({});
    expect([names(), unsubscribed()]).toEqual([[], [sessionId, [a, b]]]);
    await subscribe({ participants: [{ participantId: a }] });
    expect([names(), unsubscribed()]).toEqual([['Ann'], [sessionId, [b]]]);
    await ben.end({ endedBy: 'participant', reason: 'hangup' });
    expect([names(), unsubscribed()]).toEqual([['Ann'], [sessionId, []]]);
    await subscribe({});
    await leg.end({ endedBy: 'participant', reason: 'hangup' });
    expect([names(), unsubscribed()]).toEqual([[], [sessionId, []]]);
    // Nothing is told of who comes back unheard.
    await establish(await domain.admit(ann.token), 'phone');
    expect([names(), unsubscribed()]).toEqual([[], [sessionId, []]]);
  });

  it('is told that it is in another session, or in none, where it knows nobody yet', async () => {
    await phone('Ann');
    const { id } = listener.participant;
    await domain.sessions.removeParticipant(account, sessionId, id);
    expect([names(), unsubscribed()]).toEqual([[], [null, []]]);
    const elsewhere = await domain.session();
    await domain.sessions.addParticipant(account, elsewhere, id, {});
    expect([names(), unsubscribed()]).toEqual([[], [elsewhere, []]]);
    await domain.sessions.removeParticipant(account, elsewhere, id);
    await domain.sessions.addParticipant(account, sessionId, id, {});
    expect([names(), unsubscribed()]).toEqual([[], [sessionId, []]]);
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
