/** The key that calls are signed with is looked at before the gateway stands. */
import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runGateway } from '../support/start-gateway.js';

let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'landbridge-stir-'));
});

afterAll(() => rm(directory, { recursive: true, force: true }));

async function startWith(text: string) {
  const file = join(directory, 'key.pem');
  await writeFile(file, text);
  const certificateUrl = 'https://cert.example.org/a.pem';
  const { code, stderr, stdout } = await runGateway({
    environment: { LANDBRIDGE_STIR_KEY: file, LANDBRIDGE_STIR_CERTIFICATE_URL: certificateUrl },
  });
  return { code, output: stderr + stdout };
}

describe('A gateway', () => {
  it('does not start with a key that cannot sign calls, and says why without a word of it', async () => {
    const none = await startWith('a secret that is no key');
    expect(none.code).not.toBe(0);
    expect(none.output).toContain('no private key in PEM form');
    expect(none.output).not.toContain('a secret');
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-384' });
    const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    const other = await startWith(pem);
    expect(other.code).not.toBe(0);
    expect(other.output).toContain('another curve than P-256');
    expect(other.output).not.toContain(pem.split('\n')[1]);
  });
});
