/** What may be agreed on with one phone, as whoever opens its leg says. */
import type { PhoneCodecName } from '../../../sdp/phone-codecs.js';
import type { SrtpPolicy } from '../srtp/srtp-negotiation.js';

export interface PhoneTerms {
  /** Those that may be used, the preferred first; null: all that there are, in the order of whoever offers. */
  readonly codecs: readonly PhoneCodecName[] | null;
  /** Keys are pressed as telephone events (RFC 4733); false: these are neither offered nor taken. */
  readonly telephoneEvents: boolean;
  /** Whether its audio is encrypted; null: as it is for all phones. */
  readonly srtp: SrtpPolicy | null;
}

export const anyTerms: PhoneTerms = { codecs: null, telephoneEvents: true, srtp: null };
