/** drachtio-server with the configuration that the repository's entrypoint writes. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeWithOwnDrachtio, startDrachtio, type DrachtioForTests } from '../support/drachtio.js';

describeWithOwnDrachtio('the configuration of drachtio-server', () => {
  let drachtio: DrachtioForTests;
  beforeAll(async () => {
    drachtio = await start();
  });
  afterAll(() => drachtio.stop());

  async function start(environment: Readonly<Record<string, string>> = {}): Promise<DrachtioForTests> {
    const started = await startDrachtio({ environment });
    if (started === null) throw new Error('drachtio-server is not installed');
    return started;
  }

  /** The first answer to a login. */
  async function logIn(secret: string, to: DrachtioForTests): Promise<string> {
    const socket = connect(to.admin.port, to.admin.host);
    await once(socket, 'connect');
    const login = `${randomUUID()}|authenticate|${secret}`;
    socket.write(`${login.length}#${login}`);
    const [answer] = (await once(socket, 'data')) as [Buffer];
    socket.destroy();
    return answer.toString();
  }

  it('takes its secret and no other', async () => {
    expect(await logIn(drachtio.admin.secret, drachtio)).toMatch(/\|response\|[\w-]+\|OK\|/);
    expect(await logIn('cymru', drachtio)).toMatch(/\|NO\|incorrect secret/);
  });

  it('listens for SIP on UDP and TCP of its one address', async () => {
    const answer = await logIn(drachtio.admin.secret, drachtio);
    expect(answer).toContain(`udp/127.0.0.1:${drachtio.sipPort}`);
    expect(answer).toContain(`tcp/127.0.0.1:${drachtio.sipPort}`);
  });

  it('names its external address where it has one', async () => {
    const behindNat = await start({
      DRACHTIO_EXTERNAL_ADDRESS: '192.0.2.10',
      DRACHTIO_LOCAL_NETWORK: '127.0.0.0/8',
    });
    expect(await logIn(behindNat.admin.secret, behindNat)).toContain(`udp/192.0.2.10:${behindNat.sipPort}`);
    await behindNat.stop();
  });

  it('is back on the same ports after a kill', async () => {
    const before = drachtio.pid;
    await drachtio.kill();
    await drachtio.restart();
    expect(drachtio.pid).not.toBe(before);
    expect(await logIn(drachtio.admin.secret, drachtio)).toContain(`udp/127.0.0.1:${drachtio.sipPort}`);
  });

  it('writes neither its secret nor messages to its log, unless asked to', async () => {
    const quiet = await start({ DRACHTIO_LOGLEVEL: '' });
    expect(quiet.log).not.toContain('OPTIONS');
    expect(quiet.log).not.toContain(quiet.admin.secret);
    await quiet.stop();
  });
});
