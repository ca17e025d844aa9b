/** How a worker says that it does not do what it was asked. */

/**
 * Why a worker does not do what it was asked. `overloaded`: no port, no memory, no room for another leg, or what was asked is
 * closing. `bad-sound`: a sound that cannot be played. `disk-full`: no room for a recording. `no-telephone-event`: the phone
 * takes no RFC 4733. `on-hold`: it holds the call and hears nothing. `too-many-keys`: too many wait already.
 */
export type WorkerRefusalCode =
  | 'overloaded'
  | 'bad-sound'
  | 'disk-full'
  | 'no-telephone-event'
  | 'on-hold'
  | 'too-many-keys';

/** Something that a worker cannot do, and why. What is wrong with a session description is SdpRefusal's to say. */
export class WorkerRefusal extends Error {
  override readonly name = 'WorkerRefusal';
  constructor(
    readonly code: WorkerRefusalCode,
    detail: string,
  ) {
    super(detail);
  }
}
