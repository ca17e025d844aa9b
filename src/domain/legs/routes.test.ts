import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { receivedStreams, type RoutedMember } from './routes.js';
import type { Subscriptions } from '../participants/subscriptions.js';

function member(participantId: string, subscriptions: Subscriptions, ...aliases: string[]): RoutedMember {
  return {
    participantId,
    subscriptions,
    mutedAliases: [],
    accepts: null,
    streams: aliases.map((alias) => ({
      streamId: `${participantId}.${alias}`,
      alias,
      mediaTypes: ['AUDIO'] as const,
    })),
  };
}

const all = { sessionId: 's' };

describe('received streams', () => {
  it('are those of the other members, in their order', () => {
    const members = [member('a', all, 'mic', 'screen'), member('b', all, 'mic'), member('c', all, 'mic')];
    expect(receivedStreams('s', members[1]!, members)).toEqual(['a.mic', 'a.screen', 'c.mic']);
  });

  it('differ by listener: who hears whom is no symmetric matter', () => {
    const coach = member('coach', all, 'mic');
    const agent = member('agent', all, 'mic');
    const caller = member('caller', { participants: [{ participantId: 'agent' }] }, 'mic');
    const members = [coach, agent, caller];
    expect(receivedStreams('s', caller, members)).toEqual(['agent.mic']);
    expect(receivedStreams('s', agent, members)).toEqual(['coach.mic', 'caller.mic']);
    expect(receivedStreams('s', coach, members)).toEqual(['agent.mic', 'caller.mic']);
  });

  it('are only those that its door accepts as well', () => {
    const members = [member('a', all, 'mic', 'screen'), member('b', all, 'mic'), member('c', all, 'mic')];
    const accepts = (...streamIds: string[]) => ({ ...members[2]!, accepts: new Set(streamIds) });
    expect(receivedStreams('s', accepts('b.mic', 'a.screen', 'later.mic'), members)).toEqual([
      'a.screen',
      'b.mic',
    ]);
    expect(receivedStreams('s', accepts(), members)).toEqual([]);
    const unsubscribed = { ...accepts('a.mic', 'b.mic'), subscriptions: { participants: [] } };
    expect(receivedStreams('s', unsubscribed, members)).toEqual([]);
  });

  it('are none where a subscription names somebody who is no member', () => {
    const listener = member('a', { participants: [{ participantId: 'gone' }] });
    expect(receivedStreams('s', listener, [listener, member('b', all, 'mic')])).toEqual([]);
  });

  it('are none from members without streams', () => {
    expect(receivedStreams('s', member('a', all), [member('b', all), member('c', all)])).toEqual([]);
  });

  it('never hold one’s own, and each stream at most once', () => {
    const names = fc.constantFrom('a', 'b', 'c', 'd');
    const subscriptions = fc.record(
      {
        sessionId: fc.constantFrom('s', 't'),
        participants: fc.array(
          fc.record({ participantId: names, streamAliases: fc.array(fc.constant('mic')) }),
        ),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(fc.array(subscriptions, { minLength: 4, maxLength: 4 }), names, (four, listenerName) => {
        const members = ['a', 'b', 'c', 'd'].map((name, index) => member(name, four[index] ?? {}, 'mic'));
        const listener = members.find(({ participantId }) => participantId === listenerName)!;
        const received = receivedStreams('s', listener, members);
        expect(received).not.toContain(`${listenerName}.mic`);
        expect(new Set(received).size).toBe(received.length);
      }),
    );
  });
});
