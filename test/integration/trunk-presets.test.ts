/** Trunks made from presets, and calls in the manner of the carriers and phone systems that they are for. */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { connect as connectTcp } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { parseChallenges } from '../../src/digest/challenge.js';
import { answerChallenge } from '../../src/digest/credentials.js';
import type { TrunkPreset } from '../../src/rest/trunk-presets.js';
import {
  carrierInvites,
  offerOf,
  uriOf,
  writeRequest,
  type CarrierInvite,
} from '../support/carrier-invites.js';
import { TestAuthority } from '../support/certificates.js';
import { describeWithFreeSwitch, startFreeSwitch, type FreeSwitchForTests } from '../support/freeswitch.js';
import { audioOffer, RawSip } from '../support/raw-sip.js';
import { isBesideDrachtio } from '../support/servers-beside.js';
import { TestGateway } from '../support/start-gateway.js';
import { waitFor } from '../support/wait-for.js';

interface Trunk {
  readonly id: string;
}
interface Recorded {
  readonly trunkId: string | null;
  readonly refusal: { readonly code: string } | null;
  readonly caller: { readonly number: string | null } | null;
}

const source = '127.0.7.2';
const secret = { username: 'pbx', password: 'a long password' };
/** What presets leave to the operator. */
const givenTo: Readonly<Record<string, object>> = {
  bandwidth: { inbound: { networks: ['192.0.2.1'] } },
  plivo: { inbound: { networks: ['192.0.2.1'] } },
  teams: { inbound: { networks: ['52.112.0.0/20'] }, outbound: { fromDomain: 'sbc.example.com' } },
  asterisk: { inbound: { digest: secret } },
  freeswitch: { inbound: { networks: ['192.0.2.1'] } },
  cisco: { inbound: { networks: ['192.0.2.1'] } },
  avaya: { inbound: { networks: ['192.0.2.1'] } },
};

let authority: TestAuthority;
let gateway: TestGateway;
const closers: (() => void)[] = [];

// A drachtio-server sends nothing to trunks, and has no certificate of ours.
describe.skipIf(isBesideDrachtio)('A trunk made from a preset', () => {
  beforeAll(async () => {
    authority = await TestAuthority.open();
    const { cert, key } = await authority.write('main', await authority.issue({ names: ['127.0.0.1'] }));
    const environment = {
      ...{ LANDBRIDGE_TLS_CERT: cert, LANDBRIDGE_TLS_KEY: key, LANDBRIDGE_TLS_HTTP: 'false' },
      ...{ LANDBRIDGE_CALLER_PRIVACY: 'full', LANDBRIDGE_TRUNKS_ALLOWED_NETWORKS: '127.0.0.0/8' },
    };
    gateway = await TestGateway.start({ environment });
    const route = { kind: 'new-session' };
    // Its callers are the trunks, which come later.
    const allowFrom = ['192.0.2.99'];
    await gateway.rest.done('POST', '/numbers', { number: '+14155550100', route, allowFrom });
  });
  afterEach(async () => {
    for (const close of closers.splice(0)) close();
    const { trunks } = await gateway.rest.done<{ trunks: Trunk[] }>('GET', '/trunks');
    for (const { id } of trunks) await gateway.rest.done('DELETE', `/trunks/${id}`);
    await gateway.idle();
  });
  afterAll(async () => {
    await gateway.stop();
    await authority.remove();
  });

  it('has what the list of presets says it fills in, for every one of them', async () => {
    const { presets } = await gateway.rest.done<{ presets: TrunkPreset[] }>('GET', '/trunk-presets');
    expect(presets.map(({ name }) => name)).toEqual([
      ...new Set(carrierInvites.map(({ preset }) => preset).toSorted()),
    ]);
    for (const { name, trunk } of presets) {
      // Nothing is sent to Microsoft. All others have room in one account.
      const enabled = name !== 'teams';
      const made = await gateway.rest.done<Trunk>('POST', '/trunks', {
        preset: name,
        enabled,
        ...givenTo[name],
      });
      expect(made).toMatchObject({ ...trunk, enabled });
      expect(made).not.toHaveProperty('preset');
    }
  });

  it('is not made where the preset is unknown, or left without what it needs', async () => {
    const refusal = async (body: object) => {
      const { status, body: answer } = await gateway.rest.request('POST', '/trunks', body);
      return { status, ...(answer as object) };
    };
    expect(await refusal({ preset: 'nobody' })).toMatchObject({
      ...{ status: 400, code: 'invalid-request', field: 'preset' },
      error: expect.stringMatching(/must be one of asterisk, avaya, .*vonage$/),
    });
    expect(await refusal({ preset: 'plivo' })).toMatchObject({ status: 400, field: 'inbound.networks' });
  });

  it('has nothing of it filled in again when it is replaced', async () => {
    const { id } = await gateway.rest.done<Trunk>('POST', '/trunks', { preset: 'twilio', enabled: false });
    const replace = (body: object) => gateway.rest.request('PUT', `/trunks/${id}`, body);
    expect((await replace({ preset: 'twilio' })).status).toBe(400);
    expect((await replace({ enabled: false })).body).toMatchObject({ inbound: { networks: [] } });
  });

  it.each(carrierInvites.map((peer) => [peer.preset, peer.what, peer] as const))(
    'takes calls in the manner of %s: %s',
    async (preset, _what, peer) => {
      const isTeams = preset === 'teams';
      const usesDigest = preset === 'asterisk' || preset === 'freeswitch';
      const inbound = usesDigest ? { digest: { ...secret, algorithms: ['MD5'] } } : { networks: [source] };
      // Nothing is sent to Microsoft.
      const outbound = isTeams ? { targets: [target], fromDomain: 'sbc.example.com' } : undefined;
      const trunk = await gateway.rest.done<Trunk>('POST', '/trunks', { preset, inbound, outbound });
      const call = await placeCall(peer, await (isTeams ? openTls() : openUdp()));
      expect(call.wasChallenged).toBe(usesDigest);
      expect(statusOf(call.answer)).toBe(200);
      expect(call.answer).toMatch(isTeams ? /^m=audio [1-9]\d* RTP\/SAVP/m : /^m=audio [1-9]\d* RTP\/AVP/m);
      const path = `/records?callId=${call.callId}`;
      const { records } = await gateway.rest.done<{ records: Recorded[] }>('GET', path);
      expect(records).toMatchObject([{ trunkId: trunk.id, caller: { number: peer.caller } }]);
      await call.end();
    },
  );
});

describeWithFreeSwitch('A real FreeSWITCH', () => {
  let asked: TestGateway;
  let freeSwitch: FreeSwitchForTests | null = null;
  beforeAll(async () => {
    asked = await TestGateway.start({ environment: { LANDBRIDGE_CALLER_PRIVACY: 'full' } });
    freeSwitch = await startFreeSwitch();
    const route = { kind: 'new-session' };
    await asked.rest.done('POST', '/numbers', { number: '+14155550100', route, allowFrom: ['192.0.2.99'] });
  });
  afterAll(async () => {
    await freeSwitch?.stop();
    await asked.stop();
  });

  it('calls over a trunk made from its preset, whatever it is challenged with', async () => {
    const { rest } = asked;
    const variables = [
      ...[`sip_auth_username=${secret.username}`, `sip_auth_password='${secret.password}'`],
      ...['origination_caller_id_number=+13125550123', 'absolute_codec_string=PCMU'],
    ].join();
    const endpoint = `sofia/drachtio_mrf/+14155550100@127.0.0.1:${asked.sipPort}`;
    for (const algorithms of [['SHA-256', 'MD5'], ['MD5']]) {
      const body = { preset: 'freeswitch', inbound: { digest: { ...secret, algorithms } } };
      const { id } = await rest.done<Trunk>('POST', '/trunks', body);
      expect(await freeSwitch!.api(`originate {${variables}}${endpoint} &park()`)).toMatch(/^\+OK/);
      const { records } = await rest.done<{ records: Recorded[] }>('GET', '/records?limit=1');
      expect(records).toMatchObject([{ trunkId: id, caller: { number: '+13125550123' } }]);
      await freeSwitch!.api('hupall');
      await asked.idle();
      await rest.done('DELETE', `/trunks/${id}`);
    }
  });
});

/** Nobody listens there. */
const target = { host: '127.0.0.1', port: 9, transport: 'tls' };

/** How requests go, and the text of the final response to one of them comes. */
interface Wire {
  readonly transport: 'UDP' | 'TLS';
  readonly port: number;
  send(text: string): void;
  final(cseq: number, method: string): Promise<string>;
}

async function openUdp(): Promise<Wire> {
  const sip = await RawSip.open(gateway.sipPort, source);
  closers.push(() => sip.close());
  return {
    transport: 'UDP',
    port: sip.port,
    send: (text) => sip.send(text),
    final: async (cseq, method) => (await sip.finalTo(cseq, method)).text,
  };
}

async function openTls(): Promise<Wire> {
  const host = '127.0.0.1';
  const tcp = connectTcp({ host, port: gateway.sipTlsPort, localAddress: source });
  const socket = connectTls({ socket: tcp, host, ca: authority.certPem });
  closers.push(() => socket.destroy());
  await once(socket, 'secureConnect');
  let text = '';
  socket.setEncoding('latin1').on('data', (chunk: string) => (text += chunk));
  return {
    transport: 'TLS',
    port: socket.localPort ?? 0,
    send: (request) => void socket.write(request),
    final: (cseq, method) =>
      waitFor(`the answer to ${method}`, () =>
        text
          .split(/(?=^SIP\/2\.0 )/m)
          .find((one) => /^SIP\/2\.0 [2-6]/.test(one) && one.includes(`CSeq: ${cseq} ${method}\r\n`)),
      ),
  };
}

const statusOf = (response: string) => Number(/^SIP\/2\.0 (\d{3})/.exec(response)?.[1]);

/** A call of that peer: it answers a challenge where there is one. */
async function placeCall(peer: CarrierInvite, wire: Wire) {
  const { transport, port } = wire;
  const from = { address: source, port, transport, callId: randomUUID() };
  const invite = (cseq: number, more: readonly string[] = []) => {
    const fields = [...peer.fields, ...more];
    wire.send(writeRequest('INVITE', peer, { ...from, cseq, fields, body: offerOf(peer, source, port) }));
    return wire.final(cseq, 'INVITE');
  };
  let cseq = 1;
  let answer = await invite(cseq);
  const [, challenges] = /^WWW-Authenticate: (.*)$/m.exec(answer) ?? [];
  if (challenges !== undefined) {
    const [challenge] = parseChallenges(challenges);
    const request = { method: 'INVITE', uri: uriOf(peer), body: new Uint8Array() };
    cseq += 1;
    answer = await invite(cseq, [
      `Authorization: ${answerChallenge(challenge!, secret, request, { count: 1 })}`,
    ]);
  }
  const toTag = /^To: .*;tag=([^;>\s]+)/m.exec(answer)?.[1];
  return {
    callId: from.callId,
    answer,
    wasChallenged: challenges !== undefined,
    async end() {
      const body = peer.media === null ? audioOffer(port) : '';
      wire.send(writeRequest('ACK', peer, { ...from, cseq, toTag, body }));
      if (statusOf(answer) !== 200) return;
      wire.send(writeRequest('BYE', peer, { ...from, cseq: cseq + 1, toTag }));
      expect(statusOf(await wire.final(cseq + 1, 'BYE'))).toBe(200);
    },
  };
}
