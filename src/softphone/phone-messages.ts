/** The SIP messages that a softphone writes. */
import type { Dialog } from '../sip-server/dialog/dialog.js';
import { formatHostPort } from '../sip-server/message/host-port.js';
import { HeaderFields } from '../sip-server/message/header-fields.js';
import type { SipRequest, SipResponse } from '../sip-server/message/message.js';
import type { MessageIdentity } from '../sip-server/transaction/identity.js';
import type { TransportProtocol } from '../sip-server/transport/flow.js';
import type { BoundAddress } from '../sip-server/transport/transport.js';
import { newBranch, newCallId, newTag } from '../sip-server/user-agent/identifiers.js';
import { createResponse } from '../sip-server/user-agent/responses.js';

export interface CallTarget {
  /** Request-URI. */
  readonly uri: string;
  /** More header fields of the INVITE. */
  readonly headers: Iterable<readonly [name: string, value: string]>;
  /** User part of From and Contact. */
  readonly user: string;
}

const noBody = Buffer.alloc(0);
const allowField = 'INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, UPDATE';
const allowedMethods = new Set(allowField.split(', '));

/** Writes the messages of one phone: knows the address that goes into its Via and Contact. */
export class PhoneMessages {
  readonly #transport: string;
  readonly #hostPort: string;
  readonly #user: string;
  readonly #contact: string;

  constructor(protocol: TransportProtocol, bound: BoundAddress, user: string) {
    this.#transport = protocol.toUpperCase();
    this.#hostPort = formatHostPort(bound.address, bound.port);
    this.#user = user;
    const parameter = protocol === 'udp' ? '' : `;transport=${protocol}`;
    this.#contact = `<sip:${user}@${this.#hostPort}${parameter}>`;
  }

  invite(target: CallTarget, offer: string): SipRequest {
    const headers = new HeaderFields([
      ['Max-Forwards', '70'],
      ['From', `<sip:${this.#user}@${this.#hostPort}>;tag=${newTag()}`],
      ['To', `<${target.uri}>`],
      ['Call-ID', newCallId()],
      ['CSeq', '1 INVITE'],
    ]);
    for (const [name, value] of target.headers) {
      // A line end would begin another header field, or the body.
      if (/[\r\n\0]/.test(value)) throw new TypeError(`the value of ${name} has a control character in it`);
      headers.append(name, value);
    }
    const invite: SipRequest = { kind: 'request', method: 'INVITE', uri: target.uri, headers, body: noBody };
    this.describe(invite, offer);
    return invite;
  }

  /** With a session description it also says who we are and what we take. */
  response(request: SipRequest, status: number, sdp = ''): SipResponse {
    const response = createResponse(request, status, newTag());
    const { headers } = response;
    if (status === 405 || request.method === 'OPTIONS') headers.set('Allow', allowField);
    if (status === 415 || request.method === 'OPTIONS') headers.set('Accept', 'application/sdp');
    if (status === 420) headers.set('Unsupported', request.headers.all('Require').join(', '));
    if (sdp !== '') this.describe(response, sdp);
    return response;
  }

  describe(message: SipRequest | SipResponse, sdp: string): void {
    message.headers
      .set('Contact', this.#contact)
      .set('Allow', allowField)
      .set('User-Agent', 'Landbridge phone');
    message.headers.set('Content-Type', 'application/sdp');
    message.body = Buffer.from(sdp);
  }

  /** Puts a Via on top and gives its branch. */
  addVia(request: SipRequest): string {
    const branch = newBranch();
    request.headers.prepend('Via', `SIP/2.0/${this.#transport} ${this.#hostPort};branch=${branch};rport`);
    return branch;
  }
}

/** The refusal that a request deserves whatever it wants; null for none. `dialog`: the call, while there is one. */
export function checkRequest(
  request: SipRequest,
  identity: MessageIdentity,
  dialog: Dialog | undefined,
): number | null {
  if (!allowedMethods.has(request.method)) return 405;
  if (request.method === 'CANCEL') return null;
  const isBye = request.method === 'BYE';
  if (request.headers.has('Require') && !isBye) return 420;
  if (identity.toTag === '') {
    if (request.method === 'OPTIONS') return null;
    return request.method === 'INVITE' ? 486 : 481;
  }
  const isOurs =
    dialog !== undefined &&
    identity.callId === dialog.callId &&
    identity.toTag === dialog.localTag &&
    identity.fromTag === dialog.remoteTag;
  if (!isOurs) return 481;
  // Who hangs up has left, whatever the number.
  return isBye || dialog.acceptsCSeq(identity.cseq.number) ? null : 500;
}
