/** Facts in the past tense. Published once each, in order per session. Never holds a token, code or password. */
import type { CallerVerification } from '../participants/caller-verification.js';
import type { CallHeaders } from '../participants/call-headers.js';
import type { Caller } from '../participants/caller.js';
import type { AudioQuality, LegKind, MediaType, PlaybackEnd, RecordingFormat } from '../media-plane.js';
import type { Outcome, RecordingReason } from '../outcome.js';
import type { Subscriptions } from '../participants/subscriptions.js';

export type Attributes = Readonly<Record<string, string>>;

/** The data of each fact, by its type. docs/reference/events.md is made of these comments. */
export interface EventData {
  /** A session was made. */
  'session.created': {
    /** The application's name for it. */
    readonly tag: string | null;
  };
  /** A session is gone; its members have left it before. */
  'session.deleted': Record<string, never>;
  /** A participant was made; it is not connected yet. */
  'participant.created': ParticipantProfile;
  /** The application changed the participant. All that can be changed is here, as it is now. */
  'participant.updated': ParticipantProfile;
  /** A participant is gone, and with it its connection. */
  'participant.deleted': Record<string, never>;
  /** A participant became a member of the session; it need not be connected. */
  'participant.added': SubscriptionsFact;
  /** A participant is no longer a member of the session; its connection, where it has one, stays. */
  'participant.removed': Record<string, never>;
  /** A connected participant is in the session: it hears, and is heard. */
  'participant.joined': LegFact & {
    readonly legKind: LegKind;
    /** The name that others are shown. */
    readonly displayName: string | null;
    /** The application's own words about the participant. */
    readonly attributes: Attributes;
    /** Who calls, as far as the account's privacy shows it. */
    readonly caller: Caller | null;
  };
  /** A connected participant is in the session no longer; once for each `participant.joined`. */
  'participant.left': LegFact & {
    /** Null where a restart forgot it. */
    readonly legKind: LegKind | null;
    readonly outcome: Outcome;
  };
  /** A participant in the session publishes a stream. */
  'stream.published': StreamFact & { readonly mediaTypes: readonly MediaType[] };
  /** A stream is published no longer; also told before its publisher leaves. */
  'stream.unpublished': StreamFact;
  /** An application muted an alias of a participant: nobody receives it. */
  'stream.muted': MuteFact;
  /** An application let the alias be received again. */
  'stream.unmuted': MuteFact;
  /** An application changed what a participant receives. */
  'subscriptions.updated': SubscriptionsFact;
  /** A participant pressed a key; once for each press. */
  'dtmf.received': LegFact & {
    /** `0` to `9`, `*`, `#`, `A` to `D`. */
    readonly digit: string;
    readonly durationMs: number;
  };
  /** An application pressed keys for a phone. */
  'dtmf.sent': LegFact & {
    /** How many keys, never which: they may be a PIN. */
    readonly count: number;
  };
  /** A call came in with a valid credential and holds its participant's slot; it is not answered yet. */
  'call.arrived': ConnectionFact & ClientFact & CallerFact;
  /** The gateway answered the call. */
  'call.answered': ConnectionFact & { readonly legKind: LegKind };
  /** The far end has confirmed the answer: the participant is connected, in a session or not. */
  'call.established': ConnectionFact & ClientFact & { readonly legKind: LegKind };
  /** The connection that a leg was signalled over is gone, lost or closed; the leg may stay, and its signalling come back. */
  'signalling.lost': SignallingFact;
  /** A leg whose signalling was lost is signalled again. */
  'signalling.back': SignallingFact;
  /** The far end put the call on hold. */
  'call.held': LegFact;
  /** The far end took the call up again. */
  'call.resumed': LegFact;
  /**
   * Another call took the connection over from the one that carried it (SIP's Replaces): a transfer beyond the gateway. The
   * participant stays where it is; `callId` and the rest are the new call's.
   */
  'call.replaced': ConnectionFact &
    CallerFact & {
      readonly legKind: LegKind;
      /** The call that had the connection before. */
      readonly replacedCallId: string;
    };
  /** The media worker that a leg was in died, and the leg goes on in another: what was said in between is lost. */
  'leg.moved': LegFact & { readonly legKind: LegKind };
  /** The call is over, and its leg gone. Told also of a call that was never answered. */
  'call.ended': ConnectionFact &
    ClientFact &
    CallerFact & {
      /** Null where no media was opened. */
      readonly legKind: LegKind | null;
      /** From answer to end; 0 where it was never answered; null where a restart hid when it ended. */
      readonly durationMs: number | null;
      /** Whether `call.established` came before. */
      readonly wasEstablished: boolean;
      readonly outcome: Outcome;
    };
  /**
   * How good the audio of a connection is, both ways: every `events.legQualitySeconds`. Webhooks are told only where they name it; it
   * is not kept for readers that come back, and has the number of the event before it.
   */
  'leg.quality': LegFact & { readonly legKind: LegKind } & AudioQuality;
  /** A platform, or an application, was told where to send a phone call. */
  'transfer.requested': TransferFact;
  /** The call is there, not answered yet. */
  'transfer.arrived': TransferFact;
  /** The gateway answered the call. */
  'transfer.answered': TransferFact;
  /** The caller is in the session. */
  'transfer.joined': TransferFact;
  /** The caller is connected and in the session no longer. */
  'transfer.left': TransferFact;
  /** The call is over, or the platform says that it never came. */
  'transfer.completed': TransferFact & {
    /** The platform's word for why, where it gave one; else the reason of the call's end. */
    readonly cause: string | null;
  };
  /** The application canceled the transfer, or deleted its participant before the call came. */
  'transfer.canceled': TransferFact;
  /** The call did not come in time. */
  'transfer.expired': TransferFact;
  /** A phone is played a sound or a tone. */
  'playback.started': PlaybackFact & {
    /** How often the sound is played; null: until it is stopped. */
    readonly times: number | null;
    /** Over what the phone hears, or instead of it. */
    readonly mode: 'over' | 'instead';
  };
  /** The phone is played it no longer. */
  'playback.ended': PlaybackFact & {
    /** It was played to its end, was stopped, was replaced by another, or the call ended. */
    readonly how: PlaybackEnd | 'leg-ended';
  };
  /** A recording began. */
  'recording.started': RecordingFact;
  /** A recording ended: the file holds what was to be recorded, as far as it was. */
  'recording.stopped': RecordingFact & RecordingEndFact;
  /** A recording ended, and the file holds less than it should. */
  'recording.failed': RecordingFact & RecordingEndFact;
  /** A recording and its file are gone. */
  'recording.deleted': RecordingFact;
  /** A carrier registered us: its calls find us. Told once, not each time that it is renewed. */
  'trunk.registered': TrunkFact & {
    /** For how long the carrier keeps it, unless it is renewed. */
    readonly expiresSeconds: number;
  };
  /** A carrier did not register us, or no longer. Told once for each reason; it is tried again. */
  'trunk.registrationFailed': TrunkFact & {
    /** Why: see docs/trunks.md#registration. */
    readonly code: string;
    /** Null where nothing came. */
    readonly sipStatus: number | null;
  };
  /** A server of a trunk that was down answers again. Not told of one that answers from the start. */
  'trunk.up': TargetFact;
  /** A server of a trunk answers pings no more, or never did. Told once. */
  'trunk.down': TargetFact;
}

/** What an application can change of a participant. */
export interface ParticipantProfile {
  /** The application's name for it. */
  readonly tag: string | null;
  /** What it may publish. */
  readonly publishPermissions: readonly MediaType[];
  /** The name that others are shown. */
  readonly displayName: string | null;
  /** The application's own words about the participant. */
  readonly attributes: Attributes;
}

export interface SubscriptionsFact {
  /** What the participant receives. */
  readonly subscriptions: Subscriptions;
}

export interface LegFact {
  /** The participant's connection. */
  readonly legId: string;
}

export type ConnectionFact = LegFact & {
  /** The protocol by which it is signalled: `sip`, `bandwidth`. */
  readonly door: string;
  /** The door's id of the call: SIP's Call-ID. */
  readonly callId: string;
};

export interface ClientFact {
  /** The client's own id, by which its signalling may come back; null where the leg ends with its signalling. */
  readonly clientId: string | null;
}

export interface CallerFact {
  /** The voice platform's id of the call, where the transfer carried one. */
  readonly voiceCallId: string | null;
  /** The trunk that the call came from; null where it is of none. */
  readonly trunkId: string | null;
  /** Who calls, as far as the account's privacy shows it. */
  readonly caller: Caller | null;
  /** What the call's signature says of the caller (docs/stir.md); null where the trunk does not ask. */
  readonly stir: CallerVerification | null;
  /** Header fields of the call that its trunk shows (docs/trunks.md#header-fields); null where there are none. */
  readonly headers: CallHeaders | null;
}

export type SignallingFact = LegFact & {
  /** The client's own id, by which its signalling may come back. */
  readonly clientId: string;
};

export interface StreamFact {
  /** Names the stream in this session, for as long as it is published. */
  readonly streamId: string;
  /** The publisher's name for it: `microphone`, `screenShare`. */
  readonly alias: string;
}

export interface MuteFact {
  readonly alias: string;
  /** Null while nothing is published under the alias. */
  readonly streamId: string | null;
}

export type PlaybackFact = LegFact & {
  readonly playbackId: string;
  /** The sound's name; null for a tone. */
  readonly sound: string | null;
};

export interface RecordingFact {
  readonly recordingId: string;
  /** Also where the session is no more: the fact itself is of no session then. */
  readonly sessionId: string;
  /** The one participant that is recorded; null: the whole session. */
  readonly participantId: string | null;
  readonly format: RecordingFormat;
  /** The application's name for the recording. */
  readonly tag: string | null;
}

export interface RecordingEndFact {
  /** Why it ended: see docs/sounds-and-recordings.md#how-a-recording-ends. */
  readonly reason: RecordingReason;
  /** Null where it is not known. */
  readonly durationMs: number | null;
  /** The size of the file. */
  readonly bytes: number;
}

export interface TrunkFact {
  readonly trunkId: string;
  /** The host of the target that it is about; null: all of them. */
  readonly target: string | null;
}

export interface TargetFact {
  readonly trunkId: string;
  /** The URI of the server, as the trunk has it. */
  readonly target: string;
  /** What answered the last ping; null where nothing came in time. */
  readonly sipStatus: number | null;
}

export interface TransferFact {
  readonly transferId: string;
  /** The voice platform, where it is known. */
  readonly platform: string | null;
  /** The platform's id of the call. */
  readonly voiceCallId: string | null;
  /** The connection that carries the call, or carried it last; null before the call is there. */
  readonly legId: string | null;
}

export type EventType = keyof EventData;

export type DomainEvent = {
  [T in EventType]: {
    /** A UUID: the same on every try to tell it. */
    readonly id: string;
    /** One of the types below. */
    readonly type: T;
    readonly accountId: string;
    /** The session in which it happened, where there is one. */
    readonly sessionId: string | null;
    readonly participantId: string | null;
    /** The participant's tag, or the session's where no participant is meant: for applications that route by it. */
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
  /** The participant's own callback. */
  readonly callbackUrl: string | null;
}

export interface EventSink {
  /** Takes the fact; must not throw. */
  publish(event: DomainEvent, audience?: EventAudience): void;
}
