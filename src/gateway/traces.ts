/** Opens what watches SIP messages: traces that accounts ask for, and what is sent to a collector. */
import type { CallRecordChange } from '../domain/facts/call-record.js';
import type { DomainEvent } from '../domain/facts/event.js';
import { CallTracer } from '../sip-trace/call-traces.js';
import { HepSender } from '../sip-trace/hep-sender.js';
import { createRedaction, type Redact } from '../sip-trace/redact-message.js';
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
  context: GatewayContext,
  { operatorAccount, journal, metrics }: Pick<Foundation, 'operatorAccount' | 'journal' | 'metrics'>,
): GatewayTraces {
  const { config, clock, closers } = context;
  const { keepMinutes, ...limits } = config.trace;
  let server: Pick<SipServer, 'tap'> | null = null;
  let isTraced = false;
  const nowUs = (): number => Math.round((performance.timeOrigin + performance.now()) * 1000);
  const redact = createRedaction(config.tokenHeaders);
  const hep = openHep(context, { redact, nowUs });
  const calls = new CallTracer({
    limits: { ...limits, keepMs: keepMinutes * 60_000 },
    redact,
    seesPhones: config.drachtio === undefined,
    ...{ operatorAccount, clock, nowUs },
    onWanted(isWanted) {
      isTraced = isWanted;
      settle();
    },
  });
  const tap: MessageTap = (direction, bytes, flow) => {
    const message = seenMessage(direction, bytes, flow);
    hep?.seen(message);
    if (isTraced) calls.seen(message);
  };
  const settle = (): void => server?.tap(isTraced || hep !== null ? tap : null);
  metrics.observeTraces(() => ({ ...calls.size, ...(hep?.figures ?? { sent: 0, dropped: 0 }) }));
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

/** Null where there is no collector. */
function openHep(
  { config, clock, closers }: GatewayContext,
  { redact, nowUs }: { readonly redact: Redact; readonly nowUs: () => number },
): HepSender | null {
  const { host, password = null, ...others } = config.hep;
  if (host === undefined) return null;
  const sender = new HepSender({
    ...{ ...others, host, password, clock, nowUs },
    redact: config.hep.redact ? redact : null,
  });
  sender.start();
  closers.onClose('HEP', () => sender.close());
  return sender;
}

function seenMessage(...[direction, bytes, flow]: Parameters<MessageTap>): SeenMessage {
  const { protocol, localAddress, localPort, remoteAddress, remotePort } = flow;
  return {
    ...{ direction, bytes, protocol },
    local: { address: localAddress, port: localPort },
    remote: { address: remoteAddress, port: remotePort },
  };
}
