/** What the user agent and whoever decides about its calls say to one another. */
import type { Dialog } from '../dialog/dialog.js';
import type { SipRequest, SipResponse } from '../message/message.js';
import type { Flow } from '../transport/flow.js';
import type { CallRecord } from './call-record.js';

/**
 * Whoever decides about calls: a drachtio client at the other end of a socket, or a program in this process. What it
 * is handed in `request` it answers through `UserAgentCore.respond`; the other messages are for its information.
 */
export interface Application {
  /**
   * A new request, or one within a dialog of this application (`dialogId` is then not empty). Must be answered. An INVITE
   * without body in a dialog may be the server's own, which wants the offer of a session refresh.
   */
  request(request: SipRequest, flow: Flow, transactionId: string, dialogId: string): void;
  /** The ACK of a 2xx, with the identifier of its INVITE. */
  acknowledged(ack: SipRequest, flow: Flow, transactionId: string, dialogId: string): void;
  /** The INVITE has been cancelled and 487 sent. */
  cancelled(cancel: SipRequest, flow: Flow, transactionId: string): void;
  /** A response to a request of the application; also those made here when none came (408, 503), which say so (`isLocal`). */
  response(response: SipResponse, flow: Flow, transactionId: string, dialogId: string): void;
  /** The server ended a dialog by itself, with this BYE; its Reason says why. Never answered. */
  dialogEnded(bye: SipRequest, flow: Flow, dialogId: string): void;
  /** A call detail record of a kind that it asked for. */
  callRecord(record: CallRecord): void;
}

export type OwnedDialog = Dialog<Application>;

/** Which application takes a new request. */
export interface ApplicationDirectory {
  /** The next one, round robin, of those that asked for the method; `CDR:START` and the like for call detail records. */
  choose(method: string): Application | null;
  /** True when some application asked for it at some time: then its absence is temporary. */
  isKnown(method: string): boolean;
  /** For Allow. */
  knownMethods(): Iterable<string>;
}

/** A message that was handed to the network, as it went out. */
export interface Sent {
  readonly ok: true;
  readonly bytes: Buffer;
  readonly flow: Flow;
  readonly transactionId: string;
  readonly dialogId: string;
}

/** Nothing was sent. The reasons that drachtio-srf knows are in `refusals`. */
export interface NotSent {
  readonly ok: false;
  readonly reason: string;
}

export type SendResult = Sent | NotSent;

export const refusals = {
  unknownTransaction: 'Response not sent due to unknown transaction',
  unknownDialog: 'Server error: unable to find dialog for dialog id provided',
  noTransport: 'requested protocol/transport not available',
} as const;

export function notSent(reason: string): NotSent {
  return { ok: false, reason };
}
