/** The caller of docker-compose.yml’s profile `try`. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { hasOwnDrachtio, startDrachtio } from '../support/drachtio.js';
import { expectChannels, hasOwnFreeSwitch, startFreeSwitch } from '../support/freeswitch.js';
import { serversBeside } from '../support/servers-beside.js';
import { describeWithSipp } from '../support/sipp.js';
import { TestGateway, type GatewayOptions } from '../support/start-gateway.js';

const script = fileURLToPath(new URL('../../docker/try/try.mjs', import.meta.url));
/** Every test gateway’s. */
const password = 'a password for tests';

interface Outcome {
  readonly exitCode: number | null;
  readonly output: string;
}

async function tryOut(
  gateway: TestGateway,
  sipPort: number,
  calls: number,
  word = password,
): Promise<Outcome> {
  const directory = await mkdtemp(join(tmpdir(), 'landbridge-try-'));
  await writeFile(join(directory, 'password'), `${word}\n`);
  const child = spawn(process.execPath, [script], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH: process.env['PATH'],
      TRY_GATEWAY: gateway.origin,
      TRY_ACCOUNT: 'acme',
      TRY_USERNAME: 'tester',
      TRY_PASSWORD_FILE: join(directory, 'password'),
      TRY_SIP: `127.0.0.1:${sipPort}`,
      TRY_CALLS: String(calls),
      TRY_SECONDS: '5',
    },
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  }
  const [exitCode] = (await once(child, 'close')) as [number | null];
  await rm(directory, { recursive: true });
  return { exitCode, output };
}

describeWithSipp('the caller of the profile "try"', () => {
  const opened: { stop(): Promise<void> }[] = [];
  afterEach(async () => {
    for (const one of opened.splice(0).reverse()) await one.stop();
  });

  async function start(options: GatewayOptions = {}): Promise<TestGateway> {
    const gateway = await TestGateway.start(options);
    opened.push(gateway);
    return gateway;
  }

  it('calls, is heard in the session, and says so', async () => {
    const gateway = await start();
    const { exitCode, output } = await tryOut(gateway, gateway.sipPort, 3);
    expect(output).toBe('3 called, published their audio in the session, and hung up in good order\n');
    expect(exitCode).toBe(0);
    await gateway.idle();
  });

  it('says what is wrong where it is not let in', async () => {
    const gateway = await start();
    const { exitCode, output } = await tryOut(gateway, gateway.sipPort, 1, 'another password');
    expect(output).toContain('401');
    expect(exitCode).toBe(1);
  });

  const isInstalled = hasOwnDrachtio && hasOwnFreeSwitch;
  const reason = isInstalled ? '' : ' (skipped: drachtio-server and FreeSWITCH are not installed)';
  describe.skipIf(!isInstalled)(`through drachtio-server and FreeSWITCH${reason}`, () => {
    it('calls as well', async () => {
      const drachtio = await startDrachtio();
      const freeSwitch = await startFreeSwitch();
      if (drachtio === null || freeSwitch === null) throw new Error('not installed');
      const gateway = await start({ beside: serversBeside({ drachtio, freeSwitch }) });
      const { exitCode, output } = await tryOut(gateway, drachtio.sipPort, 5);
      expect(output).toBe('5 called, published their audio in the session, and hung up in good order\n');
      expect(exitCode).toBe(0);
      expect(await freeSwitch.api('status')).toMatch(/^10 session\(s\) since startup/m);
      await gateway.idle();
      await expectChannels(freeSwitch, 0);
    });
  });
});
