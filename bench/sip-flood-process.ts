/** A process that sends INVITEs without a token and never acknowledges what it gets. */
import type { Socket } from 'node:dgram';
import { setTimeout as pause } from 'node:timers/promises';
import { openUdpSocket } from './call-load-lines.js';
import type { SipFloodReport, SipFloodRequest } from './sip-flood.js';

const tickMs = 5;
const afterMs = 1000;
const prefix = Math.random().toString(36).slice(2);
let count = 0;

function invite(socket: Socket, sipPort: number): Buffer {
  count += 1;
  const { address, port } = socket.address();
  const id = `${prefix}-${count}`;
  return Buffer.from(
    [
      `INVITE sip:${100_000 + (count % 900_000)}@127.0.0.1:${sipPort} SIP/2.0`,
      `Via: SIP/2.0/UDP ${address}:${port};branch=z9hG4bK${id};rport`,
      'Max-Forwards: 70',
      `From: <sip:x@${address}>;tag=${id}`,
      `To: <sip:x@127.0.0.1>`,
      `Call-ID: ${id}`,
      'CSeq: 1 INVITE',
      `Contact: <sip:x@${address}:${port}>`,
      'Content-Length: 0',
      '',
      '',
    ].join('\r\n'),
  );
}

async function run({
  sipPort,
  invitesPerSecond,
  sources,
  seconds,
}: SipFloodRequest): Promise<SipFloodReport> {
  let bytesSent = 0;
  let bytesReceived = 0;
  let sent = 0;
  const sockets: Socket[] = [];
  for (let i = 0; i < sources; i += 1) {
    const socket = await openUdpSocket(`127.0.${1 + Math.floor(i / 200)}.${1 + (i % 200)}`);
    socket.on('message', ({ length }) => (bytesReceived += length));
    sockets.push(socket);
  }
  const beginMs = performance.now();
  for (;;) {
    const elapsedMs = performance.now() - beginMs;
    for (; sent < Math.min(elapsedMs / 1000, seconds) * invitesPerSecond; sent += 1) {
      const socket = sockets[sent % sockets.length]!;
      const message = invite(socket, sipPort);
      bytesSent += message.length;
      socket.send(message, sipPort, '127.0.0.1');
    }
    if (elapsedMs >= seconds * 1000) break;
    await pause(tickMs);
  }
  await pause(afterMs);
  for (const socket of sockets) socket.close();
  return { sent, bytesSent, bytesReceived };
}

process.on('message', (request) => {
  void run(request as SipFloodRequest).then((report) => process.send?.(report));
});
process.once('disconnect', () => process.exit(0));
