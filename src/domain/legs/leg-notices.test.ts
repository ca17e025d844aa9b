/** The notices that are not about what one receives: everybody in the session, and messages. */
import { beforeEach, describe, expect, it } from 'vitest';
import { account, DomainFixture } from '../../../test/support/domain-fixture.js';
import type { CreatedParticipant } from '../sessions/session-service.js';
import { maxMessageOctets, type LegNotice, type LegNoticeType, type MessageContent } from './leg-notice.js';
import type { LiveLeg } from './live-leg.js';
import { mainConnection } from '../media-plane.js';

let domain: DomainFixture;
let sessionId: string;

beforeEach(async () => {
  domain = new DomainFixture();
  sessionId = await domain.session();
});

interface Listener {
  readonly created: CreatedParticipant;
  readonly leg: LiveLeg;
  readonly told: LegNotice[];
}

/** A browser at a door that takes these notices. */
async function listener(...takes: LegNoticeType[]): Promise<Listener> {
  const created = await domain.participant(sessionId, {}, {});
  const told: LegNotice[] = [];
  const leg = await domain.admit(created.token, {
    signalling: {
      renegotiate: () => undefined,
      terminate: () => undefined,
      notices: { takes: new Set(takes), tell: (notice) => void told.push(notice) },
    },
  });
  await leg.open(mainConnection('browser', 'offer browser'));
  leg.answered();
  leg.established();
  return { created, leg, told };
}

async function phone(displayName: string): Promise<LiveLeg> {
  return domain.join(await domain.participant(sessionId, { displayName }));
}

/** Each list as `name: aliases`. */
const lists = (told: readonly LegNotice[]): string[][] =>
  told.flatMap((notice) =>
    notice.type !== 'members'
      ? []
      : [
          notice.members.map(
            ({ displayName, streams }) =>
              `${displayName ?? '-'}: ${streams.map(({ alias }) => alias).join(' ')}`,
          ),
        ],
  );

describe('the notice of members', () => {
  it('names everybody with what they publish, whoever receives it, whenever that changes', async () => {
    const { told } = await listener('members');
    const ann = await phone('Ann');
    domain.mediaOf(ann).publish('microphone', 'second');
    await ann.end({ endedBy: 'participant', reason: 'hangup' });
    expect(lists(told)).toEqual([
      ['-: '],
      ['-: ', 'Ann: microphone'],
      ['-: ', 'Ann: microphone second'],
      ['-: '],
    ]);
  });

  it('is told again only where it is another list', async () => {
    const { told, created } = await listener('members');
    const ann = await phone('Ann');
    const count = told.length;
    await domain.sessions.setSubscriptions(account, sessionId, created.participant.id, { sessionId });
    ann.dtmf('1', 100);
    expect(told).toHaveLength(count);
    await domain.sessions.updateParticipant(account, ann.participant.id, { displayName: 'Anna' });
    expect(lists(told).at(-1)).toEqual(['-: ', 'Anna: microphone']);
  });

  it('is empty for a leg that is taken out of its session', async () => {
    const { told, created } = await listener('members');
    await domain.sessions.removeParticipant(account, sessionId, created.participant.id);
    expect(lists(told)).toEqual([['-: '], []]);
  });

  it('goes to nobody who does not take it', async () => {
    const { told } = await listener('participants', 'dtmf', 'message');
    await phone('Ann');
    expect(lists(told)).toEqual([]);
    // It is subscribed to nobody.
    expect(told).toEqual([
      { type: 'participants', sessionId, participants: [], unsubscribed: [], mutedStreams: [] },
    ]);
  });
  it('has what of the leg’s own a moderator has muted', async () => {
    const { told, created, leg } = await listener('participants');
    const { id } = created.participant;
    const muted = () => told.map((one) => (one.type === 'participants' ? one.mutedStreams.length : -1));
    domain.mediaOf(leg).publish('microphone');
    await domain.sessions.setMuted(account, sessionId, id, { stream: 'microphone', isMuted: true });
    await domain.sessions.setMuted(account, sessionId, id, { stream: 'microphone', isMuted: false });
    expect(muted()).toEqual([0, 1, 0]);
  });
});

describe('a message', () => {
  const text = (words: string): MessageContent => ({ kind: 'text', text: words });

  it('from a member reaches everybody who takes messages, the sender too', async () => {
    const [a, b, deaf] = [await listener('message'), await listener('message'), await listener('members')];
    await phone('Ann');
    const from = a.created.participant.id;
    const sent = await domain.legs.sendMessage({ sessionId, from, to: null, content: text('hello') });
    expect(sent).toBe('sent');
    const notice = { type: 'message', participantId: from, content: text('hello') };
    expect([a.told, b.told]).toEqual([[notice], [notice]]);
    expect(deaf.told).not.toContainEqual(notice);
  });

  it('from the application reaches those whom it names, and nobody later', async () => {
    const [a, b] = [await listener('message'), await listener('message')];
    const content: MessageContent = { kind: 'json', value: { topic: 'poll', options: ['yes', 'no'] } };
    const to = [b.created.participant.id, 'somebody else'];
    expect(await domain.legs.sendMessage({ sessionId, from: null, to, content })).toBe('sent');
    const late = await listener('message');
    expect(a.told).toEqual([]);
    expect(b.told).toEqual([{ type: 'message', participantId: null, content }]);
    expect(late.told).toEqual([]);
  });

  it('is refused where its sender is not in the session, or nobody is', async () => {
    const message = { sessionId, to: null, content: text('hello') };
    expect(await domain.legs.sendMessage({ ...message, from: null })).toBe('gone');
    const { told } = await listener('message');
    expect(await domain.legs.sendMessage({ ...message, from: 'stranger' })).toBe('gone');
    expect(told).toEqual([]);
  });

  it('is refused where it is too long, as it is written in UTF-8', async () => {
    const { told } = await listener('message');
    const send = (content: MessageContent) =>
      domain.legs.sendMessage({ sessionId, from: null, to: null, content });
    expect(await send(text('é'.repeat(maxMessageOctets / 2)))).toBe('sent');
    expect(await send(text('é'.repeat(maxMessageOctets / 2 + 1)))).toBe('too-long');
    expect(await send({ kind: 'json', value: 'x'.repeat(maxMessageOctets - 1) })).toBe('too-long');
    expect(told).toHaveLength(1);
  });
});
