/** Explains what would become of a call: asks what its way through the gateway would ask, in the same order, and claims nothing. */
import { sipPlaces } from '../../config/sip-places.js';
import { sourceOf } from '../../domain/address-source.js';
import type {
  CallExplainer,
  CallExplanation,
  CallInQuestion,
  ExplainedAnswer,
} from '../../domain/call-explainer.js';
import { DomainError } from '../../domain/domain-error.js';
import { formatHostPort } from '../../domain/host-port.js';
import { GuessLimiter } from '../../domain/legs/guess-limiter.js';
import { presentHeaders } from '../../domain/participants/call-headers.js';
import { presentCaller } from '../../domain/participants/caller.js';
import type { Credential } from '../../domain/participants/token.js';
import { Refusal } from '../../domain/refusal.js';
import type { Trunk } from '../../domain/trunks/trunk.js';
import { readCaller } from '../../doors/sip/caller-identity.js';
import { shownHeaders } from '../../doors/sip/shown-headers.js';
import { drachtioServer, ownServer } from '../../doors/sip/server-traits.js';
import { normalizeNumber } from '../../phone-numbers/e164.js';
import { parseMessage } from '../../sip-server/index.js';
import { callerPrivacies } from '../caller-privacy.js';
import type { GatewayContext } from '../context.js';
import type { GatewayDomain } from '../domain.js';
import type { Foundation } from '../foundation.js';
import { supportedExtensions, type GatewaySip } from '../sip.js';
import {
  credentialStep,
  joinCodesStep,
  jwtStep,
  type FoundCredential,
  type Verdict,
} from './credential-steps.js';
import { hintFor } from './hints.js';
import { mediaStep } from './media-step.js';
import { capacityStep, numberSteps, participantSteps } from './party-steps.js';
import { readPasted } from './pasted-message.js';
import { PerMinute } from './per-minute.js';
import { placeOf } from './place.js';
import { askedRequest, sourceOfCall, type ChosenPlace, type KnownSource, type Question } from './question.js';
import { formStep, messageStep, replacingStep, rulesStep, sourceStep } from './reading-steps.js';
import { noted, refused, unknown, type Step } from './step.js';
import { trunkSteps, type TrunkOutlook, type TrunkParts } from './trunk-steps.js';

export interface CallExplainerParts {
  readonly foundation: Pick<Foundation, 'stores' | 'tokens' | 'operatorAccount'>;
  readonly domain: Pick<GatewayDomain, 'legs' | 'media' | 'trunks'>;
  readonly sip: Pick<GatewaySip, 'server' | 'unconfirmed'>;
}

export function createCallExplainer(context: GatewayContext, parts: CallExplainerParts): CallExplainer {
  const { config, clock } = context;
  const rate = new PerMinute(config.sip.explanationsPerMinute, clock);
  const explanations = new Explanations(context, parts);
  return {
    async explain(accountId, call) {
      if (!rate.take(accountId))
        throw new DomainError('too-many-explanations', 'Too many calls were explained within a minute');
      return explanations.explain(accountId, call);
    },
  };
}

interface Outlook {
  readonly steps: readonly Step[];
  readonly description: string | null;
}

class Explanations {
  readonly #context: GatewayContext;
  readonly #parts: CallExplainerParts;
  readonly #guesses: GuessLimiter;
  readonly #callerPrivacy: ReturnType<typeof callerPrivacies>;

  constructor(context: GatewayContext, parts: CallExplainerParts) {
    this.#context = context;
    this.#parts = parts;
    this.#guesses = new GuessLimiter(context.config.joinCodes, context.clock);
    this.#callerPrivacy = callerPrivacies(context.config);
  }

  async explain(accountId: string, call: CallInQuestion): Promise<CallExplanation> {
    const { bytes, mended } = readPasted(call.message);
    const { config } = this.#context;
    const parsed = parseMessage(bytes, { maxMessageBytes: config.sip.maxMessageBytes });
    const message = parsed.ok ? parsed.message : parsed.answerable;
    const source = sourceOfCall(call.source, message);
    const cameTo = message?.kind === 'request' ? placeOf(sipPlaces(config), message.uri, source) : null;
    const first = [
      sourceStep(source, {
        bannedUntil: this.#bannedUntil(accountId, source),
        cameTo: cameTo === null ? null : this.#shown(cameTo, source),
      }),
      messageStep(parsed, bytes),
    ];
    if (!parsed.ok) return explanation(mended, { steps: first, description: null }, null);
    if (parsed.message.kind === 'response' || cameTo === null) {
      const step = unknown('rules', 'it is a response: only requests that begin a call are explained');
      return explanation(mended, { steps: [...first, step], description: null }, null);
    }
    const request = parsed.message;
    const question: Question = { accountId, request, source, cameTo, asked: askedRequest(request, bytes) };
    const { steps, description } = await this.#outlook(question);
    return explanation(
      mended,
      { steps: [...first, ...steps], description },
      this.#contactFor(source, question.cameTo),
    );
  }

  async #outlook(question: Question): Promise<Outlook> {
    const { config } = this.#context;
    const traits = config.drachtio === undefined ? ownServer : drachtioServer;
    const { legs } = this.#parts.domain;
    const rules = rulesStep(question.request, {
      ...{ traits, supported: supportedExtensions, isDraining: legs.isDraining },
    });
    if (question.request.method !== 'INVITE') return { steps: [rules], description: null };
    const { tokens } = this.#parts.foundation;
    const worthOf = (token: string) => tokens.verify(token, this.#context.clock.now()).result;
    const found = credentialStep(question, config.tokenHeaders, worthOf);
    const { step: shown, credential } = found;
    const token = credential?.kind === 'jwt' ? this.#verdictOfToken(credential) : null;
    const form = formStep(question, traits, config);
    const codes = this.#codesOnce(question, found);
    const over = await trunkSteps(question, found.credentials, this.#trunkParts(question, codes), config);
    const instead = (steps: readonly Step[]) =>
      this.#isAskedForPassword(question) ? steps.map(asked) : steps;
    const early = [...instead([shown]), ...(token === null ? [] : [token.step])];
    const replacing = replacingStep(question);
    const parties =
      replacing === null
        ? instead(await this.#parties(question, found, { over, token, codes }))
        : [replacing];
    const { step: media, description } = mediaStep(question, config, over.trunk);
    const caller = this.#callerStep(question, over.trunk);
    // What strangers show is looked at first, but behind a drachtio-server; a trunk's call is let in by other rules.
    if (over.trunk !== null) {
      const credentials = over.dialled === null ? early : [];
      const steps = [rules, form, caller, ...over.steps, ...credentials, ...parties, media];
      return { steps, description };
    }
    const screened = over.steps.length > 0 ? over.steps : [...this.#strangerSteps(question), ...early];
    const reading = traits.isExternal ? [rules, form, ...screened] : [rules, ...screened, form];
    return { steps: [...reading, caller, ...parties, media], description };
  }

  /** What strangers get who may not call, or may be of a trunk that is known by its password alone. */
  #strangerSteps({ source, asked }: Question): readonly Step[] {
    const { config } = this.#context;
    const { directory, digest } = this.#parts.domain.trunks;
    if (source.transport === 'ws' || source.transport === 'wss') return [];
    if (config.sip.callsFromNoTrunk !== 'refuse') return [];
    const isAnswer = digest.answersUs(asked.get('Authorization'));
    const isAsked = directory.hashesOf(null).length > 0 && !isAnswer;
    const text =
      'it comes from no trunk of this account; calls from no trunk are refused, whatever they show';
    const reason = isAsked ? 'authentication-required' : 'no-trunk';
    return [refused('trunk', text, { sipStatus: isAsked ? 401 : 403, reason })];
  }

  /** What is of no trunk may be of one that is known by its password alone, where there is such a trunk. */
  #isAskedForPassword({ source }: Question): boolean {
    const isBrowser = source.transport === 'ws' || source.transport === 'wss';
    return !isBrowser && this.#parts.domain.trunks.directory.hashesOf(null).length > 0;
  }

  #trunkParts({ accountId }: Question, codes: () => Promise<Verdict>): TrunkParts {
    const { domain, sip, foundation } = this.#parts;
    const { directory, counts, digest, stir } = domain.trunks;
    const { participants, numbers } = foundation.stores;
    const country = this.#context.config.numbers.defaultCountry ?? null;
    return {
      ...{ directory, counts, digest, preview: stir.preview, unconfirmed: sip.unconfirmed },
      async accountOfNumber(dialled) {
        const e164 = normalizeNumber(dialled, country);
        const number = e164 === null ? null : await numbers.findNumberByE164(e164);
        return number?.accountId === accountId ? accountId : null;
      },
      accountOfCredential: async (credential) => {
        const { participantId } =
          credential.kind === 'jwt' ? this.#verdictOfToken(credential) : await codes();
        const participant = participantId === null ? null : await participants.findParticipant(participantId);
        if (participant?.accountId !== accountId) throw new Refusal('token-invalid');
        return accountId;
      },
    };
  }

  /** The codes that it shows are looked up once: each is a guess. */
  #codesOnce({ accountId }: Question, { codes }: FoundCredential): () => Promise<Verdict> {
    let verdict: Promise<Verdict> | null = null;
    const lookup = {
      ...{ store: this.#parts.foundation.stores.participants, guesses: this.#guesses },
      clock: this.#context.clock,
    };
    return () => (verdict ??= joinCodesStep(codes, accountId, lookup));
  }

  #verdictOfToken({ value }: Credential): Verdict {
    return jwtStep(value, this.#parts.foundation.tokens, this.#context.clock);
  }

  /** The number that is called, the participant, its session, and whether the gateway takes calls at all. */
  async #parties(
    question: Question,
    { credential }: FoundCredential,
    known: {
      readonly over: TrunkOutlook;
      readonly token: Verdict | null;
      readonly codes: () => Promise<Verdict>;
    },
  ): Promise<readonly Step[]> {
    const { config } = this.#context;
    const { stores } = this.#parts.foundation;
    const { accountId } = question;
    const { over, token, codes } = known;
    const capacity = this.#capacity();
    const mayBeNumber =
      over.dialled !== null ||
      credential === null ||
      (credential.kind === 'join-code' && /^\d+$/.test(credential.value));
    const isByCredential = over.trunk !== null && over.dialled === null;
    const number = mayBeNumber && !isByCredential ? await numberSteps(question, over, stores, config) : null;
    if (number !== null && (number.isLetIn || credential === null)) return [...number.steps, capacity];
    if (credential === null) return [capacity];
    const verdict = token ?? (await codes());
    const { participantId } = verdict;
    const party =
      participantId === null ? [] : await participantSteps(participantId, accountId, stores, config);
    return [capacity, ...(token === null ? [verdict.step] : []), ...party];
  }

  #capacity(): Step {
    const { legs, media } = this.#parts.domain;
    return capacityStep({
      ...{ isDraining: legs.isDraining, legs: legs.size, hasMedia: media.plane.isReady },
      maxLegs: this.#context.config.sessions.maxLegs,
    });
  }

  #callerStep({ accountId, asked }: Question, trunk: Trunk | null): Step {
    const privacy = this.#callerPrivacy(accountId);
    const caller = presentCaller(readCaller(asked, trunk?.inbound.callerIdentity), privacy);
    const { tokenHeaders } = this.#context.config;
    const headers = presentHeaders(shownHeaders(asked, trunk?.inbound.headers ?? [], tokenHeaders), privacy);
    const details = {
      ...{ number: caller?.number ?? null, name: caller?.name ?? null },
      headers: Object.entries(headers ?? {}).map(([name, value]) => `${name}: ${value}`),
    };
    return noted('caller', 'who calls, as records and events would show it', details);
  }

  /** Bans are the operator's to see. */
  #bannedUntil(accountId: string, { address }: KnownSource): number | null {
    const { foundation, sip } = this.#parts;
    if (address === null || accountId !== foundation.operatorAccount) return null;
    return sip.server.bans().find(({ source }) => source === sourceOf(address))?.untilMs ?? null;
  }

  /** Null where phones come through a drachtio-server, and for WebSockets, which come to the HTTP port. */
  #shown({ place: { host, port, tlsPort } }: ChosenPlace, { transport }: KnownSource): string | null {
    if (this.#context.config.drachtio !== undefined || transport === 'ws' || transport === 'wss') return null;
    return formatHostPort({ host, port: transport === 'tls' ? tlsPort : port });
  }

  #contactFor({ address, transport }: KnownSource, { index: listener }: ChosenPlace): string | null {
    return address === null ? null : this.#parts.sip.server.contactFor({ address, transport, listener });
  }
}

/** A refusal for want of a token, where the caller is asked for a trunk's password instead. */
function asked(step: Step): Step {
  if (step.end?.reason !== 'token-missing') return step;
  const reason = 'authentication-required';
  const text = `${step.text}; it is asked for a password, for it may be of a trunk that is known by that alone`;
  return { ...step, text, hint: hintFor(reason), end: { result: 'refused', sipStatus: 401, reason } };
}

function explanation(
  mended: readonly string[],
  { steps, description }: Outlook,
  contact: string | null,
): CallExplanation {
  return { mended, steps: steps.map(told), answer: answerOf(steps, description, contact) };
}

function answerOf(
  steps: readonly Step[],
  description: string | null,
  contact: string | null,
): ExplainedAnswer {
  const end = steps.find((step) => step.end !== null)?.end ?? null;
  if (end === null) return { result: 'answered', sipStatus: 200, reason: null, contact, description };
  return { ...end, contact: null, description: null };
}

function told({ step, verdict, text, details, hint }: Step): CallExplanation['steps'][number] {
  return { step, verdict, text, details, hint };
}
