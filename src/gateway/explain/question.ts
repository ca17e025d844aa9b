/** The request that is asked about, read as the SIP door would read it. */
import { isIP } from 'node:net';
import type { SipPlace } from '../../config/sip-places.js';
import type { CallInQuestion, CallSource } from '../../domain/call-explainer.js';
import type { CredentialSource } from '../../doors/sip/credential.js';
import type { WithBody } from '../../doors/sip/session-body.js';
import { parseVia, type SipMessage, type SipRequest } from '../../sip-server/index.js';
import { readable } from '../readable-request.js';

export interface Question {
  readonly accountId: string;
  readonly request: SipRequest;
  readonly source: KnownSource;
  readonly cameTo: ChosenPlace;
  /** The request as the door sees it. */
  readonly asked: AskedRequest;
}

/** Header fields of one name are joined with commas. */
export type AskedRequest = CredentialSource & WithBody & { readonly body: string; readonly raw: string };

/** Which of our addresses it comes to. */
export interface ChosenPlace {
  readonly place: SipPlace;
  /** Its number, from 0. */
  readonly index: number;
}

export interface KnownSource {
  /** Null: nobody said, and the message does not show it. */
  readonly address: string | null;
  readonly port: number | null;
  /** Lower case. */
  readonly transport: string;
  /** How it is known. */
  readonly by: 'given' | 'via' | 'nothing';
}

/** Where the message comes from: as is said, else as its first Via does. */
export function sourceOfCall(given: CallInQuestion['source'], message: SipMessage | undefined): KnownSource {
  const via = parseVia(message?.headers.get('Via') ?? '');
  const stated = (given?.transport ?? via?.transport ?? 'UDP').toLowerCase();
  const transport = /^(?:udp|tcp|tls|wss?)$/.test(stated) ? stated : 'udp';
  if (given !== null) return { ...plainSource(given), transport, by: 'given' };
  const received = via?.params.get('received')?.replace(/^\[|\]$/g, '') ?? via?.host ?? '';
  if (via === null || isIP(received) === 0) return { address: null, port: null, transport, by: 'nothing' };
  const rport = via.params.get('rport') ?? '';
  const port = /^\d{1,5}$/.test(rport) ? Number(rport) : (via.port ?? null);
  return { address: received, port, transport, by: 'via' };
}

function plainSource({ address, port }: CallSource): Pick<KnownSource, 'address' | 'port'> {
  return { address: address.replace(/^\[|\]$/g, '').replace(/^::ffff:(?=\d+\.)/i, ''), port };
}

export function askedRequest(request: SipRequest, bytes: Buffer): AskedRequest {
  return { ...readable(request), body: request.body.toString('utf8'), raw: bytes.toString('utf8') };
}
