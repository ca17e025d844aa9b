/**
 * Who is let in: a credential leads to a participant, whose slot is claimed in the store for the leg to come. Every refusal
 * happens here, before any media is allocated; no leg is made of it.
 */
import { randomUUID } from 'node:crypto';
import { sourceOf } from '../address-source.js';
import type { Clock } from '../clock.js';
import { hashJoinCode } from '../participants/join-code.js';
import type { Participant } from '../participants/participant.js';
import type { ParticipantStore, StoredJoinCode } from '../participants/participant-store.js';
import type { Credential, TokenCodec } from '../participants/token.js';
import { Refusal, type RefusalCode, type RefusedParty } from '../refusal.js';
import type { Guesses } from './guess-limiter.js';
import type { SlotRelease } from './slot-release.js';

export interface AdmissionOptions {
  /** In whose name slots are held in the store. */
  readonly nodeId: string;
  readonly store: Pick<ParticipantStore, 'claimSlot' | 'findJoinCode'>;
  readonly tokens: TokenCodec;
  readonly clock: Clock;
  /** Wrong join codes, by source. */
  readonly guesses: Guesses;
  readonly slots: SlotRelease;
  readonly maxLegsInSession: number;
  /** Why this node takes no further leg now; null where it does. */
  readonly closedFor: () => 'draining' | 'overloaded' | null;
}

/** A leg that may be made: it holds its participant's slot until the slot is released. */
export interface ClaimedSlot {
  readonly legId: string;
  /** As it is with the slot claimed. */
  readonly participant: Participant;
}

const claimRefusals = {
  gone: 'participant-gone',
  used: 'token-used',
  occupied: 'participant-occupied',
  'session-full': 'session-full',
} as const satisfies Record<string, RefusalCode>;

export class Admission {
  readonly #options: AdmissionOptions;

  constructor(options: AdmissionOptions) {
    this.#options = options;
  }

  /** Resolves with the id of the participant that a credential stands for, whether or not its slot is free. Throws Refusal. */
  async identify(credential: Credential | null, source: string): Promise<string> {
    const { tokens, clock } = this.#options;
    if (credential === null) throw new Refusal('token-missing');
    if (credential.kind === 'join-code') return this.#lookUp(credential.value, source);
    const verification = tokens.verify(credential.value, clock.now());
    if (verification.result === 'invalid') throw new Refusal('token-invalid');
    const { result, participantId } = verification;
    if (result === 'expired') throw new Refusal('token-expired', null, { participantId });
    return participantId;
  }

  /**
   * Claims the slot of the participant that the credential stands for, and makes the leg of it: in the turn in which the claim
   * is known, so that no change of the participant falls in between, nor another leg. Throws Refusal.
   */
  async claim<Leg>(
    credential: Credential | null,
    source: string,
    makeLeg: (slot: ClaimedSlot) => Leg,
  ): Promise<Leg> {
    const { store, slots, nodeId, clock, maxLegsInSession, closedFor } = this.#options;
    if (closedFor() === 'draining') throw new Refusal('draining', null, this.#partyOf(credential));
    const participantId = await this.identify(credential, source);
    refuseWhere(closedFor(), participantId);

    const legId = randomUUID();
    const claim = await store.claimSlot(participantId, { legId, nodeId, now: clock.now(), maxLegsInSession });
    if (claim.result !== 'claimed') throw new Refusal(claimRefusals[claim.result], null, { participantId });
    // Others may have been admitted, or the drain begun, in the meantime.
    const reason = closedFor();
    if (reason !== null) await slots.release(participantId, legId, false);
    refuseWhere(reason, participantId);
    return makeLeg({ legId, participant: claim.participant });
  }

  /** Whom a token stands for, without asking the store. */
  #partyOf(credential: Credential | null): RefusedParty {
    if (credential?.kind !== 'jwt') return {};
    const { tokens, clock } = this.#options;
    const verification = tokens.verify(credential.value, clock.now());
    return verification.result === 'invalid' ? {} : { participantId: verification.participantId };
  }

  async #lookUp(joinCode: string, source: string): Promise<string> {
    const { store, clock, guesses } = this.#options;
    const guesser = sourceOf(source);
    if (!(await guesses.take(guesser)))
      throw new Refusal('too-many-guesses', `too many unknown join codes from ${guesser}`);
    let isUnknown = false;
    try {
      const found = await store.findJoinCode(hashJoinCode(joinCode));
      isUnknown = found === null;
      return participantOf(found, clock.now());
    } finally {
      await guesses.settle(guesser, !isUnknown);
    }
  }
}

/** Throws Refusal. */
function participantOf(found: StoredJoinCode | null, now: number): string {
  if (found === null) throw new Refusal('token-invalid', 'unknown join code');
  const { participantId } = found;
  if (found.expiresAt <= now) throw new Refusal('token-expired', null, { participantId });
  return participantId;
}

function refuseWhere(code: RefusalCode | null, participantId: string): void {
  if (code !== null) throw new Refusal(code, null, { participantId });
}
