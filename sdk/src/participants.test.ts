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
  for (const name of ['participantJoined', 'participantChanged', 'participantLeft'] as const)
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
    participants.describe([described('a')]);
    participants.describe([]);
    expect(told).toEqual(['a Joined -', 'a Changed Ann']);
    publishesNothing();
    expect(told.splice(0)).toEqual(['a Joined -', 'a Changed Ann', 'a Left Ann']);

    participants.describe([described('a')]);
    publishes();
    publishesNothing();
    participants.describe([]);
    expect(told).toEqual(['a Joined Ann', 'a Left Ann']);
    expect(participants.byId.size).toBe(0);
  });

  it('whom a moderator mutes stays, and is said to be muted until that is over', () => {
    participants.describe([described('a')]);
    publishes();
    participants.describe([described('a', microphone)]);
    publishesNothing();
    expect(participants.byId.get('a')).toMatchObject({
      streams: [],
      mutedStreams: [{ alias: 'microphone', mediaTypes: ['AUDIO'] }],
    });
    participants.describe([described('a')]);
    publishes();
    expect(told).toEqual(['a Joined Ann', 'a Changed Ann without microphone', 'a Changed Ann']);
  });

  it('who publishes nothing, not yet or not any more, is there as long as the gateway lists it', () => {
    participants.describe([described('a'), described('b')]);
    publishes();
    publishesNothing();
    expect([...participants.byId.keys()]).toEqual(['a', 'b']);
    participants.describe([described('a')]);
    expect(told).toEqual(['a Joined Ann', 'b Joined Ben', 'b Left Ben']);
  });

  it('of whom the gateway tells nothing is there with its streams', () => {
    publishes();
    publishesNothing();
    expect(told).toEqual(['a Joined -', 'a Left -']);
  });

  it('is there no more when our own connection is over', () => {
    participants.describe([described('a')]);
    participants.end();
    expect(told).toEqual(['a Joined Ann', 'a Left Ann']);
    expect(participants.byId.size).toBe(0);
  });
});
