/** Signers' certificates that were revoked, and carriers that verify by themselves, through the whole gateway. */
import { writeFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { CallSigner } from '../../src/stir/index.js';
import { TestAuthority } from '../support/certificates.js';
import { audioOffer, RawSip } from '../support/raw-sip.js';
import { TestGateway } from '../support/start-gateway.js';
import { waitFor } from '../support/wait-for.js';
import {
  certificatesAndLists,
  issueStir,
  listAt,
  revocationList,
  type StirIssued,
} from '../support/stir-authority.js';

const called = '+14155550100';
const caller = '+12155551212';
const originationId = '123e4567-e89b-12d3-a456-426655440000';
const requiring = '127.0.30.2';

let authority: TestAuthority;
let server: Server;
let origin: string;
let gateway: TestGateway;
let good: StirIssued;
let revoked: StirIssued;
let lost: StirIssued;
let late: StirIssued;
let successor: StirIssued;
let listSigners: string;
const served = new Map<string, Buffer | string>();
const asked: string[] = [];
const open: RawSip[] = [];
let networks = 0;

beforeAll(async () => {
  authority = await TestAuthority.open();
  const { certPem: cert, keyPem: key } = await authority.issue({ names: ['127.0.0.1'] });
  server = createServer({ cert, key }, answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  origin = `https://127.0.0.1:${String(port)}`;
  const root = await issueStir({ name: 'Root', isAuthority: true });
  const administrator = await issueStir({ name: 'Administrator', keyUsage: certificatesAndLists });
  const place = [listAt(`${origin}/administrators.crl`, administrator)];
  successor = await issueStir({ name: 'Successor', keyUsage: certificatesAndLists });
  [good, revoked, lost, late] = await Promise.all([
    issueStir({ issuer: root, extensions: place }),
    issueStir({ issuer: root, extensions: place }),
    issueStir({ issuer: root, extensions: [listAt(`${origin}/nowhere.crl`)] }),
    issueStir({ issuer: root, extensions: [listAt(`${origin}/successors.crl`, successor)] }),
  ]);
  for (const [path, { certPem }] of Object.entries({
    '/good': good,
    '/revoked': revoked,
    '/lost': lost,
    '/late': late,
  }))
    served.set(`${path}.pem`, certPem);
  const list = { signer: administrator, isIndirect: true, revoked: [revoked] };
  served.set('/administrators.crl', await revocationList(list));
  served.set('/successors.crl', await revocationList({ signer: successor, isIndirect: true, revoked: [] }));
  const ca = join(authority.directory, 'stir.pem');
  listSigners = join(authority.directory, 'lists.pem');
  await writeFile(ca, root.certPem);
  await writeFile(listSigners, administrator.certPem);
  gateway = await TestGateway.start({
    environment: {
      ...{ LANDBRIDGE_STIR_CA: ca, LANDBRIDGE_STIR_REVOCATION_CA: listSigners },
      LANDBRIDGE_STIR_RELOAD_SECONDS: '1',
      // Machines that are busy with other things are slow.
      ...{ LANDBRIDGE_STIR_TIMEOUT_MS: '10000', LANDBRIDGE_STIR_REVOCATION_TIMEOUT_MS: '9000' },
      ...{ LANDBRIDGE_STIR_REVOCATION: 'hard', LANDBRIDGE_STIR_ALLOWED_NETWORKS: '127.0.0.1' },
      ...{ LANDBRIDGE_STIR_SERVER_CA: authority.file, LANDBRIDGE_STIR_PORTS: String(port) },
    },
  });
  await newTrunk({ networks: [requiring], stir: 'require' });
  await gateway.rest.done('POST', '/numbers', { number: called, route: { kind: 'new-session' } });
});

afterEach(async () => {
  for (const sip of open.splice(0)) sip.close();
  await gateway.idle();
});

afterAll(async () => {
  await gateway.stop();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await authority.remove();
});

function answer({ url = '' }: IncomingMessage, response: ServerResponse): void {
  asked.push(url);
  const found = served.get(url);
  if (found === undefined) response.writeHead(404);
  response.end(found ?? 'nothing');
}

const newTrunk = (inbound: object) => gateway.rest.done('POST', '/trunks', { inbound });

async function call(source: string, headers: readonly string[]) {
  const sip = await RawSip.open(gateway.sipPort, source);
  open.push(sip);
  sip.send(sip.invite({ body: audioOffer(sip.port), uri: `sip:${called}@gw`, headers }));
  const final = await sip.final('INVITE');
  if (final.status === 200) {
    const toTag = /tag=([^;>\s]+)/.exec(final.header('To') ?? '')?.[1];
    sip.send(sip.request('ACK', { toTag, branch: `z9hG4bKack${sip.callId}` }));
    sip.send(sip.request('BYE', { cseq: 2, toTag, branch: `z9hG4bKbye${sip.callId}` }));
    await sip.final('BYE');
  }
  const path = `/records?callId=${encodeURIComponent(sip.callId)}`;
  const { records } = await gateway.rest.done<{
    records: { stir: unknown; refusal: { detail: string | null } | null }[];
  }>('GET', path);
  return { final, record: records[0] };
}

function signedBy({ keyPem }: StirIssued, path: string): readonly string[] {
  const identity = new CallSigner(keyPem, origin + path).sign({
    ...{ caller, called, attestation: 'A', originationId, nowMs: Date.now() },
  });
  return [`P-Asserted-Identity: <sip:${caller}@carrier>`, `Identity: ${identity}`];
}

describe('A signer’s certificate', () => {
  it('that stands in no list of revoked ones lets its calls in, and the list is fetched once', async () => {
    for (let calls = 0; calls < 2; calls += 1) {
      const { final, record } = await call(requiring, signedBy(good, '/good.pem'));
      expect(final.status).toBe(200);
      expect(record).toMatchObject({ stir: { verification: 'passed', by: 'gateway' } });
    }
    expect(asked.filter((path) => path.endsWith('.crl'))).toEqual(['/administrators.crl']);
    const metrics = await gateway.metrics();
    expect(metrics.get('landbridge_stir_revocation_fetches_total')).toBe(1);
    expect(metrics.get('landbridge_stir_revocation_lists')).toBe(1);
  });

  it('that was revoked keeps them out with 437, and its signer is told', async () => {
    const { final, record } = await call(requiring, signedBy(revoked, '/revoked.pem'));
    expect([final.status, record?.refusal?.detail]).toEqual([437, 'revoked-certificate']);
    expect(final.header('Reason')).toBe(
      'SIP;cause=437;text="identity-untrusted", STIR;cause=437;text="Unsupported Credential"',
    );
  });

  it('whose list cannot be had does so as well, where lists are required', async () => {
    const { final, record } = await call(requiring, signedBy(lost, '/lost.pem'));
    expect([final.status, record?.refusal?.detail]).toEqual([437, 'revocation-unknown']);
  });
});

describe('The file of those who sign lists', () => {
  it('is read anew when it changes, and what cannot be used changes nothing', async () => {
    const wrote = async (text: string, line: string) => {
      await writeFile(listSigners, text);
      await waitFor(line, () =>
        gateway.log.some(({ msg, list }) => msg === line && list === 'stir.revocationCa'),
      );
    };
    await wrote('nothing', 'a changed list of authorities cannot be used; the former stays in force');
    await wrote(successor.certPem, 'the list of authorities was read anew');
    const { final, record } = await call(requiring, signedBy(late, '/late.pem'));
    expect([final.status, record?.stir]).toMatchObject([200, { verification: 'passed' }]);
  });
});

describe('A carrier that verifies by itself', () => {
  const said = (verstat: string) => [`P-Asserted-Identity: <sip:${caller};verstat=${verstat}@carrier>`];
  async function trunkOf(inbound: object): Promise<string> {
    networks += 1;
    const address = `127.0.31.${String(networks)}`;
    await newTrunk({ networks: [address], ...inbound });
    return address;
  }

  it('is believed on a trunk that says so, and the record tells by whose word', async () => {
    const carrier = await trunkOf({ stir: 'require', verifiedBy: 'carrier' });
    const { final, record } = await call(carrier, said('TN-Validation-Passed-B'));
    expect(final.status).toBe(200);
    expect(record?.stir).toEqual({
      ...{ verification: 'passed', attestation: 'B', originationId: null, by: 'carrier', reason: null },
    });
    const failed = await call(carrier, said('TN-Validation-Failed'));
    expect([failed.final.status, failed.record?.refusal?.detail]).toEqual([438, 'carrier-failed']);
    expect((await call(carrier, said('No-TN-Validation'))).final.status).toBe(428);
  });

  it('is believed on no other trunk: anybody may write what it writes', async () => {
    expect((await call(requiring, said('TN-Validation-Passed'))).final.status).toBe(428);
    const careless = await trunkOf({});
    const { final, record } = await call(careless, said('TN-Validation-Passed'));
    expect([final.status, record?.stir]).toEqual([200, null]);
  });
});
