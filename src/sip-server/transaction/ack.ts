/** The ACK of a refusal, which belongs to its transaction (RFC 3261 §17.1.1.3). */
import { formatMessage } from '../message/format-message.js';
import { HeaderFields } from '../message/header-fields.js';
import type { SipRequest, SipResponse } from '../message/message.js';
import { parseCSeq } from '../message/cseq.js';

const noBody = Buffer.alloc(0);

/** The ACK of a refused INVITE: same Via, same Request-URI and Route, To of the response (RFC 3261 §17.1.1.3). */
export function formatAckOfRefusal(invite: SipRequest, refusal: SipResponse): Buffer {
  const headers = new HeaderFields();
  headers.append('Via', invite.headers.get('Via') ?? '');
  for (const route of invite.headers.all('Route')) headers.append('Route', route);
  headers.append('Max-Forwards', '70');
  headers.append('From', invite.headers.get('From') ?? '');
  headers.append('To', refusal.headers.get('To') ?? invite.headers.get('To') ?? '');
  headers.append('Call-ID', invite.headers.get('Call-ID') ?? '');
  headers.append('CSeq', `${parseCSeq(invite.headers.get('CSeq') ?? '')?.number ?? 1} ACK`);
  return formatMessage({ kind: 'request', method: 'ACK', uri: invite.uri, headers, body: noBody });
}
