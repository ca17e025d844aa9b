/**
 * One INVITE and the dialog it makes: admission, answer, re-INVITEs both ways, end. An INVITE is always answered: by the
 * leg, by a refusal, or by the deadline.
 */
import type { Socket } from 'node:net';
import type { Clock, Timer } from '../../domain/clock.js';
import type { LegRegistry } from '../../domain/legs/leg-registry.js';
import type { LegSignalling, LiveLeg } from '../../domain/legs/live-leg.js';
import type { Logger } from '../../domain/logger.js';
import { MediaRefusal } from '../../domain/media-plane.js';
import type { Outcome } from '../../domain/outcome.js';
import type { DialIn, IncomingCall } from '../../domain/numbers/phone-number.js';
import { Refusal, type RefusalCode } from '../../domain/refusal.js';
import type { Credential } from '../../domain/participants/token.js';
import { readCaller } from './caller-identity.js';
import { dialledNumber, findCredential } from './credential.js';
import { parseDtmfInfo } from './dtmf-info.js';
import { DtmfInfoSender, takesInfo } from './dtmf-info-sender.js';
import { isHold } from './hold.js';
import {
  guardInvite,
  guardReoffer,
  guardRequire,
  responseBytes,
  tagOf,
  type GuardRefusal,
} from './request-guard.js';
import { Negotiation } from './negotiation.js';
import { byeHeaders, parseReason, refusalResponse, unansweredStatus } from './refusal-response.js';
import { refreshSeconds, sessionTimerHeaders } from './session-timer.js';
import { noticesTaken, SessionNotices, takesNotices } from './session-notices.js';
import {
  forgetInvite,
  moveDialog,
  moveResponse,
  sendBye,
  type Srf,
  type SrfDialog,
  type SrfRequest,
  type SrfResponse,
} from './srf.js';

export interface SipCallSettings {
  readonly tokenHeaders: readonly string[];
  /** An INVITE that could not be answered by then gets 503. */
  readonly answerTimeoutMs: number;
  readonly retryAfterSeconds: number;
  /** What lets a call to one of our numbers in without a token; null where nothing does. Throws Refusal. */
  readonly dialIn?: (dialled: string, source: string, call: IncomingCall) => Promise<DialIn | null>;
}

export interface SipCallOptions {
  readonly srf: Srf;
  readonly request: SrfRequest;
  readonly response: SrfResponse;
  readonly registry: LegRegistry;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly settings: SipCallSettings;
  /** What the drachtio-server takes from us at most; null for our own SIP server, which takes all and dies of nothing. */
  readonly maxMessageBytes: number | null;
  readonly onRefused: (code: RefusalCode) => void;
  /** The last word to the far end is on its way; never rejects. */
  readonly onFarewell: (done: Promise<void>) => void;
  /** The call is over and nothing of it remains. */
  readonly onClosed: (call: SipCall) => void;
}

export const allow = 'INVITE, ACK, BYE, CANCEL, OPTIONS, UPDATE, INFO';
/** drachtio-server takes no UPDATE for a refresh of its session timer, so phones must do it by re-INVITE. */
export const allowThroughDrachtio = 'INVITE, ACK, BYE, CANCEL, OPTIONS, INFO';
/** The SIP server comes first: it knows of a refresh before we do. */
const refreshSpareSeconds = 5;
const connectionLost: Outcome = { endedBy: 'gateway', reason: 'connection-lost' };

export class SipCall implements LegSignalling {
  readonly #options: SipCallOptions;
  readonly #callId: string;
  readonly #deadline: Timer;
  #logger: Logger;
  #leg: LiveLeg | null = null;
  #dialog: SrfDialog | null = null;
  #negotiation: Negotiation | null = null;
  #notices: SessionNotices | null = null;
  /** LegSignalling: there where the far end announced that it wants to hear of others. */
  readonly notices: LegSignalling['notices'];
  /** LegSignalling: there unless the far end says that it takes no INFO. */
  readonly sendDtmf: LegSignalling['sendDtmf'];
  #keys: DtmfInfoSender | null = null;
  /** How the call ended, once it has; the first word counts. */
  #outcome: Outcome | null = null;
  /** While its SIP server is away: when the call ends all the same. */
  #grace: Timer | null = null;
  #isServerAway = false;
  /** While the far end must refresh the call: when drachtio-server has hung up on it, of which it does not tell us. */
  #sessionExpiry: Timer | null = null;

  constructor(options: SipCallOptions) {
    this.#options = options;
    this.#callId = options.request.get('Call-ID') ?? '';
    this.#logger = options.logger.child({ callId: this.#callId });
    this.#deadline = options.clock.after(options.settings.answerTimeoutMs, () =>
      this.#refuse('overloaded', 'deadline'),
    );
    if (takesNotices(options.request))
      this.notices = { takes: noticesTaken, tell: (notice) => this.#notices?.tell(notice) };
    this.sendDtmf = takesInfo(options.request)
      ? async (digit, durationMs) => (await this.#keys?.press({ digit, durationMs })) ?? false
      : undefined;
    options.request.on('cancel', () => {
      void this.#farEndLeft({ endedBy: 'participant', reason: 'canceled' });
    });
  }

  /** Runs the call up to its answer or refusal. Never rejects. */
  async run(): Promise<void> {
    try {
      await this.#answer();
    } catch (error) {
      if (error instanceof Refusal) this.#refuse(error.code, error.detail);
      // drachtio-srf tells no CANCEL that crosses the 200; that the INVITE is over is then learnt from the 200 itself.
      else if (isTransactionGone(error))
        await this.#farEndLeft({ endedBy: 'participant', reason: 'canceled' });
      else if (this.#outcome === null) {
        this.#logger.error({ err: error }, 'a call could not be answered');
        if (this.#dialog === null) this.#refuse('overloaded', 'internal error');
        else {
          this.#sendBye(this.#dialog, connectionLost);
          await this.#farEndLeft(connectionLost);
        }
      }
    }
  }

  /** LegSignalling: the leg receives other streams now. */
  renegotiate(): void {
    this.#negotiation?.request();
  }

  /** LegSignalling: the gateway ends the call. */
  terminate(outcome: Outcome): void {
    if (this.#outcome !== null) return;
    this.#outcome = outcome;
    if (this.#isServerAway) {
      // The far end hears of it when the server is back.
    } else if (this.#dialog !== null) this.#sendBye(this.#dialog, outcome);
    else if (outcome.reason !== 'refused') this.#respond(unansweredStatus(outcome.reason), outcome.reason);
    this.#close();
  }

  /**
   * The connection to the SIP server is gone. What was answered lives on without it for `graceMs`: its media still flows.
   */
  connectionLost(graceMs: number): void {
    this.#isServerAway = true;
    this.#negotiation?.close();
    this.#notices?.close();
    this.#keys?.close();
    if (this.#dialog === null || graceMs === 0) void this.#farEndLeft(connectionLost);
    else if (this.#outcome === null)
      this.#grace = this.#options.clock.after(graceMs, () => void this.#farEndLeft(connectionLost));
  }

  /**
   * The SIP server can be reached again, over this socket. Where it still has the call it must let go of it, and so must the
   * far end: nothing more that it asks would come to us.
   */
  connectionBack(socket: Socket): void {
    const { srf, request, response, settings } = this.#options;
    const outcome = this.#outcome ?? connectionLost;
    if (this.#dialog !== null) {
      moveDialog(this.#dialog, socket);
      this.#sendBye(this.#dialog, outcome);
    } else if (response.finalResponseSent) {
      const dialogId = `${this.#callId};from-tag=${tagOf(request.get('From')) ?? ''}`;
      this.#saidFarewell(sendBye(srf, socket, dialogId, byeHeaders(outcome)));
    } else {
      moveResponse(response, socket);
      const { status, headers } = refusalResponse('overloaded', settings.retryAfterSeconds);
      this.#send(status, headers);
    }
    void this.#farEndLeft(outcome);
  }

  async #answer(): Promise<void> {
    const { srf, request, response, registry, settings } = this.#options;
    const isOurServer = this.#options.maxMessageBytes === null;
    const fault = guardInvite(request) ?? (isOurServer ? null : guardRequire(request));
    if (fault !== null) {
      this.#refuseFaulty(fault);
      return;
    }
    const { credential, voiceCallId } = findCredential(request, settings.tokenHeaders);
    const dialledIn = await this.#dialIn(credential);
    const leg = await registry.admit({
      credential: dialledIn?.credential ?? credential,
      attendant: dialledIn?.attendant ?? null,
      voiceCallId,
      door: 'sip',
      callId: this.#callId,
      caller: readCaller(request),
      source: request.source_address,
      signalling: this,
    });
    this.#leg = leg;
    this.#logger = this.#logger.child({ legId: leg.legId, participantId: leg.participant.id });
    if (this.#outcome !== null) {
      await leg.end(this.#outcome);
      return;
    }
    const offer = request.body === undefined || request.body === '' ? null : request.body;
    const localSdp = await leg.open(offer);
    if (leg.hasEnded) return;

    const headers = this.#answerHeaders(request, false);
    if (this.#isTooLong(request, headers, localSdp)) {
      this.#refuseFaulty({ status: 488, reason: 'answer-too-long' });
      return;
    }
    await new Promise<void>((resolve, reject) => {
      srf.createUAS(request, response, { localSdp, headers }, (error, dialog) => {
        if (dialog === undefined) return reject(error instanceof Error ? error : new Error(String(error)));
        // Within this turn: what came right behind the ACK is read next, and must find somebody who listens. What is thrown
        // here would cost the connection to the SIP server, and every call with it.
        try {
          this.#answered(dialog, leg, offer === null);
          resolve();
        } catch (fault) {
          reject(fault instanceof Error ? fault : new Error(String(fault)));
        }
      });
    });
    if (this.#dialog !== null) this.#logger.debug({ legKind: leg.kind, voiceCallId }, 'call answered');
  }

  /** A number of twelve digits has the form of a join code; it is a number where it is one of ours. */
  async #dialIn(credential: Credential | null): Promise<DialIn | null> {
    const { request, settings } = this.#options;
    if (credential !== null && !(credential.kind === 'join-code' && /^\d+$/.test(credential.value)))
      return null;
    const dialled = dialledNumber(request.uri);
    if (settings.dialIn === undefined || dialled === null) return null;
    return settings.dialIn(dialled, request.source_address, {
      voiceCallId: this.#callId,
      from: readCaller(request)?.number ?? null,
      to: dialled,
      headers: {},
    });
  }

  #answered(dialog: SrfDialog, leg: LiveLeg, isOfferless: boolean): void {
    this.#deadline.cancel();
    // The leg may have ended while the 200 was on its way; terminate() had no dialog to end then.
    if (this.#outcome !== null) {
      this.#sendBye(dialog, this.#outcome);
      return;
    }
    this.#dialog = dialog;
    this.#expectRefresh(this.#options.request, false);
    leg.answered();
    this.#watch(dialog, leg, isOfferless);
  }

  #watch(dialog: SrfDialog, leg: LiveLeg, isOfferless: boolean): void {
    const negotiation = new Negotiation({
      dialog,
      media: () => leg.media,
      clock: this.#options.clock,
      logger: this.#logger,
      onDialogGone: (sipStatus) => {
        void this.#farEndLeft({ endedBy: 'participant', reason: 'connection-lost', sipStatus });
      },
    });
    this.#negotiation = negotiation;
    this.#notices = new SessionNotices(dialog, this.#logger);
    this.#keys = new DtmfInfoSender(dialog, this.#options.clock, this.#logger);
    dialog.once('ack', (ack: SrfRequest) => {
      if (!isOfferless) return this.#confirmed(leg);
      leg.media.accept(ack.body ?? '').then(
        () => this.#confirmed(leg),
        (error: unknown) => {
          this.#logger.warn({ err: error }, 'the answer in the ACK cannot be used');
          void leg.terminate({ endedBy: 'gateway', reason: 'refused', text: refusalCode(error) });
        },
      );
    });
    dialog.on('ack', (ack: SrfRequest) => negotiation.acknowledged(ack.body));
    const reoffer = (request: SrfRequest, response: SrfResponse) =>
      this.#reoffer(leg, negotiation, request, response);
    dialog.on('modify', (request: SrfRequest, response: SrfResponse) => void reoffer(request, response));
    dialog.on('update', (request: SrfRequest, response: SrfResponse) => {
      if (request.body === undefined || request.body === '') response.send(200);
      else void reoffer(request, response);
    });
    dialog.on('info', (request: SrfRequest, response: SrfResponse) => this.#info(leg, request, response));
    // drachtio-srf would say 200 to them, and the far end take a transfer for done.
    for (const method of ['refer', 'message', 'notify', 'publish'])
      dialog.on(method, (_request: SrfRequest, response: SrfResponse) => {
        response.send(405, { headers: { Allow: this.#allow } });
      });
    dialog.on('destroy', (bye: SrfRequest) => {
      void this.#farEndLeft(byeOutcome(bye, leg.state === 'established'));
    });
  }

  #confirmed(leg: LiveLeg): void {
    leg.established();
    this.#negotiation?.start();
  }

  async #reoffer(
    leg: LiveLeg,
    negotiation: Negotiation,
    request: SrfRequest,
    response: SrfResponse,
  ): Promise<void> {
    const body = request.body === '' ? undefined : request.body;
    const fault = guardReoffer(request);
    if (fault !== null) {
      this.#logger.info({ reason: fault.reason }, 'refused a new offer: bad request');
      response.send(fault.status, { headers: reasonHeader(fault.status, fault.reason) });
      return;
    }
    try {
      const localSdp = await negotiation.answer(body);
      const headers = this.#answerHeaders(request, request.method === 'INVITE');
      if (this.#isTooLong(request, headers, localSdp)) {
        // What the media has agreed to stands; the far end goes on as before, and can offer again.
        response.send(488, { headers: reasonHeader(488, 'answer-too-long') });
        return;
      }
      response.send(200, { body: localSdp, headers });
      if (request.method === 'INVITE') this.#expectRefresh(request, true);
      if (body !== undefined && leg.kind === 'phone') leg.setHeld(isHold(body));
      this.#notices?.farEndHeard();
    } catch (error) {
      // A refused re-offer leaves the call as it was (RFC 3261 §14.2).
      const code = refusalCode(error);
      const { status, headers } = refusalResponse(code, this.#options.settings.retryAfterSeconds);
      this.#logger.info({ code, err: error }, 'refused a new offer');
      if (!response.finalResponseSent) response.send(status, { headers });
    }
  }

  #info(leg: LiveLeg, request: SrfRequest, response: SrfResponse): void {
    const contentType = request.get('Content-Type');
    const press = contentType === undefined ? undefined : parseDtmfInfo(contentType, request.body ?? '');
    if (press !== undefined) leg.dtmf(press.digit, press.durationMs);
    response.send(press !== undefined || contentType === undefined ? 200 : 415);
  }

  /** The far end hung up, cancelled or is gone. */
  async #farEndLeft(outcome: Outcome): Promise<void> {
    if (this.#outcome !== null) return;
    this.#outcome = outcome;
    this.#close();
    await this.#leg?.end(outcome);
  }

  #refuse(code: RefusalCode, detail: string | undefined): void {
    // Not where the call has ended already (CANCEL): then nothing is refused. Where the 200 is on its way but no dialog
    // has come of it, there is nobody left to answer, and still the leg must end.
    if (this.#dialog !== null || this.#outcome !== null) return;
    this.#options.onRefused(code);
    this.#logger.info({ code, detail, source: this.#options.request.source_address }, 'call refused');
    const { status, headers } = refusalResponse(code, this.#options.settings.retryAfterSeconds);
    this.#send(status, headers);
    void this.#farEndLeft({ endedBy: 'gateway', reason: 'refused', sipStatus: status });
  }

  /** What is refused for its form, whoever sends it. */
  #refuseFaulty({ status, reason, isDeadly, headers }: GuardRefusal): void {
    if (this.#outcome !== null) return;
    const { request, srf, maxMessageBytes } = this.#options;
    const isSilent = isDeadly === true && maxMessageBytes !== null;
    this.#logger.info(
      { reason, source: request.source_address, isSilent },
      isSilent ? 'call left unanswered: bad request' : 'call refused: bad request',
    );
    if (isSilent) forgetInvite(srf, request);
    else this.#send(status, { ...headers, ...reasonHeader(status, reason) });
    void this.#farEndLeft({ endedBy: 'gateway', reason: 'refused', sipStatus: status });
  }

  get #allow(): string {
    return this.#options.maxMessageBytes === null ? allow : allowThroughDrachtio;
  }

  #answerHeaders(request: SrfRequest, isReinvite: boolean): Record<string, string> {
    const headers = { 'Content-Type': 'application/sdp', Allow: this.#allow };
    if (this.#options.maxMessageBytes === null) return headers;
    return { ...headers, ...sessionTimerHeaders(request, isReinvite) };
  }

  #expectRefresh(request: SrfRequest, isReinvite: boolean): void {
    this.#sessionExpiry?.cancel();
    this.#sessionExpiry = null;
    const { maxMessageBytes, clock } = this.#options;
    const seconds = maxMessageBytes === null ? null : refreshSeconds(request, isReinvite);
    if (seconds === null || this.#outcome !== null) return;
    this.#sessionExpiry = clock.after((seconds + refreshSpareSeconds) * 1000, () => {
      if (this.#dialog !== null && !this.#isServerAway) this.#sendBye(this.#dialog, connectionLost);
      void this.#farEndLeft(connectionLost);
    });
  }

  #isTooLong(request: SrfRequest, headers: Record<string, string>, body: string): boolean {
    const { maxMessageBytes } = this.#options;
    return maxMessageBytes !== null && responseBytes(request, headers, body) > maxMessageBytes;
  }

  #respond(status: number, reason: string): void {
    this.#send(status, reasonHeader(status, reason));
  }

  #send(status: number, headers: Record<string, string>): void {
    const { response } = this.#options;
    if (response.finalResponseSent) return;
    const sent = new Promise<void>((resolve) => {
      response.send(status, { headers }, (error) => {
        if (error)
          this.#logger.debug({ err: error, status }, 'a refusal was not sent: the transaction is gone');
        resolve();
      });
    });
    this.#options.onFarewell(sent);
  }

  #sendBye(dialog: SrfDialog, outcome: Outcome): void {
    this.#saidFarewell(dialog.destroy({ headers: byeHeaders(outcome) }));
  }

  #saidFarewell(answered: Promise<unknown>): void {
    const done = answered.then(
      () => undefined,
      (error: unknown) => {
        this.#logger.debug({ err: error }, 'BYE was not sent: the dialog is gone');
      },
    );
    this.#options.onFarewell(done);
  }

  #close(): void {
    this.#deadline.cancel();
    this.#grace?.cancel();
    this.#sessionExpiry?.cancel();
    this.#negotiation?.close();
    this.#notices?.close();
    this.#keys?.close();
    this.#logEnd();
    this.#options.onClosed(this);
  }

  /** One line a call: a refusal has had its own. */
  #logEnd(): void {
    const { kind = null, voiceCallId = null, answeredAt = null } = this.#leg ?? {};
    const durationMs = answeredAt === null ? 0 : this.#options.clock.now() - answeredAt;
    const fields = { legKind: kind, voiceCallId, durationMs, outcome: this.#outcome };
    if (this.#outcome?.reason === 'refused' && answeredAt === null) this.#logger.debug(fields, 'call ended');
    else this.#logger.info(fields, 'call ended');
  }
}

function reasonHeader(status: number, text: string): Record<string, string> {
  return { Reason: `SIP;cause=${String(status)};text="${text}"` };
}

/** In drachtio's words: the INVITE was canceled, or its connection is gone. */
function isTransactionGone(error: unknown): boolean {
  return error instanceof Error && error.message.includes('unknown transaction');
}

function refusalCode(error: unknown): RefusalCode {
  return error instanceof MediaRefusal ? error.legCode : 'overloaded';
}

/** A BYE that the SIP server made itself: no ACK came, or the session timer ran out. */
function byeOutcome(bye: SrfRequest, wasEstablished: boolean): Outcome {
  const reason = parseReason(bye.get('Reason'));
  if (bye.source !== 'application') return { endedBy: 'participant', reason: 'hangup', ...reason };
  return { endedBy: 'gateway', reason: wasEstablished ? 'connection-lost' : 'no-ack', ...reason };
}
