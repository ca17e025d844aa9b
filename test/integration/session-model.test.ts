/** Random sequences of REST requests, joins and leaves, against the rules written a second time. */
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DomainEvent } from '../../src/domain/facts/event.js';
import type { LiveLeg } from '../../src/domain/legs/live-leg.js';
import { Refusal } from '../../src/domain/refusal.js';
import { EventHub } from '../../src/events/event-hub.js';
import { EventOrder } from '../support/event-order.js';
import { accountId, startRestServer, type RestServer } from '../support/rest-server.js';
import { SessionModel, type MediaType, type WantedSubscriptions } from '../support/session-model.js';

const maxMembers = 4;
const nobody = '00000000-0000-4000-8000-000000000000';
const aliases = ['microphone', 'music'] as const;

/** Numbers choose among what there is when the step comes. */
type Step =
  | { readonly op: 'createSession' }
  | { readonly op: 'createParticipant'; readonly permissions: readonly MediaType[] }
  | { readonly op: 'deleteSession'; readonly s: number }
  | { readonly op: 'deleteParticipant'; readonly p: number }
  | { readonly op: 'add'; readonly s: number; readonly p: number; readonly wanted: Wanted }
  | { readonly op: 'remove'; readonly s: number | null; readonly p: number }
  | { readonly op: 'subscribe'; readonly s: number | null; readonly p: number; readonly wanted: Wanted }
  | { readonly op: 'permit'; readonly p: number; readonly permissions: readonly MediaType[] }
  | { readonly op: 'mute' | 'unmute'; readonly s: number | null; readonly p: number; readonly alias: string }
  | { readonly op: 'join'; readonly p: number; readonly kind: 'phone' | 'browser' }
  | { readonly op: 'publish'; readonly p: number; readonly tracks: readonly string[] }
  | { readonly op: 'hangUp'; readonly p: number };

interface Wanted {
  readonly session: 'own' | 'other' | 'empty' | 'null' | 'missing';
  readonly participants:
    | readonly { readonly p: number; readonly aliases: readonly string[] | null | undefined }[]
    | null
    | undefined;
}

const index = fc.nat({ max: 29 });
/** Null: the session that the participant is in. */
const ownOrAny = fc.option(index, { freq: 1 });
const permissions = fc.constantFrom<readonly MediaType[]>(['AUDIO', 'VIDEO'], ['AUDIO'], ['VIDEO'], []);
const wanted: fc.Arbitrary<Wanted> = fc.record({
  session: fc.oneof(
    { weight: 6, arbitrary: fc.constant('own' as const) },
    {
      weight: 3,
      arbitrary: fc.constantFrom('other' as const, 'empty' as const, 'null' as const, 'missing' as const),
    },
  ),
  participants: fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom(undefined, null, []) },
    {
      weight: 3,
      arbitrary: fc.array(
        fc.record({
          p: index,
          aliases: fc.constantFrom(undefined, null, [], ['music'], ['microphone', 'nothing']),
        }),
        { minLength: 1, maxLength: 3 },
      ),
    },
  ),
});
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 1, arbitrary: fc.record({ op: fc.constant('createSession' as const) }) },
  { weight: 2, arbitrary: fc.record({ op: fc.constant('createParticipant' as const), permissions }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('deleteSession' as const), s: index }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('deleteParticipant' as const), p: index }) },
  { weight: 6, arbitrary: fc.record({ op: fc.constant('add' as const), s: index, p: index, wanted }) },
  { weight: 2, arbitrary: fc.record({ op: fc.constant('remove' as const), s: ownOrAny, p: index }) },
  {
    weight: 5,
    arbitrary: fc.record({ op: fc.constant('subscribe' as const), s: ownOrAny, p: index, wanted }),
  },
  { weight: 2, arbitrary: fc.record({ op: fc.constant('permit' as const), p: index, permissions }) },
  {
    weight: 4,
    arbitrary: fc.record({
      op: fc.constantFrom('mute' as const, 'unmute' as const),
      s: ownOrAny,
      p: index,
      alias: fc.constantFrom(...aliases),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      op: fc.constant('join' as const),
      p: index,
      kind: fc.constantFrom('phone' as const, 'browser' as const),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      op: fc.constant('publish' as const),
      p: index,
      tracks: fc.subarray([...aliases]),
    }),
  },
  { weight: 2, arbitrary: fc.record({ op: fc.constant('hangUp' as const), p: index }) },
);

/** One run: what was made in it, and what the model says of it. */
class Run {
  readonly model = new SessionModel(maxMembers);
  readonly events: DomainEvent[] = [];
  /** Routes in force, summed over all checks: a run in which nobody hears anybody would show nothing. */
  routes = 0;
  readonly #server: RestServer;
  readonly #sessionIds: string[] = [];
  readonly #participantIds: string[] = [];
  readonly #tokens = new Map<string, string>();
  readonly #legs = new Map<string, LiveLeg>();

  constructor(server: RestServer) {
    this.#server = server;
  }

  /** Sends the request and, in the same order as the server, tells the model; the two must agree. */
  async take(step: Step): Promise<void> {
    const { model } = this;
    switch (step.op) {
      case 'createSession': {
        const { id } = await this.#json<{ id: string }>('POST', '/sessions', {});
        this.#sessionIds.push(id);
        model.sessions.add(id);
        return;
      }
      case 'createParticipant': {
        const body = { publishPermissions: step.permissions };
        const created = await this.#json<{ participant: { id: string }; token: string }>(
          'POST',
          '/participants',
          body,
        );
        const { id } = created.participant;
        this.#participantIds.push(id);
        this.#tokens.set(id, created.token);
        const none = { sessionId: null, subscriptions: {}, muted: new Set<string>(), leg: null };
        model.participants.set(id, { id, permissions: step.permissions, ...none });
        return;
      }
      case 'deleteSession': {
        const s = this.#session(step.s);
        return this.#agree('DELETE', `/sessions/${s}`, undefined, () => model.deleteSession(s));
      }
      case 'deleteParticipant': {
        const p = this.#participant(step.p);
        return this.#agree('DELETE', `/participants/${p}`, undefined, () => model.deleteParticipant(p));
      }
      case 'add': {
        const [s, p] = [this.#session(step.s), this.#participant(step.p)];
        const body = this.#subscriptions(step.wanted, s);
        return this.#agree('PUT', `/sessions/${s}/participants/${p}`, body, () => model.add(s, p, body));
      }
      case 'remove': {
        const [s, p] = this.#member(step);
        return this.#agree('DELETE', `/sessions/${s}/participants/${p}`, undefined, () => model.remove(s, p));
      }
      case 'subscribe': {
        const [s, p] = this.#member(step);
        const body = this.#subscriptions(step.wanted, s);
        const path = `/sessions/${s}/participants/${p}/subscriptions`;
        return this.#agree('PUT', path, body, () => model.subscribe(s, p, body));
      }
      case 'permit': {
        const p = this.#participant(step.p);
        return this.#agree('PATCH', `/participants/${p}`, { publishPermissions: step.permissions }, () => {
          const participant = model.participants.get(p);
          if (participant === undefined) return 404;
          participant.permissions = step.permissions;
          return 200;
        });
      }
      case 'mute':
      case 'unmute': {
        const [s, p] = this.#member(step);
        const path = `/sessions/${s}/participants/${p}/streams/${step.alias}/${step.op}`;
        return this.#agree('POST', path, undefined, () =>
          model.setMuted(s, p, step.alias, step.op === 'mute'),
        );
      }
      case 'join':
        return this.#join(this.#participant(step.p), step.kind);
      case 'publish': {
        const p = this.#participant(step.p);
        const leg = model.participants.get(p)?.leg;
        if (leg?.kind !== 'browser') return;
        this.#server.media.ofParticipant(p).publish(...step.tracks);
        leg.tracks = step.tracks;
        return;
      }
      case 'hangUp': {
        const p = this.#participant(step.p);
        await this.#legs.get(p)?.end({ endedBy: 'participant', reason: 'hangup' });
        const participant = model.participants.get(p);
        if (participant !== undefined) participant.leg = null;
      }
    }
  }

  /** The routes in force are the model's, for everybody, and nobody has a leg who should have none. */
  check(): void {
    const { media } = this.#server;
    for (const participant of this.model.participants.values()) {
      const live = this.#live(participant.id);
      expect(live !== undefined, `${participant.id} is connected`).toBe(participant.leg !== null);
      if (live === undefined) continue;
      const leg = media.ofParticipant(participant.id);
      expect([...leg.received].sort(), `${participant.id} receives`).toEqual(
        this.model.received(participant),
      );
      this.routes += leg.received.length;
      expect(new Set(leg.received).size).toBe(leg.received.length);
      expect(leg.hearsHoldSound).toBe(participant.sessionId === null);
    }
  }

  /** What REST lists of the sessions is what the model says. */
  async checkLists(): Promise<void> {
    for (const sessionId of this.model.sessions) {
      const members = await this.#json<{ id: string }[]>('GET', `/sessions/${sessionId}/participants`);
      expect(members.map(({ id }) => id).sort()).toEqual(
        this.model
          .members(sessionId)
          .map(({ id }) => id)
          .sort(),
      );
      const streams = await this.#json<ListedStream[]>('GET', `/sessions/${sessionId}/streams`);
      const expected = this.model.members(sessionId).flatMap(({ id, leg, permissions: may, muted }) =>
        (may.includes('AUDIO') ? (leg?.tracks ?? []) : []).map((alias) => ({
          id: `${id}.${alias}`,
          muted: muted.has(alias),
          receivers: this.model
            .members(sessionId)
            .filter((one) => one.leg !== null && this.model.received(one).includes(`${id}.${alias}`))
            .map((one) => one.id)
            .sort(),
        })),
      );
      const listed = streams.map(({ id, muted, receivers }) => ({
        id,
        muted,
        receivers: [...receivers].sort(),
      }));
      const byId = (a: { id: string }, b: { id: string }) => a.id.localeCompare(b.id);
      expect(listed.sort(byId)).toEqual(expected.sort(byId));
    }
  }

  /** After steps that ran at the same time: the model is what the store says, whatever order they had. */
  async readModel(): Promise<void> {
    // Writes are made in order: after this one the slots of legs that were hung up are free.
    await this.#server.store.releaseSlot(nobody, nobody, true);
    for (const participantId of this.#participantIds) {
      const stored = await this.#server.store.findParticipant(participantId);
      if (stored === null) {
        this.model.participants.delete(participantId);
        continue;
      }
      const participant = this.model.participants.get(participantId);
      const live = this.#live(participantId);
      const media = live === undefined ? undefined : this.#server.media.ofParticipant(participantId);
      this.model.participants.set(participantId, {
        id: participantId,
        permissions: stored.publishPermissions,
        sessionId: stored.sessionId,
        subscriptions: stored.subscriptions,
        muted: new Set(stored.mutedAliases),
        leg: media === undefined ? null : { kind: media.kind, tracks: media.tracks },
      });
      if (live === undefined) expect(stored.legId).toBeNull();
      expect(participant).toBeDefined();
    }
    for (const sessionId of this.#sessionIds) {
      if ((await this.#server.store.getSession(accountId, sessionId)) === null)
        this.model.sessions.delete(sessionId);
      else this.model.sessions.add(sessionId);
    }
  }

  async end(): Promise<void> {
    for (const leg of this.#legs.values()) await leg.end({ endedBy: 'participant', reason: 'hangup' });
    const order = new EventOrder();
    for (const event of this.events) order.take(event);
    expect(order.joined.size, 'legs that joined and never left').toBe(0);
  }

  #live(participantId: string): LiveLeg | undefined {
    const leg = this.#server.legs.ofParticipant(participantId);
    return leg?.state === 'established' ? leg : undefined;
  }

  async #join(participantId: string, kind: 'phone' | 'browser'): Promise<void> {
    const participant = this.model.participants.get(participantId);
    const expected =
      participant === undefined
        ? 'participant-gone'
        : participant.leg !== null
          ? 'participant-occupied'
          : null;
    const token = this.#tokens.get(participantId);
    if (token === undefined) return;
    let refusal: string | null = null;
    try {
      this.#legs.set(participantId, await this.#server.connect(token, kind));
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      refusal = error.code;
    }
    if (this.isStrict) expect(refusal).toBe(expected);
    if (refusal === null && participant !== undefined) {
      participant.leg = { kind, tracks: kind === 'phone' ? ['microphone'] : [] };
    }
  }

  /** False while steps run at the same time: which status each gets depends on their order. */
  isStrict = true;

  async #agree(method: string, path: string, body: unknown, told: () => number): Promise<void> {
    const { status } = await this.#server.request(method, path, body);
    const expected = told();
    if (this.isStrict) expect(status, `${method} ${path} ${JSON.stringify(body)}`).toBe(expected);
    else expect(status).toBeLessThan(500);
  }

  async #json<T>(method: string, path: string, body?: unknown): Promise<T> {
    const response = await this.#server.request(method, path, body);
    expect(response.status).toBe(200);
    return (await response.json()) as T;
  }

  #session(at: number): string {
    return this.#sessionIds[at % Math.max(1, this.#sessionIds.length)] ?? nobody;
  }

  #participant(at: number): string {
    return this.#participantIds[at % Math.max(1, this.#participantIds.length)] ?? nobody;
  }

  #member({
    s,
    p,
  }: {
    readonly s: number | null;
    readonly p: number;
  }): [sessionId: string, participantId: string] {
    const participantId = this.#participant(p);
    const own = this.model.participants.get(participantId)?.sessionId ?? null;
    return [s === null && own !== null ? own : this.#session(s ?? p), participantId];
  }

  #subscriptions(given: Wanted, sessionId: string): WantedSubscriptions {
    const session = {
      own: { sessionId },
      other: { sessionId: nobody },
      empty: { sessionId: '' },
      null: { sessionId: null },
      missing: {},
    }[given.session];
    const participants = given.participants?.map(({ p, aliases: names }) => ({
      // Every fifth is somebody whom the server has never heard of.
      participantId: p % 5 === 4 ? nobody : this.#participant(p),
      ...(names === undefined ? {} : { streamAliases: names }),
    }));
    return {
      ...session,
      ...(given.participants === undefined ? {} : { participants: participants ?? null }),
    };
  }
}

interface ListedStream {
  readonly id: string;
  readonly muted: boolean;
  readonly receivers: readonly string[];
}

const everything: Wanted = { session: 'own', participants: undefined };

/** Two sessions; in the first two phones and two browsers, who hear one another, and one participant in none. */
const beginning: readonly Step[] = [
  { op: 'createSession' },
  { op: 'createSession' },
  ...Array.from({ length: 5 }, () => ({ op: 'createParticipant', permissions: ['AUDIO', 'VIDEO'] }) as const),
  ...[0, 1, 2, 3].map((p) => ({ op: 'add', s: 0, p, wanted: everything }) as const),
  { op: 'join', p: 0, kind: 'phone' },
  { op: 'join', p: 1, kind: 'phone' },
  { op: 'join', p: 2, kind: 'browser' },
  { op: 'join', p: 3, kind: 'browser' },
  { op: 'publish', p: 2, tracks: aliases },
  { op: 'publish', p: 3, tracks: ['microphone'] },
];

describe('a hundred random sequences of requests, joins and leaves', () => {
  let server: RestServer;
  beforeAll(async () => {
    server = await startRestServer({ maxParticipantsPerSession: maxMembers, hub: new EventHub() });
  });
  afterAll(() => server.close());

  const run = async (steps: (run: Run) => Promise<void>): Promise<number> => {
    const one = new Run(server);
    const subscription = server.events.subscribe({ accountId }, (event) => one.events.push(event));
    try {
      for (const step of beginning) await one.take(step);
      await steps(one);
    } finally {
      await one.end();
      subscription?.close();
    }
    return one.routes;
  };

  it('have the answers and leave the routes that the rules say, after each step', async () => {
    let routes = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 50 }), async (steps) => {
        routes += await run(async (one) => {
          for (const next of steps) {
            await one.take(next);
            one.check();
          }
          await one.checkLists();
        });
      }),
      { numRuns: 100 },
    );
    expect(routes).toBeGreaterThan(5000);
  }, 300_000);

  it('leave the routes that the stored state says, also where steps run at the same time', async () => {
    const batch = fc.array(step, { minLength: 2, maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(fc.array(batch, { minLength: 2, maxLength: 6 }), async (batches) => {
        await run(async (one) => {
          one.isStrict = false;
          for (const steps of batches) {
            await Promise.all(steps.map((next) => one.take(next)));
            await one.readModel();
            one.check();
          }
        });
      }),
      { numRuns: 50 },
    );
  }, 300_000);
});
