import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';

/** A UDP path on loopback to a near end that loses what the test says. Each port of the far end has one of the relay's, as behind a NAT. */
export class LossyRelay {
  readonly #socket: Socket = createSocket('udp4');
  readonly #backs = new Map<string, Socket>();
  readonly #nearPort: number;
  /** Tells what is lost on the way from the near end, by length; asked per datagram. */
  loses: (octets: number) => boolean = () => false;
  /** The same of what goes to the near end. */
  losesBack: (octets: number) => boolean = () => false;
  lost = 0;

  private constructor(nearPort: number) {
    this.#nearPort = nearPort;
  }

  static async open(nearPort: number): Promise<LossyRelay> {
    const relay = new LossyRelay(nearPort);
    const socket = relay.#socket;
    socket.on('message', (datagram, far) => {
      if (relay.losesBack(datagram.length)) relay.lost++;
      else relay.#backOf(far).send(datagram, nearPort, '127.0.0.1');
    });
    await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
    return relay;
  }

  /** It answers to where the far end is, which need not be the loopback address. */
  #backOf(far: RemoteInfo): Socket {
    const key = `${far.address} ${far.port}`;
    const known = this.#backs.get(key);
    if (known !== undefined) return known;
    const back = createSocket('udp4');
    this.#backs.set(key, back);
    back.on('message', (datagram, { port }) => {
      if (port !== this.#nearPort) return;
      if (this.loses(datagram.length)) this.lost++;
      else this.#socket.send(datagram, far.port, far.address);
    });
    back.bind(0, '127.0.0.1');
    return back;
  }

  get port(): number {
    return this.#socket.address().port;
  }

  close(): void {
    for (const back of this.#backs.values()) back.close();
    this.#socket.close();
  }
}
