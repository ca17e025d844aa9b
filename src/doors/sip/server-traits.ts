/** What there is to know of a SIP server, to say to it only what it can take: our own embedded one, or a drachtio-server. */
import { maxFrameBytes } from './admin-channel.js';

export interface ServerTraits {
  /** In bytes, of a message that it takes from us; null where it takes all. */
  readonly maxMessageBytes: number | null;
  /** The methods that far ends may use, as in the Allow header field. */
  readonly allow: string;
  /** It refuses by itself what is asked of us with `Require` and unknown to it (RFC 3261 §8.2.2.3). */
  readonly checksRequire: boolean;
  /** It keeps session timers (RFC 4028) without a word from us. Otherwise our answers must tell the far end of them. */
  readonly keepsSessionTimers: boolean;
  /** Answers to some malformed INVITEs would end its process: those are left without any. */
  readonly mayDieOfAnswers: boolean;
}

export const ownServer: ServerTraits = {
  maxMessageBytes: null,
  allow: 'INVITE, ACK, BYE, CANCEL, OPTIONS, UPDATE, INFO',
  checksRequire: true,
  keepsSessionTimers: true,
  mayDieOfAnswers: false,
};

export const drachtioServer: ServerTraits = {
  maxMessageBytes: maxFrameBytes,
  // It takes no UPDATE for a refresh of its session timer, so phones must refresh by re-INVITE.
  allow: 'INVITE, ACK, BYE, CANCEL, OPTIONS, INFO',
  checksRequire: false,
  keepsSessionTimers: false,
  mayDieOfAnswers: true,
};
