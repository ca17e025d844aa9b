/**
 * What is refused before anything is done with it: requests that kill or deafen a drachtio-server when they are answered, or
 * that could not be answered at all because it takes no message above 12,228 bytes from us.
 */
import { isAnswerableContact, isUsableContact } from './contact.js';
import type { ServerTraits } from './server-traits.js';
import type { SrfRequest } from './srf.js';

export interface GuardRefusal {
  readonly status: number;
  /** For the Reason header and the log. */
  readonly reason: string;
  /** A drachtio-server would die of the refusal. */
  readonly isDeadly?: true;
  readonly headers?: Readonly<Record<string, string>>;
}

type Guarded = Pick<SrfRequest, 'get' | 'body' | 'raw'>;

/** Copied into every response, and the Call-ID and tag into every request of the dialog. */
const maxCopiedBytes = 4096;
const maxIdentityBytes = 1024;
const maxRequestBytes = 65_536;
/** The status line, the admin protocol's words, and what each header has beside name and value. */
const responseOverheadBytes = 400;

/** Without what the server parts its own words with: `|`, and `;` before the tag that makes a dialog's name of a Call-ID. */
const callIdPattern = /^[!-:<-{}~]+$/;
const tagPattern = /^[\w\-.!%*+`'~]+$/;

/** Null where an INVITE may be answered. Odd forms harm a drachtio-server alone; our own has read the request by its own rules. */
export function guardInvite(
  request: Guarded,
  { mayDieOfAnswers }: Pick<ServerTraits, 'mayDieOfAnswers'>,
): GuardRefusal | null {
  const contact = request.get('Contact');
  if (mayDieOfAnswers && !isAnswerableContact(contact))
    return { status: 400, reason: 'bad-contact', isDeadly: true };
  // A dialog that we no longer have; the SIP server knows it still.
  if (tagOf(request.get('To')) !== null) return { status: 481, reason: 'no-such-dialog' };
  if (isTooLong(request)) return { status: 513, reason: 'message-too-long' };
  const callId = request.get('Call-ID') ?? '';
  const fromTag = tagOf(request.get('From')) ?? '';
  if (callId.length + fromTag.length > maxIdentityBytes) return { status: 513, reason: 'message-too-long' };
  if (!mayDieOfAnswers) return null;
  if (!callIdPattern.test(callId)) return { status: 400, reason: 'bad-call-id' };
  if (fromTag !== '' && !tagPattern.test(fromTag)) return { status: 400, reason: 'bad-from-tag' };
  return isUsableContact(contact) ? null : { status: 400, reason: 'bad-contact' };
}

/**
 * Null where a request requires nothing that we cannot do behind a drachtio-server, which leaves it to us (RFC 3261
 * §8.2.2.3). 100rel we can, for we send nothing provisional.
 */
export function guardRequire(request: Pick<SrfRequest, 'get'>): GuardRefusal | null {
  const required = (request.get('Require') ?? '').split(',').map((tag) => tag.trim());
  const unsupported = required.filter(
    (tag) => tag !== '' && !['100rel', 'timer', 'replaces'].includes(tag.toLowerCase()),
  );
  if (unsupported.length === 0) return null;
  const shown = unsupported
    .filter((tag) => tagPattern.test(tag))
    .join(', ')
    .slice(0, maxIdentityBytes);
  return { status: 420, reason: 'unsupported-extension', headers: { Unsupported: shown } };
}

/** Null where a re-INVITE or UPDATE may be answered. It may do without Contact: then that of the dialog stays. */
export function guardReoffer(
  request: Guarded,
  { mayDieOfAnswers }: Pick<ServerTraits, 'mayDieOfAnswers'>,
): GuardRefusal | null {
  if (isTooLong(request)) return { status: 513, reason: 'message-too-long' };
  const contact = request.get('Contact');
  return !mayDieOfAnswers || contact === undefined || isUsableContact(contact)
    ? null
    : { status: 400, reason: 'bad-contact' };
}

/** What a response of ours to this request costs on the admin connection, at most. */
export function responseBytes(
  request: Pick<SrfRequest, 'get'>,
  headers: Readonly<Record<string, string>>,
  body: string,
): number {
  const own = Object.entries(headers).reduce((sum, [name, value]) => sum + bytes(name) + bytes(value) + 4, 0);
  return responseOverheadBytes + copiedBytes(request) + own + bytes(body);
}

function isTooLong(request: Guarded): boolean {
  return bytes(request.raw ?? request.body ?? '') > maxRequestBytes || copiedBytes(request) > maxCopiedBytes;
}

function copiedBytes(request: Pick<SrfRequest, 'get'>): number {
  return ['From', 'To', 'Call-ID', 'CSeq'].reduce((sum, name) => sum + bytes(request.get(name) ?? ''), 0);
}

function bytes(text: string): number {
  return Buffer.byteLength(text);
}

/** The tag of a From or To: it is in what stands behind the last `>` or, without one, behind the URI. */
export function tagOf(field: string | undefined): string | null {
  if (field === undefined) return null;
  const parameters = field.slice(field.lastIndexOf('>') + 1);
  const tag = parameters
    .split(';')
    .slice(1)
    .map((parameter) => parameter.trim())
    .find((parameter) => /^tag[ \t]*=/i.test(parameter));
  return tag?.replace(/^tag[ \t]*=[ \t]*/i, '') ?? null;
}
