/** Opens what watches SIP messages: traces that accounts ask for, and what is sent to a collector. */
import type { CallRecordChange } from '../domain/facts/call-record.js';
import type { DomainEvent } from '../domain/facts/event.js';
import { CallTracer } from '../sip-trace/call-traces.js';
import { createRedaction } from '../sip-trace/redact-message.js';
import type { SeenMessage } from '../sip-trace/traced-message.js';
import type { MessageTap, SipServer } from '../sip-server/index.js';
import type { GatewayContext } from './context.js';
import type { Foundation } from './foundation.js';

export interface GatewayTraces {
  readonly calls: CallTracer;
  /** Watches the messages of that server where anybody wants any. */
  watch(server: Pick<SipServer, 'tap'>): void;
  /** A call without a leg was refused: its record says whose it was. */
  recorded(change: CallRecordChange): void;
}

export function openTraces(
  { config, clock, closers }: GatewayContext,
  { operatorAccount, journal }: Pick<Foundation, 'operatorAccount' | 'journal'>,
): GatewayTraces {
  const { keepMinutes, ...limits } = config.trace;
  let server: Pick<SipServer, 'tap'> | null = null;
  let isTraced = false;
  const calls = new CallTracer({
    limits: { ...limits, keepMs: keepMinutes * 60_000 },
    redact: createRedaction(config.tokenHeaders),
    seesPhones: config.drachtio === undefined,
    ...{ operatorAccount, clock },
    nowUs: () => Math.round((performance.timeOrigin + performance.now()) * 1000),
    onWanted(isWanted) {
      isTraced = isWanted;
      settle();
    },
  });
  const tap: MessageTap = (direction, bytes, flow) => calls.seen(seenMessage(direction, bytes, flow));
  const settle = (): void => server?.tap(isTraced ? tap : null);
  closers.onClose('traces', () => calls.close());
  journal.follow({
    factKept(event: DomainEvent) {
      if (event.type === 'call.arrived' && event.data.door === 'sip')
        calls.ownerIs(event.data.callId, event.accountId);
    },
  });
  return {
    calls,
    watch(watched) {
      server = watched;
      settle();
    },
    recorded(change) {
      if (change.change === 'turned-away' && change.door === 'sip' && change.accountId !== null)
        calls.ownerIs(change.callId, change.accountId);
    },
  };
}

function seenMessage(...[direction, bytes, flow]: Parameters<MessageTap>): SeenMessage {
  const { protocol, localAddress, localPort, remoteAddress, remotePort } = flow;
  return {
    ...{ direction, bytes, protocol },
    local: { address: localAddress, port: localPort },
    remote: { address: remoteAddress, port: remotePort },
  };
}
