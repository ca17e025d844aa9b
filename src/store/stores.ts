/**
 * Everything that outlives the process, as one bundle: what the gateway is given, whichever database stands behind it. A
 * second implementation opens the same bundle and passes the same contract (`test/contract/stores-contract.ts`).
 */
import type { CallRecordStore } from '../domain/facts/call-record.js';
import type { Outbox } from '../domain/facts/outbox.js';
import type { WebhookStore } from '../domain/facts/webhook.js';
import type { NumberStore } from '../domain/numbers/phone-number.js';
import type { ParticipantStore } from '../domain/participants/participant-store.js';
import type { RecordingStore } from '../domain/recordings/recording.js';
import type { AbandonmentStore } from '../domain/sessions/abandonment.js';
import type { TransferStore } from '../domain/transfers/transfer.js';
import type { TrunkStore } from '../domain/trunks/trunk.js';

/**
 * Every method of every store is atomic, and rejects with DomainError `store-unavailable` where the store cannot be
 * reached. Once the promise of a write has resolved, the write survives the end of the process, `kill -9` included.
 */
export interface Stores {
  /** Sessions, participants, and who holds which slot. */
  readonly participants: ParticipantStore;
  readonly outbox: Outbox;
  readonly webhooks: WebhookStore;
  readonly records: CallRecordStore;
  readonly abandonment: AbandonmentStore;
  readonly transfers: TransferStore;
  readonly numbers: NumberStore;
  readonly recordings: RecordingStore;
  readonly trunks: TrunkStore;
  /** Resolves where writes succeed, and rejects where they fail, as on a full disk. Cheap enough to be asked often. */
  checkWritable(): Promise<void>;
  /** Resolves when every write so far survives what the store is configured to survive. Await it before an answer that promises so. */
  settled(): Promise<void>;
  /** Writes what waits; every call after that is refused. Idempotent. */
  close(): Promise<void>;
}
