/** Long requests in a dialog go by a connection, where the peer's target takes one (RFC 3261 §18.1.1). */
import { formatMessage } from '../message/format-message.js';
import type { SipRequest } from '../message/message.js';
import { isSameAddress } from '../transport/address.js';
import type { Flow } from '../transport/flow.js';
import type { OwnedDialog } from './application.js';
import type { UserAgentEnvironment } from './environment.js';
import { addressKind } from './local-address.js';
import { isForStream } from './message-size.js';
import { defaultPort, nextHopOf } from './next-hop.js';
import { completeInDialog } from './requests.js';

/** A draft shorter than this is never too long, whatever the dialog adds. */
const surelyShortBytes = 300;
const anyBranch = 'z9hG4bK00000000-0000-0000-0000-000000000000';

/**
 * The connection by which the draft goes in place of the datagrams; null, at once, where it is short enough, its peer is behind a NAT or its
 * target names the transport, and later where nobody takes a connection there. Takes no number of the dialog. Never rejects.
 */
export function streamFor(
  dialog: OwnedDialog,
  draft: SipRequest,
  datagrams: Flow,
  environment: UserAgentEnvironment,
): Promise<Flow | null> | null {
  if (datagrams.protocol !== 'udp' || lengthOf(draft) < surelyShortBytes) return null;
  if (!mayStream(dialog, datagrams)) return null;
  const request = dialog.createRequest(draft.method, dialog.localCSeq + 1);
  completeInDialog(request, draft, { flow: datagrams, branch: anyBranch }, environment);
  return isForStream(datagrams, formatMessage(request)) ? environment.streams.to(datagrams) : null;
}

/** Whether the datagrams go to what the target names, which says nothing of the transport. */
function mayStream(dialog: OwnedDialog, { remoteAddress, remotePort }: Flow): boolean {
  const hop = nextHopOf(dialog.nextHop);
  if (hop === null || hop.transportGiven || hop.host.endsWith('.invalid')) return false;
  const isPort = (hop.port ?? defaultPort('udp')) === remotePort;
  if (addressKind(hop.host) !== 'name') return isPort && isSameAddress(hop.host, remoteAddress);
  // What was looked up may have another port; a peer behind a NAT has the port of that.
  const { remoteAddress: heardAddress, remotePort: heardPort } = dialog.flow;
  return isPort || remoteAddress !== heardAddress || remotePort !== heardPort;
}

function lengthOf({ headers, body }: SipRequest): number {
  let bytes = body.length;
  for (const { name, value } of headers) bytes += name.length + value.length;
  return bytes;
}
