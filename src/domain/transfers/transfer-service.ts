/** Makes transfers, each once however often it is asked for, and follows the calls that they bring. */
import { createHash, randomUUID } from 'node:crypto';
import type { Clock, Timer } from '../clock.js';
import { DomainError } from '../domain-error.js';
import type { DomainEvent, EventType, TransferFact } from '../facts/event.js';
import type { EventRecorder } from '../facts/event-recorder.js';
import type { FactFollower } from '../facts/fact-follower.js';
import { deriveJoinCode, hashJoinCode } from '../participants/join-code.js';
import type { Logger } from '../logger.js';
import { newParticipant } from '../participants/new-participant.js';
import type { Session } from '../participants/session.js';
import type { SessionService } from '../sessions/session-service.js';
import type { ParticipantStore } from '../participants/participant-store.js';
import type { Subscriptions } from '../participants/subscriptions.js';
import type { TokenCodec } from '../participants/token.js';
import { liveTransferStates, type TransferMove } from './transfer-state.js';
import type { NewTransfer, OpenTransfer, Transfer, TransferStore } from './transfer.js';

export interface TransferLimits {
  readonly maxParticipantsPerSession: number;
  /** How long token and code work where the request does not say. */
  readonly ttlSeconds: number;
}

export interface TransferServiceOptions {
  readonly transfers: TransferStore;
  readonly store: Pick<ParticipantStore, 'findParticipant' | 'getSession'>;
  readonly sessions: Pick<SessionService, 'deleteParticipant'>;
  readonly tokens: TokenCodec;
  /** New join codes are derived with the first; the others made the codes of earlier transfers. */
  readonly joinCodeSecrets: readonly string[];
  readonly events: EventRecorder;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly limits: TransferLimits;
}

/** How long an ended transfer is remembered, and with it its idempotency key. */
const rememberMs = 24 * 3600 * 1000;
/** At most so many are ended, and so many forgotten, in one go. */
const sweepStep = 100;

/** How often transfers are looked for whose call did not come in time. */
const sweepIntervalMs = 10_000;
/** And how soon again where one go did not do for all. */
const moreAfterMs = 100;

export class TransferService implements FactFollower {
  readonly #options: TransferServiceOptions;
  /** Facts of one participant are followed one after another. */
  readonly #following = new Map<string, Promise<void>>();
  /** Participants with a call that no transfer brought: those of a transfer are made with it, so nothing is looked up for their further facts. */
  readonly #untransferred = new Set<string>();
  #timer: Timer | null = null;
  #sweeping: Promise<void> = Promise.resolve();
  #isClosed = false;

  constructor(options: TransferServiceOptions) {
    this.#options = options;
  }

  /** Begins to look for transfers whose time is over. */
  start(): void {
    this.#schedule(sweepIntervalMs);
  }

  /** Resolves when the facts that came so far have been followed. */
  async idle(): Promise<void> {
    await this.#sweeping;
    while (this.#following.size > 0) await Promise.all(this.#following.values());
  }

  /** Resolves when what is under way is done; idempotent. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#timer?.cancel();
    await this.idle();
  }

  /**
   * Makes a transfer, or answers with the one of the same key, whoever asks and however many at once. Throws DomainError `session-not-found`,
   * `session-full`, `invalid-subscriptions`, and `transfer-key-reused` where the key was used for something else.
   */
  async create(accountId: string, wanted: NewTransfer): Promise<OpenTransfer> {
    const { transfers, events, clock, limits, joinCodeSecrets } = this.#options;
    const now = clock.now();
    const session: Session | null =
      'newSession' in wanted.destination
        ? { id: randomUUID(), accountId, tag: wanted.destination.newSession.tag, createdAt: now }
        : null;
    const sessionId = session?.id ?? (wanted.destination as { readonly sessionId: string }).sessionId;
    const draft = newParticipant(
      accountId,
      { ...wanted, publishPermissions: wanted.publishPermissions ?? ['AUDIO'] },
      now,
    );
    const subscriptions = checkedSubscriptions(wanted.subscriptions, sessionId);
    const participant = { ...draft, sessionId, subscriptions };
    const id = randomUUID();
    const transfer: Transfer = {
      id,
      accountId,
      key: wanted.key ?? null,
      fingerprint: fingerprintOf(wanted),
      participantId: participant.id,
      sessionId,
      numberId: wanted.numberId ?? null,
      platform: wanted.platform ?? null,
      voiceCallId: wanted.voiceCallId ?? null,
      state: 'requested',
      legId: null,
      cause: null,
      removesParticipant: wanted.removesParticipant ?? false,
      joinCodeHash: hashJoinCode(deriveJoinCode(joinCodeSecrets[0] ?? '', id)),
      createdAt: now,
      // Whole seconds, as the token has them.
      expiresAt: Math.floor(now / 1000) * 1000 + (wanted.ttlSeconds ?? limits.ttlSeconds) * 1000,
    };
    const limit = limits.maxParticipantsPerSession;
    const claimed = await transfers.claimTransfer({ transfer, participant, session, limit });
    switch (claimed.result) {
      case 'no-session':
        throw new DomainError('session-not-found', 'Session not found');
      case 'session-full':
        throw new DomainError('session-full', 'Session is full');
      case 'existing':
        if (claimed.transfer.fingerprint !== transfer.fingerprint) {
          throw new DomainError('transfer-key-reused', 'This idempotency key was used for another transfer');
        }
        return this.#open(claimed.transfer);
      case 'created':
        break;
    }
    const of = { accountId, sessionId, participantId: participant.id, tag: participant.tag };
    if (session !== null) {
      events.record(
        'session.created',
        { ...of, participantId: null, tag: session.tag },
        { tag: session.tag },
      );
    }
    const { tag, displayName, attributes, publishPermissions } = participant;
    events.record('participant.created', of, { tag, displayName, attributes, publishPermissions });
    events.record('participant.added', of, { subscriptions });
    events.record('transfer.requested', of, factOf(transfer));
    return { transfer, participant, ...this.credentialsOf(transfer) };
  }

  /** Throws DomainError `transfer-not-found`. */
  async get(accountId: string, transferId: string): Promise<Transfer> {
    const transfer = await this.#options.transfers.getTransfer(accountId, transferId);
    if (transfer === null) throw new DomainError('transfer-not-found', 'Transfer not found');
    return transfer;
  }

  list(accountId: string, limit: number): Promise<readonly Transfer[]> {
    return this.#options.transfers.listTransfers(accountId, limit);
  }

  findByKey(accountId: string, key: string): Promise<Transfer | null> {
    return this.#options.transfers.findTransferByKey(accountId, key);
  }

  /** What the call shows to be let in: the same as at first, while the secrets are the same. */
  credentialsOf(transfer: Transfer): { readonly token: string; readonly joinCode: string } {
    const { tokens, joinCodeSecrets } = this.#options;
    const codes = joinCodeSecrets.map((secret) => deriveJoinCode(secret, transfer.id));
    const joinCode = codes.find((code) => hashJoinCode(code) === transfer.joinCodeHash) ?? codes[0] ?? '';
    return { token: tokens.sign(transfer.participantId, transfer.expiresAt), joinCode };
  }

  /** The call is not wanted any more: its participant goes, and with it the call where it is there already. */
  async cancel(accountId: string, transferId: string): Promise<void> {
    const transfer = await this.get(accountId, transferId);
    const canceled = await this.#options.transfers.moveTransfer(transferId, 'cancel');
    await this.#removeParticipant(transfer);
    if (canceled !== null) await this.#record('transfer.canceled', canceled);
  }

  /** The platform reports that the call, or its transfer, is over. Resolves with false where it knows no such call. */
  async reportCompleted(accountId: string, key: string, cause: string | null): Promise<boolean> {
    const { transfers } = this.#options;
    const transfer = await transfers.findTransferByKey(accountId, key);
    if (transfer === null) return false;
    const short = cause?.slice(0, 100) ?? null;
    const ended = await transfers.moveTransfer(transfer.id, 'reported-over', { cause: short });
    if (ended === null) {
      // The call itself says when it ends; the platform's word for why is kept for then.
      await transfers.amendTransfer(transfer.id, liveTransferStates, { cause: short });
      return true;
    }
    await this.#recordCompleted(ended);
    if (ended.removesParticipant) await this.#removeParticipant(ended);
    return true;
  }

  factKept(event: DomainEvent): void {
    const { participantId } = event;
    if (participantId === null || !(event.type in transferSteps) || this.#isClosed) return;
    const before = this.#following.get(participantId) ?? Promise.resolve();
    const after = before
      .then(() => this.#follow(event))
      .catch((error: unknown) => {
        this.#options.logger.warn({ err: error, event: event.type }, 'a transfer could not be followed');
      })
      .finally(() => {
        if (this.#following.get(participantId) === after) this.#following.delete(participantId);
      });
    this.#following.set(participantId, after);
  }

  /**
   * Ends transfers whose call did not come in time, and forgets old ones: some of each. Resolves with whether there may be
   * more; never rejects.
   */
  async sweep(): Promise<boolean> {
    const { transfers, clock, logger } = this.#options;
    try {
      const overdue = await transfers.overdueTransfers(clock.now(), sweepStep);
      for (const transfer of overdue) {
        const isWaiting = transfer.state === 'requested';
        const subject = await this.#subject(transfer);
        const expired = isWaiting ? await transfers.moveTransfer(transfer.id, 'time-over', {}) : null;
        // Its call came in this moment.
        if (isWaiting && expired === null) continue;
        if (expired !== null) this.#options.events.record('transfer.expired', subject, factOf(expired));
        if (!transfer.removesParticipant) continue;
        await this.#removeParticipant(transfer);
        // Where the store fails before, the next sweep finds it again.
        await transfers.amendTransfer(transfer.id, ['completed', 'expired'], { removesParticipant: false });
      }
      const purged = await transfers.purgeTransfers(clock.now() - rememberMs, sweepStep);
      return overdue.length === sweepStep || purged === sweepStep;
    } catch (error) {
      logger.warn({ err: error }, 'could not look for overdue transfers');
      return false;
    }
  }

  #schedule(delayMs: number): void {
    if (this.#isClosed) return;
    this.#timer = this.#options.clock.after(delayMs, () => {
      this.#sweeping = this.sweep().then((isMore) => this.#schedule(isMore ? moreAfterMs : sweepIntervalMs));
    });
  }

  async #open(transfer: Transfer): Promise<OpenTransfer> {
    const participant = await this.#options.store.findParticipant(transfer.participantId);
    if (participant === null) throw new DomainError('participant-not-found', 'Its participant is gone');
    return { transfer, participant, ...this.credentialsOf(transfer) };
  }

  async #follow(event: DomainEvent): Promise<void> {
    const { transfers } = this.#options;
    const step = transferSteps[event.type];
    if (step === undefined) return;
    const participantId = event.participantId ?? '';
    const isKnown = this.#untransferred.has(participantId);
    if (event.type === 'call.ended') this.#untransferred.delete(participantId);
    if (isKnown) return;
    const transfer = await transfers.findTransferByParticipant(participantId);
    if (transfer === null) {
      if (event.type === 'call.arrived') this.#untransferred.add(participantId);
      return;
    }
    const legId = 'legId' in event.data ? event.data.legId : null;
    // Another leg's end is not this one's.
    if (event.type === 'call.ended' && transfer.legId !== legId) return;
    const change = step.move === 'call-arrived' ? { legId } : {};
    const moved = await transfers.moveTransfer(transfer.id, step.move, change);
    if (moved === null) return;
    const { accountId, tag } = event;
    const sessionId = await this.#liveSession(accountId, event.sessionId);
    const subject = { accountId, sessionId, participantId, tag };
    if (step.fact !== null) this.#options.events.record(step.fact, subject, factOf(moved));
    if (event.type !== 'call.ended') return;
    const cause = moved.cause ?? event.data.outcome.reason;
    this.#options.events.record('transfer.completed', subject, { ...factOf(moved), cause });
    // A call that was never answered may be tried again by its platform until the token expires.
    if (transfer.removesParticipant && transfer.state !== 'arrived') await this.#removeParticipant(transfer);
  }

  async #record(type: 'transfer.canceled', transfer: Transfer): Promise<void> {
    this.#options.events.record(type, await this.#subject(transfer), factOf(transfer));
  }

  async #recordCompleted(transfer: Transfer): Promise<void> {
    const subject = await this.#subject(transfer);
    this.#options.events.record('transfer.completed', subject, {
      ...factOf(transfer),
      cause: transfer.cause,
    });
  }

  async #subject({ accountId, sessionId, participantId }: Transfer) {
    const participant = await this.#options.store.findParticipant(participantId);
    const live = await this.#liveSession(accountId, sessionId);
    return { accountId, sessionId: live, participantId, tag: participant?.tag ?? null };
  }

  /** Null where the session is gone: after `session.deleted` nothing is told of it. */
  async #liveSession(accountId: string, sessionId: string | null): Promise<string | null> {
    if (sessionId === null) return null;
    return (await this.#options.store.getSession(accountId, sessionId))?.id ?? null;
  }

  async #removeParticipant({ accountId, participantId }: Transfer): Promise<void> {
    try {
      await this.#options.sessions.deleteParticipant(accountId, participantId);
    } catch (error) {
      if (!(error instanceof DomainError) || error.code !== 'participant-not-found') throw error;
    }
  }
}

interface Step {
  readonly move: TransferMove;
  /** What is told of the transfer then; null where it is `transfer.completed`, which has a cause beside what the others have. */
  readonly fact: Exclude<Extract<EventType, `transfer.${string}`>, 'transfer.completed'> | null;
}

/** What the call's facts mean for its transfer. */
const transferSteps: Partial<Record<EventType, Step>> = {
  'call.arrived': { move: 'call-arrived', fact: 'transfer.arrived' },
  'call.answered': { move: 'call-answered', fact: 'transfer.answered' },
  'participant.joined': { move: 'caller-joined', fact: 'transfer.joined' },
  'participant.left': { move: 'caller-left', fact: 'transfer.left' },
  'participant.deleted': { move: 'participant-deleted', fact: 'transfer.canceled' },
  'call.ended': { move: 'call-ended', fact: null },
};

function factOf({ id, platform, voiceCallId, legId }: Transfer): TransferFact {
  return { transferId: id, platform, voiceCallId, legId };
}

/** Without the key itself; the order of fields does not matter. */
function fingerprintOf({ key: _, ...wanted }: NewTransfer): string {
  return createHash('sha256').update(canonical(wanted)).digest('base64url');
}

function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  const fields = Object.entries(value)
    .filter(([, inner]) => inner !== undefined && inner !== null)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, inner]) => `${JSON.stringify(name)}:${canonical(inner)}`);
  return `{${fields.join()}}`;
}

/** A session-level subscription names the session the call goes to; anything else would hear nothing, silently. */
function checkedSubscriptions(wanted: Subscriptions | undefined, sessionId: string): Subscriptions {
  if (wanted === undefined) return { sessionId };
  const lists = wanted.participants !== undefined && wanted.participants.length > 0;
  if (lists || wanted.sessionId === undefined || wanted.sessionId === sessionId) return wanted;
  throw new DomainError('invalid-subscriptions', 'Subscriptions name another session than the transfer');
}
