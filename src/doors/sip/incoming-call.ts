/**
 * One INVITE up to its final response: what it must be, whose leg it is, its answer. What follows the answer is a DialogCall's.
 *
 *   arrived ── admitted ── media open ── 200 ──► a dialog: DialogCall
 *      └───────────┴────────────┴──► refused, canceled, or answered by the deadline with 503
 *
 * An INVITE is always answered: by the leg, by a refusal, or by the deadline.
 */
import type { Socket } from 'node:net';
import type { Clock, Timer } from '../../domain/clock.js';
import type { RefusedCall } from '../../domain/facts/refused-call.js';
import { firstGood } from '../../domain/legs/first-good.js';
import type { LegAdmission } from '../../domain/legs/leg-admission.js';
import type { DoorLeg, LegSignalling } from '../../domain/legs/door-leg.js';
import type { LimitedLines } from '../../domain/limited-lines.js';
import type { Logger } from '../../domain/logger.js';
import { mainConnection } from '../../domain/media-plane.js';
import type { Outcome } from '../../domain/outcome.js';
import { ownText } from '../../domain/own-text.js';
import { refusalOf } from '../../domain/refusal-of.js';
import { Refusal, type RefusedParty } from '../../domain/refusal.js';
import type { DtmfPolicy } from '../../domain/trunks/trunk.js';
import { kindOfOffer } from '../../sdp/offer-kind.js';
import { composeAnswer, type Answer } from './answer.js';
import { CallEntry, type EntrySettings } from './call-entry.js';
import { findCredentials } from './credential.js';
import { connectionLost, DialogCall, logCallEnd } from './dialog-call.js';
import { takesInfo } from './dtmf-info-sender.js';
import { Farewells } from './farewells.js';
import {
  byeHeaders,
  reasonHeader,
  refusalResponse,
  unansweredStatus,
  unverifiedHeaders,
} from './refusal-response.js';
import { describeInvite, type InviteRefusal } from './refused-invite.js';
import { isOverWebSocket, localAddressOf } from './request-origin.js';
import { guardInvite, guardRequire, tagOf, type GuardRefusal } from './request-guard.js';
import { readReplaces, type Replaces } from './replaces-header.js';
import type { ServerTraits } from './server-traits.js';
import { descriptionIn, guardBody } from './session-body.js';
import { guardSessionTimer, timerOfInvite, type SessionTimer } from './session-timer.js';
import { noticesTaken, takesNotices } from './session-notices.js';
import {
  forgetInvite,
  moveResponse,
  sendBye,
  type Srf,
  type SrfDialog,
  type SrfRequest,
  type SrfResponse,
} from './srf.js';
import type { StandingDialogs } from './standing-dialogs.js';
import { challengeHeader, phoneTermsOf } from './trunk-call.js';

export interface IncomingCallSettings extends EntrySettings {
  /** An INVITE that could not be answered by then gets 503. */
  readonly answerTimeoutMs: number;
  readonly retryAfterSeconds: number;
}

export interface IncomingCallOptions {
  readonly srf: Srf;
  readonly request: SrfRequest;
  readonly response: SrfResponse;
  /** The server that the INVITE came through. */
  readonly traits: ServerTraits;
  readonly legs: LegAdmission;
  /** The calls whose places others may take. */
  readonly dialogs: StandingDialogs;
  readonly clock: Clock;
  readonly logger: Logger;
  /** The refusals' lines in the log: anybody may cause them. */
  readonly refusalLines: LimitedLines;
  readonly settings: IncomingCallSettings;
  /** Also of a request that is wrong in its form, and of a hang-up before it was known whether the call is let in. */
  readonly onRefused: (call: RefusedCall) => void;
  /** The last word to the far end is on its way; never rejects. */
  readonly onFarewell: (done: Promise<void>) => void;
  /** The call is over and nothing of it remains. */
  readonly onClosed: (call: IncomingCall) => void;
}

/** RFC 3891 §3: an INVITE that is to replace a dialog that has ended is declined. */
const callHasEnded: GuardRefusal = { status: 603, reason: 'call-has-ended' };

const canceled: Outcome = { endedBy: 'participant', reason: 'canceled' };

export class IncomingCall implements LegSignalling {
  readonly #options: IncomingCallOptions;
  readonly #callId: string;
  readonly #deadline: Timer;
  readonly #farewells: Farewells;
  readonly #entry: CallEntry;
  /** LegSignalling: there where the far end announced that it wants to hear of others. */
  readonly notices: LegSignalling['notices'];
  /** LegSignalling: there unless the far end says that it takes no INFO, or its trunk that it is to get none. */
  get sendDtmf(): LegSignalling['sendDtmf'] {
    return this.#takesInfo && this.#dtmf !== '4733' ? this.#press : undefined;
  }
  readonly #takesInfo: boolean;
  #logger: Logger;
  #leg: DoorLeg | null = null;
  /** From the answer on: the call is its, and so is the end. */
  #answered: DialogCall | null = null;
  /** How the call ended before it was answered. */
  #outcome: Outcome | null = null;

  constructor(options: IncomingCallOptions) {
    const { request, clock, settings, onFarewell } = options;
    this.#options = options;
    this.#callId = ownText(request.get('Call-ID') ?? '');
    this.#entry = new CallEntry({ request, callId: this.#callId, legs: options.legs, settings });
    this.#logger = options.logger.child({ callId: this.#callId });
    this.#farewells = new Farewells(this.#logger, onFarewell);
    this.#deadline = clock.after(settings.answerTimeoutMs, () =>
      this.#refuse(new Refusal('overloaded', 'deadline')),
    );
    if (takesNotices(request))
      this.notices = { takes: noticesTaken, tell: (notice) => this.#answered?.notify(notice) };
    this.#takesInfo = takesInfo(request);
    request.on('cancel', () => void this.#end(canceled));
  }

  /** Runs the call up to its answer or refusal. Never rejects. */
  async run(): Promise<void> {
    try {
      await this.#answer();
    } catch (error) {
      const refusal = refusalOf(error);
      if (refusal !== null && this.#answered === null) this.#refuse(refusal);
      // drachtio-srf tells no CANCEL that crosses the 200; that the INVITE is over is then learnt from the 200 itself.
      else if (isTransactionGone(error)) await this.#end(canceled);
      else if (this.#outcome === null) {
        this.#logger.error({ err: error }, 'a call could not be answered');
        if (this.#answered === null) this.#refuse(new Refusal('overloaded', 'internal error'));
        else await this.#answered.abandon(connectionLost);
      }
    }
  }

  readonly #press = async (digit: string, durationMs: number): Promise<boolean> =>
    (await this.#answered?.press(digit, durationMs)) ?? false;

  /** How keys are pressed in this call, both ways. */
  get #dtmf(): DtmfPolicy {
    return this.#entry.trunk?.media.dtmf ?? 'auto';
  }

  /** LegSignalling: the leg receives other streams now. */
  renegotiate(): void {
    this.#answered?.renegotiate();
  }

  /** LegSignalling: the gateway ends the call. */
  terminate(outcome: Outcome): void {
    if (this.#answered !== null) {
      this.#answered.terminate(outcome);
      return;
    }
    if (this.#outcome !== null) return;
    this.#outcome = outcome;
    const status = unansweredStatus(outcome.reason);
    this.#respond(status, reasonHeader(status, outcome.reason));
    this.#close(outcome);
  }

  /** LegSignalling: another call has the leg now. */
  replaced(): void {
    this.#answered?.replaced();
  }

  /** The connection to the SIP server is gone. What was answered lives on without it for `graceMs`. */
  connectionLost(graceMs: number): void {
    if (this.#answered === null) void this.#end(connectionLost);
    else this.#answered.connectionLost(graceMs);
  }

  /** The SIP server can be reached again, over this socket: what it still has of the call ends. */
  connectionBack(socket: Socket): void {
    const { srf, request, response, settings } = this.#options;
    if (this.#answered !== null) {
      this.#answered.connectionBack(socket);
      return;
    }
    const outcome = this.#outcome ?? connectionLost;
    if (response.finalResponseSent) {
      const dialogId = `${this.#callId};from-tag=${tagOf(request.get('From')) ?? ''}`;
      this.#farewells.said(sendBye(srf, socket, dialogId, byeHeaders(outcome)));
    } else {
      moveResponse(response, socket);
      const { status, headers } = refusalResponse('overloaded', settings.retryAfterSeconds);
      this.#respond(status, headers);
    }
    void this.#end(outcome);
  }

  /** The session timer that runs from our answer on, where the server tells the far end of none by itself. */
  get #timer(): SessionTimer | null {
    const { request, traits } = this.#options;
    return traits.keepsSessionTimers ? null : timerOfInvite(request);
  }

  async #answer(): Promise<void> {
    const { request, traits } = this.#options;
    const replacing = readReplaces(request);
    const fault =
      guardInvite(request, traits) ??
      (traits.checksRequire ? null : guardRequire(request)) ??
      (traits.keepsSessionTimers ? null : guardSessionTimer(request)) ??
      guardBody(request) ??
      replacing?.fault ??
      null;
    if (fault !== null) {
      this.#refuseFaulty(fault);
      return;
    }
    const { replaces = null } = replacing ?? {};
    const leg = replaces === null ? await this.#admit() : await this.#succeed(replaces);
    if (leg === null) return;
    const offer = descriptionIn(request);
    const isFromBrowser = isOverWebSocket(request);
    const kind = offer !== null ? kindOfOffer(offer, isFromBrowser) : isFromBrowser ? 'browser' : 'phone';
    await leg.open(
      mainConnection(kind, offer, {
        signallingAddress: request.source_address,
        localAddress: localAddressOf(request),
        // The ACK bears what only the address was told that we answer to.
        sendsOnceConfirmed: this.#entry.isForgeable,
        ...(this.#entry.trunk !== null && { phoneTerms: phoneTermsOf(this.#entry.trunk.media) }),
      }),
    );
    if (leg.hasEnded) return;

    const { localDescription } = leg.connection('main');
    const answer = composeAnswer(traits, request, localDescription, {
      timer: this.#timer,
      more: unverifiedHeaders(this.#entry.stir),
    });
    if (answer === null) {
      this.#refuseFaulty({ status: 488, reason: 'answer-too-long' });
      return;
    }
    await this.#accept(leg, answer, offer === null);
    if (this.#answered !== null)
      this.#logger.debug({ legKind: leg.kind, voiceCallId: leg.voiceCallId }, 'call answered');
  }

  /** Null where the call ended in the meantime. Throws Refusal. */
  async #admit(): Promise<DoorLeg | null> {
    const { request, legs, settings } = this.#options;
    const { credentials, voiceCallId } = findCredentials(request, settings.tokenHeaders);
    const entrance = await this.#entry.find(credentials);
    if (entrance === null) {
      this.#tellCanceled(null, {});
      return null;
    }
    const leg = await legs.admit({
      ...entrance,
      voiceCallId,
      trunkId: this.#entry.trunk?.id ?? null,
      door: 'sip',
      callId: this.#callId,
      caller: this.#entry.caller,
      headers: this.#entry.headers,
      source: this.#entry.guesser,
      signalling: this,
    });
    return this.#given(leg);
  }

  /** The leg of the call that this one is to take the place of (RFC 3891); null as above, and where that is not to be. Throws Refusal. */
  async #succeed({ isEarlyOnly, ...name }: Replaces): Promise<DoorLeg | null> {
    const { request, legs, settings, dialogs } = this.#options;
    const replaced = dialogs.find(name);
    const fault =
      replaced === null
        ? { status: 481, reason: 'no-such-dialog' }
        : replaced === 'ended'
          ? callHasEnded
          : isEarlyOnly
            ? { status: 486, reason: 'call-is-answered' }
            : null;
    if (replaced === null || replaced === 'ended' || fault !== null) {
      if (fault !== null) this.#refuseFaulty(fault);
      return null;
    }
    const { credentials, voiceCallId } = findCredentials(request, settings.tokenHeaders);
    const found = await this.#entry.findReplacing(credentials, replaced);
    if (found?.isAllowed !== true) {
      if (found === null) this.#tellCanceled(null, {});
      else this.#refuseFaulty({ status: 403, reason: 'not-yours-to-replace' });
      return null;
    }
    // Yet another call may have taken its place meanwhile, which this one does not name and may have no right to.
    if (dialogs.find(name) !== replaced) {
      this.#refuseFaulty(callHasEnded);
      return null;
    }
    const leg = await legs.succeed(replaced.legId, {
      ...{ callId: this.#callId, voiceCallId, caller: this.#entry.caller, stir: found.stir ?? null },
      headers: this.#entry.headers,
      trunkId: this.#entry.trunk?.id ?? null,
      signalling: this,
    });
    this.#logger.info({ replaces: name.callId }, 'a call is to take the place of another');
    return this.#given(leg);
  }

  /** Null where the call ended in the meantime. */
  async #given(leg: DoorLeg): Promise<DoorLeg | null> {
    this.#leg = leg;
    this.#logger = this.#logger.child({ legId: leg.legId, participantId: leg.participant.id });
    if (this.#outcome === null) return leg;
    await leg.end(this.#outcome);
    return null;
  }

  /** Sends the 200; resolves when the dialog is there. */
  #accept(leg: DoorLeg, answer: Answer, isOfferOurs: boolean): Promise<void> {
    const { srf, request, response } = this.#options;
    return new Promise((resolve, reject) => {
      srf.createUAS(request, response, answer, (error, dialog) => {
        if (dialog === undefined) return reject(error instanceof Error ? error : new Error(String(error)));
        // Within this turn: what came right behind the ACK is read next, and must find somebody who listens. What is thrown
        // here would cost the connection to the SIP server, and every call with it.
        try {
          this.#dialogMade(dialog, leg, isOfferOurs);
          resolve();
        } catch (fault) {
          reject(fault instanceof Error ? fault : new Error(String(fault)));
        }
      });
    });
  }

  #dialogMade(dialog: SrfDialog, leg: DoorLeg, isOfferOurs: boolean): void {
    this.#deadline.cancel();
    // The leg may have ended while the 200 was on its way; terminate() had no dialog to end then.
    if (this.#outcome !== null) {
      this.#farewells.bye(dialog, this.#outcome);
      return;
    }
    const { traits, clock, settings, dialogs } = this.#options;
    const call = new DialogCall({
      ...{ dialog, leg, isOfferOurs, traits, clock, logger: this.#logger, farewells: this.#farewells },
      ...{ dialogs, trunkId: this.#entry.trunk?.id ?? null },
      retryAfterSeconds: settings.retryAfterSeconds,
      takesInfoKeys: this.#dtmf !== '4733',
      onConfirmed: () => this.#entry.confirm(),
      onClosed: () => this.#closed(),
    });
    this.#answered = call;
    call.keepSession(this.#timer);
    leg.answered();
    call.listen();
  }

  /** The far end cancelled or is gone. Resolves when the leg has ended. */
  async #end(outcome: Outcome): Promise<void> {
    if (this.#answered !== null) return this.#answered.end(outcome);
    if (this.#outcome !== null) return;
    this.#outcome = outcome;
    this.#close(outcome);
    await this.#leg?.end(outcome);
  }

  #refuse({ code, detail, party }: Refusal): void {
    const { request, settings, refusalLines } = this.#options;
    if (this.#answered !== null) return;
    if (this.#outcome !== null) {
      this.#tellCanceled(code, party);
      return;
    }
    const { status, headers } = refusalResponse(code, settings.retryAfterSeconds);
    // To be asked for a password is part of every call that shows one.
    if (code === 'authentication-required')
      this.#respond(status, { ...headers, ...this.#challenge(detail, party) });
    else {
      const fields = { code, detail, source: request.source_address };
      refusalLines.write(() => this.#logger.info(fields, 'call refused'), { calls: 1 });
      this.#tellRefused({ code, sipStatus: status, detail }, party);
      this.#respond(status, headers);
    }
    void this.#end({ endedBy: 'gateway', reason: 'refused', sipStatus: status });
  }

  /** A call that has ended already is not refused; but where it had no leg, nobody else tells of it. */
  #tellCanceled(detail: string | null, party: RefusedParty): void {
    if (this.#leg === null && this.#outcome?.reason === 'canceled')
      this.#tellRefused({ code: 'canceled', sipStatus: 487, detail }, party);
  }

  #challenge(detail: string | null, { trunkId = null }: RefusedParty): Record<string, string> {
    const { trunks } = this.#options.settings;
    const hashes = trunks?.hashesOf(trunkId) ?? [];
    return challengeHeader(trunks?.digest.challenges(hashes, detail === 'stale') ?? []);
  }

  #tellRefused(refusal: InviteRefusal, party: RefusedParty): void {
    const { request, onRefused } = this.#options;
    const { participantId = null, accountId = this.#entry.trunk?.accountId ?? null } = party;
    onRefused({
      trunkId: party.trunkId ?? this.#entry.trunk?.id ?? null,
      ...{ door: 'sip', code: refusal.code, source: request.source_address, participantId, accountId },
      legId: this.#leg?.legId ?? null,
      details: () => describeInvite(request, refusal, this.#entry.trunk?.inbound.callerIdentity),
    });
  }

  /** Refuses what is wrong in its form, whoever sent it. */
  #refuseFaulty({ status, reason, isDeadly, headers }: GuardRefusal): void {
    if (this.#outcome !== null) return;
    const { request, srf, traits, refusalLines } = this.#options;
    const isSilent = isDeadly === true && traits.mayDieOfAnswers;
    const message = isSilent ? 'call left unanswered: bad request' : 'call refused: bad request';
    const fields = { reason, source: request.source_address, isSilent };
    refusalLines.write(() => this.#logger.info(fields, message), { calls: 1 });
    if (isSilent) forgetInvite(srf, request);
    else this.#respond(status, { ...headers, ...reasonHeader(status, reason) });
    void this.#partyOf(request).then((party) =>
      this.#tellRefused({ code: reason, sipStatus: status, detail: null }, party),
    );
    void this.#end({ endedBy: 'gateway', reason: 'refused', sipStatus: status });
  }

  /** Whom the credential of a request stands for that is refused whatever it shows. Never rejects. */
  async #partyOf(request: SrfRequest): Promise<RefusedParty> {
    const { legs, settings } = this.#options;
    try {
      const { credentials } = findCredentials(request, settings.tokenHeaders);
      const { guesser } = this.#entry;
      const { identity } = await firstGood(credentials, (one) => legs.identify(one, guesser));
      return { participantId: identity };
    } catch (error) {
      return error instanceof Refusal ? error.party : {};
    }
  }

  #respond(status: number, headers: Record<string, string>): void {
    this.#farewells.respond(this.#options.response, status, headers);
  }

  #close(outcome: Outcome): void {
    this.#deadline.cancel();
    this.#entry.end();
    logCallEnd(this.#logger, this.#options.clock, this.#leg, outcome);
    this.#closed();
  }

  #closed(): void {
    this.#entry.end();
    this.#options.onClosed(this);
  }
}

/** In drachtio's words: the INVITE was canceled, or its connection is gone. */
function isTransactionGone(error: unknown): boolean {
  return error instanceof Error && error.message.includes('unknown transaction');
}
