/** Ends dialogs by itself, and refreshes their sessions. */
import {
  longestSessionSeconds,
  minimumSessionSeconds,
  parseMinSeconds,
  sessionTimerDelaySeconds,
  type SessionTimerTerms,
} from '../dialog/session-expires.js';
import { HeaderFields } from '../message/header-fields.js';
import type { SipRequest, SipResponse } from '../message/message.js';
import type { Application, OwnedDialog, SendResult } from './application.js';
import { takenElsewhere } from './call-records.js';
import type { UserAgentEnvironment } from './environment.js';
import { newBranch } from './identifiers.js';
import { RefreshOffers, type RefreshOffer } from './refresh-offers.js';
import { completeInDialog } from './requests.js';
import type { UserAgentClient } from './user-agent-client.js';

interface Session {
  terms: SessionTimerTerms;
  readonly expiresAtMs: number;
  timer: unknown;
  /** How often the interval was too short for the far end (422) since it last took one. */
  timesTooShort: number;
}

const retryMs = 10_000;
const sessionExpired = 'session expired';
/** Each proxy on the way may ask for more than the one before it; a far end that asks for more every time has to wait. */
const maxLongerAtOnce = 2;

/** Ends dialogs, and keeps sessions alive by the timers of RFC 4028. */
export class DialogKeeper {
  readonly #environment: UserAgentEnvironment;
  readonly #client: UserAgentClient;
  readonly #sessions = new Map<OwnedDialog, Session>();
  readonly #offers: RefreshOffers;

  constructor(environment: UserAgentEnvironment, client: UserAgentClient) {
    this.#environment = environment;
    this.#client = client;
    this.#offers = new RefreshOffers(environment);
    environment.dialogs.onEnd((dialog) => this.#stop(dialog));
  }

  /** Keeps the session timer that the last 2xx to an INVITE or UPDATE agreed on; null: the session has no end. */
  agreed(dialog: OwnedDialog, terms: SessionTimerTerms | null): void {
    this.#stop(dialog);
    if (!terms || dialog.state === 'terminated') return;
    const { clock } = this.#environment;
    const expiresAtMs = clock.nowMs() + terms.seconds * 1000;
    const session: Session = { terms, expiresAtMs, timer: undefined, timesTooShort: 0 };
    this.#sessions.set(dialog, session);
    this.#schedule(dialog, session, sessionTimerDelaySeconds(terms) * 1000);
  }

  /** The header fields that keep the timer running across a re-INVITE or UPDATE of the application (RFC 4028 §7.4). */
  addSessionFields(dialog: OwnedDialog, draft: SipRequest): void {
    const session = this.#sessions.get(dialog);
    if (!session || (draft.method !== 'INVITE' && draft.method !== 'UPDATE')) return;
    if (draft.headers.has('Session-Expires')) return;
    const refresher = session.terms.weRefresh ? 'uac' : 'uas';
    draft.headers.append('Session-Expires', `${session.terms.seconds};refresher=${refresher}`);
    if (!draft.headers.has('Supported')) {
      draft.headers.append('Supported', this.#environment.settings.supported.join(', '));
    }
  }

  /** Takes an application's response where it is the offer of a refresh; null where it is to something else. */
  respond(transactionId: string, draft: SipResponse, owner: Application): SendResult | null {
    return this.#offers.respond(transactionId, draft, owner);
  }

  /** Ends the dialog with a BYE of our own and tells its application why. */
  async hangUp(dialog: OwnedDialog, status: number, why: string): Promise<void> {
    if (dialog.state === 'terminated' || dialog.state === 'ending') return;
    const { counters, logger, dialogs } = this.#environment;
    counters.dialogsEndedByServer += 1;
    logger.info({ callId: dialog.callId, why }, 'dialog ended by the SIP server');
    const owner = dialog.release();
    const bye = draftOf('BYE', reasonField(status, why));
    this.#record(this.#notice(dialog, bye), why);
    const result = await this.#client.send(dialog, bye, undefined, undefined);
    if (owner)
      owner.dialogEnded(this.#notice(dialog, bye), result.ok ? result.flow : dialog.flow, dialog.publicId);
    if (!result.ok) dialogs.end(dialog);
  }

  /** The far end has forgotten the dialog: its application is told, as if by a BYE. */
  lost(dialog: OwnedDialog, status: number, why: string): void {
    if (dialog.state === 'terminated') return;
    this.#environment.counters.dialogsEndedByServer += 1;
    const { owner } = dialog;
    const notice = this.#notice(dialog, draftOf('BYE', reasonField(status, why)));
    if (dialog.usage === 'call') this.#record(notice, why);
    this.#environment.dialogs.end(dialog);
    owner?.dialogEnded(notice, dialog.flow, dialog.publicId);
  }

  close(): void {
    for (const dialog of [...this.#sessions.keys()]) this.#stop(dialog);
    this.#offers.close();
  }

  #record(bye: SipRequest, why: string): void {
    if (why === takenElsewhere) return;
    const { records } = this.#environment;
    const reason = why === sessionExpired ? 'session-expired' : 'system-initiated-termination';
    records.stop('application', reason, bye);
  }

  #notice(dialog: OwnedDialog, draft: SipRequest): SipRequest {
    const notice = dialog.createRequest('BYE', dialog.localCSeq);
    completeInDialog(notice, draft, { flow: dialog.flow, branch: newBranch() }, this.#environment);
    return notice;
  }

  #schedule(dialog: OwnedDialog, session: Session, delayMs: number): void {
    session.timer = this.#environment.clock.setTimer(delayMs, () => {
      session.timer = undefined;
      if (!session.terms.weRefresh) void this.hangUp(dialog, 408, sessionExpired);
      else void this.#refresh(dialog, session);
    });
  }

  async #refresh(dialog: OwnedDialog, session: Session): Promise<void> {
    const useUpdate = dialog.remoteTakesUpdate || !dialog.localSdp;
    // Without the application its last description would go out again, and the answer nowhere.
    const asked = useUpdate ? null : dialog.hasPendingInvite ? 'busy' : await this.#offers.ask(dialog);
    if (this.#sessions.get(dialog) !== session) {
      // Refreshed by the other side meanwhile, or over.
      if (asked !== null && asked !== 'busy') asked.settle(null);
    } else if (asked === 'busy') this.#retry(dialog, session);
    else await this.#send(dialog, session, asked);
  }

  /** `offer`: the application's; null: an UPDATE, or a re-INVITE with our last description. */
  async #send(dialog: OwnedDialog, session: Session, offer: RefreshOffer | null): Promise<void> {
    const useUpdate = offer === null && (dialog.remoteTakesUpdate || !dialog.localSdp);
    const draft = draftOf(useUpdate ? 'UPDATE' : 'INVITE', [
      ['Session-Expires', `${session.terms.seconds};refresher=uac`],
      ['Min-SE', String(minimumSessionSeconds)],
      ['Supported', this.#environment.settings.supported.join(', ')],
    ]);
    if (!useUpdate && dialog.localSdp) {
      draft.body = offer?.body ?? dialog.localSdp;
      draft.headers.append('Content-Type', offer?.contentType ?? 'application/sdp');
    }
    const result = await this.#client.send(dialog, draft, undefined, (response) => {
      if (response.status >= 200) offer?.settle(response.status < 300 ? response : null);
      if (response.status >= 300) this.#refreshRefused(dialog, session, response);
    });
    if (result.ok) return;
    offer?.settle(null);
    this.#retry(dialog, session);
  }

  #refreshRefused(dialog: OwnedDialog, session: Session, response: SipResponse): void {
    if (response.status === 422 && this.#takesLonger(session, parseMinSeconds(response.headers))) {
      void this.#refresh(dialog, session);
    } else if ((response.status === 405 || response.status === 501) && dialog.remoteTakesUpdate) {
      // It said that it takes UPDATE, and does not.
      dialog.refusedUpdate();
      void this.#refresh(dialog, session);
    } else if (response.status === 408 || response.status === 481) {
      void this.hangUp(dialog, response.status, 'session refresh failed');
    } else this.#retry(dialog, session);
  }

  /** The next refresh asks for no less than the far end takes (RFC 4028 §7.3); whether it may go out at once. */
  #takesLonger(session: Session, seconds: number): boolean {
    if (seconds <= session.terms.seconds || seconds > longestSessionSeconds) return false;
    session.terms = { ...session.terms, seconds };
    session.timesTooShort += 1;
    return session.timesTooShort <= maxLongerAtOnce;
  }

  #retry(dialog: OwnedDialog, session: Session): void {
    if (this.#sessions.get(dialog) !== session || session.timer !== undefined) return;
    if (this.#environment.clock.nowMs() + retryMs < session.expiresAtMs)
      this.#schedule(dialog, session, retryMs);
    else void this.hangUp(dialog, 408, sessionExpired);
  }

  #stop(dialog: OwnedDialog): void {
    const session = this.#sessions.get(dialog);
    if (!session) return;
    this.#sessions.delete(dialog);
    if (session.timer !== undefined) this.#environment.clock.clearTimer(session.timer);
    session.timer = undefined;
  }
}

type Field = readonly [name: string, value: string];

function reasonField(status: number, why: string): Field[] {
  return [['Reason', `SIP;cause=${status};text="${why}"`]];
}

function draftOf(method: string, fields: readonly Field[]): SipRequest {
  return { kind: 'request', method, uri: '', headers: new HeaderFields(fields), body: Buffer.alloc(0) };
}
