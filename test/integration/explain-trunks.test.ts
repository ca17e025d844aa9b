/** What would become of a call over a trunk: its password, lists, limits and signature, told without anything being counted. */
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { parseChallenges } from '../../src/digest/challenge.js';
import { answerChallenge } from '../../src/digest/credentials.js';
import { CallSigner } from '../../src/stir/index.js';
import { audioOffer, RawSip, type RawMessage } from '../support/raw-sip.js';
import { RestClient } from '../support/rest-client.js';
import { isBesideDrachtio } from '../support/servers-beside.js';
import { TestGateway } from '../support/start-gateway.js';
import { stirChain } from '../support/stir-authority.js';

interface Step {
  readonly step: string;
  readonly verdict: string;
  readonly text: string;
  readonly details: Readonly<Record<string, unknown>>;
}
interface Explanation {
  readonly steps: readonly Step[];
  readonly answer: {
    readonly result: string;
    readonly sipStatus: number | null;
    readonly reason: string | null;
    readonly description: string | null;
  };
}

const number = '+14155550100';
const pbx = { username: 'pbx', password: 'a long password' };
let gateway: TestGateway;
let other: RestClient;
let chain: Awaited<ReturnType<typeof stirChain>>;
let networks = 0;
const open: RawSip[] = [];

beforeAll(async () => {
  chain = await stirChain();
  const dataDirectory = await mkdtemp(join(tmpdir(), 'landbridge-test-'));
  await writeFile(join(dataDirectory, 'stir.pem'), chain.root.certPem);
  await writeFile(
    join(dataDirectory, 'landbridge.yaml'),
    'accounts:\n  - { account: other, username: other, password: other }\n',
  );
  gateway = await TestGateway.start({
    dataDirectory,
    environment: {
      ...{ LANDBRIDGE_SIP_EXPLANATIONS_PER_MINUTE: '10000', LANDBRIDGE_CALLER_PRIVACY: 'full' },
      LANDBRIDGE_STIR_CA: join(dataDirectory, 'stir.pem'),
    },
  });
  other = new RestClient(gateway.origin, 'other', 'other', 'other');
  // A number needs somebody who may call it.
  await gateway.rest.done('POST', '/trunks', { inbound: { networks: ['127.0.40.254'] } });
  await gateway.rest.done('POST', '/numbers', { number, route: { kind: 'new-session' } });
});

afterEach(async () => {
  for (const sip of open.splice(0)) sip.close();
  await gateway.idle();
});

afterAll(() => gateway.stop());

async function agentAt(address: string): Promise<RawSip & { readonly address: string }> {
  const sip = await RawSip.open(gateway.sipPort, address);
  open.push(sip);
  return Object.assign(sip, { address });
}

async function trunkWith({ inbound = {}, ...fields }: { inbound?: object; [field: string]: unknown } = {}) {
  networks += 1;
  const address = `127.0.40.${String(networks)}`;
  const wanted = { inbound: { networks: [address], ...inbound }, ...fields };
  const { id } = await gateway.rest.done<{ id: string }>('POST', '/trunks', wanted);
  return { id, sip: await agentAt(address) };
}

const invite = (sip: RawSip, headers: readonly string[] = [], cseq = 1) =>
  sip
    .invite({ uri: `sip:${number}@gw`, body: audioOffer(sip.port, '0 8'), headers, cseq })
    .replace(sip.branch, `${sip.branch}-${String(cseq)}`);

const explain = (
  message: string,
  address: string,
  { rest = gateway.rest, transport = 'udp' }: { rest?: RestClient; transport?: string } = {},
) => rest.done<Explanation>('POST', '/sip/explain', { message, source: { address, transport } });

const stepOf = ({ steps }: Explanation, name: string) => steps.find(({ step }) => step === name);

async function hangUp(sip: RawSip, answer: RawMessage, cseq: number): Promise<void> {
  const toTag = /tag=([^;>\s]+)/.exec(answer.header('To') ?? '')?.[1];
  sip.send(sip.request('ACK', { cseq, toTag, branch: `z9hG4bKack${sip.callId}` }));
  sip.send(sip.request('BYE', { cseq: cseq + 1, toTag, branch: `z9hG4bKbye${sip.callId}` }));
  await sip.final('BYE');
}

function answerTo(challenged: RawMessage, password = pbx.password): string {
  const value = challenged.header('WWW-Authenticate') ?? '';
  const [challenge] = parseChallenges(value);
  const request = { method: 'INVITE', uri: `sip:${number}@gw`, body: new Uint8Array() };
  const answer = answerChallenge(challenge!, { ...pbx, password }, request, { count: 1 });
  return `Authorization: ${answer}`;
}

describe('A call of a trunk that is explained', () => {
  it('is told by which sign it is the trunk’s, and that it would be answered', async () => {
    const { id, sip } = await trunkWith({ name: 'carrier', media: { codecs: ['PCMA'] } });
    const told = await explain(invite(sip), sip.address);
    expect(stepOf(told, 'trunk')).toMatchObject({
      verdict: 'passed',
      details: { trunkId: id, name: 'carrier', knownBy: 'network', dialled: number, isProven: false },
    });
    expect(stepOf(told, 'number')).toMatchObject({ verdict: 'passed', details: { trunkId: id } });
    expect(told.steps.filter(({ verdict }) => verdict === 'refused' || verdict === 'unknown')).toEqual([]);
    expect(told.answer).toMatchObject({ result: 'answered', sipStatus: 200 });
    expect(stepOf(told, 'media')?.details).toMatchObject({ codec: 'PCMA' });
  });

  it('with a token is explained by the token, beside its trunk', async () => {
    const { id, sip } = await trunkWith();
    const { token } = await gateway.rest.newcomer(await gateway.rest.createSession());
    const message = sip.invite({
      ...{ uri: 'sip:join@gw', body: audioOffer(sip.port), headers: [`User-to-User: ${token};encoding=jwt`] },
    });
    const told = await explain(message, sip.address);
    expect(stepOf(told, 'trunk')?.details).toMatchObject({ trunkId: id, dialled: null, isProven: true });
    expect(stepOf(told, 'participant')?.verdict).toBe('passed');
    expect(told.answer.result).toBe('answered');
  });

  it('is told whether its password is good, and the answer stays good for the call', async () => {
    const { sip } = await trunkWith({ inbound: { digest: { ...pbx, username: 'pbx' } } });
    const first = invite(sip);
    const unasked = await explain(first, sip.address);
    expect(stepOf(unasked, 'digest')).toMatchObject({
      verdict: 'refused',
      details: { realm: 'landbridge', algorithms: ['SHA-256', 'MD5'], username: 'pbx', shown: null },
    });
    expect(unasked.answer).toMatchObject({ sipStatus: 401, reason: 'authentication-required' });
    sip.send(first);
    const challenged = await sip.finalTo(1, 'INVITE');
    expect(challenged.status).toBe(401);

    const wrong = invite(sip, [answerTo(challenged, 'another password')], 2);
    const refused = await explain(wrong, sip.address);
    expect(refused.answer).toMatchObject({ sipStatus: 403, reason: 'authentication-failed' });
    const right = invite(sip, [answerTo(challenged)], 2);
    for (let times = 0; times < 3; times += 1) {
      const told = await explain(right, sip.address);
      expect(stepOf(told, 'digest')).toMatchObject({ verdict: 'passed', details: { answersOurs: true } });
      expect(told.answer.result).toBe('answered');
    }
    sip.send(right);
    const answered = await sip.finalTo(2, 'INVITE');
    expect(answered.status).toBe(200);
    const used = await explain(right, sip.address);
    expect(stepOf(used, 'digest')?.text).toContain('used before');
    expect(used.answer).toMatchObject({ sipStatus: 401, reason: 'authentication-required' });
    expect(JSON.stringify(used)).not.toContain(/response="([^"]*)"/.exec(right)?.[1]);
    await hangUp(sip, answered, 2);
  });

  it('is told of the trunk’s limits as they stand, of which none is used up by that', async () => {
    const { sip } = await trunkWith({ maxConcurrentCalls: 1, maxCallsPerSecond: 1 });
    for (let times = 0; times < 5; times += 1) {
      const told = await explain(invite(sip), sip.address);
      expect(stepOf(told, 'limits')).toMatchObject({
        verdict: 'passed',
        details: {
          calls: 0,
          maxConcurrentCalls: 1,
          maxCallsPerSecond: 1,
          callsLeftNow: 1,
          unacknowledged: 0,
        },
      });
    }
    sip.send(invite(sip));
    const answered = await sip.final('INVITE');
    expect(answered.status).toBe(200);
    const full = await explain(invite(await agentAt(sip.address)), sip.address);
    expect(stepOf(full, 'limits')).toMatchObject({ verdict: 'refused', details: { calls: 1 } });
    expect(full.answer).toMatchObject({ sipStatus: 503, reason: 'trunk-limit' });
    await hangUp(sip, answered, 1);
  });

  it('is told whether the trunk’s lists let it in', async () => {
    const { sip } = await trunkWith({ allowedCallers: ['+4930*'], allowedCalled: ['+1*'] });
    const from = (caller: string) => [`P-Asserted-Identity: <sip:${caller}@carrier>`];
    expect(stepOf(await explain(invite(sip, from('+4930123')), sip.address), 'lists')?.verdict).toBe(
      'passed',
    );
    const told = await explain(invite(sip, from('+4940123')), sip.address);
    expect(stepOf(told, 'lists')?.verdict).toBe('refused');
    expect(told.answer).toMatchObject({ sipStatus: 403, reason: 'caller-not-allowed' });
  });

  it('is told what its signature is worth as far as that can be said without fetching anything', async () => {
    const { sip } = await trunkWith({ inbound: { stir: 'require' } });
    const fetches = async () => (await gateway.metrics()).get('landbridge_stir_fetches_total');
    const before = await fetches();
    const signed = (called: string) => {
      const signer = new CallSigner(chain.keyPem, 'https://cert.example.org/a.pem');
      const identity = signer.sign({
        ...{ caller: '+12155551212', called, attestation: 'A', nowMs: Date.now() },
        originationId: '123e4567-e89b-12d3-a456-426655440000',
      });
      return ['P-Asserted-Identity: <sip:+12155551212@carrier>', `Identity: ${identity}`];
    };
    const bare = await explain(invite(sip), sip.address);
    expect(stepOf(bare, 'stir')).toMatchObject({ verdict: 'refused', details: { reason: 'no-identity' } });
    expect(bare.answer).toMatchObject({ sipStatus: 428, reason: 'identity-required' });
    const wrong = await explain(invite(sip, signed('+14155550199')), sip.address);
    expect(wrong.answer).toMatchObject({ sipStatus: 438, reason: 'identity-invalid' });
    const open_ = await explain(invite(sip, signed(number)), sip.address);
    expect(stepOf(open_, 'stir')).toMatchObject({ verdict: 'unknown', details: { reason: 'not-fetched' } });
    expect(await fetches()).toBe(before);
  });

  it('is told what the carrier says, where that counts', async () => {
    const { sip } = await trunkWith({ inbound: { stir: 'require', verifiedBy: 'carrier' } });
    const said = (verstat: string) => [`P-Asserted-Identity: <sip:+1215555;verstat=${verstat}@carrier>`];
    const good = await explain(invite(sip, said('TN-Validation-Passed-A')), sip.address);
    expect(stepOf(good, 'stir')).toMatchObject({
      verdict: 'passed',
      details: { attestation: 'A', by: 'carrier' },
    });
    const bad = await explain(invite(sip, said('TN-Validation-Failed')), sip.address);
    expect(bad.answer).toMatchObject({ sipStatus: 438, reason: 'identity-invalid' });
  });

  it('of another account’s trunk is told nothing of that', async () => {
    const { id, sip } = await trunkWith({ name: 'ours alone' });
    const told = await explain(invite(sip), sip.address, { rest: other });
    expect(stepOf(told, 'trunk')).toBeUndefined();
    expect(JSON.stringify(told)).not.toMatch(new RegExp(`${id}|ours alone`));
  });

  it.skipIf(isBesideDrachtio)('gets the same answer as the call', async () => {
    const { sip } = await trunkWith({ allowedCalled: ['+49*'] });
    const { answer } = await explain(invite(sip), sip.address);
    sip.send(invite(sip));
    const real = await sip.final('INVITE');
    expect([answer.sipStatus, real.header('Reason')]).toEqual([
      real.status,
      expect.stringContaining(answer.reason ?? '?') as string,
    ]);
  });
});

it('A stranger is asked for a password where a trunk is known by that alone, and is told so', async () => {
  const { id } = await gateway.rest.done<{ id: string }>('POST', '/trunks', {
    inbound: { digest: { username: 'roaming', password: 'another long one' } },
  });
  const sip = await agentAt('127.0.41.1');
  const message = sip.invite({ uri: 'sip:someone@gw', body: audioOffer(sip.port) });
  const told = await explain(message, sip.address);
  expect(told.answer).toMatchObject({ sipStatus: 401, reason: 'authentication-required' });
  sip.send(message);
  expect((await sip.final('INVITE')).status).toBe(401);
  await gateway.rest.done('DELETE', `/trunks/${id}`);
});

it.skipIf(isBesideDrachtio)(
  'Where calls from no trunk are refused, a stranger is told so whatever it shows, and a browser is not meant',
  async () => {
    const closed = await TestGateway.start({ environment: { LANDBRIDGE_SIP_CALLS_FROM_NO_TRUNK: 'refuse' } });
    try {
      const { token } = await closed.rest.newcomer(await closed.rest.createSession());
      const sip = await RawSip.open(closed.sipPort, '127.0.42.1');
      open.push(sip);
      const message = sip.invite({
        ...{ body: audioOffer(sip.port), headers: [`User-to-User: ${token};encoding=jwt`] },
      });
      const told = await explain(message, '127.0.42.1', { rest: closed.rest });
      expect(told.answer).toMatchObject({ result: 'refused', sipStatus: 403, reason: 'no-trunk' });
      sip.send(message);
      const real = await sip.final('INVITE');
      expect([real.status, real.header('Reason')]).toEqual([
        403,
        expect.stringContaining('no-trunk') as string,
      ]);
      const browser = await explain(message, '127.0.42.1', { rest: closed.rest, transport: 'ws' });
      expect(browser.answer.reason).not.toBe('no-trunk');
    } finally {
      await closed.stop();
    }
  },
);
