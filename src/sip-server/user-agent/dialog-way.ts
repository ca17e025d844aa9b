/** Finds the flow by which requests in a dialog reach the peer. */
import { isWebSocket, type Flow } from '../transport/flow.js';
import type { OwnedDialog } from './application.js';
import { addressKind } from './local-address.js';
import { belongsToFlow, nextHopOf, type NextHop } from './next-hop.js';

/** The flow that requests in the dialog take, where that is known without asking anybody. */
export function knownFlow(dialog: OwnedDialog): Flow | null {
  if (dialog.resolvedFlow?.isOpen) return dialog.resolvedFlow;
  const isNear = dialog.flow.isOpen && belongsToFlow(nextHopOf(dialog.nextHop), dialog.flow);
  return isNear ? dialog.resolve(dialog.flow) : null;
}

/** The same after looking the next hop up and connecting to it. Rejects when there is no way to the peer. */
export async function findFlow(
  dialog: OwnedDialog,
  connect: (hop: NextHop, near: Flow) => Promise<Flow>,
): Promise<Flow> {
  // A browser cannot be called: what its Contact leads to is somebody else, or in the clear (RFC 7118 §5.1).
  if (isWebSocket(dialog.flow)) {
    if (dialog.flow.isOpen) return dialog.resolve(dialog.flow);
    throw new Error('the WebSocket of the peer is closed');
  }
  const hop = secured(nextHopOf(dialog.nextHop), dialog.flow);
  if (hop && hop.protocol !== 'ws' && hop.protocol !== 'wss') {
    const flow = await connect({ ...hop, isNamedByPeer: true }, dialog.flow).catch(() => undefined);
    if (flow && !leadsInside(flow, dialog.flow)) return dialog.resolve(flow);
  }
  // A name that cannot be resolved, or not to the peer: the address that it was heard from is the best that is left.
  if (dialog.flow.isOpen) return dialog.resolve(dialog.flow);
  throw new Error('no way to the peer');
}

/** Who came over TLS and names no transport is not called back in the clear, whatever else the DNS offers. */
function secured(hop: NextHop | null, heard: Flow): NextHop | null {
  if (hop === null || hop.transportGiven || heard.protocol !== 'tls') return hop;
  return { ...hop, protocol: 'tls', transportGiven: true };
}

/**
 * A name leads wherever its owner wants, into our own network too: there only peers of that network have a business.
 */
function leadsInside(flow: Flow, heard: Flow): boolean {
  const kind = addressKind(flow.remoteAddress);
  return kind !== 'public' && kind !== addressKind(heard.remoteAddress);
}
