/** Keeps the registration and the pings of each trunk: a “line” is what one trunk has us do by ourselves, as long as it exists. */
import type { Clock } from '../../domain/clock.js';
import type { EventRecorder } from '../../domain/facts/event-recorder.js';
import { LimitedLines, strangersLines } from '../../domain/limited-lines.js';
import type { Logger } from '../../domain/logger.js';
import type { TrunkOutbound, TrunkTarget } from '../../domain/trunks/outbound.js';
import type { Trunk } from '../../domain/trunks/trunk.js';
import type { TargetStatus, TrunkState, TrunkStates, TrunkWatcher } from '../../domain/trunks/trunk-state.js';
import { PingTurns } from './ping-turns.js';
import { RegistrarIdentity } from './registrar-dialogue.js';
import { Registration, type RegistrationSettings } from './registration.js';
import { statusOf, TrunkPings, unknownTargets, type PingChange } from './trunk-pings.js';
import type { SendToTrunk } from './trunk-requests.js';

export interface TrunkLinesOptions {
  readonly send: SendToTrunk;
  readonly events: Pick<EventRecorder, 'record'>;
  /** Told from where a trunk registered us; null: it did so no longer. */
  readonly registrarIs: (trunkId: string, address: string | null) => void;
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  readonly logger: Logger;
  readonly settings: RegistrationSettings;
  readonly pings: {
    /** At once, over all trunks. */
    readonly max: number;
    readonly answerMs: number;
  };
}

/** Those that begin together, at the start, do so one after the other. */
const apartMs = 10;

interface Line {
  readonly trunk: Trunk;
  /** What would make it another line. */
  readonly wish: string;
  /** Null until the line before it has ended. */
  registration: Registration | null;
  /** The same. */
  pings: TrunkPings | null;
  /** The line before it has ended. */
  readonly before: Promise<void>;
  isOver: boolean;
}

export class TrunkLines implements TrunkWatcher, TrunkStates {
  readonly #options: TrunkLinesOptions;
  readonly #lines = new Map<string, Line>();
  /** The trunks that want a line, also while there are none. */
  readonly #trunks = new Map<string, Trunk>();
  /** The ends of lines that have not ended yet, by trunk: the next line waits for the last of them. */
  readonly #endings = new Map<string, Promise<void>>();
  /** Kept for as long as there is the trunk: what an ended line said too late is older than what the next one says. */
  readonly #identities = new Map<
    string,
    { readonly contactUser: string; readonly identity: RegistrarIdentity }
  >();
  /** What was told to be down, by trunk: it is told when it is up again, also where the line is another by then. */
  readonly #downs = new Map<string, Set<string>>();
  readonly #turns: PingTurns;
  readonly #told: LimitedLines;
  #isResting = false;
  #freeAt = 0;

  constructor(options: TrunkLinesOptions) {
    this.#options = options;
    const { clock, logger, pings } = options;
    this.#turns = new PingTurns(pings.max);
    this.#told = new LimitedLines({
      ...{ clock, ...strangersLines },
      tellMore: (counts) => logger.warn(counts, 'more trunks were not registered, or did not answer'),
    });
  }

  trunkPut(trunk: Trunk): void {
    const isWanted = trunk.isEnabled && trunk.outbound !== null;
    if (!isWanted) {
      this.#close(trunk.id);
      return;
    }
    this.#trunks.set(trunk.id, trunk);
    if (!this.#isResting) this.#open(trunk);
  }

  trunkRemoved(trunkId: string): void {
    this.#identities.delete(trunkId);
    this.#close(trunkId);
  }

  stateOf(trunkId: string): TrunkState | null {
    const outbound = this.#trunks.get(trunkId)?.outbound ?? null;
    if (outbound === null) return null;
    const line = this.#lines.get(trunkId);
    const registration = line?.registration?.state ?? {
      ...{ status: 'unregistered', target: null, expiresAt: null, nextAt: null, failure: null },
    };
    return {
      registration: outbound.registration && registration,
      targets: line?.pings?.states ?? unknownTargets(outbound),
    };
  }

  /** Trunks that are pinged, by what is known of them. */
  figures(): Readonly<Record<TargetStatus, number>> {
    const counts = { unknown: 0, up: 0, down: 0 };
    for (const trunkId of this.#trunks.keys()) {
      const targets = this.stateOf(trunkId)?.targets ?? [];
      if (targets.length > 0) counts[statusOf(targets)] += 1;
    }
    return counts;
  }

  /** The connection is gone that the registration with this Call-ID went by. */
  registrationLost(callId: string): void {
    for (const { registration } of this.#lines.values())
      if (registration?.callId === callId) registration.lost();
  }

  /** Calls are not taken any more: none is to be sent here. Settles when that was said, or nobody answered in time. */
  async rest(): Promise<void> {
    this.#isResting = true;
    for (const trunkId of [...this.#lines.keys()]) void this.#end(trunkId);
    await Promise.all(this.#endings.values());
  }

  /** Calls are taken again. */
  resume(): void {
    this.#isResting = false;
    for (const trunk of this.#trunks.values()) this.#open(trunk);
  }

  /** Gives every registration back, and waits a bounded time for that; idempotent. */
  async close(): Promise<void> {
    await this.rest();
    this.#trunks.clear();
    this.#told.close();
  }

  #close(trunkId: string): void {
    this.#trunks.delete(trunkId);
    this.#downs.delete(trunkId);
    void this.#end(trunkId);
  }

  /** Another line where the trunk wants something else than the line does. */
  #open(trunk: Trunk): void {
    const wish = JSON.stringify(trunk.outbound);
    if (this.#lines.get(trunk.id)?.wish === wish) return;
    const before = this.#end(trunk.id);
    const line: Line = { trunk, wish, registration: null, pings: null, before, isOver: false };
    this.#lines.set(trunk.id, line);
    const { clock } = this.#options;
    // No later than those that there are need: the clock may have been set back.
    const latest = clock.now() + this.#lines.size * apartMs;
    this.#freeAt = Math.min(Math.max(this.#freeAt + apartMs, clock.now()), latest);
    const beginsAt = this.#freeAt;
    void before.then(() => {
      const { outbound } = trunk;
      if (line.isOver || outbound === null) return;
      const delayMs = Math.max(0, beginsAt - clock.now());
      const routeTo = (target: TrunkTarget): string | null => line.registration?.routeTo(target) ?? null;
      const pings = (line.pings = this.#ping(trunk, outbound, routeTo));
      if (outbound.registration !== null) line.registration = this.#register(trunk, outbound, pings);
      line.registration?.begin(delayMs);
      pings.begin(delayMs);
    });
  }

  #end(trunkId: string): Promise<void> {
    const line = this.#lines.get(trunkId);
    if (line === undefined) return this.#endings.get(trunkId) ?? Promise.resolve();
    this.#lines.delete(trunkId);
    line.isOver = true;
    line.pings?.end();
    const ending = line.before.then(() => line.registration?.end());
    this.#endings.set(trunkId, ending);
    void ending.then(() => {
      if (this.#endings.get(trunkId) === ending) this.#endings.delete(trunkId);
    });
    return ending;
  }

  /** Another carrier, which is told another Contact, is told another Call-ID as well. */
  #identityOf(trunkId: string, contactUser: string): RegistrarIdentity {
    const known = this.#identities.get(trunkId);
    if (known?.contactUser === contactUser) return known.identity;
    const identity = new RegistrarIdentity();
    this.#identities.set(trunkId, { contactUser, identity });
    return identity;
  }

  #ping(
    { id: trunkId, accountId }: Trunk,
    outbound: TrunkOutbound,
    routeTo: (target: TrunkTarget) => string | null,
  ): TrunkPings {
    const { send, events, clock, random, logger, pings } = this.#options;
    const downs = this.#downs.get(trunkId) ?? new Set();
    this.#downs.set(trunkId, downs);
    const subject = { accountId, sessionId: null, participantId: null, tag: null };
    const onTold = ({ status, target, sipStatus }: PingChange): void => {
      const fields = { trunkId, target, sipStatus };
      this.#told.write(
        () =>
          status === 'up'
            ? logger.info(fields, 'a trunk’s server answers again')
            : logger.warn(fields, 'a trunk’s server does not answer'),
        { servers: 1 },
      );
      events.record(`trunk.${status}`, subject, fields);
    };
    return new TrunkPings({
      ...{ outbound, send, clock, random, turns: this.#turns, answerMs: pings.answerMs },
      ...{ downs, onTold, routeTo },
    });
  }

  #register({ id: trunkId, accountId }: Trunk, outbound: TrunkOutbound, pings: TrunkPings): Registration {
    const { send, events, registrarIs, clock, random, logger, settings } = this.#options;
    const subject = { accountId, sessionId: null, participantId: null, tag: null };
    return new Registration({
      ...{ outbound, send, clock, random, settings },
      identity: this.#identityOf(trunkId, outbound.registration?.contactUser ?? ''),
      isDown: (target) => pings.isDown(target),
      onSource: (address) => registrarIs(trunkId, address),
      onRegistered: ({ target: { host: target }, seconds }) => {
        logger.info({ trunkId, target }, 'registered with a trunk');
        events.record('trunk.registered', subject, { trunkId, target, expiresSeconds: seconds });
      },
      onBroken: (err) => logger.error({ err, trunkId }, 'a registration with a trunk went wrong'),
      onFailed: ({ code, sipStatus }) => {
        this.#told.write(() => logger.warn({ trunkId, code, sipStatus }, 'a trunk did not register us'), {
          trunks: 1,
        });
        events.record('trunk.registrationFailed', subject, { trunkId, target: null, code, sipStatus });
      },
    });
  }
}
