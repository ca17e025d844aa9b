/** Writes call detail records for the applications that want them. */
import type { SipMessage } from '../message/message.js';
import type { ApplicationDirectory } from './application.js';
import type { CallEndReason, CallRecord, CallRecordRole, CallRecordSource } from './call-record.js';

/** Why a dialog is ended beside which the same call goes on, or was never more than tried: no record says of its end. */
export const takenElsewhere = 'call taken elsewhere';

/** Hands each record to one of the applications that asked for its kind, in turn. */
export class CallRecords {
  readonly #directory: ApplicationDirectory;

  constructor(directory: ApplicationDirectory) {
    this.#directory = directory;
  }

  /** An INVITE outside of dialogs came in, or went out. */
  attempt(source: CallRecordSource, message: SipMessage): void {
    this.#write({ kind: 'attempt', source, detail: null, message });
  }

  /** The 2xx. */
  start(source: CallRecordSource, role: CallRecordRole, message: SipMessage): void {
    this.#write({ kind: 'start', source, detail: role, message });
  }

  /** The refusal, CANCEL or BYE. */
  stop(source: CallRecordSource, reason: CallEndReason, message: SipMessage): void {
    this.#write({ kind: 'stop', source, detail: reason, message });
  }

  #write(record: CallRecord): void {
    this.#directory.choose(`CDR:${record.kind.toUpperCase()}`)?.callRecord(record);
  }
}
