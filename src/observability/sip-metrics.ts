/** The SIP server's figures. */
import type { Registry } from 'prom-client';
import { registerFigure } from './figures.js';

/** What a SIP server counts; the embedded one's statistics have this shape. */
export interface SipFigures {
  readonly transport: {
    readonly messagesReceived: number;
    readonly messagesSent: number;
    readonly malformed: number;
    readonly sendErrors: number;
    readonly connectionsOpen: number;
    readonly connectionsRefused: number;
    readonly connectionsDropped: number;
  };
  readonly transactions: number;
  readonly dialogs: number;
  readonly retransmissionsSent: number;
  readonly retransmissionsReceived: number;
  readonly transactionTimeouts: number;
  readonly dialogsCreated: number;
  readonly dialogsEndedByServer: number;
  readonly cancelled: number;
  /** By status. */
  readonly refusals: Readonly<Record<number, number>>;
}

type Numbers<T> = { [K in keyof T]: T[K] extends number ? K : never }[keyof T];

const ofServer: readonly (readonly ['counter' | 'gauge', Numbers<SipFigures>, string, string])[] = [
  ['gauge', 'transactions', 'sip_transactions', 'SIP transactions now.'],
  ['gauge', 'dialogs', 'sip_dialogs', 'SIP dialogs now.'],
  ['counter', 'retransmissionsSent', 'sip_retransmissions_sent_total', 'SIP messages sent again.'],
  [
    'counter',
    'retransmissionsReceived',
    'sip_retransmissions_received_total',
    'SIP messages that came again.',
  ],
  ['counter', 'transactionTimeouts', 'sip_transaction_timeouts_total', 'SIP transactions that timed out.'],
  ['counter', 'dialogsCreated', 'sip_dialogs_created_total', 'SIP dialogs begun.'],
  [
    'counter',
    'dialogsEndedByServer',
    'sip_dialogs_ended_by_server_total',
    'SIP dialogs that the server ended by itself.',
  ],
  ['counter', 'cancelled', 'sip_cancelled_total', 'Calls cancelled before their answer.'],
];

const ofTransport: readonly (readonly [
  'counter' | 'gauge',
  keyof SipFigures['transport'],
  string,
  string,
])[] = [
  ['counter', 'messagesReceived', 'sip_messages_received_total', 'SIP messages received.'],
  ['counter', 'messagesSent', 'sip_messages_sent_total', 'SIP messages sent.'],
  ['counter', 'malformed', 'sip_malformed_total', 'Messages that were no SIP, or bad SIP.'],
  ['counter', 'sendErrors', 'sip_send_errors_total', 'SIP messages that could not be sent.'],
  ['gauge', 'connectionsOpen', 'sip_connections', 'TCP and WebSocket connections now.'],
  ['counter', 'connectionsRefused', 'sip_connections_refused_total', 'Connections over a limit.'],
  [
    'counter',
    'connectionsDropped',
    'sip_connections_dropped_total',
    'Connections closed as idle or too slow.',
  ],
];

export function exposeSip(registry: Registry, read: () => SipFigures): void {
  for (const [type, key, name, help] of ofServer) {
    registerFigure(registry, { type, name, help, read: () => [{ value: read()[key] }] });
  }
  for (const [type, key, name, help] of ofTransport) {
    registerFigure(registry, { type, name, help, read: () => [{ value: read().transport[key] }] });
  }
  registerFigure(registry, {
    type: 'counter',
    name: 'sip_refusals_total',
    help: 'Requests that the SIP server refused by itself.',
    labels: ['status'],
    read: () => Object.entries(read().refusals).map(([status, value]) => ({ labels: { status }, value })),
  });
}
