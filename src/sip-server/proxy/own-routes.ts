/** The Route values that we wrote ourselves into the Record-Route of calls that we passed on. */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { formatHostPort } from '../message/host-port.js';
import type { SipRequest } from '../message/message.js';
import { parseNameAddr } from '../message/name-addr.js';
import { splitCommas } from '../message/parameters.js';
import { parseUri } from '../message/uri.js';
import type { Flow } from '../transport/flow.js';
import type { Addressing } from '../user-agent/addressing.js';

/** The URI parameter that shows that a route is ours, and of which call. */
const proof = 'passed-on';

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
  recordRoutes(callId: string, from: Flow, to: Flow): string[] {
    const [near, far] = [this.#route(callId, from), this.#route(callId, to)];
    return near === far ? [near] : [near, far];
  }

  /** Takes our own routes from the top of the request. False: there is none that proves that its call is one of those. */
  take(request: SipRequest, callId: string): boolean {
    let wasOurs = false;
    while (this.#isOurs(request, callId)) {
      request.headers.takeFirst('Route');
      wasOurs = true;
    }
    return wasOurs;
  }

  #isOurs({ headers }: SipRequest, callId: string): boolean {
    const [first = ''] = splitCommas(headers.get('Route') ?? '');
    const shown = parseUri(parseNameAddr(first)?.uri ?? '')?.params.get(proof) ?? '';
    const expected = this.#proofOf(callId);
    return shown.length === expected.length && timingSafeEqual(Buffer.from(shown), Buffer.from(expected));
  }

  #route(callId: string, flow: Flow): string {
    const hostPort = formatHostPort(this.#addressing.host(flow), this.#addressing.port(flow));
    const protocol = flow.protocol === 'wss' ? 'ws' : flow.protocol;
    const transport = protocol === 'udp' ? '' : `;transport=${protocol}`;
    return `<sip:${hostPort}${transport};lr;${proof}=${this.#proofOf(callId)}>`;
  }

  #proofOf(callId: string): string {
    return createHmac('sha256', this.#secret).update(callId).digest('hex').slice(0, 24);
  }
}
