/** Facts in the past tense. Published once each, in order per session. Never holds a token, code or password. */
import type { Caller } from '../participants/caller.js';
import type { LegKind, MediaType, PlaybackEnd, RecordingFormat } from '../media-plane.js';
import type { Outcome, RecordingReason } from '../outcome.js';
import type { Subscriptions } from '../participants/subscriptions.js';

export type Attributes = Readonly<Record<string, string>>;

export interface EventData {
  'session.created': { readonly tag: string | null };
  'session.deleted': Record<string, never>;
  'participant.created': {
    readonly tag: string | null;
    readonly publishPermissions: readonly MediaType[];
    readonly displayName: string | null;
    readonly attributes: Attributes;
  };
  /** As it is now, in full. */
  'participant.updated': {
    readonly tag: string | null;
    readonly publishPermissions: readonly MediaType[];
    readonly displayName: string | null;
    readonly attributes: Attributes;
  };
  'participant.deleted': Record<string, never>;
  'participant.added': { readonly subscriptions: Subscriptions };
  'participant.removed': Record<string, never>;
  'participant.joined': {
    readonly legId: string;
    readonly legKind: LegKind;
    readonly displayName: string | null;
    readonly attributes: Attributes;
    /** Who calls, as far as the account's privacy shows it. */
    readonly caller: Caller | null;
  };
  /** `legKind` is null where a restart forgot it. */
  'participant.left': { readonly legId: string; readonly legKind: LegKind | null; readonly outcome: Outcome };
  'stream.published': {
    readonly streamId: string;
    readonly alias: string;
    readonly mediaTypes: readonly MediaType[];
  };
  'stream.unpublished': { readonly streamId: string; readonly alias: string };
  /** By an application: nobody receives it. `streamId` is null while nothing is published under the alias. */
  'stream.muted': { readonly alias: string; readonly streamId: string | null };
  'stream.unmuted': { readonly alias: string; readonly streamId: string | null };
  'subscriptions.updated': { readonly subscriptions: Subscriptions };
  'dtmf.received': { readonly legId: string; readonly digit: string; readonly durationMs: number };
  /** By an application, to a phone. How many keys, never which: they may be a PIN. */
  'dtmf.sent': { readonly legId: string; readonly count: number };
  /** A call came in with a valid credential and holds its participant's slot; it is not answered yet. */
  'call.arrived': {
    readonly legId: string;
    readonly door: string;
    readonly callId: string;
    readonly clientId: string | null;
    readonly voiceCallId: string | null;
    readonly caller: Caller | null;
  };
  'call.answered': {
    readonly legId: string;
    readonly legKind: LegKind;
    readonly door: string;
    readonly callId: string;
  };
  /** The far end has confirmed the answer: the participant is connected, in a session or not. */
  'call.established': {
    readonly legId: string;
    readonly legKind: LegKind;
    readonly door: string;
    readonly callId: string;
    readonly clientId: string | null;
  };
  /** The connection that a leg was signalled over is gone, lost or closed; the leg may stay, and its signalling come back. */
  'signalling.lost': { readonly legId: string; readonly clientId: string };
  /** A leg whose signalling was lost is signalled again. */
  'signalling.back': { readonly legId: string; readonly clientId: string };
  'call.held': { readonly legId: string };
  'call.resumed': { readonly legId: string };
  'call.ended': {
    readonly legId: string;
    /** Null where no media was opened. */
    readonly legKind: LegKind | null;
    readonly door: string;
    readonly callId: string;
    /** The client's own id, by which its signalling may come back; null where the leg ends with its signalling. */
    readonly clientId: string | null;
    /** The voice platform's id of the call, where the transfer carried one. */
    readonly voiceCallId: string | null;
    readonly caller: Caller | null;
    /** From answer to end; 0 where it was never answered; null where a restart hid when it ended. */
    readonly durationMs: number | null;
    /** Whether `call.established` came before. */
    readonly wasEstablished: boolean;
    readonly outcome: Outcome;
  };
  /** A platform, or an application, was told where to send a phone call. */
  'transfer.requested': TransferFact;
  /** The call is there, not answered yet. */
  'transfer.arrived': TransferFact;
  'transfer.answered': TransferFact;
  /** The caller is in the session. */
  'transfer.joined': TransferFact;
  /** The caller is connected and in the session no longer. */
  'transfer.left': TransferFact;
  /** The call is over, or the platform says that it never came: `cause` is then its word for why. */
  'transfer.completed': TransferFact & { readonly cause: string | null };
  'transfer.canceled': TransferFact;
  /** The call did not come in time. */
  'transfer.expired': TransferFact;
  /** By an application, to a phone. `sound` is its name, null for a tone; `times` is null until it is stopped. */
  'playback.started': {
    readonly legId: string;
    readonly playbackId: string;
    readonly sound: string | null;
    readonly times: number | null;
    readonly mode: 'over' | 'instead';
  };
  'playback.ended': {
    readonly legId: string;
    readonly playbackId: string;
    readonly sound: string | null;
    readonly how: PlaybackEnd | 'leg-ended';
  };
  'recording.started': RecordingFact;
  /** The file holds what was to be recorded, as far as it was. */
  'recording.stopped': RecordingFact & RecordingEndFact;
  /** The file holds less than it should. */
  'recording.failed': RecordingFact & RecordingEndFact;
  'recording.deleted': RecordingFact;
}

export interface RecordingFact {
  readonly recordingId: string;
  /** Also where the session is no more; the fact itself is of no session then. */
  readonly sessionId: string;
  /** Whose leg alone it is of. */
  readonly participantId: string | null;
  readonly format: RecordingFormat;
  readonly tag: string | null;
}

export interface RecordingEndFact {
  readonly reason: RecordingReason;
  /** Null where it is not known. */
  readonly durationMs: number | null;
  readonly bytes: number;
}

export interface TransferFact {
  readonly transferId: string;
  readonly platform: string | null;
  /** The platform's id of the call. */
  readonly voiceCallId: string | null;
  readonly legId: string | null;
}

export type EventType = keyof EventData;

export type DomainEvent = {
  [T in EventType]: {
    /** UUID. */
    readonly id: string;
    readonly type: T;
    readonly accountId: string;
    readonly sessionId: string | null;
    readonly participantId: string | null;
    /** Participant's or session's tag, for applications that route by it. */
    readonly tag: string | null;
    /** Rises by one with each event of the session (or of the account, where there is no session). */
    readonly sequence: number;
    /** Milliseconds since the epoch. */
    readonly time: number;
    readonly data: EventData[T];
  };
}[EventType];

/** Who is to be told of a fact beside those who follow the account; never part of the fact. */
export interface EventAudience {
  /** The participant's. */
  readonly callbackUrl: string | null;
}

export interface EventSink {
  /** Takes the fact; must not throw. */
  publish(event: DomainEvent, audience?: EventAudience): void;
}
