/** Each peer is told the address that it can reach: in Contact, in SDP, in ICE candidates. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { audioOffer, RawSip } from '../support/raw-sip.js';
import { isBesideDrachtio, isBesideFreeSwitch } from '../support/servers-beside.js';
import { TestGateway } from '../support/start-gateway.js';

let gateway: TestGateway;
let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'landbridge-advertise-'));
  const file = join(directory, 'landbridge.yaml');
  await writeFile(
    file,
    `publicIp: 203.0.113.5
advertise:
  - networks: [127.0.0.30]
    address: 127.0.0.1
  - networks: [127.0.0.31, 127.0.0.32]
    address: 198.51.100.7
    host: sbc.example.com
`,
  );
  gateway = await TestGateway.start({ environment: { LANDBRIDGE_CONFIG: file } });
});

afterAll(async () => {
  await gateway.stop();
  await rm(directory, { recursive: true, force: true });
});

it.skipIf(isBesideDrachtio || isBesideFreeSwitch).each([
  ['127.0.0.30', '127.0.0.1', '127.0.0.1'],
  ['127.0.0.31', 'sbc.example.com', '198.51.100.7'],
  ['127.0.0.32', 'sbc.example.com', '198.51.100.7'],
  // Nobody in particular: on this machine signalling is told the real address.
  ['127.0.0.33', '127.0.0.1', '203.0.113.5'],
])('who calls from %s is answered from %s, with media at %s', async (source, contact, media) => {
  const { token } = await gateway.rest.newcomer(await gateway.rest.createSession());
  const sip = await RawSip.open(gateway.sipPort, source);
  sip.send(sip.invite({ headers: [`User-to-User: ${token};encoding=jwt`], body: audioOffer(sip.port) }));
  const answer = await sip.final('INVITE');
  expect(answer.status).toBe(200);
  expect(answer.header('Contact')).toBe(`<sip:${contact}:${gateway.sipPort}>`);
  expect(/^c=IN IP4 (.*?)\r?$/m.exec(answer.text)?.[1]).toBe(media);
  const toTag = /tag=([^;>\s]+)/.exec(answer.header('To') ?? '')?.[1];
  sip.send(sip.request('ACK', { toTag, branch: 'z9hG4bKack' }));
  sip.send(sip.request('BYE', { cseq: 2, toTag, branch: 'z9hG4bKbye' }));
  await sip.final('BYE');
  sip.close();
});
