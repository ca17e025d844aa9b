/**
 * What a carrier that verifies its calls says of who calls: `verstat` (3GPP TS 24.229 §7.2A.20), a parameter of the URI that names the
 * caller. It counts where a trunk says that its carrier writes it, and nowhere else: anybody can.
 */
import type { CallerVerification } from '../../domain/participants/caller-verification.js';
import type { CallerIdentity } from '../../domain/trunks/trunk.js';
import { verstatOf, type CallerHeaders } from './caller-identity.js';

/** Some carriers write behind it what the signer attests. */
const passedForm = /^TN-Validation-Passed(?:-([ABC]))?$/i;
const failedForm = /^TN-Validation-Failed(?:-[ABC])?$/i;

/** Looked for beside the number that is shown, as the trunk believes it. */
export function carrierVerdict(headers: CallerHeaders, identity: CallerIdentity): CallerVerification {
  const verstat = verstatOf(headers, identity) ?? '';
  const passed = passedForm.exec(verstat);
  const nothing = { attestation: null, originationId: null, by: 'carrier' } as const;
  if (passed !== null) {
    const attestation = (passed[1]?.toUpperCase() ?? null) as CallerVerification['attestation'];
    return { ...nothing, verification: 'passed', attestation, reason: null };
  }
  return failedForm.test(verstat)
    ? { ...nothing, verification: 'failed', reason: 'carrier-failed' }
    : { ...nothing, verification: 'none', reason: 'carrier-silent' };
}
