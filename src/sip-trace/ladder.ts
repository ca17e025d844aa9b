/** Messages as people read them: first who said what to whom and when, then each in full. */
import { formatHostPort } from '../domain/host-port.js';
import type { Endpoint, TracedMessage } from './traced-message.js';

export interface LadderCall {
  readonly callId: string;
  readonly messages: readonly TracedMessage[];
  readonly messagesDropped: number;
}

export function formatLadder(calls: readonly LadderCall[]): string {
  return calls.map(formatCall).join('\n');
}

function formatCall({ callId, messages, messagesDropped }: LadderCall): string {
  const dropped =
    messagesDropped === 0 ? [] : [`(${String(messagesDropped)} earlier messages are no longer kept)`];
  const full = messages.map((message) => `--- ${summary(message)}\n${textOf(message)}`);
  return [`Call-ID ${withoutControls(callId)}`, ...dropped, ...messages.map(summary), '', ...full, ''].join(
    '\n',
  );
}

/** `08:00:00.123456  192.0.2.5:5060 --UDP--> 198.51.100.1:5060  INVITE sip:…` */
function summary(message: TracedMessage): string {
  const { direction, protocol, local, remote } = message;
  const arrow = direction === 'in' ? `--${protocol.toUpperCase()}-->` : `<--${protocol.toUpperCase()}--`;
  const [startLine = ''] = textOf(message).split('\n', 1);
  const what = startLine.replace(/^SIP\/2\.0 /, '').replace(/ SIP\/2\.0$/, '');
  return `${timeOf(message)}  ${nameOf(remote)} ${arrow} ${nameOf(local)}  ${what}`;
}

function nameOf({ address, port }: Endpoint): string {
  return formatHostPort({ host: address, port });
}

function timeOf({ atUs }: TracedMessage): string {
  const seconds = new Date(Math.floor(atUs / 1000)).toISOString();
  return `${seconds.slice(0, -1)}${String(Math.floor(atUs % 1000)).padStart(3, '0')}Z`;
}

/** With LF for line ends. What is not UTF-8 is shown as such; controls that a terminal would obey are not. */
function textOf({ bytes }: TracedMessage): string {
  return withoutControls(bytes.toString('utf8').replaceAll('\r\n', '\n'));
}

/** C0 and C1 but for tabs and line ends. */
function withoutControls(text: string): string {
  return text.replaceAll(/[\0-\x08\x0b-\x1f\x7f-\x9f]/g, '.');
}
