/** A response that may not go out yet. */
import type { SipResponse } from '../message/message.js';
import type { SendResult } from './application.js';

/** A response that the application has drafted and that may not go out yet. */
export interface WaitingResponse {
  readonly draft: SipResponse;
  /** What became of it. */
  readonly told: (result: SendResult) => void;
}
