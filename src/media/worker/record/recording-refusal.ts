/** A recording that cannot begin, because there is no room for it. */
export class RecordingRefusal extends Error {
  override readonly name = 'RecordingRefusal';
  constructor(
    readonly code: 'disk-full' | 'overloaded',
    detail: string,
  ) {
    super(detail);
  }
}

/** Asked for a recording that is not open: it ended a moment ago, and its owner will hear so. */
export class NoSuchRecordingError extends Error {
  override readonly name = 'NoSuchRecordingError';
  constructor() {
    super('no such recording');
  }
}
