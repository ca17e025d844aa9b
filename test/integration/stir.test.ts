/** Signatures for who calls, over trunks that ask for them: from the INVITE to leg, facts and record. */
import { writeFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { CallSigner } from '../../src/stir/index.js';
import { TestAuthority } from '../support/certificates.js';
import { audioOffer, RawSip, type InviteOptions, type RawMessage } from '../support/raw-sip.js';
import { isBesideDrachtio } from '../support/servers-beside.js';
import { TestGateway } from '../support/start-gateway.js';
import { issueStir, stirChain } from '../support/stir-authority.js';
import { waitFor } from '../support/wait-for.js';

interface Verification {
  readonly verification: string;
  readonly attestation: string | null;
  readonly originationId: string | null;
  readonly reason: string | null;
}
interface Recorded {
  readonly stir: Verification | null;
  readonly caller: unknown;
  readonly refusal: { readonly code: string; readonly detail: string | null } | null;
}

/** Addresses of the loopback network: of three trunks, and of a stranger. */
const reporting = '127.0.1.2';
const requiring = '127.0.2.2';
const careless = '127.0.3.2';
const stranger = '127.0.4.2';
const called = '+14155550100';
const caller = '+12155551212';
const originationId = '123e4567-e89b-12d3-a456-426655440000';

let chain: Awaited<ReturnType<typeof stirChain>>;
let other: Awaited<ReturnType<typeof stirChain>>;
let authority: TestAuthority;
let server: Server;
let origin: string;
let authorities: string;
/** Paths that were asked for. */
const asked: string[] = [];
let gateway: TestGateway;
const open: RawSip[] = [];

beforeAll(async () => {
  [chain, other, authority] = await Promise.all([stirChain(), stirChain(), TestAuthority.open()]);
  const { certPem: cert, keyPem: key } = await authority.issue({ names: ['127.0.0.1'] });
  server = createServer({ cert, key }, answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  origin = `https://127.0.0.1:${String(port)}`;
  authorities = join(authority.directory, 'stir.pem');
  await writeFile(authorities, chain.root.certPem);
  gateway = await TestGateway.start({
    environment: {
      ...{
        LANDBRIDGE_CALLER_PRIVACY: 'full',
        LANDBRIDGE_STIR_CA: authorities,
        LANDBRIDGE_STIR_RELOAD_SECONDS: '1',
      },
      ...{ LANDBRIDGE_STIR_SERVER_CA: authority.file, LANDBRIDGE_STIR_ALLOWED_NETWORKS: '127.0.0.1' },
      ...{ LANDBRIDGE_STIR_PORTS: `443, ${String(port)}`, LANDBRIDGE_STIR_TIMEOUT_MS: '3000' },
    },
  });
  await newTrunk(reporting, 'report');
  await newTrunk(requiring, 'require');
  await newTrunk(careless, 'off');
  await gateway.rest.done('POST', '/numbers', { number: called, route: { kind: 'new-session' } });
});

afterEach(async () => {
  for (const sip of open.splice(0)) sip.close();
  await gateway.idle();
  asked.length = 0;
});

afterAll(async () => {
  await gateway.stop();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await authority.remove();
});

function answer({ url = '' }: IncomingMessage, response: ServerResponse): void {
  asked.push(url);
  if (url.startsWith('/silent')) return;
  const pem = url.startsWith('/good') ? chain.chainPem : url.startsWith('/other') ? other.chainPem : null;
  if (pem === null) response.writeHead(404);
  response.end(pem ?? 'nothing');
}

const newTrunk = (network: string, stir: string) =>
  gateway.rest.done('POST', '/trunks', { inbound: { networks: [network], stir } });

interface Signing {
  readonly path?: string;
  readonly url?: string;
  readonly keyPem?: string;
  readonly to?: string;
  readonly ageSeconds?: number;
  readonly attestation?: 'A' | 'B' | 'C';
}

function signed(signing: Signing = {}): string {
  const {
    path = '/good.pem',
    url = origin + path,
    keyPem = chain.keyPem,
    to = called,
    ageSeconds = 0,
  } = signing;
  const nowMs = Date.now() - ageSeconds * 1000;
  return new CallSigner(keyPem, url).sign({
    ...{ caller, called: to, attestation: signing.attestation ?? 'A', originationId, nowMs },
  });
}

async function call(source: string, identities: readonly string[], options: InviteOptions = {}) {
  const sip = await RawSip.open(gateway.sipPort, source);
  open.push(sip);
  const headers = [
    `P-Asserted-Identity: <sip:${caller}@carrier>`,
    ...identities.map((identity) => `Identity: ${identity}`),
    ...(options.headers ?? []),
  ];
  sip.send(sip.invite({ body: audioOffer(sip.port), uri: `sip:${called}@gw`, ...options, headers }));
  const final = await sip.final('INVITE');
  return { sip, answer: final, status: final.status, callId: sip.callId };
}

async function hangUp({ sip, answer: { header } }: { sip: RawSip; answer: RawMessage }): Promise<void> {
  const toTag = /tag=([^;>\s]+)/.exec(header('To') ?? '')?.[1];
  sip.send(sip.request('ACK', { toTag, branch: `z9hG4bKack${sip.callId}` }));
  sip.send(sip.request('BYE', { cseq: 2, toTag, branch: `z9hG4bKbye${sip.callId}` }));
  await sip.final('BYE');
}

async function recordOf(callId: string): Promise<Recorded | undefined> {
  const path = `/records?callId=${encodeURIComponent(callId)}`;
  return (await gateway.rest.done<{ records: Recorded[] }>('GET', path)).records[0];
}

/** What is told of a call that was let in, and hung up. */
async function toldOf(source: string, identities: readonly string[], options: InviteOptions = {}) {
  const made = await call(source, identities, options);
  expect(made.status).toBe(200);
  await hangUp(made);
  return (await recordOf(made.callId))?.stir;
}

/** How a call was refused: status, reason phrase, reason text, and what the record says of why. */
async function refusalOf(identities: readonly string[], options: InviteOptions = {}) {
  const { answer: final, status, callId } = await call(requiring, identities, options);
  const [, text] = /text="([^"]*)"/.exec(final.header('Reason') ?? '') ?? [];
  return [status, text, (await recordOf(callId))?.refusal?.detail];
}

const passed = { verification: 'passed', attestation: 'A', originationId, by: 'gateway', reason: null };

describe('A call over a trunk that reports', () => {
  it('is verified, and leg, facts and record say what its signer attests', async () => {
    const events = await gateway.follow();
    const made = await call(reporting, [signed()]);
    expect(made.status).toBe(200);
    expect(await gateway.rest.legs()).toMatchObject([{ callId: made.callId, stir: passed }]);
    await hangUp(made);
    for (const type of ['call.arrived', 'call.ended'] as const) {
      await waitFor(`${type} is told`, () => events.ofType(type).length === 1);
      expect(events.ofType(type)[0]?.data).toMatchObject({ stir: passed });
    }
    expect(await recordOf(made.callId)).toMatchObject({ stir: passed, refusal: null });
    await events.close();
  });

  it('has its certificate fetched once, for as many calls as come', async () => {
    const before = asked.length;
    for (const attestation of ['B', 'C'] as const)
      expect(await toldOf(reporting, [signed({ path: '/good/once.pem', attestation })])).toMatchObject({
        attestation,
      });
    expect(asked.slice(before)).toEqual(['/good/once.pem']);
  });

  it('is let in whatever its signature is, and told of', async () => {
    const failed = (reason: string) => ({
      verification: 'failed',
      attestation: null,
      originationId: null,
      by: 'gateway',
      reason,
    });
    expect(await toldOf(reporting, [])).toEqual({ ...failed('no-identity'), verification: 'none' });
    expect(await toldOf(reporting, [signed({ ageSeconds: 90 })])).toEqual(failed('stale'));
    expect(await toldOf(reporting, [signed({ to: '+14155550199' })])).toEqual(failed('called-mismatch'));
    expect(await toldOf(reporting, [signed({ path: '/other.pem' })])).toEqual(
      failed('untrusted-certificate'),
    );
    expect(await toldOf(reporting, [signed({ path: '/nothing' })])).toEqual(failed('not-fetched'));
    expect(await toldOf(reporting, ['rubbish, "<'])).toEqual(failed('malformed'));
  });

  it('tells who has signed wrongly, in the answer that lets it in (RFC 9410)', async () => {
    const reasonOf = async (identities: readonly string[]) => {
      const made = await call(reporting, identities);
      expect(made.status).toBe(200);
      await hangUp(made);
      return made.answer.header('Reason');
    };
    expect(await reasonOf([signed({ to: '+14155550199' })])).toBe(
      'STIR;cause=438;text="Invalid Identity Header"',
    );
    expect(await reasonOf([signed({ path: '/other.pem' })])).toBe(
      'STIR;cause=437;text="Unsupported Credential"',
    );
    expect(await reasonOf([signed()])).toBeUndefined();
    expect(await reasonOf([])).toBeUndefined();
  });

  it('waits no longer for the certificate than it may', async () => {
    expect(await toldOf(reporting, [signed({ path: '/silent' })])).toMatchObject({ reason: 'timeout' });
  });

  it('makes few certificates be fetched of one host at once, and is let in without', async () => {
    const calls = await Promise.all(
      Array.from({ length: 12 }, (_, index) =>
        call(reporting, [signed({ path: `/silent/${String(index)}` })]),
      ),
    );
    expect(calls.map(({ status }) => status)).toEqual(calls.map(() => 200));
    expect(asked.length).toBeLessThanOrEqual(2);
    const legs = await gateway.rest.done<{ stir: Verification }[]>('GET', '/legs');
    // A fetch that an earlier call gave up may still have a place.
    expect(legs.filter(({ stir }) => stir.reason === 'fetch-limit').length).toBeGreaterThanOrEqual(10);
    for (const one of calls) await hangUp(one);
  });

  it('is verified by the good one of several signatures, in fields of their own, in one, or by its short name', async () => {
    const bad = signed({ path: '/other.pem' });
    for (const identities of [[bad, signed()], [`${signed()}, ${bad}`]])
      expect(await toldOf(reporting, identities)).toEqual(passed);
    expect(await toldOf(reporting, [], { headers: [`y: ${signed()}`] })).toEqual(passed);
  });

  it('of somebody who stays unknown is verified, and tells nobody who it is', async () => {
    const headers = ['Privacy: id'];
    const made = await call(reporting, [signed()], { headers });
    await hangUp(made);
    const record = await recordOf(made.callId);
    expect(record).toMatchObject({ stir: passed, caller: null });
    expect(JSON.stringify(record)).not.toContain(caller.slice(1));
  });
});

describe('A call over a trunk that requires signatures', () => {
  it('is let in where its caller is verified', async () => {
    expect(await toldOf(requiring, [signed()])).toEqual(passed);
    const uri = `sip:+1-415-555-0100;npdi@gw`;
    expect(await toldOf(requiring, [signed()], { uri })).toEqual(passed);
  });

  it('is refused as RFC 8224 says, and the record tells why', async () => {
    expect(await refusalOf([])).toEqual([428, 'identity-required', 'no-identity']);
    expect(await refusalOf([signed({ ageSeconds: 90 })])).toEqual([403, 'identity-stale', 'stale']);
    expect(await refusalOf([signed({ ageSeconds: -90 })])).toEqual([403, 'identity-stale', 'stale']);
    expect(await refusalOf([signed({ path: '/nothing' })])).toEqual([
      436,
      'identity-unreachable',
      'not-fetched',
    ]);
    expect(await refusalOf([signed({ path: '/other.pem' })])).toEqual([
      ...[437, 'identity-untrusted', 'untrusted-certificate'],
    ]);
    const keyPem = (await issueStir()).keyPem;
    expect(await refusalOf([signed({ keyPem })])).toEqual([438, 'identity-invalid', 'bad-signature']);
    expect(await refusalOf([signed({ to: '+14155550199' })])).toEqual([
      438,
      'identity-invalid',
      'called-mismatch',
    ]);
  });

  it('gets its status’s own words, and who has signed is told in those of RFC 9410', async () => {
    const { answer: refused } = await call(requiring, []);
    expect(refused.startLine).toBe('SIP/2.0 428 Use Identity Header');
    expect(refused.header('Reason')).toBe(
      'SIP;cause=428;text="identity-required", STIR;cause=428;text="Use Identity Header"',
    );
  });

  it('makes nobody ask a private address, or over plain HTTP', async () => {
    const urls = [
      'https://169.254.169.254/latest/meta-data',
      'https://127.0.0.2/a.pem',
      'https://[::ffff:127.0.0.1]/a.pem',
      `http://127.0.0.1/a.pem`,
      'https://user@127.0.0.1/a.pem',
      'https://127.0.0.1:22/a.pem',
    ];
    for (const url of urls)
      expect((await refusalOf([signed({ url })])).slice(0, 2)).toEqual([436, 'identity-unreachable']);
    expect(asked).toEqual([]);
  });

  it('is refused where its algorithm is none, or another', async () => {
    const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const [, claims = ''] = signed().split('.');
    for (const alg of ['none', 'HS256']) {
      const header = encode({ alg, ppt: 'shaken', typ: 'passport', x5u: `${origin}/good.pem` });
      const forged = `${header}.${claims}.${Buffer.alloc(64).toString('base64url')};info=<${origin}/good.pem>;ppt=shaken`;
      expect(await refusalOf([forged])).toEqual([438, 'identity-invalid', 'malformed']);
    }
  });
});

describe('A call that nobody wants verified', () => {
  it('is let in as ever, and its certificate not asked for', async () => {
    expect(await toldOf(careless, [signed({ path: '/careless' })])).toBeNull();
    const { status } = await call(stranger, [signed({ path: '/stranger' })]);
    expect(status).toBe(403);
    expect(asked).toEqual([]);
  });
});

describe('The list of authorities', () => {
  it('is read anew when it changes, and what cannot be used changes nothing', async () => {
    const wrote = async (text: string, line: string) => {
      const before = gateway.log.filter(({ msg }) => msg === line).length;
      await writeFile(authorities, text);
      await waitFor(line, () => gateway.log.filter(({ msg }) => msg === line).length > before);
    };
    await wrote('nothing', 'a changed list of authorities cannot be used; the former stays in force');
    expect(await toldOf(reporting, [signed()])).toEqual(passed);
    await wrote(other.root.certPem + chain.root.certPem, 'the list of authorities was read anew');
    const theirs = signed({ path: '/other.pem', keyPem: other.keyPem });
    expect(await toldOf(reporting, [theirs])).toEqual(passed);
    const left = 'the list of authorities holds certificates that are of no use; they are left out';
    await wrote(chain.leaf.certPem + chain.root.certPem, left);
    expect(gateway.log.find(({ msg }) => msg === left)).toMatchObject({
      ...{ authorities: 1, leftOut: 1, subjects: ['CN=SHAKEN 1234'] },
    });
    expect(await toldOf(reporting, [signed()])).toEqual(passed);
  });
});

describe.skipIf(isBesideDrachtio)('A gateway', () => {
  it('without a list of authorities takes no trunk that would ask for signatures', async () => {
    const bare = await TestGateway.start();
    try {
      const refused = await bare.rest.request('POST', '/trunks', {
        inbound: { networks: [reporting], stir: 'report' },
      });
      expect([refused.status, JSON.stringify(refused.body)]).toEqual([
        400,
        expect.stringContaining('stir.ca'),
      ]);
    } finally {
      await bare.stop();
    }
  });
});
