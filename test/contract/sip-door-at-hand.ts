/** A SIP door behind a SIP server, as the parts of its contract share it; new for each test. */
import type { DoorStage } from '../integration/drachtio-door.js';

export interface DoorAtHand {
  readonly stage: DoorStage;
  /** Where phones reach the SIP server. */
  readonly port: number;
  /** Whether that is the gateway's own, or one beside it. */
  readonly isOwn: boolean;
}
