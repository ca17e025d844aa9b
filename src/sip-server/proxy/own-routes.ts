/** The Route values that we wrote ourselves into the Record-Route of calls, and the Path of registrations, that we passed on. */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { formatHostPort } from '../message/host-port.js';
import type { SipRequest } from '../message/message.js';
import { parseNameAddr } from '../message/name-addr.js';
import { splitCommas } from '../message/parameters.js';
import { escapeUser, parseUri } from '../message/uri.js';
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

/** One side of what is passed on. */
export interface Side {
  readonly flow: Flow;
  /** Who is there is reached by this connection alone, or best: the route names it (RFC 5626 §5.2). */
  readonly isBound: boolean;
}

/** What our routes on top of a request say. */
export interface ShownRoute {
  /**
   * Whether the request may go to an address: to every public one, and inside where one side of the call was there.
   */
  readonly mayTake: (flow: Flow) => boolean;
  /** The connection that leads to whom the request is for; null: it is gone; undefined: the next route or the URI says where that is. */
  readonly flow: Flow | null | undefined;
}

/** What stands in one route: the letters of its proof, and the name of a connection, empty where there is none. */
interface Shown {
  readonly inside: string;
  readonly token: string;
}

/**
 * A call that we passed on needs no memory of ours: its route set shows it. Without such proof nothing is passed on, or we would
 * send anybody's requests anywhere. Only connections that routes name are kept, for as long as they are there.
 */
export class OwnRoutes {
  readonly #secret = randomBytes(16);
  readonly #addressing: Addressing;
  /** Connections that routes name. */
  readonly #bound = new Map<string, Flow>();

  constructor(addressing: Addressing) {
    this.#addressing = addressing;
  }

  /** For a call that came from one side and goes on to the other: two where one address, or connection, is not right for both (RFC 5658). */
  recordRoutes({ callId, fromTag }: CallNames, from: Side, to: Side): string[] {
    const inside = insideOf(from, to);
    const write = (side: Side): string => {
      const token = this.#tokenOf(side);
      return this.#route(side.flow, { token, shown: this.#proofOf([callId, fromTag], { inside, token }) });
    };
    const [near, far] = [write(from), write(to)];
    return near === far ? [near] : [near, far];
  }

  /** For a registration: what comes by them is for whoever registered. `isOutbound`: its phone asks for what RFC 5626 offers. */
  paths(from: Side, to: Side, isOutbound: boolean): string[] {
    const inside = insideOf(from, to);
    const write = (side: Side, token: string): string => {
      const route = this.#route(side.flow, { token, shown: this.#proofOf(null, { inside, token }) });
      return token !== '' && isOutbound ? route.replace('>', ';ob>') : route;
    };
    const [near, far] = [write(from, this.#tokenOf(from)), write(to, '')];
    return near === far ? [near] : [near, far];
  }

  /** Takes our own routes from the top of the request. Null: there is none that proves that its call is one of those. */
  take(request: SipRequest, { callId, fromTag, toTag }: CallNames): ShownRoute | null {
    const proofs = (shown: Shown): string[] =>
      [fromTag, toTag].map((tag) => this.#proofOf([callId, tag], shown));
    return this.#takeAll(request, proofs);
  }

  /** The same of the routes of a registration, which anybody may show who was told them. */
  takePaths(request: SipRequest): ShownRoute | null {
    return this.#takeAll(request, (shown) => [this.#proofOf(null, shown)]);
  }

  flowClosed(flow: Flow): void {
    this.#bound.delete(escapeUser(flow.id));
  }

  clear(): void {
    this.#bound.clear();
  }

  #takeAll(request: SipRequest, proofsOf: (shown: Shown) => string[]): ShownRoute | null {
    // The last of them is that of the side which the request goes to.
    let last: Shown | null = null;
    for (;;) {
      const shown = shownBy(request, proofsOf);
      if (shown === null) break;
      last = shown;
      request.headers.takeFirst('Route');
    }
    if (last === null) return null;
    const { inside, token } = last;
    return {
      mayTake: ({ remoteAddress }) => {
        const kind = addressKind(remoteAddress);
        return kind === 'public' || inside.includes(innerKinds.get(kind) ?? '-');
      },
      flow: token === '' ? undefined : (this.#bound.get(token) ?? null),
    };
  }

  /** The name of its connection, which is kept from now on. */
  #tokenOf({ flow, isBound }: Side): string {
    if (!isBound) return '';
    const token = escapeUser(flow.id);
    // Once it is closed nobody would forget it.
    if (flow.isOpen) this.#bound.set(token, flow);
    return token;
  }

  #route(flow: Flow, { token, shown }: { readonly token: string; readonly shown: string }): string {
    const hostPort = formatHostPort(this.#addressing.host(flow), this.#addressing.port(flow));
    const protocol = flow.protocol === 'wss' ? 'ws' : flow.protocol;
    const transport = protocol === 'udp' ? '' : `;transport=${protocol}`;
    return `<sip:${token === '' ? '' : `${token}@`}${hostPort}${transport};lr;${proof}=${shown}>`;
  }

  /** `<letters>-<digest>`. `call`: its Call-ID and the tag of its caller; null: of a registration. */
  #proofOf(call: readonly [string, string] | null, { inside, token }: Shown): string {
    const text = JSON.stringify([call, inside, token]);
    return `${inside}-${createHmac('sha256', this.#secret).update(text).digest('hex').slice(0, 24)}`;
  }
}

function insideOf(...sides: readonly Side[]): string {
  const kinds = sides.map(({ flow }) => addressKind(flow.remoteAddress));
  return [...innerKinds].flatMap(([kind, letter]) => (kinds.includes(kind) ? [letter] : [])).join('');
}

/** What the route on top of the request shows; null where that is not ours, or proves nothing. */
function shownBy({ headers }: SipRequest, proofsOf: (shown: Shown) => string[]): Shown | null {
  const [first = ''] = splitCommas(headers.get('Route') ?? '');
  const uri = parseUri(parseNameAddr(first)?.uri ?? '');
  const text = uri?.params.get(proof) ?? '';
  const shown = { inside: text.slice(0, Math.max(0, text.indexOf('-'))), token: uri?.user ?? '' };
  return proofsOf(shown).some((one) => isSame(text, one)) ? shown : null;
}

function isSame(shown: string, expected: string): boolean {
  const [one, other] = [Buffer.from(shown), Buffer.from(expected)];
  return one.length === other.length && timingSafeEqual(one, other);
}
