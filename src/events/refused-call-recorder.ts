/**
 * Keeps a record of each refused call, and of a flood of them as little as of a few: within a minute the first of one
 * participant or address, for one reason, have a record each, and all others share one that counts them.
 */
import { randomUUID } from 'node:crypto';
import { sourceOf } from '../domain/address-source.js';
import type { Clock, Timer } from '../domain/clock.js';
import type { CallRecordChange } from '../domain/facts/call-record.js';
import type { RefusedCall, RefusedCallDetails, RefusedCalls } from '../domain/facts/refused-call.js';
import type { Logger } from '../domain/logger.js';
import type { Outcome } from '../domain/outcome.js';
import { ownText, ownTextOrNull } from '../domain/own-text.js';
import { ownCaller, presentCaller, type CallerPrivacy } from '../domain/participants/caller.js';

/** Whose record it is. */
export interface RefusedCallOwner {
  readonly accountId: string;
  /** That of the participant, while it is there. */
  readonly sessionId: string | null;
  readonly participantTag: string | null;
}

export interface RefusedCallRecorderOptions {
  /** Takes what is to be written. */
  readonly record: (change: CallRecordChange) => void;
  /** Null where nobody's. May reject: then it counts as nobody's. */
  readonly ownerOf: (
    call: Pick<RefusedCall, 'participantId' | 'accountId'>,
    dialled: string | null,
  ) => Promise<RefusedCallOwner | null>;
  /** `null`: of calls that are nobody's. */
  readonly callerPrivacy: (accountId: string | null) => CallerPrivacy;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly limits: RefusedCallLimits;
}

export interface RefusedCallLimits {
  /** Records of one participant or address, for one reason, within a minute, before the next is shared. */
  readonly perMinute: number;
  /** Participants, and addresses, told apart within a minute; the calls of more are counted together, by reason. */
  readonly maxSources: number;
}

type TurnedAway = Extract<CallRecordChange, { change: 'turned-away' }>;

/** `party`: a participant's or an account's from more addresses than it may fill the table with; `many`: of more than are told apart. */
type GroupOf = 'source' | 'party' | 'many';

/** Refused calls of one participant or address, for one reason, in this minute. */
interface Group {
  readonly of: GroupOf;
  calls: number;
  /** The record that the last of them share, once it is made. */
  shared: TurnedAway | null;
  /** How many it was last written with. */
  sharedCalls: number;
  lastAt: number;
  /** Its minute is over. */
  isOver: boolean;
}

/** The part of those told apart that one participant or account may take up: one old token from many addresses hides no other's calls. */
const partyShare = 0.1;
const windowMs = 60_000;
/** A stranger writes them. */
const maxCallIdLength = 1024;
const maxDetailLength = 200;
/** Lookups under way; more calls than that at one moment are recorded as nobody's. */
const maxLookups = 1000;

export class RefusedCallRecorder implements RefusedCalls {
  readonly #options: RefusedCallRecorderOptions;
  /** Groups of calls that named somebody, apart from those of strangers: a flood of these must not hide those. */
  readonly #named = new Map<string, Group>();
  readonly #strangers = new Map<string, Group>();
  /** How many addresses of each participant and account are told apart. */
  readonly #partySources = new Map<string, number>();
  readonly #lookups = new Set<Promise<void>>();
  /** Runs while there are groups. */
  #window: Timer | null = null;
  #isClosed = false;

  constructor(options: RefusedCallRecorderOptions) {
    this.#options = options;
  }

  refused(call: RefusedCall): void {
    if (this.#isClosed) return;
    if (call.legId !== null) {
      this.#completeRecord(call, call.legId);
      return;
    }
    const { clock, limits } = this.#options;
    const group = this.#groupOf(call);
    group.calls += 1;
    group.lastAt = clock.now();
    if (group.calls <= limits.perMinute) void this.#keep(call, group, false);
    else if (group.calls === limits.perMinute + 1) void this.#keep(call, group, true);
  }

  /** Resolves when all that was refused so far is on its way to be written, with what has been counted. */
  async settled(): Promise<void> {
    await Promise.all(this.#lookups);
    this.#tellCounts();
  }

  /** Writes what has been counted, and nothing that comes after it; idempotent. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all(this.#lookups);
    this.#endWindow();
  }

  #groupOf(call: RefusedCall): Group {
    const party = call.participantId ?? call.accountId;
    const groups = party === null ? this.#strangers : this.#named;
    const source = sourceOf(call.source);
    const key = `${party === null ? '' : `${party} `}${source} ${call.code}`;
    const known = groups.get(key);
    if (known !== undefined) return known;
    const { maxSources } = this.#options.limits;
    if (party !== null && (this.#partySources.get(party) ?? 0) >= Math.ceil(maxSources * partyShare)) {
      const ofParty = `${party} ${call.code}`;
      const before = groups.get(ofParty);
      if (before !== undefined) return before;
      if (groups.size < maxSources) return this.#newGroup(groups, ofParty, 'party');
    }
    // A code alone is the key of all others.
    if (groups.size >= maxSources) return groups.get(call.code) ?? this.#newGroup(groups, call.code, 'many');
    if (party !== null) this.#partySources.set(ownText(party), (this.#partySources.get(party) ?? 0) + 1);
    return this.#newGroup(groups, key, 'source');
  }

  #newGroup(groups: Map<string, Group>, key: string, of: GroupOf): Group {
    const group: Group = { of, calls: 0, shared: null, sharedCalls: 1, lastAt: 0, isOver: false };
    groups.set(ownText(key), group);
    this.#window ??= this.#options.clock.after(windowMs, () => this.#endWindow());
    return group;
  }

  /** Counting begins anew. */
  #endWindow(): void {
    this.#window?.cancel();
    this.#window = null;
    this.#tellCounts();
    for (const groups of [this.#named, this.#strangers]) {
      for (const group of groups.values()) group.isOver = true;
      groups.clear();
    }
    this.#partySources.clear();
  }

  /** The records that are shared say now for how many calls they stand. */
  #tellCounts(): void {
    for (const group of [...this.#named.values(), ...this.#strangers.values()]) this.#tellCount(group);
  }

  #tellCount(group: Group): void {
    const { record, limits } = this.#options;
    const { shared, lastAt } = group;
    const calls = group.calls - limits.perMinute;
    if (shared === null || calls === group.sharedCalls) return;
    group.sharedCalls = calls;
    record({ ...shared, lastAt, refusal: { ...shared.refusal, calls } });
  }

  #completeRecord(call: RefusedCall, legId: string): void {
    const details = call.details();
    const refusal = refusalOf(call, details);
    this.#options.record({ change: 'refused', legId, sipStatus: details.sipStatus, refusal });
  }

  /** Makes the call's own record, or the one that those after it share. Never rejects. */
  #keep(call: RefusedCall, group: Group, isShared: boolean): Promise<void> {
    const details = call.details();
    const at = group.lastAt;
    // It would tell one account of the calls of another.
    const isOfMany = isShared && (group.of === 'many' || (call.participantId ?? call.accountId) === null);
    const lookup = isOfMany ? Promise.resolve(null) : this.#ownerOf(call, details);
    const work = lookup.then((owner) => {
      const own = this.#turnedAway(call, details, owner, at);
      const change = isShared ? shareable(own, group.of) : own;
      if (isShared) group.shared = change;
      this.#options.record(change);
      // Nobody else says any more how many they were.
      if (group.isOver) this.#tellCount(group);
    });
    this.#lookups.add(work);
    return work.finally(() => this.#lookups.delete(work));
  }

  async #ownerOf(call: RefusedCall, { dialled }: RefusedCallDetails): Promise<RefusedCallOwner | null> {
    if (this.#lookups.size >= maxLookups) return null;
    try {
      return await this.#options.ownerOf(call, dialled);
    } catch (error) {
      this.#options.logger.warn({ err: error }, 'whose call was refused could not be looked up');
      return null;
    }
  }

  #turnedAway(
    call: RefusedCall,
    details: RefusedCallDetails,
    owner: RefusedCallOwner | null,
    at: number,
  ): TurnedAway {
    const accountId = owner?.accountId ?? null;
    const shown = presentCaller(details.caller, this.#options.callerPrivacy(accountId));
    const outcome: Outcome =
      call.code === 'canceled'
        ? { endedBy: 'participant', reason: 'canceled' }
        : {
            ...{ endedBy: 'gateway', reason: 'refused' },
            ...(details.sipStatus === null ? {} : { sipStatus: details.sipStatus }),
          };
    return {
      change: 'turned-away',
      legId: randomUUID(),
      accountId,
      sessionId: owner?.sessionId ?? null,
      participantId: call.participantId,
      participantTag: owner?.participantTag ?? null,
      door: call.door,
      callId: ownText(details.callId.slice(0, maxCallIdLength)),
      voiceCallId: ownTextOrNull(details.voiceCallId),
      trunkId: call.trunkId ?? null,
      caller: shown && ownCaller(shown),
      outcome,
      refusal: refusalOf(call, details),
      at,
      lastAt: at,
    };
  }
}

/** What is recorded waits, also for a store that is away, and is not to keep the message that it was in. */
function refusalOf({ code, source }: RefusedCall, { detail, dialled }: RefusedCallDetails) {
  return {
    code,
    detail: ownTextOrNull(detail?.slice(0, maxDetailLength) ?? null),
    source: ownText(source),
    dialled: ownTextOrNull(dialled),
    calls: 1,
  };
}

/** The record that calls share, which says of them only what they have in common. */
function shareable(change: TurnedAway, of: GroupOf): TurnedAway {
  if (of === 'source') return change;
  const participantId = of === 'many' ? null : change.participantId;
  const trunkId = of === 'many' ? null : change.trunkId;
  return { ...change, participantId, trunkId, refusal: { ...change.refusal, source: null } };
}
