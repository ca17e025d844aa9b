/** The REST API on a real port, over the real domain, an SQLite store in memory and a media plane without media. */
import { join } from 'node:path';
import { systemClock, type Clock } from '../../src/domain/clock.js';
import { DtmfService } from '../../src/domain/keys/dtmf-service.js';
import { EventRecorder } from '../../src/domain/facts/event-recorder.js';
import { LegRegistry } from '../../src/domain/legs/leg-registry.js';
import { silentLogger, type Logger } from '../../src/domain/logger.js';
import { PlaybackService } from '../../src/domain/sounds/playback-service.js';
import { RecordingService, type RecordingLimits } from '../../src/domain/recordings/recording-service.js';
import { SessionService } from '../../src/domain/sessions/session-service.js';
import { SoundService } from '../../src/domain/sounds/sound-service.js';
import type { LiveLeg } from '../../src/domain/legs/live-leg.js';
import { EventHub } from '../../src/events/event-hub.js';
import { createHttpServer, type HttpAnswer } from '../../src/rest/http-server.js';
import { createRest, type RestOptions } from '../../src/rest/rest.js';
import { DiskRecordingFiles } from '../../src/store/disk-recording-files.js';
import { DiskSoundFiles } from '../../src/store/disk-sound-files.js';
import { openSqliteStores } from '../../src/store/sqlite/sqlite-stores.js';
import type { Stores } from '../../src/store/stores.js';
import { JwtTokenCodec } from '../../src/tokens/jwt-token-codec.js';
import { recordingLimits } from './recording-stage.js';
import { RecordingMediaPlane } from './recording-media-plane.js';
import { mainConnection } from '../../src/domain/media-plane.js';

export const accountId = 'acme';
export const username = 'alice';
export const password = 'pass:word ✓';
export const basic = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;

export interface RestServer {
  readonly url: string;
  readonly port: number;
  readonly stores: Stores;
  readonly store: Stores['participants'];
  readonly legs: LegRegistry;
  readonly media: RecordingMediaPlane;
  readonly events: EventHub;
  readonly answers: HttpAnswer[];
  /** A request to the account's path with good credentials. */
  request(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Response>;
  /** Connects a participant as a phone or a browser; its call is established at once. */
  connect(token: string, kind?: 'phone' | 'browser'): Promise<LiveLeg>;
  close(): Promise<void>;
}

export interface RestServerChanges extends Partial<RestOptions> {
  readonly maxParticipantsPerSession?: number;
  readonly clock?: Clock;
  readonly logger?: Logger;
  readonly hub?: EventHub;
  /** An empty directory: with one there are sounds and recordings, on the disk. */
  readonly directory?: string;
  readonly recordingLimits?: Partial<RecordingLimits>;
  readonly maxPlaybacks?: number;
}

export async function startRestServer(changes: RestServerChanges = {}): Promise<RestServer> {
  const clock = changes.clock ?? systemClock;
  const path = changes.directory === undefined ? ':memory:' : join(changes.directory, 'landbridge.db');
  const stores = openSqliteStores({ path });
  const store = stores.participants;
  const tokens = new JwtTokenCodec({ secret: 'a secret of more than thirty-two bytes' });
  const hub = changes.hub ?? new EventHub();
  const events = new EventRecorder({ publish: (event) => hub.factKept(event) }, clock);
  const maxParticipantsPerSession = changes.maxParticipantsPerSession ?? 20;
  const media = new RecordingMediaPlane();
  const legs = new LegRegistry({
    nodeId: 'node',
    store,
    media,
    tokens,
    events,
    clock,
    logger: silentLogger,
    limits: {
      maxLegs: 100,
      maxParticipantsPerSession,
      noSessionTimeoutSeconds: 30,
      guesses: { maxFailuresPerMinute: 10, maxSources: 10 },
    },
  });
  const sessions = new SessionService({
    store,
    legs,
    tokens,
    events,
    clock,
    limits: { maxParticipantsPerSession, tokenTtlSeconds: 3600 },
  });
  const dtmf = new DtmfService({ sessions, legs, events, clock });
  legs.observe(dtmf);
  const onDisk =
    changes.directory === undefined
      ? null
      : await soundsAndRecordings(changes.directory, changes, {
          ...{ stores, store },
          legs,
          sessions,
          media,
          events,
          clock,
        });
  const answers: HttpAnswer[] = [];
  const server = createHttpServer({
    logger: changes.logger ?? silentLogger,
    onAnswered: (answer) => answers.push(answer),
  });
  await server.register(
    createRest({
      accounts: [
        { accountId, username, password },
        { accountId: 'other', username: 'bob', password: 'secret' },
      ],
      sessions,
      legs,
      events: hub,
      version: '0.0.0',
      dtmf,
      ...onDisk?.resources,
      ...changes,
      clock,
    }),
  );
  await server.listen({ host: '127.0.0.1', port: 0 });
  const { port } = server.server.address() as { port: number };
  const url = `http://127.0.0.1:${port}`;
  return {
    url,
    port,
    stores,
    store,
    legs,
    media,
    events: hub,
    answers,
    request: (method, path, body, headers = {}) =>
      fetch(`${url}/v1/accounts/${accountId}${path}`, {
        method,
        headers: {
          authorization: basic,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      }),
    async connect(token, kind = 'phone') {
      const leg = await legs.admit({
        credential: { kind: 'jwt', value: token },
        door: 'test',
        callId: 'call',
        voiceCallId: null,
        source: 'test',
        signalling: { renegotiate: () => undefined, terminate: () => undefined },
      });
      await leg.open(mainConnection(kind, 'offer'));
      leg.answered();
      leg.established();
      return leg;
    },
    async close() {
      await server.close();
      await onDisk?.close();
      await stores.close();
    },
  };
}

interface Domain {
  readonly stores: Stores;
  readonly store: Stores['participants'];
  readonly legs: LegRegistry;
  readonly sessions: SessionService;
  readonly media: RecordingMediaPlane;
  readonly events: EventRecorder;
  readonly clock: Clock;
}

async function soundsAndRecordings(
  directory: string,
  { recordingLimits: wanted, maxPlaybacks = 10 }: RestServerChanges,
  domain: Domain,
) {
  const { sessions, legs, events, clock } = domain;
  const sounds = new SoundService({
    files: await DiskSoundFiles.open(join(directory, 'sounds')),
    limits: { maxSeconds: 2, maxPerAccount: 3, minFreeBytes: 0 },
  });
  const playbacks = new PlaybackService({ sessions, legs, sounds, events, clock, maxPlaybacks });
  const recordings = new RecordingService({
    ...domain,
    nodeId: 'node',
    recordings: domain.stores.recordings,
    files: new DiskRecordingFiles(join(directory, 'recordings')),
    logger: silentLogger,
    limits: { ...recordingLimits, ...wanted },
  });
  legs.observe(playbacks);
  legs.observe(recordings);
  return {
    resources: { sounds: { sounds, playbacks }, recordings },
    close: () => recordings.close(),
  };
}
