/** What becomes of each message of RFC 4475 and RFC 5118, beside what those say of it. */

/**
 * `application`: it is handed to the application, whose answer goes back. A status: the server refuses it by itself. `dropped`: it has no
 * answer. `waits`: over a stream it is not complete, and the server waits for the rest. `closes`: the stream is closed behind the answer.
 */
export interface Verdict {
  readonly file: string;
  readonly section: string;
  readonly is: 'application' | 'dropped' | number;
  /** Over TCP and TLS, where that is different. */
  readonly stream?: 'waits' | 'closes' | 'application';
  /** Fields of the message that stand in the answer as they came. */
  readonly repeats?: readonly string[];
}

const application = 'application';
const dropped = 'dropped';

export const verdicts: readonly Verdict[] = [
  // Valid messages.
  // It has a To tag, of a dialog that is not there.
  { file: 'wsinv', section: '3.1.1.1', is: 481 },
  // Deviation: control characters are refused also where a backslash stands before them, NUL and BEL in a name above all.
  { file: 'intmeth', section: '3.1.1.2', is: 400 },
  { file: 'esc01', section: '3.1.1.3', is: application },
  { file: 'escnull', section: '3.1.1.4', is: application },
  // A method of its own, which is not REGISTER.
  { file: 'esc02', section: '3.1.1.5', is: application },
  { file: 'lwsdisp', section: '3.1.1.6', is: application },
  { file: 'longreq', section: '3.1.1.7', is: application },
  // Over UDP the second request behind the first is no part of it. Over a stream it is one more, and has no Contact; two bytes
  // more than it states stand behind it.
  { file: 'dblreq', section: '3.1.1.8', is: application, stream: 'closes' },
  { file: 'semiuri', section: '3.1.1.9', is: application },
  { file: 'transports', section: '3.1.1.10', is: application },
  { file: 'mpart01', section: '3.1.1.11', is: application },
  // Responses to what was never asked.
  { file: 'unreason', section: '3.1.1.12', is: dropped },
  { file: 'noreason', section: '3.1.1.13', is: dropped },
  // Invalid messages.
  // Its second Via is what cannot be read.
  { file: 'badinv01', section: '3.1.2.1', is: 400 },
  { file: 'clerr', section: '3.1.2.2', is: 400, stream: 'waits' },
  { file: 'ncl', section: '3.1.2.3', is: 400, stream: 'closes' },
  { file: 'scalar02', section: '3.1.2.4', is: 400 },
  { file: 'scalarlg', section: '3.1.2.5', is: dropped },
  { file: 'quotbal', section: '3.1.2.6', is: 400 },
  { file: 'ltgtruri', section: '3.1.2.7', is: 400 },
  { file: 'lwsruri', section: '3.1.2.8', is: 400 },
  { file: 'lwsstart', section: '3.1.2.9', is: 400 },
  // "It is reasonable to accept it": the blanks at the end of the line mean nothing.
  { file: 'trws', section: '3.1.2.10', is: application },
  // Header fields in a Request-URI mean nothing; the application sees them.
  { file: 'escruri', section: '3.1.2.11', is: application },
  // A time zone that there is not: nobody needs the date.
  { file: 'baddate', section: '3.1.2.12', is: application },
  { file: 'regbadct', section: '3.1.2.13', is: 400 },
  // Blanks about an address, and a name with a comma and without quotes, are forgiven.
  { file: 'badaspec', section: '3.1.2.14', is: application },
  { file: 'baddn', section: '3.1.2.15', is: application },
  { file: 'badvers', section: '3.1.2.16', is: 505 },
  { file: 'mismatch01', section: '3.1.2.17', is: 400 },
  { file: 'mismatch02', section: '3.1.2.18', is: 400 },
  { file: 'bigcode', section: '3.1.2.19', is: dropped },
  // Transactions.
  { file: 'badbranch', section: '3.2.1', is: application },
  // Applications.
  // Without From, To and Call-ID there is nothing that an answer could be told by.
  { file: 'insuf', section: '3.3.1', is: dropped },
  { file: 'unkscm', section: '3.3.2', is: 416 },
  { file: 'novelsc', section: '3.3.3', is: 416 },
  { file: 'unksm2', section: '3.3.4', is: application },
  { file: 'bext01', section: '3.3.5', is: 420 },
  // 415 is for the application to say, which reads the body.
  { file: 'invut', section: '3.3.6', is: application },
  { file: 'regaut01', section: '3.3.7', is: application },
  { file: 'multi01', section: '3.3.8', is: 400 },
  { file: 'mcl01', section: '3.3.9', is: 400, stream: 'closes' },
  { file: 'bcast', section: '3.3.10', is: dropped },
  // RFC 3261 §11: OPTIONS with no hop left asks whoever is here.
  { file: 'zeromf', section: '3.3.11', is: application },
  { file: 'cparam01', section: '3.3.12', is: application },
  { file: 'cparam02', section: '3.3.13', is: application },
  { file: 'regescrt', section: '3.3.14', is: application },
  { file: 'sdp01', section: '3.3.15', is: application },
  // Deviation: an INVITE of RFC 2543 without Contact begins no dialog in which it could be ended.
  { file: 'inv2543', section: '3.4.1', is: 400, stream: 'closes' },
];

/** RFC 5118. The lengths that its text states for bodies are not theirs: our files have those of the bodies. */
export const ipv6Verdicts: readonly Verdict[] = [
  { file: 'ipv6-good', section: '4.1', is: application },
  // "The message is malformed": an address of IPv6 stands in brackets.
  { file: 'ipv6-bad', section: '4.2', is: 400 },
  // What looks like a port is the end of the address, and as good an address.
  { file: 'port-ambiguous', section: '4.3', is: application },
  { file: 'port-unambiguous', section: '4.4', is: application },
  // Both forms of received are taken. The first one is a BYE of a call that is not there.
  { file: 'via-received-param-with-delim', section: '4.5', is: 481 },
  { file: 'via-received-param-no-delim', section: '4.5', is: application },
  { file: 'ipv6-in-sdp', section: '4.6', is: application },
  // A BYE of no call, too; the other hops have their Via back as they wrote it.
  {
    file: 'mult-ip-in-header',
    section: '4.7',
    is: 481,
    repeats: [
      'Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKjhja8781hjuaij65144',
      'Via: SIP/2.0/TCP [2001:db8::9:255];branch=z9hG4bK451jj;received=192.0.2.200',
    ],
  },
  { file: 'mult-ip-in-sdp', section: '4.8', is: application },
  {
    file: 'ipv4-mapped-ipv6',
    section: '4.9',
    is: application,
    repeats: ['Via: SIP/2.0/UDP [::ffff:192.0.2.2];branch=z9hG4bKas3-111'],
  },
  // "An implementation must tolerate both": the third colon is left out when the address is read.
  {
    file: 'ipv6-bug-abnf-3-colons',
    section: '4.10',
    is: application,
    repeats: ['To: sip:user@[2001:db8:::192.0.2.1]'],
  },
  {
    file: 'ipv6-correct-abnf-2-colons',
    section: '4.10',
    is: application,
    repeats: ['To: sip:user@[2001:db8::192.0.2.1]'],
  },
];
