/** Plays sounds and tones to phones for applications: begins them, knows what is being played, records when it is over. */
import { randomUUID } from 'node:crypto';
import { DomainError } from '../domain-error.js';
import { participantSubject } from '../facts/event-subjects.js';
import type { EventRecorder } from '../facts/event-recorder.js';
import type { LegObserver } from '../legs/live-leg.js';
import type { LegRegistry } from '../legs/leg-registry.js';
import type { LiveLeg } from '../legs/live-leg.js';
import { MediaRefusal, type Playback, type PlaybackEnd, type Sound, type ToneSound } from '../media-plane.js';
import type { SessionService } from '../sessions/session-service.js';
import type { SoundService } from './sound-service.js';

export interface NewPlayback {
  /** The name of an uploaded sound, or a tone. */
  readonly sound: string | Omit<ToneSound, 'kind'>;
  /** How often; null: until stopped. */
  readonly times: number | null;
  readonly mode: Playback['mode'];
}

export interface LivePlayback extends NewPlayback {
  readonly id: string;
  readonly participantId: string;
  readonly legId: string;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
}

export interface PlaybackServiceOptions {
  readonly sessions: Pick<SessionService, 'getParticipant' | 'getSession'>;
  readonly legs: Pick<LegRegistry, 'ofParticipant' | 'inSession'>;
  readonly sounds: Pick<SoundService, 'find'>;
  readonly events: EventRecorder;
  readonly clock: { now(): number };
  /** The most playbacks at once, over all accounts. */
  readonly maxPlaybacks: number;
}

interface Playing {
  readonly leg: LiveLeg;
  readonly playback: LivePlayback;
  isStarted: boolean;
  /** How it ended, where that was before `playback.started` was recorded. */
  endedEarly: PlaybackEnd | null;
}

export class PlaybackService implements LegObserver {
  readonly #options: PlaybackServiceOptions;
  readonly #playing = new Map<string, Playing>();

  constructor(options: PlaybackServiceOptions) {
    this.#options = options;
  }

  /** How many playbacks go on now. */
  get size(): number {
    return this.#playing.size;
  }

  /**
   * Plays the sound to the participant's phone, in place of what is being played. Throws DomainError `participant-not-found`,
   * `participant-not-connected`, `not-a-phone`, `sound-not-found`, `sound-unusable`, `too-many-playbacks`,
   * `media-overloaded`.
   */
  async play(accountId: string, participantId: string, wanted: NewPlayback): Promise<LivePlayback> {
    await this.#options.sessions.getParticipant(accountId, participantId);
    const leg = this.#options.legs.ofParticipant(participantId);
    if (leg?.state !== 'established') throw notConnected();
    if (leg.kind !== 'phone') throw new DomainError('not-a-phone', 'The participant is no phone');
    return this.#play(leg, wanted, await this.#sound(accountId, wanted));
  }

  /**
   * Plays the sound to every phone in the session; a phone that hangs up meanwhile is left out. All or none: where one cannot be
   * played to, the others are stopped, and its reason is thrown.
   */
  async playToSession(
    accountId: string,
    sessionId: string,
    wanted: NewPlayback,
  ): Promise<readonly LivePlayback[]> {
    const { sessions, legs, maxPlaybacks } = this.#options;
    await sessions.getSession(accountId, sessionId);
    const sound = await this.#sound(accountId, wanted);
    const phones = legs.inSession(sessionId).filter(({ kind }) => kind === 'phone');
    if (this.#playing.size + phones.length > maxPlaybacks) throw tooMany();
    const attempts = await Promise.allSettled(phones.map((leg) => this.#play(leg, wanted, sound)));
    const played = attempts.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
    const failed = attempts.find((one) => one.status === 'rejected' && !isGone(one.reason));
    if (failed?.status !== 'rejected') return played;
    for (const { id } of played) await this.#playing.get(id)?.leg.stopPlaying(id);
    throw failed.reason;
  }

  /** What is being played to the participant now. */
  async list(accountId: string, participantId: string): Promise<readonly LivePlayback[]> {
    await this.#options.sessions.getParticipant(accountId, participantId);
    return this.#of(participantId).map(({ playback }) => playback);
  }

  /** Stops that playback, or with null whatever is being played. Throws DomainError `playback-not-found`. */
  async stop(accountId: string, participantId: string, playbackId: string | null): Promise<void> {
    await this.#options.sessions.getParticipant(accountId, participantId);
    const playing = this.#of(participantId).filter(
      ({ playback }) => playbackId === null || playback.id === playbackId,
    );
    if (playbackId !== null && playing.length === 0) {
      throw new DomainError('playback-not-found', 'Playback not found');
    }
    for (const { leg, playback } of playing) await leg.stopPlaying(playback.id);
  }

  legPlayed(_leg: LiveLeg, playbackId: string, how: PlaybackEnd): void {
    this.#end(playbackId, how);
  }

  /** The phone of the new call is another, and is played nothing. */
  legTakenOver(leg: LiveLeg): void {
    for (const { leg: other, playback } of [...this.#playing.values()]) {
      if (other === leg) this.#end(playback.id, 'stopped');
    }
  }

  /** What it was played went with its media. */
  legReopened(leg: LiveLeg): void {
    this.legTakenOver(leg);
  }

  legEnded(leg: LiveLeg): void {
    for (const { leg: other, playback } of [...this.#playing.values()]) {
      if (other === leg) this.#end(playback.id, 'leg-ended');
    }
  }

  async #sound(accountId: string, { sound }: NewPlayback): Promise<Sound> {
    if (typeof sound !== 'string') return { kind: 'tone', ...sound };
    return { kind: 'file', path: await this.#options.sounds.find(accountId, sound) };
  }

  async #play(leg: LiveLeg, wanted: NewPlayback, sound: Sound): Promise<LivePlayback> {
    const { events, clock, maxPlaybacks } = this.#options;
    if (leg.state !== 'established') throw notConnected();
    if (this.#playing.size >= maxPlaybacks) throw tooMany();
    const { times, mode } = wanted;
    const participantId = leg.participant.id;
    const playback = { ...wanted, id: randomUUID(), participantId, legId: leg.legId, startedAt: clock.now() };
    const playing: Playing = { leg, playback, isStarted: false, endedEarly: null };
    this.#playing.set(playback.id, playing);
    try {
      await leg.media.play({ playbackId: playback.id, sound, times, mode });
    } catch (error) {
      this.#playing.delete(playback.id);
      if (leg.hasEnded) throw notConnected();
      if (!(error instanceof MediaRefusal)) throw error;
      throw error.code === 'bad-sound'
        ? new DomainError('sound-unusable', `The sound cannot be played: ${error.message}`)
        : new DomainError('media-overloaded', 'The media worker can play no more at the moment');
    }
    // `call.ended` is recorded already, and the session may be gone: no fact about the leg may follow.
    if (leg.hasEnded) {
      this.#playing.delete(playback.id);
      throw notConnected();
    }
    playing.isStarted = true;
    events.record('playback.started', participantSubject(leg.participant), {
      ...{ legId: leg.legId, playbackId: playback.id, sound: nameOf(playback), times, mode },
    });
    if (playing.endedEarly !== null) this.#end(playback.id, playing.endedEarly);
    return playback;
  }

  #of(participantId: string): Playing[] {
    return [...this.#playing.values()].filter(
      ({ playback, isStarted }) => isStarted && playback.participantId === participantId,
    );
  }

  #end(playbackId: string, how: PlaybackEnd | 'leg-ended'): void {
    const playing = this.#playing.get(playbackId);
    if (playing === undefined) return;
    if (!playing.isStarted) {
      if (how !== 'leg-ended') playing.endedEarly ??= how;
      return;
    }
    this.#playing.delete(playbackId);
    const { leg, playback } = playing;
    this.#options.events.record('playback.ended', participantSubject(leg.participant), {
      ...{ legId: leg.legId, playbackId, sound: nameOf(playback), how },
    });
  }
}

function nameOf({ sound }: LivePlayback): string | null {
  return typeof sound === 'string' ? sound : null;
}

function isGone(error: unknown): boolean {
  return error instanceof DomainError && error.code === 'participant-not-connected';
}

function notConnected(): DomainError {
  return new DomainError('participant-not-connected', 'The participant is not connected');
}

function tooMany(): DomainError {
  return new DomainError('too-many-playbacks', 'Too many sounds are being played at once');
}
