/** Writes call detail records for the applications that want them. */
import type { SipMessage } from '../message/message.js';
import type { ApplicationDirectory } from './application.js';
import type { CallEndReason, CallRecord, CallRecordRole, CallRecordSource } from './call-record.js';

/** The reason where a dialog is ended though its call goes on elsewhere, or never began: no record is written of such an end. */
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

  /** A call began: `message` is the 2xx. */
  start(source: CallRecordSource, role: CallRecordRole, message: SipMessage): void {
    this.#write({ kind: 'start', source, detail: role, message });
  }

  /** A call ended: `message` is the refusal, CANCEL or BYE. */
  stop(source: CallRecordSource, reason: CallEndReason, message: SipMessage): void {
    this.#write({ kind: 'stop', source, detail: reason, message });
  }

  #write(record: CallRecord): void {
    this.#directory.choose(`CDR:${record.kind.toUpperCase()}`)?.callRecord(record);
  }
}
