/** The SIP server's figures. */
import type { Figures, FigureType } from './figures.js';

type FigureRow = readonly [type: FigureType, key: string, name: string, help: string];

const ofServer = [
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
  [
    'counter',
    'answersWithheld',
    'sip_answers_withheld_total',
    'Requests of strangers that got no answer, because their source had had enough.',
  ],
  ['counter', 'scannersIgnored', 'sip_scanners_ignored_total', 'Requests of scanners, which got no answer.'],
  [
    'counter',
    'sweepsSeen',
    'sip_sweeps_total',
    'Sources taken for scanners because of how many users they called.',
  ],
  ['gauge', 'bans', 'sip_bans', 'Sources that are not heard now, because of what they did.'],
] as const satisfies readonly FigureRow[];

const ofTransport = [
  ['counter', 'messagesReceived', 'sip_messages_received_total', 'SIP messages received.'],
  ['counter', 'messagesSent', 'sip_messages_sent_total', 'SIP messages sent.'],
  ['counter', 'messagesIgnored', 'sip_messages_ignored_total', 'Messages of banned sources.'],
  [
    'counter',
    'datagramsDropped',
    'sip_datagrams_dropped_total',
    'Datagrams of strangers that waited to be read until too many others did.',
  ],
  ['counter', 'malformed', 'sip_malformed_total', 'Messages that were no SIP, or bad SIP.'],
  ['counter', 'sendErrors', 'sip_send_errors_total', 'SIP messages that could not be sent.'],
  ['gauge', 'connectionsOpen', 'sip_connections', 'TCP and WebSocket connections now.'],
  ['counter', 'connectionsRefused', 'sip_connections_refused_total', 'Connections over a limit.'],
  [
    'counter',
    'connectionsDropped',
    'sip_connections_dropped_total',
    'Connections closed as idle or too slow, or to make room for others.',
  ],
] as const satisfies readonly FigureRow[];

type KeyOf<Rows extends readonly FigureRow[]> = Rows[number][1];

/** What a SIP server counts; the embedded one's statistics have this shape. */
export interface SipFigures extends Readonly<Record<KeyOf<typeof ofServer>, number>> {
  readonly transport: Readonly<Record<KeyOf<typeof ofTransport>, number>>;
  /** By status. */
  readonly refusals: Readonly<Record<number, number>>;
}

export function exposeSip(figures: Figures, read: () => SipFigures): void {
  for (const [type, key, name, help] of ofServer) figures[type](name, help, () => read()[key]);
  for (const [type, key, name, help] of ofTransport) {
    figures[type](name, help, () => read().transport[key]);
  }
  figures.counterBy(
    'status',
    'sip_refusals_total',
    'Requests that the SIP server refused by itself.',
    () => read().refusals,
  );
}
