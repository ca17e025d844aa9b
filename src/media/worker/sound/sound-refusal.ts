/** A sound that cannot be played, and why: what the file is not, or that there is no memory for it. */
export class SoundRefusal extends Error {
  override readonly name = 'SoundRefusal';
  constructor(
    readonly code: 'bad-sound' | 'overloaded',
    detail: string,
  ) {
    super(detail);
  }
}
