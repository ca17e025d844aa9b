/** How the gateway ends: what it says meanwhile, and that nothing that fails on the way keeps it from ending well. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { PhoneCall } from '../../src/softphone/phone-call.js';
import { lockDataDirectory } from '../../src/store/data-directory-lock.js';
import { callAndConnect } from '../support/gateway-phone.js';
import { fill, makeSmallDisk, type SmallDisk, smallDiskIsPossible } from '../support/small-disk.js';
import { isAlive, runGateway, TestGateway } from '../support/start-gateway.js';
import { waitFor } from '../support/wait-for.js';

const gateways: TestGateway[] = [];
const phones: PhoneCall[] = [];
const disks: SmallDisk[] = [];

afterEach(async () => {
  for (const phone of phones.splice(0)) await phone.close();
  for (const gateway of gateways.splice(0))
    await gateway.stop({ keepData: gateway.dataDirectory.includes('small-disk') });
  for (const disk of disks.splice(0)) await disk.remove();
});

async function call(gateway: TestGateway, token: string): Promise<PhoneCall> {
  const phone = await callAndConnect(gateway, token);
  phones.push(phone);
  return phone;
}

const messages = (gateway: TestGateway, msg: string) => gateway.log.filter((line) => line.msg === msg);

describe('a gateway that is told to stop', () => {
  it('says what it waits for, and in the end what it did', async () => {
    const gateway = await TestGateway.start({ environment: { LANDBRIDGE_DRAIN_SECONDS: '6' } });
    gateways.push(gateway);
    const sessionId = await gateway.rest.createSession();
    const [patient, brief] = [await gateway.rest.newcomer(sessionId), await gateway.rest.newcomer(sessionId)];
    const phone = await call(gateway, patient.token);
    const other = await call(gateway, brief.token);
    gateway.signal('SIGTERM');
    await waitFor('it drains', () => messages(gateway, 'draining').length > 0);
    await other.hangUp();
    expect(await phone.ended).toMatchObject({ by: 'remote', reason: { text: 'gateway-stopping' } });
    expect(await gateway.exited).toBe(0);
    expect(messages(gateway, 'draining')).toMatchObject([{ calls: 2, deadlineMs: 6000 }]);
    expect(messages(gateway, 'waiting for calls to end')).toMatchObject([{ calls: 1, msLeft: 1000 }]);
    expect(messages(gateway, 'stopped')).toMatchObject([{ callsEnded: 1, failed: [] }]);
  });

  it('ends as soon as its last call does', async () => {
    const gateway = await TestGateway.start({ environment: { LANDBRIDGE_DRAIN_SECONDS: '60' } });
    gateways.push(gateway);
    const { token } = await gateway.rest.newcomer(await gateway.rest.createSession());
    const phone = await call(gateway, token);
    gateway.signal('SIGTERM');
    await waitFor('it drains', () => messages(gateway, 'draining').length > 0);
    await phone.hangUp();
    expect(await gateway.exited).toBe(0);
    expect(messages(gateway, 'stopped')).toMatchObject([{ callsEnded: 0, failed: [] }]);
  });

  it('hangs up the console’s own test calls, and waits for none of them', async () => {
    const gateway = await TestGateway.start({ environment: { LANDBRIDGE_DRAIN_SECONDS: '60' } });
    gateways.push(gateway);
    const { token } = await gateway.rest.newcomer(await gateway.rest.createSession());
    await gateway.rest.done('POST', '/phone-calls', { token });
    await waitFor('it is answered', async () => (await gateway.rest.legs()).length === 1);
    const begun = performance.now();
    gateway.signal('SIGTERM');
    expect(await gateway.exited).toBe(0);
    expect(messages(gateway, 'draining')).toHaveLength(1);
    expect(messages(gateway, 'stopped')).toMatchObject([{ callsEnded: 0, failed: [] }]);
    // Not the 60 s that it may wait for calls of others.
    expect(performance.now() - begun).toBeLessThan(40_000);
  });

  it('closes all of it in good order while the servers beside it are away', async () => {
    const away = { LANDBRIDGE_DRACHTIO: '127.0.0.1:1:secret', LANDBRIDGE_FREESWITCH: '127.0.0.1:1:secret' };
    const gateway = await TestGateway.start({ environment: away });
    gateways.push(gateway);
    const workers = gateway.workers();
    gateway.signal('SIGTERM');
    expect(await gateway.exited).toBe(0);
    expect(messages(gateway, 'stopped')).toMatchObject([{ callsEnded: 0, failed: [] }]);
    expect(workers.filter(isAlive)).toEqual([]);
    expect(gateway.stderr).toBe('');
  });

  it('says goodbye to callers where the terminal that it was started from is closed', async () => {
    const gateway = await TestGateway.start({ environment: { LANDBRIDGE_DRAIN_SECONDS: '0' } });
    gateways.push(gateway);
    const { token } = await gateway.rest.newcomer(await gateway.rest.createSession());
    const phone = await call(gateway, token);
    gateway.signal('SIGHUP');
    expect(await phone.ended).toMatchObject({ by: 'remote', reason: { text: 'gateway-stopping' } });
    expect(await gateway.exited).toBe(0);
  });

  it('drains once for a signal that comes twice at once, and does not wait after another one', async () => {
    const gateway = await TestGateway.start({ environment: { LANDBRIDGE_DRAIN_SECONDS: '60' } });
    gateways.push(gateway);
    const { token } = await gateway.rest.newcomer(await gateway.rest.createSession());
    const phone = await call(gateway, token);
    // As near to each other as can be: half a second apart they are two wishes.
    gateway.signal('SIGINT');
    gateway.signal('SIGINT');
    await waitFor('it drains', () => messages(gateway, 'draining').length > 0);
    // A round trip in which it would have closed its door.
    expect((await fetch(`${gateway.origin}/health`)).status).toBe(200);
    expect(await gateway.rest.legs()).toHaveLength(1);
    gateway.signal('SIGTERM');
    expect(await phone.ended).toMatchObject({ by: 'remote', reason: { text: 'gateway-stopping' } });
    expect(await gateway.exited).toBe(0);
  });

  it('closes everything else where one thing cannot be closed', async () => {
    // In the gateway's own process: nothing that listens with UDP can be closed any more once it is told to stop.
    const sabotage = `import dgram from 'node:dgram';
      if (process.argv.includes('serve')) process.once('SIGTERM', () => {
        dgram.Socket.prototype.close = () => { throw new Error('sabotage'); };
      });`;
    const gateway = await TestGateway.start({
      environment: {
        LANDBRIDGE_DRAIN_SECONDS: '1',
        NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(sabotage)}`,
      },
    });
    const { token } = await gateway.rest.newcomer(await gateway.rest.createSession());
    const phone = await call(gateway, token);
    const workers = gateway.workers();
    gateway.signal('SIGTERM');
    expect(await phone.ended).toMatchObject({ by: 'remote', reason: { text: 'gateway-stopping' } });
    expect(await gateway.exited).toBe(0);
    expect(messages(gateway, 'could not be closed in good order')).toMatchObject([
      { step: 'SIP', err: { message: 'sabotage' } },
    ]);
    expect(messages(gateway, 'stopped')).toMatchObject([{ callsEnded: 1, failed: ['SIP'] }]);
    expect(workers.filter(isAlive)).toEqual([]);
    expect(gateway.stderr).toBe('');
    lockDataDirectory(gateway.dataDirectory).release();
    await gateway.stop();
  });

  it.skipIf(!smallDiskIsPossible)(
    `ends well on a disk that is full${smallDiskIsPossible ? '' : ' (skipped: only root may mount one)'}`,
    async () => {
      const disk = await makeSmallDisk(4096);
      disks.push(disk);
      const gateway = await TestGateway.start({
        dataDirectory: disk.path,
        environment: { LANDBRIDGE_DRAIN_SECONDS: '1' },
      });
      gateways.push(gateway);
      const sessionId = await gateway.rest.createSession();
      const callers = [await gateway.rest.newcomer(sessionId), await gateway.rest.newcomer(sessionId)];
      const calling = [await call(gateway, callers[0]!.token), await call(gateway, callers[1]!.token)];
      const workers = gateway.workers();
      const filler = join(disk.path, 'filler');
      fill(filler);
      gateway.signal('SIGTERM');
      for (const phone of calling) {
        expect(await phone.ended).toMatchObject({ by: 'remote', reason: { text: 'gateway-stopping' } });
      }
      expect(await gateway.exited).toBe(0);
      expect(gateway.stderr).toBe('');
      expect(workers.filter(isAlive)).toEqual([]);
      // What could not be written is said once.
      for (const once of [
        'store unavailable',
        'could not free a participant’s slot yet',
        'facts were lost: the store did not take them before the end',
        'call records were lost',
      ]) {
        expect(messages(gateway, once), once).toHaveLength(1);
      }
      expect(messages(gateway, 'stopped')).toMatchObject([{ callsEnded: 2, failed: [] }]);
      expect(gateway.log.filter(({ level }) => level === 'error').map(({ msg }) => msg)).toHaveLength(4);

      const onFullDisk = await runGateway({ dataDirectory: disk.path });
      expect(onFullDisk).toMatchObject({
        code: 1,
        stderr:
          `landbridge: The data directory ${disk.path} cannot be used: its disk is full. ` +
          'Make room on it, or choose another data directory.\n',
      });

      rmSync(filler);
      lockDataDirectory(disk.path).release();
      const next = await gateway.restart();
      gateways.push(next);
      const again = await call(next, callers[0]!.token);
      expect(await next.rest.legs()).toHaveLength(1);
      await again.hangUp();
    },
  );
});
