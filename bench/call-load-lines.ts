/** The ways on which a load of calls sends its SIP. */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { connect, type TLSSocket } from 'node:tls';

/** One way to the gateway; phones that share it are told apart by their Call-IDs. */
export interface Line {
  readonly transport: 'UDP' | 'TLS';
  /** `host:port`, as in Via and Contact. */
  readonly local: string;
  /** What it sends may be lost, so that whoever sends repeats it. */
  readonly isUnreliable: boolean;
  send(message: Buffer, port: number): void;
}

// The system's buffers shall hold what comes while this process does something else: nothing is lost by the load itself.
const socketOptions = { type: 'udp4', recvBufferSize: 4 << 20, sendBufferSize: 4 << 20 } as const;
const tlsConnections = 8;

/** A UDP socket on a port of loopback; whoever hears nothing of it drops what comes. */
export async function openUdpSocket(host = '127.0.0.1'): Promise<Socket> {
  const socket = createSocket({ ...socketOptions, lookup: (name, _options, done) => done(null, name, 4) });
  // Without a look-up to wait for, a socket listens before `bind` returns.
  const listening = once(socket, 'listening');
  socket.bind(0, host);
  await listening;
  return socket;
}

export async function openUdpLine(onMessage: (message: string) => void): Promise<Line> {
  const socket = await openUdpSocket();
  socket.on('message', (bytes) => onMessage(bytes.toString('latin1')));
  return {
    transport: 'UDP',
    local: `127.0.0.1:${socket.address().port}`,
    isUnreliable: true,
    send: (message, port) => socket.send(message, port, '127.0.0.1'),
  };
}

/** Connections to one server, which show whatever certificate they like. */
export function openTlsLines(port: number, onMessage: (message: string) => void): Promise<Line[]> {
  return Promise.all(
    Array.from({ length: tlsConnections }, async () => {
      const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false });
      await once(socket, 'secureConnect');
      socket.setNoDelay(true);
      socket.on('error', () => undefined);
      readMessages(socket, onMessage);
      return {
        transport: 'TLS' as const,
        local: `127.0.0.1:${socket.localPort ?? 0}`,
        isUnreliable: false,
        send: (message: Buffer) => void socket.write(message),
      };
    }),
  );
}

/** Each message whole (RFC 3261 §18.3). */
function readMessages(socket: TLSSocket, onMessage: (message: string) => void): void {
  let waiting = '';
  socket.setEncoding('latin1');
  socket.on('data', (text: string) => {
    waiting += text;
    for (;;) {
      const headEnd = waiting.indexOf('\r\n\r\n');
      if (headEnd === -1) return;
      const length = Number(/^Content-Length: *(\d+)/im.exec(waiting.slice(0, headEnd))?.[1] ?? 0);
      const end = headEnd + 4 + length;
      if (waiting.length < end) return;
      onMessage(waiting.slice(0, end));
      waiting = waiting.slice(end);
    }
  });
}
