/** The first steps of an explanation: where the request comes from, whether it can be read, whether it keeps the protocol's rules. */
import type { Config } from '../../config/config-schema.js';
import { guardInvite, guardRequire, type GuardRefusal } from '../../doors/sip/request-guard.js';
import type { ServerTraits } from '../../doors/sip/server-traits.js';
import { readReplaces } from '../../doors/sip/replaces-header.js';
import { guardBody } from '../../doors/sip/session-body.js';
import { guardSessionTimer } from '../../doors/sip/session-timer.js';
import {
  checkNewRequest,
  parseNameAddr,
  parseUri,
  parseVia,
  redactUri,
  splitCommas,
  type ParseResult,
  type SipRequest,
} from '../../sip-server/index.js';
import { faultLine } from './fault-line.js';
import { hintFor } from './hints.js';
import type { KnownSource, Question } from './question.js';
import { noted, passed, refused, unanswered, unknown, type Step } from './step.js';

/**
 * `bannedUntil`: milliseconds since the epoch; null where the source is not banned, or nobody may know. `cameTo`: which address of ours;
 * null where it cannot be told.
 */
export function sourceStep(
  { address, port, transport, by }: KnownSource,
  { bannedUntil, cameTo }: { readonly bannedUntil: number | null; readonly cameTo: string | null },
): Step {
  const details = { address, port, transport, knownBy: by, cameTo };
  if (address === null)
    return noted(
      'source',
      'where it comes from is not known',
      details,
      'Name the `source`: the networks of numbers and what the caller is told of our address depend on it.',
    );
  const how = by === 'given' ? 'as you say' : 'as its first Via says';
  const text = `from ${address}, ${how}, over ${transport.toUpperCase()}`;
  if (bannedUntil === null) return passed('source', text, details);
  const until = new Date(bannedUntil).toISOString();
  return unanswered('source', `${text}: banned until ${until}, nothing is read of it`, {
    ...details,
    bannedUntil: until,
  });
}

export function messageStep(parsed: ParseResult, bytes: Buffer): Step {
  if (parsed.ok) {
    const { message } = parsed;
    const what = message.kind === 'request' ? message.method : `a response (${String(message.status)})`;
    const length = bytes.length;
    return passed('message', `${what}, ${String(length)} bytes, can be read`, {
      ...(message.kind === 'request' && { method: message.method, requestUri: shownUri(message.uri) }),
      ...{ bytes: length, headerFields: message.headers.size },
    });
  }
  const { reason, status, answerable } = parsed;
  const line = faultLine(bytes.toString('latin1'), reason, isMalformed);
  const text = `it cannot be used: ${reason}${line === null ? '' : `, line ${String(line)}`}`;
  const details = { fault: reason, line };
  if (answerable !== undefined) return refused('message', text, { sipStatus: status, reason: null }, details);
  return unanswered(
    'message',
    `${text}; what an answer needs (Via, From, To, Call-ID, CSeq) cannot be read either, so it is dropped`,
    details,
  );
}

/** Without what may be a credential. */
function shownUri(uri: string): string {
  const parsed = parseUri(uri);
  if (parsed === null) return `${uri.slice(0, uri.indexOf(':') + 1)}…`;
  const { user, password, ...rest } = parsed;
  // A user of twelve characters may be a join code.
  const isShown = user !== undefined && user.replaceAll('-', '').length !== 12 && user.length <= 64;
  return redactUri({
    ...rest,
    ...(user !== undefined && { user: isShown ? user : '***' }),
    ...(password !== undefined && { password }),
  });
}

/** Whether a value of that field is what the parser stumbled over. */
function isMalformed(name: string, value: string): boolean {
  if (name === 'Via') return !splitCommas(value).every((one) => parseVia(one) !== null);
  if (name === 'Route' || name === 'Record-Route')
    return !splitCommas(value).every((one) => parseNameAddr(one) !== null);
  return name === 'Contact' ? value !== '*' && parseNameAddr(value) === null : true;
}

export interface RuleSettings {
  readonly traits: ServerTraits;
  readonly supported: readonly string[];
  readonly isDraining: boolean;
}

/** What our SIP server asks of every new request; behind a drachtio-server that is its business. */
export function rulesStep(request: SipRequest, settings: RuleSettings): Step {
  const { method, headers } = request;
  const { traits, supported } = settings;
  if (/;\s*tag\s*=/i.test(afterUri(headers.get('To') ?? '')))
    return refused(
      'rules',
      'it has a tag in To: it belongs to a call that stands, which is not looked for here',
      { sipStatus: 481, reason: 'no-such-dialog' },
    );
  if (method !== 'INVITE') return otherMethodStep(method, settings);
  if (traits.isExternal)
    return noted('rules', 'drachtio-server reads it first, by rules of its own: docs/sip.md tells of them');
  const refusal = checkNewRequest(request, supported);
  if (refusal === null) return passed('rules', 'a new call, by the rules');
  const { status, reason, headers: fields = [] } = refusal;
  const told = fields.map(([name, value]) => `${name}: ${value}`);
  const code =
    status === 420 ? 'unsupported-extension' : status === 422 ? 'session-interval-too-small' : null;
  const words = ruleWords[status] ?? 'it is against the rules';
  const step = refused(
    'rules',
    `${words}${reason === undefined ? '' : ` (${reason})`}`,
    { sipStatus: status, reason: null },
    { headers: told },
  );
  return { ...step, hint: code === null ? null : hintFor(code) };
}

const ruleWords: Readonly<Record<number, string>> = {
  400: 'its Contact cannot be used',
  416: 'its Request-URI is no sip, sips or tel URI',
  420: 'it requires an extension that is not known here',
  422: 'it asks for a session interval that is too short',
  483: 'its Max-Forwards has come to nought: it may have gone in circles',
};

function otherMethodStep(method: string, { isDraining }: RuleSettings): Step {
  const text = `it is a request of the method ${method}: only calls (INVITE) are explained further`;
  if (method === 'ACK') return unanswered('rules', `${text}; an ACK is never answered`);
  if (method === 'OPTIONS') {
    if (isDraining) return refused('rules', text, { sipStatus: 503, reason: 'draining' });
    return { ...noted('rules', text), end: { result: 'answered', sipStatus: 200, reason: null } };
  }
  const isWithin = ['BYE', 'CANCEL', 'UPDATE', 'PRACK', 'INFO'].includes(method);
  return refused('rules', text, { sipStatus: isWithin ? 481 : 405, reason: null });
}

function afterUri(field: string): string {
  return field.slice(field.lastIndexOf('>') + 1);
}

/** What the door asks of an INVITE before it looks whose it is. */
export function formStep({ asked }: Question, traits: ServerTraits, { sip }: Pick<Config, 'sip'>): Step {
  const fault: GuardRefusal | null =
    guardInvite(asked, traits) ??
    (traits.checksRequire ? null : guardRequire(asked)) ??
    (traits.keepsSessionTimers ? null : guardSessionTimer(asked)) ??
    guardBody(asked) ??
    readReplaces(asked)?.fault ??
    null;
  if (fault === null)
    return passed('form', 'nothing is wrong in its form', { largestMessageBytes: sip.maxMessageBytes });
  const { status, reason, isDeadly, headers = {} } = fault;
  if (isDeadly === true && traits.mayDieOfAnswers)
    return unanswered('form', `${reason}: drachtio-server would die of an answer to it, so it gets none`);
  const details = { headers: Object.entries(headers).map(([name, value]) => `${name}: ${value}`) };
  return refused('form', `wrong in its form: ${reason}`, { sipStatus: status, reason }, details);
}

/** A call that is to take another's place is nobody's but that one's; null where it is a call of its own. */
export function replacingStep({ asked }: Question): Step | null {
  if (readReplaces(asked)?.replaces === undefined) return null;
  const text = 'it is to take the place of a call (Replaces), which is looked for when it comes';
  return unknown('form', text, 'It must show that call’s participant, or come over its trunk: docs/sip.md.');
}
