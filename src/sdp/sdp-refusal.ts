/** A session description that cannot be used, and why: unreadable, or nothing in common. */
export class SdpRefusal extends Error {
  override readonly name = 'SdpRefusal';
  constructor(
    readonly code: 'bad-sdp' | 'no-common-codec',
    detail: string,
  ) {
    super(detail);
  }
}
