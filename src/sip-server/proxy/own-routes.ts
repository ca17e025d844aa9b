/** The Route values that we wrote ourselves into the Record-Route of calls that we passed on. */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { formatHostPort } from '../message/host-port.js';
import type { SipRequest } from '../message/message.js';
import { parseNameAddr } from '../message/name-addr.js';
import { splitCommas } from '../message/parameters.js';
import { parseUri } from '../message/uri.js';
import type { MessageIdentity } from '../transaction/identity.js';
import type { Flow } from '../transport/flow.js';
import type { Addressing } from '../user-agent/addressing.js';
import { addressKind, type AddressKind } from '../user-agent/local-address.js';

/** The URI parameter that shows that a route is ours, and of which call. */
const proof = 'passed-on';

/** What a call is known by to both sides of it: its Call-ID, and the tag of the caller, which is one of the two in every request. */
export type CallNames = Pick<MessageIdentity, 'callId' | 'fromTag' | 'toTag'>;

/** Networks that are not for everybody, by the letters that stand for them in a proof. */
const innerKinds = new Map<AddressKind, string>([
  ['loopback', 'l'],
  ['private', 'p'],
]);

/**
 * A call that we passed on needs no memory of ours: its route set shows it. Without such proof nothing is passed on, or we would
 * send anybody's requests anywhere.
 */
export class OwnRoutes {
  readonly #secret = randomBytes(16);
  readonly #addressing: Addressing;

  constructor(addressing: Addressing) {
    this.#addressing = addressing;
  }

  /** For a call that came by one flow and goes on by another: two where one address is not right for both sides (RFC 5658). */
  recordRoutes({ callId, fromTag }: CallNames, from: Flow, to: Flow): string[] {
    const kinds = [from, to].map(({ remoteAddress }) => addressKind(remoteAddress));
    const inside = [...innerKinds]
      .flatMap(([kind, letter]) => (kinds.includes(kind) ? [letter] : []))
      .join('');
    const shown = this.#proofOf(callId, fromTag, inside);
    const [near, far] = [this.#route(shown, from), this.#route(shown, to)];
    return near === far ? [near] : [near, far];
  }

  /**
   * Takes our own routes from the top of the request. Null: there is none that proves that its call is one of those. Else whether the
   * request may go to an address: to every public one, and inside where one side of the call was there.
   */
  take(request: SipRequest, names: CallNames): ((flow: Flow) => boolean) | null {
    let inside: string | null = null;
    for (;;) {
      const shown = this.#shownBy(request, names);
      if (shown === null) break;
      inside = shown;
      request.headers.takeFirst('Route');
    }
    if (inside === null) return null;
    const letters = inside;
    return ({ remoteAddress }) => {
      const kind = addressKind(remoteAddress);
      return kind === 'public' || letters.includes(innerKinds.get(kind) ?? '-');
    };
  }

  /** The letters in the proof on top of the request; null where that is none. */
  #shownBy({ headers }: SipRequest, { callId, fromTag, toTag }: CallNames): string | null {
    const [first = ''] = splitCommas(headers.get('Route') ?? '');
    const shown = parseUri(parseNameAddr(first)?.uri ?? '')?.params.get(proof) ?? '';
    const inside = shown.slice(0, Math.max(0, shown.indexOf('-')));
    const isProof = [fromTag, toTag].some((tag) => isSame(shown, this.#proofOf(callId, tag, inside)));
    return isProof ? inside : null;
  }

  #route(shown: string, flow: Flow): string {
    const hostPort = formatHostPort(this.#addressing.host(flow), this.#addressing.port(flow));
    const protocol = flow.protocol === 'wss' ? 'ws' : flow.protocol;
    const transport = protocol === 'udp' ? '' : `;transport=${protocol}`;
    return `<sip:${hostPort}${transport};lr;${proof}=${shown}>`;
  }

  /** `<letters>-<digest>`. */
  #proofOf(callId: string, callerTag: string, inside: string): string {
    const text = JSON.stringify([callId, callerTag, inside]);
    return `${inside}-${createHmac('sha256', this.#secret).update(text).digest('hex').slice(0, 24)}`;
  }
}

function isSame(shown: string, expected: string): boolean {
  const [one, other] = [Buffer.from(shown), Buffer.from(expected)];
  return one.length === other.length && timingSafeEqual(one, other);
}
