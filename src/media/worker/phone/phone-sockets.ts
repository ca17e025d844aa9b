/** Where a phone’s leg is reached: a pair of sockets, in one family of addresses for the whole call. */
import type { RemoteInfo, Socket } from 'node:dgram';
import { addressTypeOf, type MediaAddress } from '../../../sdp/media-address.js';
import { SdpRefusal } from '../../../sdp/sdp-refusal.js';
import type { AddressType } from '../../../sdp/session-description.js';
import type { PortAllocator } from '../rtp/port-allocator.js';
import { openRtpSockets, type RtpSockets } from '../rtp/rtp-sockets.js';
import type { PhoneEndpoint } from './phone-endpoints.js';

export interface PhoneSocketsOptions {
  readonly ports: PortAllocator;
  /** One for each family, that for our own offers first. */
  readonly endpoints: readonly [PhoneEndpoint, ...PhoneEndpoint[]];
  /** Told in place of the endpoint's, where it is of the same family. */
  readonly advertisedAddress: string | null;
  /** A failure in it is this leg's, and told to `onFault`: nobody else would catch it. */
  readonly onDatagram: (buffer: Buffer, from: RemoteInfo, isRtpSocket: boolean) => void;
  readonly onFault: (error: unknown) => void;
}

/** Does no I/O before it is opened, and none after `close`. */
export class PhoneSockets {
  readonly #options: PhoneSocketsOptions;
  #endpoint: PhoneEndpoint | null = null;
  #sockets: RtpSockets | null = null;
  #opening: Promise<RtpSockets> | null = null;
  #closed = false;

  constructor(options: PhoneSocketsOptions) {
    this.#options = options;
  }

  /**
   * The endpoint in use, else the first, of this family; null: of any. Throws SdpRefusal `no-common-codec` where there is none.
   */
  endpointFor(addressType: AddressType | null): PhoneEndpoint {
    const candidates = this.#endpoint === null ? this.#options.endpoints : [this.#endpoint];
    const found = candidates.find(
      ({ bindAddress }) => addressType === null || addressTypeOf(bindAddress) === addressType,
    );
    if (found === undefined)
      throw new SdpRefusal(
        'no-common-codec',
        `the media is in ${addressType}, where the gateway has no address`,
      );
    return found;
  }

  /** Opens the sockets once, at this endpoint; resolves with what the far end is told. Throws WorkerRefusal `overloaded`. */
  async open(endpoint: PhoneEndpoint): Promise<{ readonly address: string; readonly rtpPort: number }> {
    if (this.#closed) throw new Error('the leg is closed');
    this.#endpoint ??= endpoint;
    const { bindAddress, advertisedAddress } = this.#endpoint;
    this.#opening ??= openRtpSockets(this.#options.ports, bindAddress);
    const sockets = await this.#opening.catch((error: unknown) => {
      this.#opening = null;
      throw error;
    });
    if (this.#closed) {
      sockets.close();
      throw new Error('the leg was closed meanwhile');
    }
    if (this.#sockets === null) {
      this.#sockets = sockets;
      sockets.rtp.on('message', (buffer, from) => this.#received(buffer, from, true));
      sockets.rtcp.on('message', (buffer, from) => this.#received(buffer, from, false));
    }
    const told = this.#options.advertisedAddress;
    const isReachable = told !== null && addressTypeOf(told) === addressTypeOf(bindAddress);
    return { address: isReachable ? told : advertisedAddress, rtpPort: sockets.port };
  }

  sendRtp(datagram: Buffer, destination: MediaAddress): void {
    this.#send(this.#sockets?.rtp, datagram, destination);
  }

  sendRtcp(datagram: Buffer, destination: MediaAddress): void {
    this.#send(this.#sockets?.rtcp, datagram, destination);
  }

  /** Idempotent. */
  close(): void {
    this.#closed = true;
    this.#sockets?.close();
    this.#sockets = null;
  }

  #received(buffer: Buffer, from: RemoteInfo, isRtpSocket: boolean): void {
    try {
      this.#options.onDatagram(buffer, from, isRtpSocket);
    } catch (error) {
      this.#options.onFault(error);
    }
  }

  /** Others' packets come here, too, as they are passed through: what fails is not their leg's. */
  #send(socket: Socket | undefined, datagram: Buffer, destination: MediaAddress): void {
    try {
      socket?.send(datagram, destination.port, destination.address);
    } catch (error) {
      this.#options.onFault(error);
    }
  }
}
