/** How a worker says that it has no such recording. */

/** Asked for a recording that is not open: it ended a moment ago, and its owner will hear so. */
export class NoSuchRecordingError extends Error {
  override readonly name = 'NoSuchRecordingError';
  constructor() {
    super('no such recording');
  }
}
