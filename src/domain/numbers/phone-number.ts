/** Numbers, or hooks without a number, by which a voice platform's calls come in, and where each sends its callers. */
import type { LegAttendant } from '../legs/leg-attendant.js';
import type { MediaType } from '../media-plane.js';
import type { Credential } from '../participants/token.js';

export type NumberRoute =
  /** Every caller into one session. */
  | { readonly kind: 'session'; readonly sessionId: string }
  /** Every call a session of its own. */
  | { readonly kind: 'new-session'; readonly tag: string | null }
  /** Callers are asked for a PIN, and each PIN is a session's. */
  | { readonly kind: 'pin'; readonly prompt: string | null }
  /** The account's application is asked. `secret` signs the question. */
  | { readonly kind: 'application'; readonly url: string; readonly secret: string };

export interface PhoneNumber {
  readonly id: string;
  readonly accountId: string;
  /** E.164, unique over all accounts; null for a hook without a number. */
  readonly number: string | null;
  /** The platform that calls the hook; null: calls come over SIP alone. */
  readonly platform: string | null;
  /** What proves the platform's requests genuine, and what it wants of ours. Never shown. */
  readonly credentials: Readonly<Record<string, string>>;
  readonly route: NumberRoute;
  /** What the participants are given that the number makes. */
  readonly participant: {
    readonly tag: string | null;
    readonly displayName: string | null;
    readonly publishPermissions: readonly MediaType[] | null;
  };
  /** Networks whose SIP calls to the number need no token. */
  readonly allowFrom: readonly string[];
  readonly createdAt: number;
}

/** A PIN of a number. The digits themselves are not kept. */
export interface NumberPin {
  readonly id: string;
  readonly numberId: string;
  readonly pinHash: string;
  readonly sessionId: string;
  /** How many digits it has; 0: not known, of a PIN that was made before this was kept. */
  readonly length: number;
  readonly createdAt: number;
}

/** Every method is atomic and rejects with DomainError('store-unavailable') when the store cannot be reached. */
export interface NumberStore {
  /** False where the number is taken. */
  createNumber(number: PhoneNumber): Promise<boolean>;
  /** Puts it in the place of the one with the same id and account. */
  replaceNumber(number: PhoneNumber): Promise<'replaced' | 'taken' | 'gone'>;
  getNumber(accountId: string, numberId: string): Promise<PhoneNumber | null>;
  /** Finds it by its id alone: hooks name no account. */
  findNumber(numberId: string): Promise<PhoneNumber | null>;
  findNumberByE164(number: string): Promise<PhoneNumber | null>;
  /** Those of every account that take calls without a token from some network. */
  numbersWithNetworks(): Promise<readonly Pick<PhoneNumber, 'id' | 'allowFrom'>[]>;
  /** Newest first. */
  listNumbers(accountId: string, limit: number): Promise<readonly PhoneNumber[]>;
  /** Deletes it with its PINs; false where there is none. */
  deleteNumber(accountId: string, numberId: string): Promise<boolean>;

  /** False where the number has that PIN, or `limit` of them. */
  createPin(pin: NumberPin, limit: number): Promise<boolean>;
  findPin(numberId: string, pinHash: string): Promise<NumberPin | null>;
  /** How many digits all PINs of the number have; null where that differs or is not known, and where there are none. */
  pinLength(numberId: string): Promise<number | null>;
  listPins(numberId: string): Promise<readonly NumberPin[]>;
  deletePin(numberId: string, pinId: string): Promise<boolean>;
}

/**
 * Turns a number as people write it into E.164 (`+15551230142`); null where the text is no number. `country`: two letters
 * (ISO 3166), for numbers in national form.
 */
export type NormalizeNumber = (text: string, country: string | null) => string | null;

/** What a voice platform, or a SIP peer, tells of a call. */
export interface IncomingCall {
  /** The platform's id of the call: the same in every request about it. */
  readonly voiceCallId: string;
  /** As given; never logged. */
  readonly from: string | null;
  readonly to: string | null;
  /** SIP headers that the platform passes on. */
  readonly headers: Readonly<Record<string, string>>;
}

/** Lets a SIP call to a number in that bears no token. */
export interface DialIn {
  readonly credential: Credential;
  /** Who asks the caller where to, where the number does not say. */
  readonly attendant: LegAttendant | null;
}

/** Where an application sends a call. */
export type ApplicationAnswer =
  | {
      readonly destination:
        | { readonly sessionId: string }
        | { readonly newSession: { readonly tag: string | null } };
      readonly tag: string | null;
      readonly displayName: string | null;
      readonly publishPermissions: readonly MediaType[] | null;
    }
  | { readonly refused: string };

/** Asks an account's application where a call goes. Rejects where no usable answer comes in time. */
export type AskApplication = (
  route: Extract<NumberRoute, { kind: 'application' }>,
  question: {
    readonly numberId: string;
    readonly number: string | null;
    readonly platform: string | null;
    readonly call: IncomingCall;
  },
) => Promise<ApplicationAnswer>;
