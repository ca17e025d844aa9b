import { mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { issueStir, stirChain } from '../../test/support/stir-authority.js';
import { configSchema } from '../config/config-schema.js';
import { lookAtStir } from './stir.js';

let directory: string;
let chain: Awaited<ReturnType<typeof stirChain>>;
const at = (name: string) => join(directory, name);

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'landbridge-doctor-'));
  chain = await stirChain();
  await writeFile(at('ca.pem'), chain.root.certPem);
  await writeFile(at('old.pem'), chain.root.certPem);
  const longAgo = new Date(Date.now() - 100 * 86_400_000);
  await utimes(at('old.pem'), longAgo, longAgo);
  const notAfter = new Date(Date.now() - 1000);
  const lapsed = await issueStir({ name: 'Lapsed', isAuthority: true, notAfter });
  await writeFile(at('mixed.pem'), lapsed.certPem + chain.leaf.certPem + chain.root.certPem);
  await writeFile(at('none.pem'), 'nothing');
  await writeFile(at('key.pem'), chain.keyPem);
});
afterAll(() => rm(directory, { recursive: true }));

async function look(stir: object): Promise<readonly string[]> {
  const { stir: settings, nextHop } = configSchema.parse({ stir });
  const findings = await lookAtStir({ stir: settings, nextHop }, Date.now());
  return findings.map(({ level, text }) => `${level} ${text}`);
}

describe('STIR', () => {
  it('is off where there is neither a list nor a key', async () => {
    expect(await look({})).toEqual([expect.stringMatching(/^ok off/)]);
  });

  it('has a list of authorities: how many, from when, and what is done about revoked certificates', async () => {
    expect(await look({ ca: at('ca.pem'), revocation: 'hard' })).toEqual([
      expect.stringMatching(/^ok stir\.ca: 1 authorities, from 0 days ago/),
      expect.stringMatching(/^ok .*nor do those whose list cannot be had/),
    ]);
  });

  it('has one that is old, one with what is of no use, and one that is none', async () => {
    expect((await look({ ca: at('old.pem') }))[0]).toMatch(/^warn .*from 100 days ago: fetch the list anew/);
    expect((await look({ ca: at('mixed.pem') })).slice(1, 3)).toEqual([
      'warn stir.ca: 1 of its authorities have ended',
      'warn stir.ca: 1 certificates in it are of no use',
    ]);
    expect(await look({ ca: at('none.pem') })).toEqual([expect.stringMatching(/^fail stir\.ca: /)]);
    expect(await look({ ca: at('gone.pem') })).toEqual([expect.stringMatching(/^fail stir\.ca: .*ENOENT/)]);
  });

  it('has who signs lists for others', async () => {
    const told = await look({ ca: at('ca.pem'), revocationCa: at('ca.pem') });
    expect(told.at(-1)).toBe('ok stir.revocationCa: 1 certificates that sign lists');
    const none = await look({ ca: at('ca.pem'), revocationCa: at('none.pem') });
    expect(none.at(-1)).toMatch(/^fail stir\.revocationCa: /);
  });

  it('has a key that is none, without a word of what is in its file', async () => {
    const certificateUrl = 'https://127.0.0.1:1/a.pem';
    const told = await look({ key: at('none.pem'), certificateUrl });
    expect(told).toEqual([expect.stringMatching(/^fail stir\.key: .*no private key/)]);
    expect(told.join()).not.toContain('nothing');
  });
});
