/**
 * What a carrier that verifies its calls says of who calls: `verstat` (3GPP TS 24.229 §7.2A.20), a parameter of the URI that names the
 * caller, or a header field of its own. It counts where a trunk says that its carrier writes it, and nowhere else: anybody can.
 */
import type { CallerVerification, VerdictSource } from '../../domain/participants/caller-verification.js';
import type { CallerIdentity } from '../../domain/trunks/trunk.js';
import { isShownFrom, verstatOf, type CallerHeaders } from './caller-identity.js';

/** Some carriers write behind it what the signer attests, and that the call was diverted, or signed by another before them. */
const passedForm = /^TN-Validation-Passed(?:-([ABC])(?:-(?:Diverted|Passthrough))?)?$/i;
const failedForm = /^TN-Validation-Failed(?:-[ABC](?:-(?:Diverted|Passthrough))?)?$/i;

/** Looked for beside the number that is shown, as the trunk believes it; fields of a carrier's own are of the number in From. */
export function carrierVerdict(
  headers: CallerHeaders,
  identity: CallerIdentity,
  source: Exclude<VerdictSource, 'gateway'> = 'carrier',
): CallerVerification {
  const verstat = saidBy(source, headers, identity).trim();
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

/** In the words of `verstat`; empty: nothing. */
function saidBy(source: VerdictSource, headers: CallerHeaders, identity: CallerIdentity): string {
  if (source === 'carrier') return verstatOf(headers, identity) ?? '';
  if (!isShownFrom(headers, identity)) return '';
  if (source === 'twilio') return headers.get('X-Twilio-VerStat') ?? '';
  // Plivo says "Verified" of calls whose signer attests A. "Not Verified" are B, C and those without a signature.
  const isVerified = /^\s*Verified\s*$/i.test(headers.get('X-Plivo-Stir-Verification') ?? '');
  return isVerified ? 'TN-Validation-Passed-A' : '';
}
