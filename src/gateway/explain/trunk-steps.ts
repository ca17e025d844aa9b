/**
 * Steps of an explanation: which of the account's trunks a call is of, the password that it asks for, who may call and be called over it,
 * how many calls it has, and what a signature says. Asked of the same code as calls are, with nothing behind it that counts.
 */
import type { Config } from '../../config/config-schema.js';
import type { CallerVerification } from '../../domain/participants/caller-verification.js';
import type { Credential } from '../../domain/participants/token.js';
import { Refusal } from '../../domain/refusal.js';
import type { CallOutlook } from '../../domain/trunks/call-limiter.js';
import {
  TrunkCalls,
  type ArrivingCall,
  type TrunkExamination,
  type TrunkSign,
} from '../../domain/trunks/trunk-calls.js';
import type { TrunkDirectory } from '../../domain/trunks/trunk-directory.js';
import type { Trunk } from '../../domain/trunks/trunk.js';
import type { UnconfirmedCalls } from '../../domain/trunks/unconfirmed-calls.js';
import { refuseUnverified } from '../../domain/trunks/unverified-calls.js';
import type { DigestServer } from '../../digest/digest-server.js';
import { readCaller } from '../../doors/sip/caller-identity.js';
import { refusalResponse } from '../../doors/sip/refusal-response.js';
import { arrivingCallToExamine } from '../../doors/sip/trunk-call.js';
import { verificationOf, type VerifyCall } from '../../doors/sip/verified-caller.js';
import { normalizeNumber } from '../../phone-numbers/e164.js';
import type { Question } from './question.js';
import { noted, passed, refused, unknown, type Step } from './step.js';

export interface TrunkParts {
  readonly directory: Pick<
    TrunkDirectory,
    'from' | 'byUsername' | 'byContact' | 'byCertificate' | 'ofAccount' | 'hashesOf'
  >;
  readonly counts: { look(trunkId: string, trunk: Trunk): CallOutlook };
  readonly digest: DigestServer;
  readonly unconfirmed: Pick<UnconfirmedCalls, 'callsOf'>;
  /** Without fetching anything. */
  readonly preview: VerifyCall;
  /** Whose number it is; null where it is nobody's, or nobody's that this account is told of. */
  readonly accountOfNumber: (dialled: string) => Promise<string | null>;
  /** Whose credential it is. Throws Refusal where it is nobody's, or nobody's that this account is told of. */
  readonly accountOfCredential: (credential: Credential) => Promise<string>;
}

export interface TrunkOutlook {
  readonly steps: readonly Step[];
  /** Null where it is of none of the account's. */
  readonly trunk: Trunk | null;
  /** The account's number that was called over it; null where a credential says whom the call is for. */
  readonly dialled: string | null;
}

const none: TrunkOutlook = { steps: [], trunk: null, dialled: null };
const signs: Readonly<Record<TrunkSign, string>> = {
  contact: 'the Contact that its carrier was given, to which it is sent',
  certificate: 'the certificate of its connection, where it shows one',
  network: 'the address that it comes from',
  password: 'the name and password that it shows',
};

export async function trunkSteps(
  question: Question,
  credentials: readonly Credential[],
  parts: TrunkParts,
  config: Config,
): Promise<TrunkOutlook> {
  const { asked, source } = question;
  if (source.transport === 'ws' || source.transport === 'wss') return none;
  const request = {
    ...{ uri: asked.uri, body: asked.body, method: 'INVITE', source_address: source.address ?? '' },
    get: (name: string) => asked.get(name),
  };
  const arriving = arrivingCallToExamine(request, credentials, parts.digest, '');
  try {
    const found = await examined(question, arriving, parts, config);
    if (found === null) return none;
    const { examination, isByCertificate } = found;
    const { trunk, dialled } = examination;
    const steps = [
      trunkStep(examination, isByCertificate),
      ...digestSteps(question, examination, parts),
      ...listSteps(question, examination),
      limitsStep(question, examination, parts, config),
      ...(await stirSteps(question, examination, parts)),
    ];
    return { steps, trunk, dialled };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return { ...none, steps: [outside(error, arriving, question, parts)] };
  }
}

interface Examined {
  readonly examination: TrunkExamination;
  /** It is the trunk's if its connection shows a certificate, which is not known here. */
  readonly isByCertificate: boolean;
}

/** Looks among the account's trunks alone: which of several accounts' trunks a call is of, its number or credential says. Throws Refusal. */
async function examined(
  { accountId, source }: Question,
  arriving: ArrivingCall,
  parts: TrunkParts,
  config: Config,
): Promise<Examined | null> {
  const { directory } = parts;
  const own = (trunk: Trunk | null): Trunk | null => (trunk?.accountId === accountId ? trunk : null);
  const calls = new TrunkCalls({
    directory: {
      from: (address) => directory.from(address).filter((trunk) => own(trunk) !== null),
      byCertificate: (names) => directory.byCertificate(names).filter((trunk) => own(trunk) !== null),
      byUsername: (username) => own(directory.byUsername(username)),
      byContact: (user) => own(directory.byContact(user)),
    },
    counts: { take: () => 'granted', release: () => undefined },
    guesses: { count: (_guess, lookUp) => lookUp() },
    accountOfCredential: (credential) => parts.accountOfCredential(credential),
    accountOfNumber: (dialled) => parts.accountOfNumber(dialled),
    normalize: (text) => normalizeNumber(text, config.numbers.defaultCountry ?? null),
  });
  const plain = await calls.examine(arriving);
  if (plain !== null || source.transport !== 'tls')
    return plain && { examination: plain, isByCertificate: false };
  const certificateNames = directory.ofAccount(accountId).flatMap(({ inbound }) => inbound.certificateNames);
  const shown = await calls.examine({ ...arriving, certificateNames });
  return shown && { examination: shown, isByCertificate: true };
}

function trunkStep({ trunk, sign, dialled, isProven }: TrunkExamination, isByCertificate: boolean): Step {
  const { id: trunkId, name } = trunk;
  const text = `it is a call of the trunk ${name ?? trunkId}, by ${signs[sign]}`;
  const details = { trunkId, name, knownBy: sign, dialled, isProven };
  if (!isByCertificate) return passed('trunk', text, details);
  const certificateNames = trunk.inbound.certificateNames;
  return noted(
    'trunk',
    `${text}: that has to be for ${certificateNames.join(', ')}, which is not known here`,
    { ...details, certificateNames },
  );
}

/** What the trunk asks for, and what the call shows. */
function digestSteps(
  { asked }: Question,
  { trunk, password }: TrunkExamination,
  { digest, directory }: TrunkParts,
): readonly Step[] {
  const wanted = trunk.inbound.digest;
  if (wanted === null) return [];
  const shown = digest.read(asked.get('Authorization'));
  const details = {
    ...{ realm: digest.realm, algorithms: [...directory.hashesOf(trunk.id)], username: wanted.username },
    shown: shown?.username ?? null,
    answersOurs: digest.answersUs(asked.get('Authorization')),
  };
  if (password === null)
    return [
      passed('digest', 'it shows the trunk’s name and password, in an answer that is not used yet', details),
    ];
  const { code, detail } = password;
  const text =
    code === 'authentication-failed'
      ? 'what it shows of the trunk’s name and password is wrong'
      : detail === 'stale'
        ? 'the password is right, but its answer was used before, or is too old: it is asked anew (stale)'
        : 'it shows no password, or answers no challenge of ours: it is asked for one, as part of every such call';
  return [refused('digest', text, { sipStatus: statusOf(code), reason: code }, details)];
}

function listSteps(
  { asked }: Question,
  { trunk, dialled, caller, called }: TrunkExamination,
): readonly Step[] {
  const { allowedCallers, allowedCalled } = trunk;
  if (allowedCallers === null && allowedCalled === null) return [];
  const details = {
    isCallerNamed: (readCaller(asked, trunk.inbound.callerIdentity)?.number ?? null) !== null,
    ...{ called: dialled, allowedCallers, allowedCalled },
  };
  if (caller !== null)
    return [refused('lists', 'the trunk’s `allowedCallers` leave the caller out', answerTo(caller), details)];
  if (called !== null)
    return [refused('lists', 'the trunk’s `allowedCalled` leave the number out', answerTo(called), details)];
  return [passed('lists', 'the trunk’s lists let the caller call that number', details)];
}

/** As they stand now. */
function limitsStep(
  { source }: Question,
  { trunk, isProven }: TrunkExamination,
  { counts, unconfirmed }: TrunkParts,
  { trunks }: Config,
): Step {
  const { grant, calls, left } = counts.look(trunk.id, trunk);
  const { maxConcurrentCalls, maxCallsPerSecond } = trunk;
  const isForgeable = !isProven && source.transport === 'udp';
  const unacknowledged = unconfirmed.callsOf(`trunk ${trunk.id}`);
  const details = {
    ...{
      calls,
      maxConcurrentCalls,
      maxCallsPerSecond,
      callsLeftNow: left === null ? null : Math.floor(left),
    },
    ...(isForgeable && { unacknowledged, maxUnacknowledged: trunks.maxUnconfirmedCalls }),
  };
  const answer = { sipStatus: 503, reason: 'trunk-limit' };
  if (grant === 'too-many')
    return refused('limits', 'the trunk has all the calls that it may have', answer, details);
  if (grant === 'too-fast')
    return refused('limits', 'the trunk’s calls come faster than they may', answer, details);
  if (isForgeable && unacknowledged >= trunks.maxUnconfirmedCalls)
    return refused(
      'limits',
      'too many calls of the trunk over UDP are not acknowledged yet',
      answer,
      details,
    );
  return passed('limits', 'the trunk has room for it now', details);
}

async function stirSteps(
  { asked }: Question,
  { trunk, dialled }: TrunkExamination,
  { preview }: TrunkParts,
): Promise<readonly Step[]> {
  const { stir } = trunk.inbound;
  if (stir === 'off') return [];
  const told = await verificationOf(asked, { trunk, dialled }, preview);
  const details = { policy: stir, ...told };
  const who = told.by === 'carrier' ? 'the carrier' : 'the gateway';
  if (told.verification === 'passed')
    return [
      passed(
        'stir',
        `who calls is verified, by ${who}; whether another call has shown it is not looked at`,
        details,
      ),
    ];
  if (told.reason === 'not-fetched') {
    const text =
      'its signature is for this caller and this number; its certificate is not kept here, and is not fetched now';
    return [stir === 'require' ? unknown('stir', text, null, details) : noted('stir', text, details)];
  }
  return [unverified(told, details, stir === 'require')];
}

function unverified(told: CallerVerification, details: Step['details'], isRequired: boolean): Step {
  const text = `who calls is not verified: ${told.reason ?? 'fault'}`;
  if (!isRequired) return noted('stir', `${text}; the trunk only reports that`, details);
  try {
    refuseUnverified('require', told);
    return noted('stir', text, details);
  } catch (error) {
    if (error instanceof Refusal) return refused('stir', text, answerTo(error), details);
    throw error;
  }
}

/** It is of no trunk of the account, and may be of another's. */
function outside(
  { code, detail }: Refusal,
  arriving: ArrivingCall,
  question: Question,
  parts: TrunkParts,
): Step {
  const username = arriving.digest?.username ?? null;
  const isOwn = username !== null && parts.directory.byUsername(username)?.accountId === question.accountId;
  if (code === 'authentication-failed' && !isOwn)
    return unknown(
      'digest',
      'the user name that it shows is of another account or unknown: where nobody has it, or the password is wrong, the call is refused with 403 authentication-failed',
    );
  if (code === 'unknown-number')
    return unknown(
      'trunk',
      'it comes from a trunk of this account, and the number that it calls is of another account or unknown, or the trunk does not serve it: where it is nobody’s the call is refused with 404 unknown-number',
      'Numbers are set up with `POST /numbers`; a trunk’s `numbers` say which it serves: docs/trunks.md.',
    );
  if (code === 'authentication-required')
    return refused('digest', `it is asked for a password anew${detail === null ? '' : ` (${detail})`}`, {
      ...{ sipStatus: statusOf(code), reason: code },
    });
  return refused('trunk', 'it comes from a trunk of this account, calls no number, and shows no credential', {
    ...{ sipStatus: statusOf(code), reason: code },
  });
}

function answerTo({ code }: Refusal) {
  return { sipStatus: statusOf(code), reason: code };
}

function statusOf(code: Refusal['code']): number {
  return refusalResponse(code, 0).status;
}
