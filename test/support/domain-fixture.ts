/** The domain over the real SQLite store in memory, with media that only records: for tests of the rules. */
import { EventRecorder } from '../../src/domain/facts/event-recorder.js';
import type { DomainEvent, EventType } from '../../src/domain/facts/event.js';
import type { AdmitRequest } from '../../src/domain/legs/leg-admission.js';
import { LegRegistry, type LegLimits } from '../../src/domain/legs/leg-registry.js';
import type { LiveLeg } from '../../src/domain/legs/live-leg.js';
import { silentLogger } from '../../src/domain/logger.js';
import { mainConnection, type LegKind } from '../../src/domain/media-plane.js';
import type { Outcome } from '../../src/domain/outcome.js';
import type { NewParticipant } from '../../src/domain/participants/new-participant.js';
import { SessionService, type CreatedParticipant } from '../../src/domain/sessions/session-service.js';
import type { Subscriptions } from '../../src/domain/participants/subscriptions.js';
import { openSqliteStores } from '../../src/store/sqlite/sqlite-stores.js';
import type { Stores } from '../../src/store/stores.js';
import { JwtTokenCodec } from '../../src/tokens/jwt-token-codec.js';
import { ManualClock } from './manual-clock.js';
import { RecordingMediaPlane, type RecordingMediaLeg } from './recording-media-plane.js';

export const account = 'acme';
const tokenSecret = 'a secret that is long enough for HS256 tokens';
export const tokenTtlSeconds = 3600;

const defaultLimits: LegLimits = {
  maxLegs: 100,
  maxParticipantsPerSession: 20,
  noSessionTimeoutSeconds: 30,
  guesses: { maxFailuresPerMinute: 5, maxSources: 100 },
};

export interface DomainExtras {
  readonly holdSoundWhenAlone?: boolean;
}

/** What a door was told by the registry. */
export interface DoorLog {
  renegotiations: number;
  readonly terminations: Outcome[];
  /** How often another call took the leg from it. */
  replacements: number;
}

export class DomainFixture {
  readonly clock = new ManualClock();
  readonly media = new RecordingMediaPlane();
  readonly events: DomainEvent[] = [];
  readonly recorder: EventRecorder;
  readonly stores: Stores;
  readonly store: Stores['participants'];
  readonly tokens = new JwtTokenCodec({ secret: tokenSecret });
  readonly legs: LegRegistry;
  readonly sessions: SessionService;
  /** What the door of each leg was told. */
  readonly doors = new Map<string, DoorLog>();
  #calls = 0;

  /** `stores` outlive the fixture where they are given, as a disk outlives a process. */
  constructor(
    limits: Partial<LegLimits> = {},
    stores: Stores = openSqliteStores({ path: ':memory:' }),
    { holdSoundWhenAlone = false }: DomainExtras = {},
  ) {
    this.stores = stores;
    const store = stores.participants;
    this.store = store;
    const { clock, media, tokens } = this;
    const events = new EventRecorder({ publish: (event) => void this.events.push(event) }, clock);
    this.recorder = events;
    this.legs = new LegRegistry({
      nodeId: 'node-1',
      store,
      media,
      tokens,
      events,
      clock,
      logger: silentLogger,
      limits: { ...defaultLimits, ...limits },
      holdSoundWhenAlone,
    });
    this.sessions = new SessionService({
      store,
      legs: this.legs,
      tokens,
      events,
      clock,
      limits: { maxParticipantsPerSession: 20, tokenTtlSeconds },
    });
  }

  /** A participant, in the session where they are given, subscribed to all of it unless told otherwise. */
  async participant(
    sessionId: string | null = null,
    wanted: NewParticipant = {},
    subscriptions: Subscriptions | null = null,
  ): Promise<CreatedParticipant> {
    const created = await this.sessions.createParticipant(account, wanted);
    if (sessionId !== null) {
      const { id } = created.participant;
      await this.sessions.addParticipant(account, sessionId, id, subscriptions ?? { sessionId });
    }
    return created;
  }

  async session(): Promise<string> {
    return (await this.sessions.createSession(account, null)).id;
  }

  /** Throws Refusal. */
  async admit(token: string | null, changes: Partial<AdmitRequest> = {}): Promise<LiveLeg> {
    const door: DoorLog = { renegotiations: 0, terminations: [], replacements: 0 };
    this.#calls += 1;
    const leg = await this.legs.admit({
      credential: token === null ? null : { kind: 'jwt', value: token },
      door: 'sip',
      callId: `call-${this.#calls}`,
      voiceCallId: null,
      source: '192.0.2.1',
      signalling: {
        renegotiate: () => void (door.renegotiations += 1),
        terminate: (outcome) => void door.terminations.push(outcome),
        replaced: () => void (door.replacements += 1),
      },
      ...changes,
    });
    this.doors.set(leg.legId, door);
    return leg;
  }

  /** Calls with the participant's token and is answered. */
  async join(created: CreatedParticipant, kind: LegKind = 'phone'): Promise<LiveLeg> {
    const leg = await this.admit(created.token);
    await leg.open(mainConnection(kind, 'offer'));
    leg.answered();
    leg.established();
    return leg;
  }

  mediaOf({ participant }: { readonly participant: { readonly id: string } }): RecordingMediaLeg {
    return this.media.ofParticipant(participant.id);
  }

  door(leg: LiveLeg): DoorLog {
    const door = this.doors.get(leg.legId);
    if (door === undefined) throw new Error('the leg was not admitted here');
    return door;
  }

  ofType<T extends EventType>(type: T): Extract<DomainEvent, { type: T }>[] {
    return this.events.filter((event): event is Extract<DomainEvent, { type: T }> => event.type === type);
  }

  types(): EventType[] {
    return this.events.map(({ type }) => type);
  }

  async isSlotFree(created: CreatedParticipant): Promise<boolean> {
    // Writes are made in order: after this one those of legs that have ended are made.
    await this.store.releaseSlot('nobody', 'no leg', true);
    return (await this.store.findParticipant(created.participant.id))?.legId === null;
  }
}
