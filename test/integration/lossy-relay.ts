import { createSocket, type Socket } from 'node:dgram';

/** A UDP path between two ends on loopback that loses what the test says. */
export class LossyRelay {
  readonly #socket: Socket = createSocket('udp4');
  #nearPort = 0;
  #farPort = 0;
  /** Tells what is lost on the way from the near end, by length; asked per datagram. */
  loses: (octets: number) => boolean = () => false;
  lost = 0;

  static async open(nearPort: number): Promise<LossyRelay> {
    const relay = new LossyRelay();
    relay.#nearPort = nearPort;
    const socket = relay.#socket;
    socket.on('message', (datagram, { port }) => {
      if (port !== nearPort) relay.#farPort = port;
      else if (relay.loses(datagram.length)) {
        relay.lost++;
        return;
      }
      const to = port === nearPort ? relay.#farPort : relay.#nearPort;
      if (to !== 0) socket.send(datagram, to, '127.0.0.1');
    });
    await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
    return relay;
  }

  get port(): number {
    return this.#socket.address().port;
  }

  close(): void {
    this.#socket.close();
  }
}
