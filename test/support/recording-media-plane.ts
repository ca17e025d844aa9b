/**
 * A media plane without media: implements the port, records what was asked, and lets a test play the worker's part. A
 * phone's leg publishes a microphone.
 */
import { MediaRefusal } from '../../src/domain/media-plane.js';
import type {
  ConnectionRequest,
  LegKind,
  MediaConnection,
  MediaLeg,
  MediaLegListener,
  MediaLegStatistics,
  MediaPlane,
  MediaRecording,
  MediaStreamInfo,
  MediaType,
  OpenLegRequest,
  OpenRecordingRequest,
  Playback,
  PlaybackEnd,
  PromptName,
  ReceivedStreams,
  RecordingEndReason,
  RecordingResult,
  ToneSound,
} from '../../src/domain/media-plane.js';

/** One connection of a leg; `main` writes what it was asked into the leg's log as it is, others with their name before it. */
export class RecordingConnection implements MediaConnection {
  readonly localDescription: string;
  /** The leg's. */
  readonly log: string[];
  readonly #name: string;
  readonly #onOffer: (offer: string) => void;

  constructor({ name, offer }: ConnectionRequest, log: string[], onOffer: (offer: string) => void) {
    this.localDescription =
      offer === undefined ? '' : offer === null ? 'offer of ours' : `answer to ${offer}`;
    this.log = log;
    this.#name = name;
    this.#onOffer = onOffer;
  }

  #record(what: string): void {
    this.log.push(this.#name === 'main' ? what : `${this.#name}: ${what}`);
  }

  answer(offer: string): Promise<string> {
    this.#record(`answer ${offer}`);
    this.#onOffer(offer);
    return Promise.resolve(`answer to ${offer}`);
  }

  offer(): Promise<string> {
    this.#record('offer');
    return Promise.resolve('offer of ours');
  }

  accept(answer: string): Promise<void> {
    this.#record(`accept ${answer}`);
    return Promise.resolve();
  }

  rollback(): Promise<void> {
    this.#record('rollback');
    return Promise.resolve();
  }
}

export class RecordingMediaLeg implements MediaLeg {
  readonly legId: string;
  readonly kind: LegKind;
  readonly request: OpenLegRequest;
  readonly connections: ReadonlyMap<string, RecordingConnection>;
  /** What the leg was last told to receive, and over which connections. */
  received: readonly string[] = [];
  receivedOver: ReceivedStreams = {};
  hearsHoldSound = false;
  /** By the direction of the far end's last offer, as a phone holds. */
  isHeld = false;
  /** Each `receive` as `streams` or `hold`. */
  readonly log: string[] = [];
  /** What the far end sends, whether or not it may. */
  tracks: readonly string[] = [];
  /** What is being played; a test ends it with `finishPlaying`. */
  playing: Playback | null = null;
  readonly tones: ToneSound[] = [];
  #playRefusal: Error | null = null;
  #keyRefusal: Error | null = null;
  #mayPublish: readonly MediaType[];
  closings = 0;
  /** A test may hold the closing back. */
  closing: Promise<void> = Promise.resolve();
  /** What it says at its end to have counted; null where its worker is gone. */
  counted: MediaLegStatistics | null = null;

  constructor(request: OpenLegRequest) {
    this.request = request;
    this.legId = request.legId;
    this.#mayPublish = request.mayPublish;
    this.kind = request.kind;
    this.connections = new Map(
      request.connections.map((connection) => [
        connection.name,
        new RecordingConnection(connection, this.log, (offer) => this.#noteHold(offer)),
      ]),
    );
  }

  #noteHold(offer: string): void {
    const isHeld = /^a=(?:sendonly|inactive)$/m.test(offer.replaceAll('\r', ''));
    if (this.kind !== 'phone' || isHeld === this.isHeld) return;
    this.isHeld = isHeld;
    this.listener.onHeld(isHeld);
  }

  connection(name: string): RecordingConnection {
    const connection = this.connections.get(name);
    if (connection === undefined) throw new RangeError(`the leg has no connection ${name}`);
    return connection;
  }

  get listener(): MediaLegListener {
    return this.request.listener;
  }

  get isClosed(): boolean {
    return this.closings > 0;
  }

  /** What a worker does when tracks come and go. */
  publish(...aliases: string[]): void {
    this.tracks = aliases;
    const mayPublish = this.#mayPublish.includes('AUDIO');
    this.listener.onStreams(mayPublish ? aliases.map((alias) => this.stream(alias)) : []);
  }

  stream(alias: string): MediaStreamInfo {
    return { streamId: `${this.request.participantId}.${alias}`, alias, mediaTypes: ['AUDIO'] };
  }

  receive(streams: ReceivedStreams, holdSound: boolean): Promise<void> {
    const streamIds = Object.values(streams).flat();
    this.received = streamIds;
    this.receivedOver = streams;
    this.hearsHoldSound = holdSound;
    this.log.push(`receive ${holdSound ? 'hold sound' : streamIds.join(' ')}`);
    return Promise.resolve();
  }

  setMayPublish(mayPublish: readonly MediaType[]): Promise<void> {
    this.log.push(`may publish ${mayPublish.join(' ')}`);
    this.#mayPublish = mayPublish;
    this.publish(...this.tracks);
    return Promise.resolve();
  }

  prompt(sound: PromptName | null, repeatAfterMs: number | null): Promise<void> {
    this.log.push(`prompt ${sound ?? 'none'}${repeatAfterMs === null ? '' : ' again and again'}`);
    return Promise.resolve();
  }

  confirm(): Promise<void> {
    this.log.push('confirm');
    return Promise.resolve();
  }

  refuseNextPlay(error: Error): void {
    this.#playRefusal = error;
  }

  play(playback: Playback): Promise<void> {
    const refusal = this.#playRefusal;
    this.#playRefusal = null;
    if (refusal !== null) return Promise.reject(refusal);
    if (this.isClosed) return Promise.reject(new MediaRefusal('overloaded', 'the leg is closed'));
    if (this.kind !== 'phone')
      return Promise.reject(new MediaRefusal('bad-sound', 'only phones are played sounds'));
    this.log.push(`play ${playback.playbackId}`);
    this.finishPlaying('replaced');
    this.playing = playback;
    return Promise.resolve();
  }

  stopPlaying(playbackId: string): Promise<void> {
    this.log.push(`stop playing ${playbackId}`);
    if (this.playing?.playbackId === playbackId) this.finishPlaying('stopped');
    return Promise.resolve();
  }

  tone(sound: ToneSound): Promise<void> {
    if (this.kind === 'phone') this.tones.push(sound);
    return Promise.resolve();
  }

  /** The next keys are refused so. */
  refuseNextKeys(error: Error): void {
    this.#keyRefusal = error;
  }

  /** A test may hold back the end of the keys that are sent next. */
  keysSent: Promise<void> = Promise.resolve();

  async sendDtmf(digits: string, durationMs: number): Promise<void> {
    const refusal = this.#keyRefusal;
    this.#keyRefusal = null;
    if (refusal !== null) throw refusal;
    if (this.isClosed) throw new MediaRefusal('overloaded', 'the leg is closed');
    if (this.kind !== 'phone') throw new MediaRefusal('no-telephone-event', 'only phones take key presses');
    this.log.push(`keys ${digits} of ${durationMs} ms`);
    await this.keysSent;
    if (this.isClosed) throw new MediaRefusal('overloaded', 'the leg has ended');
  }

  /** What a worker does when a sound is over. Nothing where none is being played. */
  finishPlaying(how: PlaybackEnd = 'completed'): void {
    const playing = this.playing;
    this.playing = null;
    if (playing !== null) this.listener.onPlayed(playing.playbackId, how);
  }

  statistics(): Promise<MediaLegStatistics | null> {
    const counted = {
      packetsReceived: 3,
      packetsSent: 2,
      packetsLost: 1,
      packetsFromStrangers: 0,
      jitterMs: 4,
    };
    return Promise.resolve(this.isClosed ? null : counted);
  }

  async close(): Promise<MediaLegStatistics | null> {
    this.closings += 1;
    await this.closing;
    return this.counted;
  }
}

/** A recording that writes no file. */
export class RecordedRecording implements MediaRecording {
  readonly request: OpenRecordingRequest;
  /** What it was last told to receive. */
  received: readonly string[] = [];
  /** What it says to have recorded. */
  result: RecordingResult | null = { durationMs: 0, bytes: 44 };
  stops = 0;
  #hasEnded = false;

  constructor(request: OpenRecordingRequest) {
    this.request = request;
  }

  get isStopped(): boolean {
    return this.stops > 0 || this.#hasEnded;
  }

  /** What a worker does when it ends the recording by itself. */
  end(reason: RecordingEndReason): void {
    if (this.isStopped) return;
    this.#hasEnded = true;
    if (reason === 'media-lost') this.result = null;
    this.request.listener.onEnded(reason, this.result);
  }

  receive(streamIds: readonly string[]): Promise<void> {
    if (this.isStopped) return Promise.reject(new MediaRefusal('overloaded', 'the recording has ended'));
    this.received = streamIds;
    return Promise.resolve();
  }

  size(): Promise<RecordingResult | null> {
    return Promise.resolve(this.result);
  }

  stop(): Promise<RecordingResult | null> {
    this.stops += 1;
    return Promise.resolve(this.result);
  }
}

export class RecordingMediaPlane implements MediaPlane {
  isReady = true;
  /** Every leg ever opened. */
  readonly legs: RecordingMediaLeg[] = [];
  /** Every recording ever opened. */
  readonly recordings: RecordedRecording[] = [];
  #refusal: Error | null = null;
  #recordingRefusal: Error | null = null;
  #gate: Promise<void> = Promise.resolve();

  /** The one leg that was opened. */
  get only(): RecordingMediaLeg {
    const [leg, ...others] = this.legs;
    if (leg === undefined || others.length > 0) throw new Error(`${this.legs.length} legs were opened`);
    return leg;
  }

  ofParticipant(participantId: string): RecordingMediaLeg {
    const leg = this.legs.findLast(({ request }) => request.participantId === participantId);
    if (leg === undefined) throw new Error('no leg was opened for the participant');
    return leg;
  }

  get openLegs(): RecordingMediaLeg[] {
    return this.legs.filter((leg) => !leg.isClosed);
  }

  refuseNext(error: Error): void {
    this.#refusal = error;
  }

  refuseNextRecording(error: Error): void {
    this.#recordingRefusal = error;
  }

  /** The next legs open only when the returned function is called. */
  delayNext(): () => void {
    let release: () => void = () => undefined;
    this.#gate = new Promise((resolve) => (release = resolve));
    return () => release();
  }

  async openLeg(request: OpenLegRequest): Promise<RecordingMediaLeg> {
    await this.#gate;
    const refusal = this.#refusal;
    this.#refusal = null;
    if (refusal !== null) throw refusal;
    const leg = new RecordingMediaLeg(request);
    this.legs.push(leg);
    if (leg.kind === 'phone') leg.publish('microphone');
    return leg;
  }

  openRecording(request: OpenRecordingRequest): Promise<RecordedRecording> {
    const refusal = this.#recordingRefusal;
    this.#recordingRefusal = null;
    if (refusal !== null) return Promise.reject(refusal);
    const recording = new RecordedRecording(request);
    this.recordings.push(recording);
    return Promise.resolve(recording);
  }

  async close(): Promise<void> {
    await Promise.all(this.openLegs.map((leg) => leg.close()));
  }
}
