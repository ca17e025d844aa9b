/** Recordings as applications ask for them: begins and ends them, keeps their limits, deletes them. */
import { randomUUID } from 'node:crypto';
import type { Clock } from '../clock.js';
import { DomainError } from '../domain-error.js';
import type { EventRecorder } from '../facts/event-recorder.js';
import type { LegObserver } from '../legs/live-leg.js';
import type { LegRegistry } from '../legs/leg-registry.js';
import type { LiveLeg } from '../legs/live-leg.js';
import type { Logger } from '../logger.js';
import { MediaRefusal, type MediaPlane, type RecordingFormat, type RecordingResult } from '../media-plane.js';
import type { RecordingReason } from '../outcome.js';
import {
  stateAfter,
  type Recording,
  type RecordingFiles,
  type RecordingPage,
  type RecordingQuery,
  type RecordingStore,
} from './recording.js';
import { recordingFact, recordingSubject } from './recording-facts.js';
import { RunningRecording } from './running-recording.js';
import type { ParticipantStore } from '../participants/participant-store.js';

export interface RecordingLimits {
  /** Recordings at once, over all accounts; 0: nobody can record. */
  readonly maxAtOnce: number;
  readonly maxSeconds: number;
  readonly maxBytes: number;
  readonly maxBytesPerAccount: number;
  readonly minFreeBytes: number;
  readonly maxPerAccount: number;
}

export interface RecordingServiceOptions {
  readonly nodeId: string;
  readonly recordings: RecordingStore;
  readonly files: RecordingFiles;
  readonly store: Pick<ParticipantStore, 'getSession' | 'getParticipant'>;
  readonly legs: Pick<LegRegistry, 'ofParticipant' | 'liveStreams'>;
  readonly media: Pick<MediaPlane, 'openRecording'>;
  readonly events: EventRecorder;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly limits: RecordingLimits;
}

export interface NewRecording {
  readonly format: RecordingFormat;
  /** The one participant to record; null: the whole session. */
  readonly participantId: string | null;
  readonly tag: string | null;
  readonly key: string | null;
}

export class RecordingService implements LegObserver {
  readonly #options: RecordingServiceOptions;
  readonly #running = new Map<string, RunningRecording>();
  #isClosed = false;
  #bytesOfEnded = 0;

  constructor(options: RecordingServiceOptions) {
    this.#options = options;
  }

  /** The recordings that go on now. */
  get running(): readonly RunningRecording[] {
    return [...this.#running.values()];
  }

  /** Bytes written since the start, as far as known. */
  get bytesWritten(): number {
    return this.running.reduce((sum, { size }) => sum + size.bytes, this.#bytesOfEnded);
  }

  /**
   * Throws DomainError `session-not-found`, `participant-not-found`, `participant-not-in-session`,
   * `participant-not-connected`, `recording-key-reused`, `recording-off`, `too-many-recordings` (at once),
   * `recording-limit` (kept), `recording-quota`, `disk-full`, `media-overloaded`.
   */
  async start(accountId: string, sessionId: string, wanted: NewRecording): Promise<Recording> {
    const { recordings, nodeId, clock, limits, files } = this.#options;
    const known = wanted.key === null ? null : await recordings.findRecordingByKey(accountId, wanted.key);
    if (known !== null) return this.#again(known, accountId, sessionId, wanted);
    await this.#checkSession(accountId, sessionId);
    const leg =
      wanted.participantId === null ? null : await this.#leg(accountId, sessionId, wanted.participantId);
    const maxBytes = await this.#room(accountId);
    if (this.#running.size >= limits.maxAtOnce || this.#isClosed) {
      throw new DomainError('too-many-recordings', 'Too many recordings at once');
    }
    const recording: Recording = {
      ...{ id: randomUUID(), accountId, sessionId, ...wanted },
      ...{ state: 'recording', reason: null, durationMs: null, bytes: 0 },
      ...{ startedAt: clock.now(), endedAt: null },
    };
    const path = files.path({ recordingId: recording.id, format: recording.format });
    const running = new RunningRecording(recording, leg, path, maxBytes);
    // From here on it counts, and whoever ends it waits until it has begun.
    this.#running.set(recording.id, running);
    try {
      const claim = await recordings.claimRecording(recording, nodeId, limits.maxPerAccount);
      if (claim.result !== 'claimed') {
        if (claim.result === 'existing') {
          return await this.#again(claim.recording, accountId, sessionId, wanted);
        }
        if (claim.result === 'no-session') throw new DomainError('session-not-found', 'Session not found');
        throw new DomainError(
          'recording-limit',
          `An account keeps at most ${limits.maxPerAccount} recordings`,
        );
      }
      await this.#begin(running);
      return recording;
    } catch (error) {
      await this.#forget(recording);
      throw error;
    } finally {
      if (!running.hasBegun) {
        this.#running.delete(recording.id);
        running.neverBegan();
      }
    }
  }

  async get(accountId: string, recordingId: string): Promise<Recording> {
    const recording = await this.#options.recordings.getRecording(accountId, recordingId);
    if (recording === null) throw new DomainError('recording-not-found', 'Recording not found');
    return this.#shown(recording);
  }

  /** Lists recordings; those of a session also after its end. */
  async list(query: RecordingQuery): Promise<RecordingPage> {
    const { recordings, next } = await this.#options.recordings.listRecordings(query);
    return { recordings: recordings.map((recording) => this.#shown(recording)), next };
  }

  /** Lists the recordings of a session that is there. Throws DomainError `session-not-found`. */
  async listOfSession(query: RecordingQuery & { readonly sessionId: string }): Promise<RecordingPage> {
    await this.#checkSession(query.accountId, query.sessionId);
    return this.list(query);
  }

  /** The recording and where its file is. Throws DomainError `recording-not-found`, `recording-running`. */
  async find(accountId: string, recordingId: string): Promise<{ recording: Recording; path: string }> {
    const recording = await this.get(accountId, recordingId);
    if (recording.state === 'recording') {
      throw new DomainError('recording-running', 'The recording goes on: stop it first');
    }
    return { recording, path: this.#options.files.path({ recordingId, format: recording.format }) };
  }

  /** Ends the recording and resolves with it as it is then; no effect on one that has ended. */
  async stop(accountId: string, recordingId: string): Promise<Recording> {
    const recording = await this.get(accountId, recordingId);
    const running = this.#running.get(recordingId);
    // It may have ended while the store was asked.
    if (running === undefined)
      return recording.state === 'recording' ? this.get(accountId, recordingId) : recording;
    return (await this.end(running, 'stopped')) ?? this.get(accountId, recordingId);
  }

  /** Ends the recording where it goes on, and removes its file and its record. Throws DomainError `recording-not-found`. */
  async delete(accountId: string, recordingId: string): Promise<void> {
    const { recordings, files, events, logger } = this.#options;
    await this.stop(accountId, recordingId);
    const deleted = await recordings.deleteRecording(accountId, recordingId);
    if (deleted === null) throw new DomainError('recording-not-found', 'Recording not found');
    try {
      await files.remove({ recordingId, format: deleted.format });
    } catch (error) {
      // Nobody can get at it any more, and the next start removes what nobody knows.
      logger.error({ err: error, recordingId }, 'the file of a deleted recording could not be removed yet');
    }
    events.record('recording.deleted', await this.#subject(deleted), recordingFact(deleted));
    logger.info({ recordingId, accountId }, 'a recording was deleted');
  }

  /** Ends what is recorded of the session, before it goes. Never rejects. */
  async sessionEnding(sessionId: string): Promise<void> {
    const ending = this.running.filter(({ recording }) => recording.sessionId === sessionId);
    await Promise.all(ending.map((running) => this.end(running, 'session-deleted')));
  }

  sessionRouted(sessionId: string): void {
    for (const running of this.#running.values()) {
      if (running.recording.sessionId === sessionId) this.#route(running);
    }
  }

  legLeft(leg: LiveLeg): void {
    for (const running of this.running) {
      if (running.leg === leg) void this.end(running, 'participant-left');
    }
  }

  /**
   * Ends a recording once, with the first reason that is given. Resolves with what is kept of it, or null where the store cannot
   * keep that yet or nothing ever began. Never rejects.
   */
  end(
    running: RunningRecording,
    reason: RecordingReason,
    result: RecordingResult | null = null,
  ): Promise<Recording | null> {
    return running.endOnce(() => this.#finish(running, reason, result));
  }

  /** Ends all that go on, and begins no more; idempotent. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all(this.running.map((running) => this.end(running, 'gateway-stopping')));
  }

  /** How many bytes the account's recordings have together, those that go on included. */
  async usedBytes(accountId: string): Promise<number> {
    const ended = await this.#options.recordings.recordedBytes(accountId);
    return this.running
      .filter(({ recording }) => recording.accountId === accountId)
      .reduce((sum, { size }) => sum + size.bytes, ended);
  }

  /** Writes into the store how a recording ended, where that failed before. Rejects where it fails again. */
  async settle(running: RunningRecording): Promise<void> {
    const { end, recording } = running;
    if (end === null) return;
    await this.#options.recordings.endRecording(recording.id, end);
    if (this.#running.delete(recording.id)) this.#bytesOfEnded += end.bytes;
  }

  /** Answers with what an earlier request with the same key has begun; begins anew where that came to nothing. */
  async #again(
    known: Recording,
    accountId: string,
    sessionId: string,
    wanted: NewRecording,
  ): Promise<Recording> {
    checkSame(known, sessionId, wanted);
    const begun = await this.#running.get(known.id)?.begun;
    return begun === null ? this.start(accountId, sessionId, wanted) : this.#shown(known);
  }

  async #checkSession(accountId: string, sessionId: string): Promise<void> {
    if ((await this.#options.store.getSession(accountId, sessionId)) === null) {
      throw new DomainError('session-not-found', 'Session not found');
    }
  }

  async #leg(accountId: string, sessionId: string, participantId: string): Promise<LiveLeg> {
    const { store, legs } = this.#options;
    const participant = await store.getParticipant(accountId, participantId);
    if (participant === null) throw new DomainError('participant-not-found', 'Participant not found');
    if (participant.sessionId !== sessionId) {
      throw new DomainError('participant-not-in-session', 'Participant not found in session');
    }
    const leg = legs.ofParticipant(participantId);
    if (leg?.state !== 'established' || leg.participant.sessionId !== sessionId) {
      throw new DomainError('participant-not-connected', 'The participant is not connected');
    }
    return leg;
  }

  /** How large a recording of the account may become. Throws DomainError where none may begin. */
  async #room(accountId: string): Promise<number> {
    const { files, limits } = this.#options;
    if (limits.maxAtOnce === 0) throw new DomainError('recording-off', 'This gateway records nothing');
    const left = limits.maxBytesPerAccount - (await this.usedBytes(accountId));
    if (left <= 0) {
      throw new DomainError('recording-quota', 'The account’s recordings are as large as they may be');
    }
    if ((await files.freeBytes()) < limits.minFreeBytes) throw diskFull();
    return Math.min(left, limits.maxBytes);
  }

  async #begin(running: RunningRecording): Promise<void> {
    const { media, events, limits, logger } = this.#options;
    const { recording, path, maxBytes } = running;
    const { id: recordingId, sessionId, format, accountId, participantId } = recording;
    try {
      const opened = await media.openRecording({
        ...{ recordingId, sessionId, path, format, maxBytes },
        maxDurationMs: limits.maxSeconds * 1000,
        listener: {
          onEnded: (reason, result) => {
            const isQuota = reason === 'too-large' && maxBytes < limits.maxBytes;
            const why = isQuota ? 'quota-exceeded' : reason === 'failed' ? 'internal-error' : reason;
            void this.end(running, why, result);
          },
        },
      });
      events.record('recording.started', await this.#subject(recording), recordingFact(recording));
      logger.info({ recordingId, accountId, sessionId, participantId, format }, 'a recording began');
      running.began(opened);
    } catch (error) {
      if (!(error instanceof MediaRefusal)) throw error;
      throw error.code === 'disk-full'
        ? diskFull()
        : new DomainError('media-overloaded', 'No media worker can record at the moment');
    }
    this.#route(running);
    // It may have left, or the gateway may have begun to stop, while the worker was busy.
    const { leg } = running;
    if (leg !== null && (leg.hasEnded || leg.participant.sessionId !== sessionId)) {
      void this.end(running, 'participant-left');
    } else if (this.#isClosed) void this.end(running, 'gateway-stopping');
  }

  /** Gives the recording what is to be heard in it: in a session all that is not muted; of one leg what it says and receives. */
  #route(running: RunningRecording): void {
    const { legs, logger } = this.#options;
    const { recording, leg } = running;
    // The log says who is recorded, no sooner and no later.
    if (!running.hasBegun || running.isEnding) return;
    const heard = legs
      .liveStreams(recording.sessionId)
      .filter(
        ({ stream, publisher, isMuted, receivers }) =>
          !isMuted &&
          stream.mediaTypes.includes('AUDIO') &&
          (leg === null || publisher === leg || receivers.includes(leg.participant.id)),
      );
    const participantIds = heard.map(({ publisher }) => publisher.participant.id);
    for (const participantId of running.newlyHeard(participantIds)) {
      logger.info(
        { recordingId: recording.id, accountId: recording.accountId, participantId },
        'a participant is recorded',
      );
    }
    running.receive(
      heard.map(({ stream }) => stream.streamId),
      (error) => logger.warn({ err: error, recordingId: recording.id }, 'could not change what is recorded'),
    );
  }

  async #finish(
    running: RunningRecording,
    reason: RecordingReason,
    told: RecordingResult | null,
  ): Promise<Recording | null> {
    const { files, events, clock, logger } = this.#options;
    const { recording } = running;
    const media = await running.begun;
    if (media === null) return null;
    const isOver = told !== null || stateAfter(reason) === 'failed';
    const stopped = isOver ? told : await media.stop().catch(() => null);
    const why = stopped === null && !isOver ? 'media-lost' : reason;
    const file = { recordingId: recording.id, format: recording.format };
    const result = stopped ?? (await files.inspect(file).catch(() => null)) ?? { durationMs: 0, bytes: 0 };
    const end = { reason: why, ...result, endedAt: clock.now() };
    running.ended(end);
    const ended: Recording = { ...recording, ...end, state: stateAfter(why) };
    let isKept = true;
    try {
      await this.settle(running);
    } catch (error) {
      isKept = false;
      logger.error({ err: error, recordingId: recording.id }, 'could not write the end of a recording yet');
    }
    const type = ended.state === 'completed' ? 'recording.stopped' : 'recording.failed';
    events.record(type, await this.#subject(recording), {
      ...recordingFact(recording),
      ...{ reason: why, durationMs: end.durationMs, bytes: end.bytes },
    });
    const { id: recordingId, accountId } = recording;
    logger.info({ recordingId, accountId, reason: why, bytes: end.bytes }, 'a recording ended');
    return isKept ? ended : null;
  }

  /** Removes what a recording that did not begin has left. */
  async #forget({ accountId, id, format }: Recording): Promise<void> {
    const { recordings, files, logger } = this.#options;
    try {
      await recordings.deleteRecording(accountId, id);
      await files.remove({ recordingId: id, format });
    } catch (error) {
      // The next start finds it, and knows what to do.
      logger.warn({ err: error, recordingId: id }, 'could not forget a recording that did not begin');
    }
  }

  /** The recording with what only memory knows: its size while it goes on, and an end that the store could not take yet. */
  #shown(recording: Recording): Recording {
    const running = recording.state === 'recording' ? this.#running.get(recording.id) : undefined;
    if (running === undefined) return recording;
    if (running.end !== null) return { ...recording, ...running.end, state: stateAfter(running.end.reason) };
    return { ...recording, ...running.size };
  }

  #subject(recording: Recording) {
    return recordingSubject(this.#options.store, recording);
  }
}

/** Throws DomainError `recording-key-reused`. */
function checkSame(known: Recording, sessionId: string, wanted: NewRecording): void {
  const isSame =
    known.sessionId === sessionId &&
    known.participantId === wanted.participantId &&
    known.format === wanted.format &&
    known.tag === wanted.tag;
  if (!isSame) {
    throw new DomainError('recording-key-reused', 'The idempotency key was used for another recording');
  }
}

function diskFull(): DomainError {
  return new DomainError('disk-full', 'The disk has no room for a recording');
}
