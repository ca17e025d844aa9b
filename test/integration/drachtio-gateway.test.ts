/** The gateway behind a real drachtio-server that is killed and comes back during calls. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import { describeWithOwnDrachtio, startDrachtio, type DrachtioForTests } from '../support/drachtio.js';
import type { EventFollower } from '../support/events.js';
import { callAndConnect } from '../support/gateway-phone.js';
import { serversBeside } from '../support/servers-beside.js';
import { TestGateway } from '../support/start-gateway.js';
import { waitFor } from '../support/wait-for.js';

describeWithOwnDrachtio('the gateway behind a drachtio-server', () => {
  let drachtio: DrachtioForTests;
  let gateway: TestGateway;
  let events: EventFollower;
  let token: string;
  beforeEach(async () => {
    const started = await startDrachtio();
    if (started === null) throw new Error('drachtio-server is not installed');
    drachtio = started;
    gateway = await TestGateway.start({
      beside: serversBeside({ drachtio }),
      environment: { LANDBRIDGE_SIP_SERVER_LONGEST_RETRY_SECONDS: '1' },
    });
    events = await gateway.follow();
    ({ token } = await gateway.rest.newcomer(await gateway.rest.createSession()));
  });
  afterEach(async () => {
    await events.close();
    await gateway.stop();
  });

  const ready = async (): Promise<unknown> => {
    const response = await fetch(`${gateway.origin}/ready`);
    return { status: response.status, text: await response.text() };
  };
  const up = async (): Promise<number | undefined> =>
    [...(await gateway.metrics())].find(([name]) => name.includes('drachtio_up'))?.[1];

  it('tells its port as ours, and is ready', async () => {
    expect(gateway.sipPort).toBe(drachtio.sipPort);
    expect(await ready()).toMatchObject({ status: 200 });
    expect(await up()).toBe(1);
  });

  it('loses it to kill -9 during a call: not ready, the call goes on, and ends when it is back', async () => {
    const phone = await callAndConnect(gateway, token);
    await drachtio.kill();
    await waitFor('it is not ready', async () => (await up()) === 0);
    expect(await ready()).toMatchObject({ status: 503, text: expect.stringContaining('is not connected') });
    expect(await gateway.rest.legs()).toHaveLength(1);
    await drachtio.restart();
    await events.wait('call.ended', () => true);
    await gateway.idle();
    await waitFor('it is ready', async () => (await up()) === 1);
    await phone.close();
    const next = await callAndConnect(gateway, token);
    await next.hangUp();
    await gateway.idle();
    expect(JSON.stringify(gateway.log)).not.toContain(drachtio.admin.secret);
  });

  it('hangs its calls up when it stops', async () => {
    const phone = await callAndConnect(gateway, token);
    const ended = phone.ended;
    await gateway.stop({ keepData: true });
    expect(await ended).toMatchObject({ by: 'remote', why: 'hang-up' });
  });
});
