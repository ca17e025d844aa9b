/** How long a change of subscriptions takes to compute; part of the benchmark `sessions`. */
import { systemClock } from '../src/domain/clock.js';
import { EventRecorder } from '../src/domain/facts/event-recorder.js';
import { LegRegistry } from '../src/domain/legs/leg-registry.js';
import { silentLogger } from '../src/domain/logger.js';
import {
  mainConnection,
  type MediaConnection,
  type MediaLeg,
  type MediaPlane,
} from '../src/domain/media-plane.js';
import { SessionService } from '../src/domain/sessions/session-service.js';
import { openSqliteStores } from '../src/store/sqlite/sqlite-stores.js';
import { JwtTokenCodec } from '../src/tokens/jwt-token-codec.js';
import { atMost, type BenchmarkRow, percentile } from './benchmark.js';

const participantCount = 20;
const streamAliases = ['microphone', 'camera', 'screenShare'];
const changeCount = 5000;
const account = 'bench';

const connection: MediaConnection = {
  localDescription: '',
  answer: () => Promise.resolve(''),
  offer: () => Promise.resolve(''),
  accept: () => Promise.resolve(),
  rollback: () => Promise.resolve(),
};

/** Media that does nothing: what is measured is the rules. */
const media: MediaPlane = {
  isReady: true,
  openLeg: ({ legId, participantId, listener }) => {
    const leg: MediaLeg = {
      legId,
      kind: 'browser',
      connection: () => connection,
      receive: () => Promise.resolve(),
      setMayPublish: () => Promise.resolve(),
      confirm: () => Promise.resolve(),
      prompt: () => Promise.resolve(),
      play: () => Promise.resolve(),
      stopPlaying: () => Promise.resolve(),
      tone: () => Promise.resolve(),
      sendDtmf: () => Promise.resolve(),
      statistics: () => Promise.resolve(null),
      close: () => Promise.resolve(null),
    };
    setImmediate(() =>
      listener.onStreams(
        streamAliases.map((alias) => ({
          streamId: `${participantId}.${alias}`,
          alias,
          mediaTypes: ['AUDIO'],
        })),
      ),
    );
    return Promise.resolve(leg);
  },
  openRecording: () => Promise.reject(new Error('nothing is recorded here')),
  close: () => Promise.resolve(),
};

/** What it costs to compute the routes of a session of 20, each with three streams. */
export async function subscriptionChanges(): Promise<BenchmarkRow[]> {
  const stores = openSqliteStores({ path: ':memory:' });
  const store = stores.participants;
  const tokens = new JwtTokenCodec({ secret: 'a secret that is long enough for HS256 tokens' });
  const events = new EventRecorder({ publish: () => undefined }, systemClock);
  const shared = { store, tokens, events, clock: systemClock };
  const limits = { maxParticipantsPerSession: participantCount, tokenTtlSeconds: 3600 };
  const legs = new LegRegistry({
    ...shared,
    nodeId: 'bench',
    media,
    logger: silentLogger,
    limits: {
      ...limits,
      maxLegs: 100,
      noSessionTimeoutSeconds: 30,
      guesses: { maxFailuresPerMinute: 5, maxSources: 10 },
    },
  });
  const service = new SessionService({ ...shared, legs, limits });
  const { id: sessionId } = await service.createSession(account, null);
  const ids: string[] = [];
  for (let i = 0; i < participantCount; i += 1) {
    const { participant, token } = await service.createParticipant(account, {});
    await service.addParticipant(account, sessionId, participant.id, { sessionId });
    const leg = await legs.admit({
      credential: { kind: 'jwt', value: token },
      door: 'bench',
      callId: String(i),
      voiceCallId: null,
      source: 'bench',
      signalling: { renegotiate: () => undefined, terminate: () => undefined },
    });
    await leg.open(mainConnection('browser', 'offer'));
    leg.answered();
    leg.established();
    ids.push(participant.id);
  }
  await new Promise((resolve) => setImmediate(resolve));
  const participants = await service.listMembers(account, sessionId);

  /** Everybody, each one by name, and everybody by name with each alias: no two in a row are the same. */
  const shapes = [
    { sessionId },
    { participants: [{ participantId: ids[1] ?? '' }] },
    {
      participants: ids.map((participantId) => ({ participantId, streamAliases: streamAliases.slice(0, 2) })),
    },
  ];
  const changes: number[] = [];
  for (let i = 0; i < changeCount; i += 1) {
    const participant = participants[i % participantCount];
    const subscriptions = shapes[Math.floor(i / participantCount) % shapes.length];
    if (participant === undefined || subscriptions === undefined) continue;
    const began = performance.now();
    void legs.participantChanged({ ...participant, subscriptions });
    changes.push(performance.now() - began);
  }
  // A mute changes what nineteen others receive.
  const mutes: number[] = [];
  for (let i = 0; i < changeCount; i += 1) {
    const participant = participants[i % participantCount];
    if (participant === undefined) continue;
    const mutedAliases = Math.floor(i / participantCount) % 2 === 0 ? ['microphone'] : [];
    const subscriptions = shapes[2] ?? {};
    const began = performance.now();
    void legs.participantChanged({ ...participant, subscriptions, mutedAliases });
    mutes.push(performance.now() - began);
  }
  await legs.endAll({ endedBy: 'gateway', reason: 'gateway-stopping' });
  await stores.close();
  return [
    atMost(
      `a subscription change in a session of ${participantCount}, computed, p99`,
      percentile(changes, 0.99),
      'ms',
      1,
      3,
    ),
    atMost('  a mute there, with everybody’s routes, p99', percentile(mutes, 0.99), 'ms', 1, 3),
  ];
}
