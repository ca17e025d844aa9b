/** The gateway between a drachtio-server and a FreeSWITCH that are killed during calls, and come back. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { PhoneCall } from '../../src/softphone/phone-call.js';
import { hasOwnDrachtio, startDrachtio, type DrachtioForTests } from '../support/drachtio.js';
import type { EventFollower } from '../support/events.js';
import {
  expectChannels,
  hasOwnFreeSwitch,
  startFreeSwitch,
  type FreeSwitchForTests,
} from '../support/freeswitch.js';
import { expectNoChannels } from '../support/freeswitch-edge.js';
import { callGateway } from '../support/gateway-phone.js';
import { phoneHears, phoneHearsNot } from '../support/phone-hearing.js';
import { serversBeside } from '../support/servers-beside.js';
import { TestGateway } from '../support/start-gateway.js';
import { waitFor } from '../support/wait-for.js';

interface Phone {
  readonly participantId: string;
  readonly toneHz: number;
  readonly call: PhoneCall;
}

const isInstalled = hasOwnDrachtio && hasOwnFreeSwitch;
const reason = isInstalled ? '' : ' (skipped: drachtio-server and FreeSWITCH are not both installed)';

describe.skipIf(!isInstalled)(`the gateway between drachtio-server and FreeSWITCH${reason}`, () => {
  let drachtio: DrachtioForTests;
  let freeSwitch: FreeSwitchForTests;
  let gateway: TestGateway;
  let events: EventFollower;
  let sessionId: string;
  let phones: Phone[];

  async function start(environment: Record<string, string> = {}): Promise<void> {
    drachtio = (await startDrachtio())!;
    freeSwitch = (await startFreeSwitch())!;
    gateway = await TestGateway.start({
      beside: serversBeside({ drachtio, freeSwitch }),
      environment: {
        LANDBRIDGE_SIP_SERVER_LONGEST_RETRY_SECONDS: '1',
        LANDBRIDGE_EDGE_LONGEST_RETRY_SECONDS: '1',
        LANDBRIDGE_EDGE_HEALTH_SECONDS: '1',
        ...environment,
      },
    });
    events = await gateway.follow();
    sessionId = await gateway.rest.createSession();
  }

  beforeEach(() => {
    phones = [];
  });
  afterEach(async () => {
    await Promise.all(phones.map(({ call }) => call.close()));
    await events.close();
    await gateway.stop();
  });

  async function phone(toneHz: number): Promise<Phone> {
    const { id, token } = await gateway.rest.newcomer(sessionId);
    const one = { participantId: id, toneHz, call: await callGateway(gateway, token, { toneHz }) };
    phones.push(one);
    return one;
  }

  /** Two in the session that hear each other and not themselves. */
  async function pair(): Promise<[Phone, Phone]> {
    const [a, b] = [await phone(440), await phone(1000)];
    await Promise.all([phoneHears(a, b.toneHz), phoneHears(b, a.toneHz)]);
    await Promise.all([phoneHearsNot(a, a.toneHz), phoneHearsNot(b, b.toneHz)]);
    return [a, b];
  }

  const ready = async () => {
    const response = await fetch(`${gateway.origin}/ready`);
    return { status: response.status, text: await response.text() };
  };
  const isReady = (status: number) =>
    waitFor(`/ready says ${status}`, async () => (await ready()).status === status);

  async function leave(...reasons: string[]): Promise<void> {
    for (const { participantId } of phones) {
      const ofPhone = (event: { participantId: string | null }) => event.participantId === participantId;
      const left = await events.wait('participant.left', ofPhone);
      expect(left).toMatchObject({ sessionId, data: { legKind: 'phone', outcome: { endedBy: 'gateway' } } });
      expect(reasons).toContain(left.data.outcome.reason);
      expect(await events.wait('call.ended', ofPhone)).toMatchObject({
        data: { outcome: left.data.outcome },
      });
    }
    await gateway.idle();
  }

  async function hangUp(): Promise<void> {
    await Promise.all(phones.splice(0).map(({ call }) => call.hangUp()));
    await gateway.idle();
  }

  it('ends calls as media-lost with a BYE when FreeSWITCH is killed, is not ready, and takes calls when it is back', async () => {
    await start();
    const both = await pair();
    const ended = both.map(({ call }) => call.ended);
    await freeSwitch.kill();
    expect(await Promise.all(ended)).toMatchObject(both.map(() => ({ by: 'remote', why: 'hang-up' })));
    await leave('media-lost');
    await isReady(503);
    const { token } = await gateway.rest.newcomer(sessionId);
    await expect(callGateway(gateway, token)).rejects.toThrow();
    await freeSwitch.restart();
    await isReady(200);
    phones = [];
    await pair();
    await hangUp();
    await expectNoChannels(freeSwitch);
  }, 120_000);

  it('goes on with the media workers alone when FreeSWITCH is killed, where that is wanted', async () => {
    await start({ LANDBRIDGE_EDGE_FALLBACK: 'native' });
    await pair();
    await freeSwitch.kill();
    await leave('media-lost');
    expect((await ready()).status).toBe(200);
    phones = [];
    await pair();
    // Those who called meanwhile stay where they are.
    await freeSwitch.restart();
    await waitFor('it is used again', async () => {
      const line = [...(await gateway.metrics())].find(([name]) => name.includes('freeswitch_up'));
      return line?.[1] === 1;
    });
    const [a, b] = phones as [Phone, Phone];
    await Promise.all([phoneHears(a, b.toneHz), phoneHears(b, a.toneHz)]);
    const third = await phone(1700);
    await phoneHears(third, a.toneHz);
    await expectChannels(freeSwitch, 2);
    await hangUp();
  }, 120_000);

  it('hears on when drachtio-server is killed, is not ready, and ends the calls as connection-lost when it is back', async () => {
    await start();
    const [a, b] = await pair();
    await drachtio.kill();
    await isReady(503);
    // Sound takes another way.
    await Promise.all([phoneHears(a, b.toneHz), phoneHears(b, a.toneHz)]);
    expect(await gateway.rest.legs()).toHaveLength(2);
    await drachtio.restart();
    await leave('connection-lost');
    await isReady(200);
    await expectNoChannels(freeSwitch);
    await Promise.all(phones.splice(0).map(({ call }) => call.close()));
    await pair();
    await hangUp();
  }, 120_000);

  it('ends the calls after the grace when drachtio-server stays away', async () => {
    await start({ LANDBRIDGE_SIP_SERVER_GRACE_SECONDS: '1' });
    await pair();
    await drachtio.kill();
    await leave('connection-lost');
    await expectNoChannels(freeSwitch);
    expect(await ready()).toMatchObject({ status: 503, text: expect.stringContaining('is not connected') });
  }, 120_000);
});
