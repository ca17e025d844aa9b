/** The one UDP port that all browsers of a worker come to: libdatachannel tells them apart by what their first packets name (RFC 8445 §7.3). */
import { IceUdpMuxListener } from 'node-datachannel';
import { WorkerRefusal } from '../worker-refusal.js';

/**
 * A port that is bound for the rest of the process's life, whether connections use it or not: none of them has to bind it,
 * or can fail to. The library can let go of it again, but not safely while connections close; so nothing here does.
 */
export class SharedUdpPort {
  readonly port: number;
  /** The library closes a listener that nobody has any more. */
  readonly #listener: IceUdpMuxListener;

  /** `bindAddress` undefined: all addresses. Throws WorkerRefusal where the port cannot be had. */
  constructor(bindAddress: string | undefined, port: number) {
    try {
      this.#listener = new IceUdpMuxListener(port, bindAddress);
    } catch {
      // The library does not say why.
      throw new WorkerRefusal('overloaded', `UDP port ${port} for browsers cannot be had`);
    }
    this.port = this.#listener.port();
  }
}
