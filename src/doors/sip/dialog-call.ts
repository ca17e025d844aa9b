/**
 * The call of one dialog, whichever side began it: its media, re-INVITEs both ways, key presses, notices, hold, session timer
 * and end. Made when the dialog is there, with a leg whose media is open.
 */
import type { Socket } from 'node:net';
import type { Clock, Timer } from '../../domain/clock.js';
import type { LegNotice } from '../../domain/legs/leg-notice.js';
import type { DoorLeg } from '../../domain/legs/door-leg.js';
import { logMediaFailure } from '../../domain/log-media-failure.js';
import { guestsLines, LimitedLines } from '../../domain/limited-lines.js';
import type { Logger } from '../../domain/logger.js';
import { MediaRefusal } from '../../domain/media-plane.js';
import type { Outcome } from '../../domain/outcome.js';
import type { RefusalCode } from '../../domain/refusal.js';
import { composeAnswer } from './answer.js';
import { dtmfInfoTypes, parseDtmfInfo } from './dtmf-info.js';
import { DtmfInfoSender } from './dtmf-info-sender.js';
import { InfoPresses } from './info-presses.js';
import type { Farewells } from './farewells.js';
import { Negotiation, OfferCollision } from './negotiation.js';
import { parseReason } from './reason-header.js';
import { reasonHeader, refusalResponse, replacedHeaders } from './refusal-response.js';
import { guardReoffer } from './request-guard.js';
import { supportedOptions, type ServerTraits } from './server-traits.js';
import { acceptedBodies, descriptionIn, guardBody } from './session-body.js';
import { SessionKeeper } from './session-keeper.js';
import { SessionNotices } from './session-notices.js';
import { timerOfAnswer, timerOfOurInvite, timerOfReinvite, type SessionTimer } from './session-timer.js';
import type { StandingDialogs } from './standing-dialogs.js';
import { moveDialog, type SrfDialog, type SrfRequest, type SrfResponse } from './srf.js';

export interface DialogCallOptions {
  readonly dialog: SrfDialog;
  readonly leg: DoorLeg;
  /** The offer was ours: the first ACK brings the answer. */
  readonly isOfferOurs: boolean;
  /** The server that the dialog is held by. */
  readonly traits: ServerTraits;
  readonly retryAfterSeconds: number;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly farewells: Farewells;
  readonly dialogs: StandingDialogs;
  /** The trunk that the call came over; null where it is of none. */
  readonly trunkId: string | null;
  /** The far end has our answer: it is where the call came from. */
  readonly onConfirmed?: () => void;
  /** Keys that the far end presses by INFO count. Default true. */
  readonly takesInfoKeys?: boolean;
  /** The call is over and nothing of it remains. */
  readonly onClosed: () => void;
}

/** The far end says that it does not know the call. */
const farEndLost: Outcome = { endedBy: 'participant', reason: 'connection-lost' };

/** Its far end, or somebody whom that asked, has put another call in its place. */
const replaced: Outcome = { endedBy: 'participant', reason: 'hangup', text: 'replaced' };

export const connectionLost: Outcome = { endedBy: 'gateway', reason: 'connection-lost' };

export class DialogCall {
  readonly #options: DialogCallOptions;
  readonly #negotiation: Negotiation;
  readonly #notices: SessionNotices;
  readonly #keys: DtmfInfoSender;
  readonly #presses: InfoPresses;
  readonly #refusalLines: LimitedLines;
  /** How the call ended, once it has; the first word counts. */
  #outcome: Outcome | null = null;
  /** While its SIP server is away: when the call ends all the same. */
  #grace: Timer | null = null;
  #isServerAway = false;
  /** The far end is known to have our answer to its first INVITE: by its ACK, or by another INVITE. */
  #isConfirmed = false;
  /** Others can no longer name the call. */
  #forget: () => void = () => undefined;
  /** Idle where the server keeps session timers without a word from us. */
  readonly #session: SessionKeeper;

  constructor(options: DialogCallOptions) {
    const { dialog, leg, clock, logger } = options;
    this.#options = options;
    this.#refusalLines = new LimitedLines({
      ...{ clock, ...guestsLines },
      tellMore: (counts) => logger.info(counts, 'refused more new offers'),
    });
    this.#negotiation = new Negotiation({
      dialog,
      media: () => leg.connection('main'),
      clock,
      logger,
      onDialogGone: (sipStatus) => {
        void this.end(sipStatus === null ? connectionLost : { ...farEndLost, sipStatus });
      },
      offerHeaders: () => timerOfOurInvite(this.#session.current),
      onAccepted: (response) => {
        const { current } = this.#session;
        if (current !== null) this.#session.begin(timerOfAnswer(response, current));
      },
    });
    this.#session = new SessionKeeper({
      clock,
      onDue: () => this.#negotiation.request(),
      // drachtio-server has hung up on it, of which it does not tell us.
      onExpired: () => void this.abandon(connectionLost),
    });
    this.#notices = new SessionNotices(dialog, logger);
    this.#keys = new DtmfInfoSender(dialog, clock, logger);
    this.#presses = new InfoPresses(
      {
        onBegin: () => leg.keyDown(),
        onPress: (digit, durationMs) => leg.dtmf(digit, durationMs),
      },
      clock,
    );
  }

  /** Listens to the dialog. Call it in the turn in which the dialog comes to be: what follows the ACK is read next. */
  listen(): void {
    const { dialog, leg, traits, dialogs, trunkId } = this.#options;
    const { callId, localTag = '', remoteTag = '' } = dialog.sip;
    this.#forget = dialogs.add(
      { callId, localTag, remoteTag },
      { legId: leg.legId, participantId: leg.participant.id, trunkId },
    );
    dialog.on('ack', (ack: SrfRequest) => {
      if (this.#isConfirmed) this.#negotiation.acknowledged(descriptionIn(ack));
      else this.#confirm(descriptionIn(ack));
    });
    const reoffer = (request: SrfRequest, response: SrfResponse) => void this.#reoffer(request, response);
    dialog.on('modify', reoffer);
    dialog.on('update', (request: SrfRequest, response: SrfResponse) => {
      // It refreshes the session timer, and nothing else.
      if (guardBody(request) === null && descriptionIn(request) === null) response.send(200);
      else reoffer(request, response);
    });
    dialog.on('info', (request: SrfRequest, response: SrfResponse) => this.#info(request, response));
    dialog.on('options', (_request: SrfRequest, response: SrfResponse) => {
      response.send(200, {
        headers: { Allow: traits.allow, Accept: acceptedBodies, Supported: supportedOptions },
      });
    });
    // drachtio-srf would say 200 to them, and the far end take a transfer for done.
    for (const method of ['refer', 'message', 'notify', 'publish'])
      dialog.on(method, (_request: SrfRequest, response: SrfResponse) => {
        response.send(405, { headers: { Allow: traits.allow } });
      });
    dialog.on('destroy', (bye: SrfRequest) => {
      void this.end(byeOutcome(bye, leg.state === 'established'));
    });
  }

  /** Offers what the leg receives now. */
  renegotiate(): void {
    this.#negotiation.request();
  }

  notify(notice: LegNotice): void {
    this.#notices.tell(notice);
  }

  /** Tells the far end of a key by INFO; false where it did not take it. */
  press(digit: string, durationMs: number): Promise<boolean> {
    return this.#keys.press({ digit, durationMs });
  }

  /** The gateway ends the call. */
  terminate(outcome: Outcome): void {
    if (this.#outcome !== null) return;
    this.#outcome = outcome;
    // Otherwise the far end hears of it when the server is back.
    if (!this.#isServerAway) this.#options.farewells.bye(this.#options.dialog, outcome);
    this.#close();
  }

  /** Another call has the leg now. */
  replaced(): void {
    if (this.#outcome !== null) return;
    this.#outcome = replaced;
    const { farewells, dialog } = this.#options;
    if (!this.#isServerAway) farewells.said(dialog.destroy({ headers: { ...replacedHeaders } }));
    this.#close();
  }

  /** The far end hung up or is gone. Resolves when the leg has ended. */
  async end(outcome: Outcome): Promise<void> {
    if (this.#outcome !== null) return;
    this.#outcome = outcome;
    this.#close();
    await this.#options.leg.end(outcome);
  }

  /** The call cannot go on, and the far end may not know: it is told as far as it can be. Resolves when the leg has ended. */
  async abandon(outcome: Outcome): Promise<void> {
    if (this.#outcome !== null) return;
    if (!this.#isServerAway) this.#options.farewells.bye(this.#options.dialog, outcome);
    await this.end(outcome);
  }

  /** The connection to the SIP server is gone. The call lives on without it for `graceMs`: its media still flows. */
  connectionLost(graceMs: number): void {
    this.#isServerAway = true;
    this.#session.close();
    this.#negotiation.close();
    this.#notices.close();
    this.#keys.close();
    if (graceMs === 0) void this.end(connectionLost);
    else if (this.#outcome === null)
      this.#grace = this.#options.clock.after(graceMs, () => void this.end(connectionLost));
  }

  /**
   * The SIP server can be reached again, over this socket. It still has the call, and must let go of it, and so must the far
   * end: nothing more that it asks would come to us.
   */
  connectionBack(socket: Socket): void {
    const { dialog, farewells } = this.#options;
    const outcome = this.#outcome ?? connectionLost;
    moveDialog(dialog, socket);
    farewells.bye(dialog, outcome);
    void this.end(outcome);
  }

  /** This session timer runs from our answer on. */
  keepSession(timer: SessionTimer | null): void {
    this.#session.begin(timer);
  }

  /** The first ACK is here. `answer`: the far end's, where the offer was ours. */
  #confirm(answer: string | null): void {
    const { leg, isOfferOurs, logger } = this.#options;
    this.#confirmed();
    if (!isOfferOurs) {
      this.#established();
      return;
    }
    const accepted = leg.connection('main').accept(answer ?? '');
    accepted.then(
      () => this.#established(),
      (error: unknown) => {
        logMediaFailure(logger, error, 'the answer in the ACK cannot be used');
        // Not the leg's end where another call has taken it, or is about to with its ACK.
        void this.abandon({ endedBy: 'gateway', reason: 'refused', text: refusalCode(error) });
      },
    );
  }

  /**
   * Another INVITE in the place of the first ACK: that got lost, and with it the answer to an offer of ours. RFC 3261 §14.1:
   * nobody begins another before the one before it is over.
   */
  async #confirmWithoutAck(): Promise<void> {
    const { leg, isOfferOurs } = this.#options;
    this.#confirmed();
    if (isOfferOurs) await leg.connection('main').rollback();
    this.#established();
  }

  #confirmed(): void {
    this.#isConfirmed = true;
    this.#options.onConfirmed?.();
  }

  /** Both sides know of the dialog and its media: the leg is established, and offers of ours may go out. */
  #established(): void {
    this.#options.leg.established();
    this.#negotiation.start();
  }

  async #answer(offer: string | null, method: 'INVITE' | 'UPDATE'): Promise<string> {
    if (!this.#isConfirmed && method === 'INVITE') await this.#confirmWithoutAck();
    else if (!this.#isConfirmed && this.#options.isOfferOurs) throw new OfferCollision();
    return this.#negotiation.answer(offer, method);
  }

  async #reoffer(request: SrfRequest, response: SrfResponse): Promise<void> {
    const { traits, logger, retryAfterSeconds } = this.#options;
    const offer = descriptionIn(request);
    const isInvite = request.method === 'INVITE';
    const isTimed = isInvite && !traits.keepsSessionTimers;
    const timer = isTimed ? timerOfReinvite(request, this.#session.current) : null;
    const fault = guardReoffer(request, traits) ?? guardBody(request);
    if (fault !== null) {
      this.#refusalLines.write(
        () => logger.info({ reason: fault.reason }, 'refused a new offer: bad request'),
        { offers: 1 },
      );
      response.send(fault.status, {
        headers: { ...fault.headers, ...reasonHeader(fault.status, fault.reason) },
      });
      return;
    }
    try {
      const localSdp = await this.#answer(offer, isInvite ? 'INVITE' : 'UPDATE');
      const answer = composeAnswer(traits, request, localSdp, { timer });
      if (answer === null) {
        // What the media has agreed to stands; the far end goes on as before, and can offer again.
        response.send(488, { headers: reasonHeader(488, 'answer-too-long') });
        return;
      }
      response.send(200, { body: answer.localSdp, headers: answer.headers });
      if (isTimed) this.keepSession(timer);
      this.#notices.farEndHeard();
    } catch (error) {
      if (error instanceof OfferCollision) {
        response.send(491, { headers: reasonHeader(491, 'request-pending') });
        return;
      }
      // A refused re-offer leaves the call as it was (RFC 3261 §14.2).
      const code = refusalCode(error);
      const { status, headers } = refusalResponse(code, retryAfterSeconds);
      this.#refusalLines.write(() => logMediaFailure(logger, error, 'refused a new offer'), { offers: 1 });
      if (!response.finalResponseSent) response.send(status, { headers });
    }
  }

  #info(request: SrfRequest, response: SrfResponse): void {
    const contentType = request.get('Content-Type');
    const press = contentType === undefined ? null : parseDtmfInfo(contentType, request.body ?? '');
    // One that does not count is answered all the same: it may come as a telephone event, too, and is no fault.
    if (press !== null && this.#options.takesInfoKeys !== false) this.#presses.take(press);
    if (press !== null || contentType === undefined) response.send(200);
    else response.send(415, { headers: { Accept: dtmfInfoTypes } });
  }

  #close(): void {
    this.#forget();
    this.#grace?.cancel();
    this.#session.close();
    this.#negotiation.close();
    this.#notices.close();
    this.#keys.close();
    this.#presses.close();
    this.#refusalLines.close();
    const { logger, leg, clock, onClosed } = this.#options;
    if (this.#outcome !== null) logCallEnd(logger, clock, leg, this.#outcome);
    onClosed();
  }
}

/** One line a call: a refusal has had its own. */
export function logCallEnd(logger: Logger, clock: Clock, leg: DoorLeg | null, outcome: Outcome): void {
  const { kind = null, voiceCallId = null, answeredAt = null } = leg ?? {};
  const durationMs = answeredAt === null ? 0 : clock.now() - answeredAt;
  const fields = { legKind: kind, voiceCallId, durationMs, outcome };
  if (outcome.reason === 'refused' && answeredAt === null) logger.debug(fields, 'call ended');
  else logger.info(fields, 'call ended');
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
