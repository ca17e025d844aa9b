import type { Flow } from '../transport/flow.js';
import type { OwnedDialog } from './application.js';
import { belongsToFlow, nextHopOf } from './next-hop.js';
import type { NextHop } from './next-hop.js';

/** The flow that requests in the dialog take, where that is known without asking anybody. */
export function knownFlow(dialog: OwnedDialog): Flow | undefined {
  if (dialog.resolvedFlow?.isOpen) return dialog.resolvedFlow;
  const isNear = dialog.flow.isOpen && belongsToFlow(nextHopOf(dialog.nextHop), dialog.flow);
  return isNear ? (dialog.resolvedFlow = dialog.flow) : undefined;
}

/** The same after looking the next hop up and connecting to it. Rejects when there is no way to the peer. */
export async function findFlow(dialog: OwnedDialog, connect: (hop: NextHop) => Promise<Flow>): Promise<Flow> {
  const hop = nextHopOf(dialog.nextHop);
  if (hop && hop.protocol !== 'ws' && hop.protocol !== 'wss') {
    const flow = await connect(hop).catch(() => undefined);
    if (flow) return (dialog.resolvedFlow = flow);
  }
  // A name that cannot be resolved: the address that the peer was heard from is the best that is left.
  if (dialog.flow.isOpen) return (dialog.resolvedFlow = dialog.flow);
  throw new Error('no way to the peer');
}
