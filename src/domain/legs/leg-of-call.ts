/** What a leg says of the call that it has. */
import type { CallHeaders } from '../participants/call-headers.js';
import type { CallerVerification } from '../participants/caller-verification.js';
import type { Caller } from '../participants/caller.js';

export interface LegCall {
  readonly callId: string;
  readonly voiceCallId: string | null;
  readonly trunkId: string | null;
  readonly caller: Caller | null;
  readonly stir: CallerVerification | null;
  readonly headers: CallHeaders | null;
}

/** As a door brings it. */
interface BroughtCall extends Pick<LegCall, 'callId' | 'voiceCallId'> {
  readonly trunkId?: string | null;
  readonly caller?: Caller | null;
  readonly stir?: CallerVerification | null;
  readonly headers?: CallHeaders | null;
}

export abstract class LegOfCall {
  protected call: LegCall;

  constructor(brought: BroughtCall) {
    const { callId, voiceCallId, trunkId = null, caller = null, stir = null, headers = null } = brought;
    this.call = { callId, voiceCallId, trunkId, caller, stir, headers };
  }

  get callId(): string {
    return this.call.callId;
  }

  get voiceCallId(): string | null {
    return this.call.voiceCallId;
  }

  get trunkId(): string | null {
    return this.call.trunkId;
  }

  get caller(): Caller | null {
    return this.call.caller;
  }

  get stir(): CallerVerification | null {
    return this.call.stir;
  }

  get headers(): CallHeaders | null {
    return this.call.headers;
  }
}
