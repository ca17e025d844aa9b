/** A process that sends what is of no use and never acknowledges what it gets. */
import type { Socket } from 'node:dgram';
import { setTimeout as pause } from 'node:timers/promises';
import { openUdpSocket } from './call-load-lines.js';
import type { FloodKind, SipFloodReport, SipFloodRequest } from './sip-flood.js';

const tickMs = 5;
const afterMs = 1000;
const prefix = Math.random().toString(36).slice(2);
let count = 0;

const methods: Readonly<Partial<Record<FloodKind, string>>> = {
  options: 'OPTIONS',
  register: 'REGISTER',
  bye: 'BYE',
};
/** In the form of a token, signed by nobody. */
const forgedToken = [
  { alg: 'HS256', typ: 'JWT' },
  { p: '3f0e6a52-9d0b-4d42-9a53-0b2f4c6de001', v: 'v3', exp: 4_000_000_000 },
  'a signature of nobody, which is as long as one',
]
  .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
  .join('.');

function message(kind: FloodKind, socket: Socket, sipPort: number): Buffer {
  count += 1;
  const { address, port } = socket.address();
  const id = `${prefix}-${count}`;
  const method = methods[kind] ?? 'INVITE';
  const toTag = kind === 'tagged' || kind === 'bye' ? `;tag=${id}` : '';
  const lines = [
    `${method} sip:${100_000 + (count % 900_000)}@127.0.0.1:${sipPort} SIP/2.0`,
    `Via: SIP/2.0/UDP ${address}:${port};branch=z9hG4bK${id};rport`,
    'Max-Forwards: 70',
    `From: <sip:x@${address}>;tag=${id}`,
    `To: <sip:x@127.0.0.1>${toTag}`,
    `Call-ID: ${id}`,
    `CSeq: 1 ${method}`,
    `Contact: <sip:x@${address}:${port}>`,
    ...(kind === 'token' ? [`User-to-User: ${forgedToken};encoding=jwt`] : []),
    'Content-Length: 0',
    '',
    '',
  ];
  return Buffer.from(kind === 'garbage' ? lines.join(' ') : lines.join('\r\n'));
}

async function run({ kind, sipPort, perSecond, sources, seconds }: SipFloodRequest): Promise<SipFloodReport> {
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
    for (; sent < Math.min(elapsedMs / 1000, seconds) * perSecond; sent += 1) {
      const socket = sockets[sent % sockets.length]!;
      const bytes = message(kind, socket, sipPort);
      bytesSent += bytes.length;
      socket.send(bytes, sipPort, '127.0.0.1');
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
