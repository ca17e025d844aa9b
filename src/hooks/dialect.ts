/** What each voice platform's file provides: how its requests are proved and read, and how it is answered. */
import type { IncomingCall } from '../domain/numbers/phone-number.js';
import type { Instruction, TransferTarget } from '../domain/transfers/transfer.js';
import type { HookRequest } from './hook-request.js';

export type Credentials = Readonly<Record<string, string>>;

/** `stale`: genuine, but too old. */
export type Verdict = 'genuine' | 'forged' | 'stale';

/** What a request says. */
export type HookMessage =
  /** A call came in. */
  | { readonly kind: 'call'; readonly call: IncomingCall }
  /** The caller keyed in digits, or none in time. */
  | { readonly kind: 'digits'; readonly call: IncomingCall; readonly digits: string }
  /** The call, or its transfer, is over. `cause` is the platform's word. */
  | { readonly kind: 'ended'; readonly voiceCallId: string; readonly cause: string | null }
  /** The call is answered: the platform takes an order for it only now. */
  | { readonly kind: 'ready'; readonly call: IncomingCall }
  /** Nothing that asks for an answer. */
  | { readonly kind: 'other' }
  | { readonly kind: 'unreadable' };

/** The hook's parts: the call, the digits that were asked for, the report of the end. */
export type HookPlace = 'call' | 'pin' | 'complete';

/** An order to the platform's own API, for platforms that take none in the answer. */
export interface PlatformCommand {
  /** After the platform's base URL. */
  readonly path: string;
  readonly body: Readonly<Record<string, unknown>>;
}

export interface HookAnswer extends Instruction {
  /** Default 200. */
  readonly status?: 200 | 204;
  readonly commands?: readonly PlatformCommand[];
}

export interface PinQuestion {
  readonly text: string;
  /** Where the digits go. */
  readonly url: string;
}

export const maxPinDigits = 12;
/** How long a caller may take until the first digit, and from one digit to the next. */
export const pinTimeoutSeconds = 10;

/** The answers to one request, in the platform's language. */
export interface PlatformAnswers {
  transfer(target: TransferTarget): HookAnswer;
  askPin(question: PinQuestion): HookAnswer;
  /** Says the text to the caller and hangs up. */
  refuse(text: string): HookAnswer;
  /** The answer to the report that a transfer is over: nothing is left to do. */
  finish(): HookAnswer;
  /** The answer to what needs none. */
  acknowledge(): HookAnswer;
}

export interface CredentialField {
  readonly name: string;
  readonly isRequired: boolean;
  /** Says what it is for, and what it must look like. */
  readonly description: string;
  readonly form?: RegExp;
}

export interface HookDialect {
  readonly platform: string;
  readonly methods: readonly ('GET' | 'POST')[];
  readonly credentials: readonly CredentialField[];
  /** The password that the request shows as its proof, which anybody may try; missing where requests are signed. */
  shownPassword?(request: HookRequest): string;
  verify(request: HookRequest, credentials: Credentials, nowMs: number): Verdict;
  read(request: HookRequest, place: HookPlace): HookMessage;
  answers(request: HookRequest, credentials: Credentials): PlatformAnswers;
}

export const noContent: HookAnswer = { status: 204, contentType: 'text/plain', body: '' };

export function jsonAnswer(value: unknown): HookAnswer {
  return { contentType: 'application/json', body: JSON.stringify(value) };
}
