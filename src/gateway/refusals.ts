/** What becomes of refused calls: they are counted, and recorded for whom they concern. */
import type { RefusedCalls } from '../domain/facts/refused-call.js';
import { isRefusalCode } from '../domain/refusal.js';
import { RefusedCallRecorder, type RefusedCallRecorderOptions } from '../events/refused-call-recorder.js';
import { callerPrivacies } from './caller-privacy.js';
import type { GatewayContext } from './context.js';
import type { GatewayDomain } from './domain.js';
import type { Foundation } from './foundation.js';
import type { GatewayTraces } from './traces.js';

export interface Refusals {
  /** Takes refusals of legs, at the doors. */
  readonly atDoors: RefusedCalls;
  /** Takes calls that asked for no leg: a hook or the SIP server refused them, and counted them there. */
  readonly elsewhere: RefusedCalls;
  /** Resolves when all that was refused so far can be read. Never rejects: a store that is away says so to whoever reads. */
  settled(): Promise<void>;
}

export function openRefusals(
  { config, clock, logger, closers }: GatewayContext,
  foundation: Foundation,
  { voice, traces }: Pick<GatewayDomain, 'voice'> & { readonly traces: GatewayTraces },
): Refusals {
  const { journal, metrics } = foundation;
  const { refusedPerMinute, maxRefusedSources } = config.records;
  const recorder = new RefusedCallRecorder({
    record(change) {
      traces.recorded(change);
      journal.records.record(change);
    },
    ownerOf: ownerLookup(foundation, voice),
    callerPrivacy: callerPrivacies(config),
    ...{ clock, logger },
    limits: { perMinute: refusedPerMinute, maxSources: maxRefusedSources },
  });
  closers.onClose('refused calls', () => recorder.close());
  return {
    atDoors: {
      refused(call) {
        // What is wrong in its form has asked for no admission.
        if (isRefusalCode(call.code)) metrics.refused(call.door, call.code);
        recorder.refused(call);
      },
    },
    elsewhere: recorder,
    async settled() {
      await recorder.settled();
      await journal.records.settled().catch(() => undefined);
    },
  };
}

function ownerLookup(
  { stores }: Pick<Foundation, 'stores'>,
  { calls }: GatewayDomain['voice'],
): RefusedCallRecorderOptions['ownerOf'] {
  const accountOf = async (participantId: string | null, dialled: string | null) => {
    const former = participantId === null ? null : await stores.records.formerAccount(participantId);
    return former ?? (dialled === null ? null : calls.accountOf(dialled));
  };
  return async ({ participantId, accountId }, dialled) => {
    const participant =
      participantId === null ? null : await stores.participants.findParticipant(participantId);
    if (participant !== null) {
      const { sessionId, tag: participantTag } = participant;
      return { accountId: participant.accountId, sessionId, participantTag };
    }
    const owner = accountId ?? (await accountOf(participantId, dialled));
    return owner === null ? null : { accountId: owner, sessionId: null, participantTag: null };
  };
}
