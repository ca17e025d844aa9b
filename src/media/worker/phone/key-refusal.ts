/**
 * Keys that cannot be sent to a phone, or not to their end. `no-telephone-event`: it took no RFC 4733. `on-hold`: it holds the
 * call and hears nothing. `too-many-keys`: too many wait already.
 */
export class KeyRefusal extends Error {
  override readonly name = 'KeyRefusal';
  constructor(
    readonly code: 'no-telephone-event' | 'on-hold' | 'too-many-keys',
    detail: string,
  ) {
    super(detail);
  }
}
