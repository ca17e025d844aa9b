/**
 * What the gateway and a media worker say to each other over the child process's IPC channel: numbered requests with one
 * reply each, and notifications from the worker. Plain JSON values only; each message of the channel is an array of them.
 */
import type { PhoneCodecName } from '../../sdp/phone-codecs.js';
import type { VideoCodecName } from './browser/browser-codecs.js';
import type {
  EngineStatistics,
  LegEndReason,
  LegKind,
  OpenedLeg,
  OpenLegOptions,
  ReceivedStreams,
  StreamInfo,
} from './engine.js';
import type { LegStatistics } from './leg.js';
import type { LinkAddress } from './link/link-address.js';
import type { RecordingEndReason, RecordingOptions, RecordingResult } from './record/recording.js';
import type { SrtpPolicy } from './srtp/srtp-negotiation.js';
import type { Playback, PlaybackEnd, ToneSound } from './sound/playback.js';
import type { Prompt } from './sound/prompt-sounds.js';
import type { TrackKind } from './source-track.js';

export type {
  EngineStatistics,
  LegEndReason,
  LegKind,
  LegStatistics,
  LinkAddress,
  OpenedLeg,
  StreamInfo,
  TrackKind,
};
export type { RecordingEndReason, RecordingResult };

/** An address that sockets are bound to, and the one that is told in place of it; null: none. */
export interface AddressSettings {
  readonly bindAddress: string;
  readonly advertisedAddress: string | null;
}

export interface WorkerSettings {
  /** UDP ports for media, both ends included; no other process may use them. */
  readonly rtpPorts: { readonly from: number; readonly to: number };
  /** UDP ports of the whole gateway: for media, those above among them, and others, both ends included. No phone is there. */
  readonly gatewayPorts: {
    readonly media: { readonly from: number; readonly to: number };
    readonly others: readonly { readonly from: number; readonly to: number }[];
  };
  readonly bindAddress: string;
  /** The address written into session descriptions; null: the bind address. */
  readonly advertisedAddress: string | null;
  /** Further addresses of ours, which single legs are told. */
  readonly otherAdvertised: readonly string[];
  /** Further addresses where phones' media may come to. */
  readonly otherEndpoints: readonly AddressSettings[];
  readonly maxLegs: number;
  /** Codecs of phones of which nothing else is asked, the preferred first; null: all, in the order of whoever offers. */
  readonly phoneCodecs: readonly PhoneCodecName[] | null;
  /** Whether the audio of phones of which nothing else is asked is encrypted. */
  readonly phoneSrtp: SrtpPolicy;
  readonly jitterTargetMs: number;
  readonly rtpTimeoutBeforeFirstMs: number;
  readonly rtpTimeoutMs: number;
  /** How long a phone's ports rest before they are used again. */
  readonly portRestMs: number;
  readonly browser: WorkerBrowserSettings;
  /** Ports of phones of a worker that died, which may still send there: to be used last for as long as ports rest. */
  readonly restingPorts: readonly number[];
  readonly browserPorts: WorkerBrowserPorts;
  /** Where the prompts' WAV files are; null: prompts are silent. */
  readonly promptDirectory: string | null;
  /** A WAV file to hear in place of the hold sound; null: the hold sound. */
  readonly holdMusic: string | null;
  /** Longer sounds are refused. */
  readonly maxSoundSeconds: number;
  /** Memory for sounds, those that are being played included: sounds beyond are refused as `overloaded`. */
  readonly maxSoundBytes: number;
  /** What a worker shows to another when it links to it; the same for all workers of one plane. */
  readonly linkSecret: string;
}

export interface WorkerBrowserPorts {
  /** UDP ports, one for each connection, both ends included; null: the last third of `rtpPorts`. */
  readonly ports: { readonly from: number; readonly to: number } | null;
  /** The one UDP port of all browsers; null: each connection has one. */
  readonly sharedPort: number | null;
  /** The TCP port for those who cannot come over UDP; null: none. */
  readonly tcpPort: number | null;
}

export interface WorkerBrowserSettings {
  /** Bitrate that a browser's video is held down to, per track. */
  readonly videoBitrateCapBps: number;
  /** Those that are negotiated, best first. */
  readonly videoCodecs: readonly VideoCodecName[];
  /** m-sections per description: what a browser sends and receives at once. */
  readonly maxSections: number;
  /** How long ICE and DTLS may take. */
  readonly connectTimeoutMs: number;
  /** How long a browser may be out of reach. */
  readonly disconnectedTimeoutMs: number;
}

export interface StreamImport {
  readonly streamId: string;
  readonly from: LinkAddress;
}

/** Where a far end wants its media. */
export interface Destination {
  readonly address: string;
  readonly port: number;
}

/** One of the connections that a leg was opened with. */
export interface NamedConnection {
  readonly legId: string;
  readonly connection: string;
}

/** The requests, by name: what goes in, what comes back. */
export interface WorkerOperations {
  /** Must be the first request. Resolves when the worker can take legs. */
  configure: { request: WorkerSettings; reply: { readonly link: LinkAddress } };
  openLeg: { request: OpenLegOptions; reply: OpenedLeg };
  answer: { request: NamedConnection & { readonly offer: string }; reply: string };
  offer: { request: NamedConnection; reply: string };
  accept: { request: NamedConnection & { readonly answer: string }; reply: null };
  rollback: { request: NamedConnection; reply: null };
  receive: {
    request: { readonly legId: string; readonly streams: ReceivedStreams; readonly holdSound: boolean };
    reply: null;
  };
  setMayPublish: {
    request: { readonly legId: string; readonly mayPublish: readonly TrackKind[] };
    reply: null;
  };
  /** The far end of a leg that waits for it may be sent to. */
  confirm: { request: { readonly legId: string }; reply: null };
  play: { request: { readonly legId: string; readonly playback: Playback }; reply: null };
  stopPlaying: { request: { readonly legId: string; readonly playbackId: string }; reply: null };
  tone: { request: { readonly legId: string; readonly sound: ToneSound }; reply: null };
  /** Resolves when all were sent: within a minute. */
  sendDtmf: {
    request: {
      readonly legId: string;
      readonly digits: string;
      readonly durationMs: number;
      readonly gapMs: number;
    };
    reply: null;
  };
  openRecording: { request: RecordingOptions; reply: null };
  receiveInRecording: {
    request: { readonly recordingId: string; readonly streamIds: readonly string[] };
    reply: null;
  };
  /** Null for one that is not open (any more). */
  recordingSize: { request: { readonly recordingId: string }; reply: RecordingResult | null };
  closeRecording: { request: { readonly recordingId: string }; reply: RecordingResult | null };
  prompt: { request: { readonly legId: string; readonly prompt: Prompt | null }; reply: null };
  /** In the order of the request; null for a leg that is not open. */
  legStatistics: {
    request: { readonly legIds: readonly string[] };
    reply: readonly (LegStatistics | null)[];
  };
  closeLeg: { request: { readonly legId: string }; reply: LegStatistics | null };
  /** Refuses as `bad-sdp` a destination that is the gateway's own, of whichever worker. */
  refuseOwn: { request: Destination; reply: null };
  /** Whether the gateway has this port of the worker's part, or will: no other program has it. */
  ownsPort: { request: Destination; reply: boolean };
  /** The answer to `port-asked`. */
  portAnswered: { request: { readonly question: number; readonly isOurs: boolean }; reply: null };
  /** Streams of other workers that legs here want from now on, and those they no longer want. */
  importStreams: {
    request: { readonly add: readonly StreamImport[]; readonly remove: readonly string[] };
    reply: null;
  };
}

export type WorkerOperation = keyof WorkerOperations;
export type RequestOf<K extends WorkerOperation> = WorkerOperations[K]['request'];
export type ReplyOf<K extends WorkerOperation> = WorkerOperations[K]['reply'];

export type WorkerRequest = {
  [K in WorkerOperation]: { readonly id: number; readonly operation: K; readonly body: RequestOf<K> };
}[WorkerOperation];

/** `no-such-leg`: the leg or recording ended meanwhile. `internal`: a fault of ours; the detail says which. */
export type WorkerErrorCode =
  | 'bad-sdp'
  | 'no-common-codec'
  | 'overloaded'
  | 'bad-sound'
  | 'disk-full'
  | 'no-telephone-event'
  | 'on-hold'
  | 'too-many-keys'
  | 'no-such-leg'
  | 'internal';

export type WorkerReply =
  | { readonly id: number; readonly ok: true; readonly result: unknown }
  | { readonly id: number; readonly ok: false; readonly code: WorkerErrorCode; readonly detail: string };

/** Sent every second: the worker's pulse and its figures. Counters and tick figures are since the worker began. */
export interface WorkerHealth extends EngineStatistics {
  /** How late the event loop ran in the last second. */
  readonly eventLoopLagP99Ms: number;
  readonly eventLoopLagMaxMs: number;
  /** The mixers' 20 ms ticks: those that came, those left out because they were too late, and how late they came. */
  readonly ticks: number;
  readonly ticksSkipped: number;
  readonly tickLatenessP99Ms: number;
  readonly tickLatenessMaxMs: number;
  /** CPU time of the whole process since it began. */
  readonly cpuMs: number;
  readonly residentBytes: number;
  /** Port pairs that were used again before they had rested, because no other was left. */
  readonly portsTakenUnrested: number;
  readonly linkPacketsSent: number;
  readonly linkPacketsReceived: number;
  /** Packets for other workers that were dropped because the link was full. */
  readonly linkPacketsDropped: number;
}

export type WorkerNotification =
  | { readonly event: 'connected'; readonly legId: string }
  | { readonly event: 'streams'; readonly legId: string; readonly streams: readonly StreamInfo[] }
  | { readonly event: 'key-down'; readonly legId: string }
  | { readonly event: 'dtmf'; readonly legId: string; readonly digit: string; readonly durationMs: number }
  | {
      readonly event: 'played';
      readonly legId: string;
      readonly playbackId: string;
      readonly how: PlaybackEnd;
    }
  | { readonly event: 'held'; readonly legId: string; readonly held: boolean }
  | { readonly event: 'negotiation-needed'; readonly legId: string; readonly connection: string }
  | {
      readonly event: 'ended';
      readonly legId: string;
      readonly reason: LegEndReason;
      readonly statistics: LegStatistics | null;
    }
  | {
      readonly event: 'recording-ended';
      readonly recordingId: string;
      readonly reason: RecordingEndReason;
      readonly result: RecordingResult;
      /** For the log. */
      readonly detail: string;
    }
  | { readonly event: 'health'; readonly health: WorkerHealth }
  /** Whether this port of another worker's part is the gateway's: answered by `portAnswered`, always. */
  | ({ readonly event: 'port-asked'; readonly question: number } & Destination)
  /** A leg broke inside and was closed; `detail` is for the log. */
  | { readonly event: 'fault'; readonly legId: string; readonly detail: string }
  /** An error nobody caught: the worker exits after this. */
  | { readonly event: 'fatal'; readonly detail: string };

export type WorkerMessage = WorkerReply | WorkerNotification;
