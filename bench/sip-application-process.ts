/** A process with our SIP server and an application of drachtio-srf that answers every call, by UDP and by TLS. */
import { randomBytes } from 'node:crypto';
import { readEnvironmentOnce, SrfOverSockets } from '../src/doors/sip/srf.js';
import { createSipServer } from '../src/sip-server/index.js';
import { TestAuthority } from '../test/support/certificates.js';
import type { SipApplicationFigures } from './sip-application.js';

readEnvironmentOnce();
const loopback = { host: '127.0.0.1', port: 0 } as const;
const secret = randomBytes(16).toString('hex');
const authority = await TestAuthority.open();
const { certPem, keyPem } = await authority.issue({ names: ['127.0.0.1'] });
await authority.remove();
const server = await createSipServer({
  udp: loopback,
  tls: {
    ...loopback,
    certificates: { serverOptions: { cert: certPem, key: keyPem }, keepFresh: () => undefined },
    maxConnectionsPerAddress: 100,
  },
  admin: { ...loopback, secret },
});
const answer = ['v=0', 'o=- 1 1 IN IP4 127.0.0.1', 's=-', 'c=IN IP4 127.0.0.1', 't=0 0', ''];
answer.splice(-1, 0, 'm=audio 9 RTP/AVP 0', 'a=inactive');
const localSdp = answer.join('\r\n');

const application = new SrfOverSockets({
  secret,
  methods: ['invite', 'options'],
  onInvite: (request, response) =>
    application.srf.createUAS(request, response, { localSdp, headers: {} }, () => undefined),
  onOther: (_request, response) => response.send(405),
  onCancel: () => undefined,
});
await application.attach(server.connect());

process.on('message', () => {
  globalThis.gc?.();
  const { user, system } = process.cpuUsage();
  const { dialogs, transactions } = server.stats();
  const figures: SipApplicationFigures = {
    udpPort: server.udpAddress?.port ?? 0,
    tlsPort: server.tlsAddress?.port ?? 0,
    cpuMs: (user + system) / 1000,
    heapBytes: process.memoryUsage().heapUsed,
    dialogs,
    transactions,
  };
  process.send?.(figures);
});
process.once('disconnect', () => process.exit(0));
