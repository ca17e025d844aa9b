/** What there is to know of a SIP server, to say to it only what it can take: our own embedded one, or a drachtio-server. */
import { maxFrameBytes } from './admin-channel.js';

export interface ServerTraits {
  /** It runs apart from us and may go away and come back with calls that we lost; our own comes and goes with us. */
  readonly isExternal: boolean;
  /** What it is to hand on to us. */
  readonly methods: readonly string[];
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

/** The extensions that we announce where the server does not do it by itself. */
export const supportedOptions = 'timer, replaces';

export const ownServer: ServerTraits = {
  isExternal: false,
  // It answers by itself what belongs to no call.
  methods: ['invite'],
  maxMessageBytes: null,
  allow: 'INVITE, ACK, BYE, CANCEL, OPTIONS, UPDATE, INFO',
  checksRequire: true,
  keepsSessionTimers: true,
  mayDieOfAnswers: false,
};

export const drachtioServer: ServerTraits = {
  isExternal: true,
  // What it has nobody for it answers with 503, so that a phone thinks that all of us is away. Not SUBSCRIBE: like INVITE it may
  // have a Contact that an answer to it would be deadly for.
  methods: [
    ...['invite', 'options', 'bye', 'info', 'update'],
    ...['register', 'message', 'notify', 'publish'],
  ],
  maxMessageBytes: maxFrameBytes,
  // It takes no UPDATE for a refresh of its session timer, so phones must refresh by re-INVITE.
  allow: 'INVITE, ACK, BYE, CANCEL, OPTIONS, INFO',
  checksRequire: false,
  keepsSessionTimers: false,
  mayDieOfAnswers: true,
};
