import { beforeEach, describe, expect, it } from 'vitest';
import type { ConnectionEvents, MutedStream, RemoteStream } from './api.js';
import { Emitter } from './emitter.js';
import { Participants } from './participants.js';
import type { DescribedParticipant } from './session-notice.js';

let told: string[];
let participants: Participants;

beforeEach(() => {
  told = [];
  const emitter = new Emitter<ConnectionEvents>();
  participants = new Participants(emitter);
  for (const name of [
    'participantJoined',
    'participantChanged',
    'participantLeft',
    'participantUnsubscribed',
  ] as const)
    emitter.on(name, ({ participantId, displayName, mutedStreams }) => {
      const muted = mutedStreams.map(({ alias }) => ` without ${alias}`).join('');
      told.push(`${participantId} ${name.slice('participant'.length)} ${displayName ?? '-'}${muted}`);
    });
});

const microphone: RemoteStream = {
  streamId: 'a.1',
  participantId: 'a',
  alias: 'microphone',
  mediaTypes: ['AUDIO'],
  mediaStream: {} as MediaStream,
};

function described(participantId: string, ...mutedStreams: MutedStream[]): DescribedParticipant {
  const displayName = participantId === 'a' ? 'Ann' : 'Ben';
  return { participantId, kind: 'phone', displayName, attributes: {}, caller: null, mutedStreams };
}

/** The gateway's list, of a session where nobody else is whom it told of before. */
function list(...listed: DescribedParticipant[]): void {
  participants.describe({
    type: 'participants',
    sessionId: 's',
    participants: listed,
    unsubscribed: [],
    mutedStreams: [],
  });
}

it('tells that we are in another session or in none, and what of ours was muted; not where we begin', () => {
  const emitter = new Emitter<ConnectionEvents>();
  const own = new Participants(emitter);
  const changes: string[] = [];
  emitter.on('selfChanged', ({ sessionId, mutedStreams }) =>
    changes.push([sessionId ?? '-', ...mutedStreams.map(({ alias }) => alias)].join(' ')),
  );
  const tell = (sessionId: string | null, ...mutedStreams: MutedStream[]) =>
    own.describe({ type: 'participants', sessionId, participants: [], unsubscribed: [], mutedStreams });
  expect(own.self).toEqual({ sessionId: undefined, mutedStreams: [] });
  tell('s');
  tell('s', { streamId: 'x.1', alias: 'microphone', mediaTypes: ['AUDIO'] });
  tell('s');
  tell(null);
  tell(null);
  tell('s');
  expect(changes).toEqual(['s microphone', 's', '-', 's']);
});

function publishes(): void {
  participants.join('a');
  participants.setStream(microphone);
}

function publishesNothing(): void {
  participants.removeStream(microphone);
  participants.streamsGone('a');
}

describe('somebody', () => {
  it('who leaves is named, and nothing has changed before, whether the list or the stream goes first', () => {
    publishes();
    list(described('a'));
    list();
    expect(told).toEqual(['a Joined -', 'a Changed Ann']);
    publishesNothing();
    expect(told.splice(0)).toEqual(['a Joined -', 'a Changed Ann', 'a Left Ann']);

    list(described('a'));
    publishes();
    publishesNothing();
    list();
    expect(told).toEqual(['a Joined Ann', 'a Left Ann']);
    expect(participants.byId.size).toBe(0);
  });

  it('whom a moderator mutes stays, and is said to be muted until that is over', () => {
    list(described('a'));
    publishes();
    list(described('a', microphone));
    publishesNothing();
    expect(participants.byId.get('a')).toMatchObject({
      streams: [],
      mutedStreams: [{ alias: 'microphone', mediaTypes: ['AUDIO'] }],
    });
    list(described('a'));
    publishes();
    expect(told).toEqual(['a Joined Ann', 'a Changed Ann without microphone', 'a Changed Ann']);
  });

  it('who publishes nothing, not yet or not any more, is there as long as the gateway lists it', () => {
    list(described('a'), described('b'));
    publishes();
    publishesNothing();
    expect([...participants.byId.keys()]).toEqual(['a', 'b']);
    list(described('a'));
    expect(told).toEqual(['a Joined Ann', 'b Joined Ben', 'b Left Ben']);
  });

  it('of whom the gateway tells nothing is there with its streams', () => {
    publishes();
    publishesNothing();
    expect(told).toEqual(['a Joined -', 'a Left -']);
  });

  it('is there no more when our own connection is over', () => {
    list(described('a'));
    participants.end();
    // It may well be there.
    expect(told).toEqual(['a Joined Ann', 'a Unsubscribed Ann']);
    expect(participants.byId.size).toBe(0);
  });

  const nobody = {
    type: 'participants',
    sessionId: 's',
    participants: [],
    unsubscribed: [],
    mutedStreams: [],
  } as const;

  it.each([
    ['whom we are only no longer subscribed to', { ...nobody, unsubscribed: ['a'] }],
    ['whose session we were taken out of', { ...nobody, sessionId: null }],
    ['whose session is not ours any more', { ...nobody, sessionId: 'another' }],
  ])('%s is not said to have left, whether the list or the stream goes first', (_whom, notice) => {
    publishes();
    list(described('a'));
    participants.describe(notice);
    publishesNothing();
    list(described('a'));
    publishes();
    publishesNothing();
    participants.describe(notice);
    expect(told).toEqual([
      'a Joined -',
      'a Changed Ann',
      'a Unsubscribed Ann',
      'a Joined Ann',
      'a Unsubscribed Ann',
    ]);
    expect(participants.byId.size).toBe(0);
  });

  it('who leaves after we were unsubscribed from it is not told of twice', () => {
    list(described('a'));
    participants.describe({ ...nobody, unsubscribed: ['a'] });
    participants.describe(nobody);
    expect(told).toEqual(['a Joined Ann', 'a Unsubscribed Ann']);
  });

  it('who is missing after a call of ours anew may be there all the same', () => {
    list(described('a'), described('b'));
    participants.newCall();
    list(described('b'));
    list();
    expect(told).toEqual(['a Joined Ann', 'b Joined Ben', 'a Unsubscribed Ann', 'b Left Ben']);
  });

  it('who is met again in another session has left where it leaves that', () => {
    list(described('a'));
    participants.describe({ ...nobody, sessionId: 'another', participants: [described('a')] });
    participants.describe({ ...nobody, sessionId: 'another' });
    expect(told).toEqual(['a Joined Ann', 'a Left Ann']);
  });
});
