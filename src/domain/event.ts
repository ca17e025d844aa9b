/** Facts in the past tense. Published once each, in order per session. Never holds a token, code or password. */
import type { LegKind, MediaType } from './media-plane.js';
import type { Outcome } from './outcome.js';
import type { Subscriptions } from './subscriptions.js';

export interface EventData {
  'session.created': { readonly tag: string | null };
  'session.deleted': Record<string, never>;
  'participant.created': { readonly tag: string | null; readonly publishPermissions: readonly MediaType[] };
  'participant.deleted': Record<string, never>;
  'participant.added': { readonly subscriptions: Subscriptions };
  'participant.removed': Record<string, never>;
  'participant.joined': {
    readonly legId: string;
    readonly legKind: LegKind;
    readonly displayName: string | null;
  };
  /** `legKind` is null where a restart forgot it. */
  'participant.left': { readonly legId: string; readonly legKind: LegKind | null; readonly outcome: Outcome };
  'stream.published': {
    readonly streamId: string;
    readonly alias: string;
    readonly mediaTypes: readonly MediaType[];
  };
  'stream.unpublished': { readonly streamId: string; readonly alias: string };
  'subscriptions.updated': { readonly subscriptions: Subscriptions };
  'dtmf.received': { readonly legId: string; readonly digit: string; readonly durationMs: number };
  'call.ringing': {
    readonly legId: string;
    readonly door: string;
    readonly callId: string;
    readonly voiceCallId: string | null;
  };
  'call.answered': {
    readonly legId: string;
    readonly legKind: LegKind;
    readonly door: string;
    readonly callId: string;
  };
  /** A device's signalling is there: at first, and again after it was lost. */
  'device.connected': { readonly legId: string; readonly deviceId: string };
  /** A device's signalling is gone, lost or closed; once for each `connected`. */
  'device.disconnected': { readonly legId: string; readonly deviceId: string };
  'call.held': { readonly legId: string };
  'call.resumed': { readonly legId: string };
  'call.ended': {
    readonly legId: string;
    readonly door: string;
    readonly callId: string;
    /** The voice platform's id of the call, where the transfer carried one. */
    readonly voiceCallId: string | null;
    /** From answer to end; 0 where it was never answered. */
    readonly durationMs: number;
    readonly outcome: Outcome;
  };
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

export interface EventSink {
  /** Takes the fact; must not throw. */
  publish(event: DomainEvent): void;
}
