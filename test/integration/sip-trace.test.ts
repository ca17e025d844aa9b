/** Traces of calls through a whole gateway: asked for, kept without secrets, and read back. */
import { execFile } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { JwtTokenCodec } from '../../src/tokens/jwt-token-codec.js';
import { audioOffer, RawSip } from '../support/raw-sip.js';
import { readCapture } from '../support/read-capture.js';
import { readHep, type HepMessage } from '../support/read-hep.js';
import { RestClient } from '../support/rest-client.js';
import { isBesideDrachtio } from '../support/servers-beside.js';
import { TestGateway, tokenSecret } from '../support/start-gateway.js';
import { waitFor } from '../support/wait-for.js';

let gateway: TestGateway;
let other: RestClient;

const run = promisify(execFile);
const hasTshark = await run('tshark', ['--version']).then(
  () => true,
  () => false,
);

beforeAll(async () => {
  const dataDirectory = await mkdtemp(join(tmpdir(), 'landbridge-test-'));
  await writeFile(
    join(dataDirectory, 'landbridge.yaml'),
    'accounts:\n  - { account: other, username: other, password: other }\n',
  );
  gateway = await TestGateway.start({ dataDirectory });
  other = new RestClient(gateway.origin, 'other', 'other', 'other');
}, 90_000);

afterAll(() => gateway.stop());

/** An INVITE with a token that has expired: refused, and its account's. */
async function refusedCall(at = gateway): Promise<{ readonly callId: string; readonly token: string }> {
  const { id } = await at.rest.createParticipant();
  const token = new JwtTokenCodec({ secret: tokenSecret }).sign(id, Date.now() - 60_000);
  const sip = await RawSip.open(at.sipPort);
  const headers = [
    `User-to-User: ${token};encoding=jwt`,
    `X-Other: ${Buffer.from(token).toString('base64')}`,
  ];
  sip.send(sip.invite({ headers, body: audioOffer(4000) }));
  await sip.final('INVITE');
  sip.close();
  return { callId: sip.callId, token };
}

async function download(
  rest: RestClient,
  path: string,
): Promise<{ readonly type: string; readonly body: Buffer }> {
  const response = await fetch(`${rest.base}${path}`, { headers: rest.headers });
  expect(response.status).toBe(200);
  return {
    type: response.headers.get('content-type') ?? '',
    body: Buffer.from(await response.arrayBuffer()),
  };
}

const tracedCalls = (rest: RestClient, name: string) =>
  rest.done<readonly { readonly callId: string; readonly messages: number }[]>(
    'GET',
    `/sip/traces/${name}/calls`,
  );

describe.skipIf(isBesideDrachtio)('A trace', () => {
  it('has the messages of the account’s call, both ways, without its token', async () => {
    await gateway.rest.done('PUT', '/sip/traces/all', { source: '127.0.0.0/8' });
    await other.done('PUT', '/sip/traces/all', { source: '127.0.0.1' });
    const { callId, token } = await refusedCall();
    await waitFor(
      'the call is known for the account’s',
      async () => (await tracedCalls(gateway.rest, 'all')).length > 0,
    );
    const query = `?callId=${encodeURIComponent(callId)}`;
    const ladder = await download(gateway.rest, `/sip/traces/all/ladder${query}`);
    const capture = await download(gateway.rest, `/sip/traces/all/capture${query}`);
    expect([ladder.type, capture.type]).toEqual(['text/plain', 'application/vnd.tcpdump.pcap']);
    const packets = readCapture(capture.body);
    const invite = packets.find(({ payload }) => payload.startsWith('INVITE '));
    const answer = packets.find(({ payload }) => payload.startsWith('SIP/2.0 403'));
    expect(invite).toMatchObject({ protocol: 'udp', from: '7f000001', toPort: gateway.sipPort });
    expect(answer).toMatchObject({ fromPort: gateway.sipPort, toPort: invite?.fromPort });
    expect(Math.abs(Date.now() - (invite?.atUs ?? 0) / 1000)).toBeLessThan(60_000);
    expect(ladder.body.toString()).toContain('403 Forbidden');
    const base64 = Buffer.from(token).toString('base64');
    for (const text of [ladder.body.toString(), ...packets.map(({ payload }) => payload)])
      for (const secret of [
        token,
        token.split('.')[1]!,
        token.split('.')[2]!,
        base64.slice(0, 24),
        base64.slice(-24),
      ])
        expect(text).not.toContain(secret);
    // Not another account's, whatever it asks for.
    expect(await tracedCalls(other, 'all')).toEqual([]);
    expect((await download(other, `/sip/traces/all/capture${query}`)).body).toHaveLength(24);
  });

  it.runIf(hasTshark)('is read by tshark', async () => {
    await gateway.rest.done('PUT', '/sip/traces/shark', { source: '127.0.0.0/8' });
    await refusedCall();
    await waitFor('it is the account’s', async () => (await tracedCalls(gateway.rest, 'shark')).length > 0);
    const directory = await mkdtemp(join(tmpdir(), 'landbridge-test-'));
    const file = join(directory, 'trace.pcap');
    await writeFile(file, (await download(gateway.rest, '/sip/traces/shark/capture')).body);
    const decodeAs = `udp.port==${String(gateway.sipPort)},sip`;
    const fields = ['-T', 'fields', '-e', 'sip.Method', '-e', 'sip.Status-Code'];
    const { stdout } = await run('tshark', ['-r', file, '-d', decodeAs, ...fields]);
    expect(stdout).toContain('INVITE');
    expect(stdout).toContain('403');
    await rm(directory, { recursive: true });
  });

  it('lasts as long as is asked for, is listed and deleted, and is refused where its words are wrong', async () => {
    const until = await gateway.rest.done<{ until: string }>('PUT', '/sip/traces/n', {
      ...{ number: '+14155550100', minutes: 5 },
    });
    expect(Date.parse(until.until) - Date.now()).toBeGreaterThan(60_000);
    const names = (await gateway.rest.done<{ name: string }[]>('GET', '/sip/traces')).map(({ name }) => name);
    expect(names).toContain('n');
    await gateway.rest.done('DELETE', '/sip/traces/n');
    expect((await gateway.rest.request('GET', '/sip/traces/n/calls')).body).toMatchObject({
      code: 'trace-not-found',
    });
    for (const body of [
      {},
      { number: '1', callId: '2' },
      { source: 'here' },
      { number: '+1555', minutes: 99_999 },
    ])
      expect([body, (await gateway.rest.request('PUT', '/sip/traces/n', body)).status]).toEqual([body, 400]);
  });
});

describe.skipIf(isBesideDrachtio)('A HEP collector', () => {
  it('is sent every message both ways, without its token; one that is away costs no call', async () => {
    const collector = createSocket('udp4').bind(0, '127.0.0.1');
    await once(collector, 'listening');
    const received: HepMessage[] = [];
    collector.on('message', (datagram) => received.push(readHep(datagram)));
    const watched = await TestGateway.start({
      environment: {
        LANDBRIDGE_HEP_HOST: '127.0.0.1',
        LANDBRIDGE_HEP_PORT: String(collector.address().port),
        LANDBRIDGE_HEP_CAPTURE_ID: '42',
      },
    });
    try {
      const { callId, token } = await refusedCall(watched);
      const ofCall = () => received.filter(({ correlationId }) => correlationId === callId);
      await waitFor('both are there', () => ofCall().length >= 2);
      const [invite, answer] = ofCall();
      expect(invite).toMatchObject({
        captureId: 42,
        protocol: 17,
        kind: 1,
        from: '7f000001',
        toPort: watched.sipPort,
      });
      expect(invite?.payload).toMatch(/^INVITE /);
      expect(answer?.payload).toMatch(/^SIP\/2\.0 403 /);
      for (const { payload } of received) expect(payload).not.toContain(token.split('.')[2]);
      expect((await watched.metrics()).get('landbridge_hep_messages_sent_total')).toBeGreaterThanOrEqual(2);
      await new Promise<void>((resolve) => collector.close(() => resolve()));
      // Nobody listens any more.
      for (let at = 0; at < 3; at += 1) await refusedCall(watched);
    } finally {
      await watched.stop();
    }
  });
});

it.runIf(isBesideDrachtio)('says where it sees browsers’ messages alone', async () => {
  const trace = await gateway.rest.done('PUT', '/sip/traces/all', { source: '127.0.0.0/8' });
  expect(trace).toMatchObject({ seesPhones: false });
});
