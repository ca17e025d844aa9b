/** Steps of an explanation: whom the call is for, and whether there is room. */
import type { Config } from '../../config/config-schema.js';
import type { CallRecordStore } from '../../domain/facts/call-record.js';
import { NetworkList } from '../../domain/network-list.js';
import type { NumberStore, PhoneNumber } from '../../domain/numbers/phone-number.js';
import type { Participant } from '../../domain/participants/participant.js';
import type { ParticipantStore } from '../../domain/participants/participant-store.js';
import type { Trunk } from '../../domain/trunks/trunk.js';
import { dialledNumber } from '../../doors/sip/credential.js';
import { normalizeNumber } from '../../phone-numbers/e164.js';
import type { Question } from './question.js';
import { noted, passed, refused, unknown, type Step } from './step.js';

export interface PartyStores {
  readonly participants: Pick<ParticipantStore, 'findParticipant' | 'getSession' | 'listMembers'>;
  readonly numbers: Pick<NumberStore, 'findNumberByE164' | 'pinLength'>;
  readonly records: Pick<CallRecordStore, 'formerAccount'>;
}

export interface CapacityFigures {
  readonly isDraining: boolean;
  readonly legs: number;
  readonly maxLegs: number;
  readonly hasMedia: boolean;
}

const foreign = 'of another account or unknown';

export function capacityStep({ isDraining, legs, maxLegs, hasMedia }: CapacityFigures): Step {
  const answer = (reason: string) => ({ sipStatus: 503, reason });
  if (isDraining) return refused('capacity', 'the gateway takes no new calls', answer('draining'));
  if (!hasMedia) return refused('capacity', 'no media worker takes calls', answer('overloaded'));
  if (legs >= maxLegs)
    return refused('capacity', 'the gateway has all the calls it takes', answer('overloaded'));
  return passed('capacity', 'the gateway takes calls');
}

/** The trunk that a call came over, and the number that it called by that. */
export interface OverTrunk {
  readonly trunk: Trunk | null;
  readonly dialled: string | null;
}

/** What a call to a number comes to that shows nothing, or twelve digits that may be a join code; null where no number is called. */
export async function numberSteps(
  { accountId, asked, source }: Question,
  { trunk, dialled: overTrunk }: OverTrunk,
  stores: PartyStores,
  config: Pick<Config, 'numbers' | 'sessions'>,
): Promise<{ readonly steps: readonly Step[]; readonly isLetIn: boolean } | null> {
  const dialled = overTrunk ?? dialledNumber(asked.uri);
  if (dialled === null) return null;
  const e164 = normalizeNumber(dialled, config.numbers.defaultCountry ?? null);
  const number = e164 === null ? null : await stores.numbers.findNumberByE164(e164);
  if (number?.accountId !== accountId) {
    const text = `the number is ${foreign}: where it is nobody’s the call is refused with 403 token-missing`;
    const hint = 'Numbers are set up with `POST /numbers`: docs/voice-platforms.md.';
    return { steps: [unknown('number', text, hint)], isLetIn: false };
  }
  const details = { numberId: number.id, number: number.number, route: number.route.kind };
  const { address } = source;
  if (trunk !== null) {
    const text = 'the number is this account’s, and a call of its trunk needs no more';
    const step = passed('number', text, { ...details, trunkId: trunk.id });
    return { steps: [step, await routeStep(number, stores, config)], isLetIn: true };
  }
  if (address === null) {
    const text =
      'the number is this account’s; whether its `allowFrom` lets the call in depends on the source';
    return { steps: [unknown('number', text, 'Name the `source`.', details)], isLetIn: false };
  }
  if (!new NetworkList(number.allowFrom).has(address)) {
    const text = `the number is this account’s, but neither its \`allowFrom\` nor a trunk of it names ${address}`;
    const answer = { sipStatus: 403, reason: 'token-missing' };
    return { steps: [refused('number', text, answer, details)], isLetIn: false };
  }
  const step = passed(
    'number',
    `the number is this account’s and lets ${address} in without a token`,
    details,
  );
  return { steps: [step, await routeStep(number, stores, config)], isLetIn: true };
}

async function routeStep(
  { id, accountId, route }: PhoneNumber,
  { participants, numbers }: PartyStores,
  { sessions }: Pick<Config, 'sessions'>,
): Promise<Step> {
  switch (route.kind) {
    case 'new-session':
      return passed('session', 'a session is made for the call');
    case 'pin': {
      const length = await numbers.pinLength(id);
      return passed('session', 'the caller is asked for a PIN, by our own voice, and goes where that leads', {
        pinLength: length,
      });
    }
    case 'application':
      return unknown(
        'session',
        'the account’s application is asked where the call goes; it is not asked now',
        null,
        {
          host: hostOf(route.url),
        },
      );
    case 'session': {
      const { sessionId } = route;
      const details = { sessionId };
      if ((await participants.getSession(accountId, sessionId)) === null)
        return refused(
          'session',
          'the session that the number leads to is gone',
          { sipStatus: 404, reason: 'participant-gone' },
          details,
        );
      const { length: members } = await participants.listMembers(sessionId);
      const limits = { ...details, members, maxMembers: sessions.maxParticipantsPerSession };
      return members >= sessions.maxParticipantsPerSession
        ? refused('session', 'the session has all the members it takes', full, limits)
        : passed('session', 'the session has room', limits);
    }
  }
}

const full = { sipStatus: 486, reason: 'session-full' };

function hostOf(url: string): string | null {
  return URL.canParse(url) ? new URL(url).host : null;
}

/** The participant that a genuine credential stands for, its slot, and the room in its session. */
export async function participantSteps(
  participantId: string,
  accountId: string,
  { participants, records }: PartyStores,
  { sessions }: Pick<Config, 'sessions'>,
): Promise<readonly Step[]> {
  const participant = await participants.findParticipant(participantId);
  if (participant === null && (await records.formerAccount(participantId)) === accountId)
    return [
      refused(
        'participant',
        'the participant was deleted',
        { sipStatus: 404, reason: 'participant-gone' },
        { participantId },
      ),
    ];
  if (participant?.accountId !== accountId)
    return [
      unknown(
        'participant',
        `the participant is ${foreign}: where there is none the call is refused with 404 participant-gone`,
      ),
    ];
  const slot = slotStep(participant);
  return [slot, await sessionStep(participant, participants, sessions)];
}

function slotStep(participant: Participant): Step {
  const { id, tag, tokenUse, tokenUsedAt, legId, publishPermissions } = participant;
  const isHeard = publishPermissions.includes('AUDIO');
  const details = { participantId: id, tag, tokenUse, legId, listensOnly: !isHeard };
  if (tokenUse === 'once' && tokenUsedAt !== null)
    return refused(
      'participant',
      'its token opens one call in its life, and did so',
      { sipStatus: 403, reason: 'token-used' },
      details,
    );
  if (legId !== null)
    return refused(
      'participant',
      'the participant is connected already',
      { sipStatus: 486, reason: 'participant-occupied' },
      details,
    );
  const text = isHeard
    ? 'its slot is free'
    : 'its slot is free; it may not publish AUDIO, so it only listens';
  return passed('participant', text, details);
}

async function sessionStep(
  { sessionId }: Participant,
  participants: PartyStores['participants'],
  { maxParticipantsPerSession, noSessionTimeoutSeconds }: Config['sessions'],
): Promise<Step> {
  if (sessionId === null)
    return noted(
      'session',
      `the participant is in no session: it hears the hold sound, and a phone is ended after ${String(noSessionTimeoutSeconds)} s`,
      {},
      'Add it with `PUT /sessions/{sessionId}/participants/{participantId}`: docs/sessions.md.',
    );
  const members = await participants.listMembers(sessionId);
  const legs = members.filter(({ legId }) => legId !== null).length;
  const details = { sessionId, legs, maxLegs: maxParticipantsPerSession };
  return legs >= maxParticipantsPerSession
    ? refused('session', 'the session has all the calls it takes', full, details)
    : passed('session', 'the session has room', details);
}
